use kernel::{Command, Decision, Facts, Money, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Order, OrderLine, OrderPlaced, OrderRejection, OrderState};
use crate::PaymentMethod;
use crate::texts::{PRICE_LARGEST, QUANTITY_LARGEST, TOTAL_LARGEST};

/// Most items of one order.
pub const ITEMS_MOST: usize = 100;

/// Places an order. What becomes of it is decided by the fulfilment: it reserves stock for every item and has the
/// payment authorised, and confirms or rejects the order.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateOrder {
    /// The order's id; one is made where none is given.
    pub order_id: Option<Uuid>,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// What is ordered, all in one currency.
    #[schemars(length(min = 1, max = ITEMS_MOST))]
    pub items: Vec<Item>,
    /// How it is to be paid.
    pub payment_method: PaymentMethod,
}

/// Some pieces of one product.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The product, of the catalog.
    pub product_id: Uuid,
    /// How many pieces, above 0.
    #[schemars(range(min = 1, max = QUANTITY_LARGEST))]
    pub quantity: i64,
    /// What one piece costs; 0 where it is given away.
    pub unit_price: Money,
}

impl Command for CreateOrder {
    const NAME: &'static str = "create-order";
    type Decider = Order;
    type Rejection = OrderRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.require(!self.items.is_empty(), "items", "empty");
        violations.require(self.items.len() <= ITEMS_MOST, "items", "too-many");
        let currency = self.items.first().map(|first| first.unit_price.currency);
        for (number, item) in self.items.iter().enumerate() {
            item.validate(violations, &format!("items[{number}]"));
            let same = Some(item.unit_price.currency) == currency;
            violations.require(same, format!("items[{number}].unit_price.currency"), "currency-mismatch");
        }
        if violations.is_empty() {
            violations.require(self.total().is_some(), "items", "too-large");
        }
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.order_id
    }

    fn decide(&self, state: &OrderState, facts: &Facts) -> Verdict<Self> {
        let (OrderState::Unknown, Some(total)) = (state, self.total()) else {
            return Err(OrderRejection::OrderExists);
        };
        let line = |item: &Item| OrderLine {
            product_id: item.product_id,
            quantity: item.quantity,
            unit_price: item.unit_price,
        };
        Ok(Decision::record(OrderPlaced {
            order_id: facts.id,
            customer_id: self.customer_id,
            items: self.items.iter().map(line).collect(),
            total,
            payment_method: self.payment_method.name().to_owned(),
        }))
    }
}

impl CreateOrder {
    /// What all of it costs, where there is something, it is of one currency and not beyond what can be paid.
    fn total(&self) -> Option<Money> {
        let mut amount: i64 = 0;
        for item in &self.items {
            amount = amount.checked_add(item.quantity.checked_mul(item.unit_price.amount)?)?;
        }
        let first = self.items.first()?;
        (amount <= TOTAL_LARGEST).then_some(Money::new(amount, first.unit_price.currency))
    }
}

impl Item {
    fn validate(&self, violations: &mut Violations, at: &str) {
        violations.positive(&format!("{at}.quantity"), self.quantity, QUANTITY_LARGEST);
        let price = format!("{at}.unit_price.amount");
        violations.require(self.unit_price.amount >= 0, &*price, "negative");
        violations.require(self.unit_price.amount <= PRICE_LARGEST, &*price, "too-large");
    }
}
