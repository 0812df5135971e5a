use kernel::{Command, Decision, Facts, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Stock, StockRejection, StockShipped, StockState};

/// Ends a reservation: its pieces leave.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipStock {
    /// The product.
    pub product_id: Uuid,
    /// The reservation.
    pub reservation_id: Uuid,
}

impl Command for ShipStock {
    const NAME: &'static str = "ship-stock";
    type Decider = Stock;
    type Rejection = StockRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.product_id)
    }

    fn decide(&self, state: &StockState, _: &Facts) -> Verdict<Self> {
        let parts = state.reserved_under(self.reservation_id)?;
        Ok(Decision::record(StockShipped {
            product_id: self.product_id,
            reservation_id: self.reservation_id,
            parts,
        }))
    }
}
