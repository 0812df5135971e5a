use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Stock, StockRejection, StockReleased, StockState, product_unless_stocked};
use crate::{Product, ProductState};

/// Ends a reservation: its pieces are available again.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseStock {
    /// The product.
    pub product_id: Uuid,
    /// The reservation.
    pub reservation_id: Uuid,
    /// Asks that nothing be reserved under this id from here on, whether or not something is: where nothing is, the
    /// id is closed, and a reservation that is still on its way will be refused. For who cannot know whether it has
    /// arrived. Without it, nothing to release is a refusal.
    #[serde(default)]
    pub even_if_unknown: bool,
}

impl Command for ReleaseStock {
    const NAME: &'static str = "release-stock";
    type Decider = Stock;
    type Rejection = StockRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.product_id)
    }

    fn reads(&self, id: Uuid, state: &StockState) -> Reads {
        if self.even_if_unknown { product_unless_stocked(id, state) } else { Reads::none() }
    }

    fn decide(&self, state: &StockState, facts: &Facts) -> Verdict<Self> {
        let parts = match state.reserved_under(self.reservation_id) {
            Ok(parts) => parts,
            Err(unknown) if !self.even_if_unknown => return Err(unknown),
            Err(_) if self.cannot_come(state, facts) => return Ok(Decision::nothing()),
            Err(_) => Vec::new(),
        };
        Ok(Decision::record(StockReleased {
            product_id: self.product_id,
            reservation_id: self.reservation_id,
            parts,
        }))
    }
}

impl ReleaseStock {
    /// Whether nothing will be reserved under the id anyway: it has been used or closed, or there is no product.
    fn cannot_come(&self, state: &StockState, facts: &Facts) -> bool {
        state.has_seen(self.reservation_id)
            || state.closed.contains(&self.reservation_id)
            || state.never_stocked() && *facts.state::<Product>(self.product_id) == ProductState::Unknown
    }
}
