use kernel::{Command, Decision, Facts, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Stock, StockRejection, StockReleased, StockState};

/// Ends a reservation: its pieces are available again.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseStock {
    /// The product.
    pub product_id: Uuid,
    /// The reservation.
    pub reservation_id: Uuid,
}

impl Command for ReleaseStock {
    const NAME: &'static str = "release-stock";
    type Decider = Stock;
    type Rejection = StockRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.product_id)
    }

    fn decide(&self, state: &StockState, _: &Facts) -> Verdict<Self> {
        let parts = state.reserved_under(self.reservation_id)?;
        Ok(Decision::record(StockReleased {
            product_id: self.product_id,
            reservation_id: self.reservation_id,
            parts,
        }))
    }
}
