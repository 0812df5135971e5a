use kernel::{Command, Decision, Facts, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Stock, StockRejection, StockState, StockTransferred, product_unless_stocked,
    require_product_unless_stocked,
};
use crate::texts::{LOCATION_LONGEST, QUANTITY_LARGEST, check_location, check_quantity, trimmed};

/// Moves pieces from one location to another. Only what is available there moves: a reservation stays put.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferStock {
    /// The product.
    pub product_id: Uuid,
    /// Where they are.
    #[schemars(length(min = 1, max = LOCATION_LONGEST))]
    pub from: String,
    /// Where they go, another location.
    #[schemars(length(min = 1, max = LOCATION_LONGEST))]
    pub to: String,
    /// How many, above 0.
    #[schemars(range(min = 1, max = QUANTITY_LARGEST))]
    pub quantity: i64,
}

impl Command for TransferStock {
    const NAME: &'static str = "transfer-stock";
    type Decider = Stock;
    type Rejection = StockRejection;

    fn validate(&self, violations: &mut Violations) {
        check_location(violations, "from", &self.from);
        check_location(violations, "to", &self.to);
        violations.require(self.from.trim() != self.to.trim(), "to", "same-location");
        check_quantity(violations, self.quantity);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.product_id)
    }

    fn reads(&self, id: Uuid, state: &StockState) -> Reads {
        product_unless_stocked(id, state)
    }

    fn decide(&self, state: &StockState, facts: &Facts) -> Verdict<Self> {
        require_product_unless_stocked(state, facts)?;
        let (from, to) = (trimmed(&self.from), trimmed(&self.to));
        if state.levels.available_at(&from) < self.quantity {
            return Err(StockRejection::InsufficientStock);
        }
        state.has_room_for(&to)?;
        Ok(Decision::record(StockTransferred {
            product_id: self.product_id,
            from,
            to,
            quantity: self.quantity,
        }))
    }
}
