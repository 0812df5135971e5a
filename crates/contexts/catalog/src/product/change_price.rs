use kernel::{Command, Decision, Facts, Money, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{PriceChanged, Product, ProductRejection, ProductState, check_price};

/// Gives a product another price in the currency that it has.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePrice {
    /// The product.
    pub product_id: Uuid,
    /// What it costs from now on, above 0.
    pub price: Money,
}

impl Command for ChangePrice {
    const NAME: &'static str = "change-price";
    type Decider = Product;
    type Rejection = ProductRejection;

    fn validate(&self, violations: &mut Violations) {
        check_price(violations, self.price);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.product_id)
    }

    fn decide(&self, state: &ProductState, _: &Facts) -> Verdict<Self> {
        let offer = state.offered()?;
        if self.price.currency != offer.price.currency {
            return Err(ProductRejection::CurrencyMismatch);
        }
        if self.price == offer.price {
            return Ok(Decision::nothing());
        }
        Ok(Decision::record(PriceChanged {
            product_id: self.product_id,
            price: self.price,
            previous_price: offer.price,
        }))
    }
}
