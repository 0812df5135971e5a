use kernel::{Command, Decision, Facts, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Stock, StockReceived, StockRejection, StockState, product_unless_stocked, require_product_unless_stocked,
};
use crate::texts::{LOCATION_LONGEST, QUANTITY_LARGEST, check_location, check_quantity, trimmed};

/// Takes in pieces of a product.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiveStock {
    /// The product.
    pub product_id: Uuid,
    /// Where they are.
    #[schemars(length(min = 1, max = LOCATION_LONGEST))]
    pub location: String,
    /// How many, above 0.
    #[schemars(range(min = 1, max = QUANTITY_LARGEST))]
    pub quantity: i64,
}

impl Command for ReceiveStock {
    const NAME: &'static str = "receive-stock";
    type Decider = Stock;
    type Rejection = StockRejection;

    fn validate(&self, violations: &mut Violations) {
        check_location(violations, "location", &self.location);
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
        let location = trimmed(&self.location);
        state.has_room_for(&location)?;
        Ok(Decision::record(StockReceived { product_id: self.product_id, location, quantity: self.quantity }))
    }
}
