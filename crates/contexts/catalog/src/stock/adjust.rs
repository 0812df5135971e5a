use kernel::{Command, Decision, Facts, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Stock, StockAdjusted, StockRejection, StockState, product_unless_stocked, require_product_unless_stocked,
};
use crate::texts::{
    LOCATION_LONGEST, QUANTITY_LARGEST, REASON_LONGEST, check_location, check_reason, trimmed,
};

/// A stock-take: sets the books at a location to what was counted there, reserved pieces included.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustStock {
    /// The product.
    pub product_id: Uuid,
    /// Where it was counted.
    #[schemars(length(min = 1, max = LOCATION_LONGEST))]
    pub location: String,
    /// How many pieces there are; never fewer than are reserved there.
    #[schemars(range(min = 0, max = QUANTITY_LARGEST))]
    pub counted: i64,
    /// Why the books were wrong.
    #[schemars(length(min = 1, max = REASON_LONGEST))]
    pub reason: String,
}

impl Command for AdjustStock {
    const NAME: &'static str = "adjust-stock";
    type Decider = Stock;
    type Rejection = StockRejection;

    fn validate(&self, violations: &mut Violations) {
        check_location(violations, "location", &self.location);
        violations.require(self.counted >= 0, "counted", "negative");
        violations.require(self.counted <= QUANTITY_LARGEST, "counted", "too-large");
        check_reason(violations, &self.reason);
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
        let (previous, reserved) =
            state.levels.at(&location).map_or((0, 0), |level| (level.total, level.reserved));
        if self.counted < reserved {
            return Err(StockRejection::BelowReserved);
        }
        if self.counted == previous {
            return Ok(Decision::nothing());
        }
        state.has_room_for(&location)?;
        Ok(Decision::record(StockAdjusted {
            product_id: self.product_id,
            location,
            counted: self.counted,
            previous,
            reason: trimmed(&self.reason),
        }))
    }
}
