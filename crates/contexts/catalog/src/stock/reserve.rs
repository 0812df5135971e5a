use std::cmp::Reverse;

use kernel::{Command, Decision, Facts, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{LocationLevel, Stock, StockLevels, StockPart, StockRejection, StockReserved, StockState};
use crate::texts::{LOCATION_LONGEST, QUANTITY_LARGEST, check_location, check_quantity, trimmed};
use crate::{Product, ProductState};

/// Sets pieces aside until they are shipped or released. An id that is or was a reservation of the product
/// changes nothing; one that was released before it came is refused.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReserveStock {
    /// The product.
    pub product_id: Uuid,
    /// Where. When it is left out, the location with the most available is taken, the first by name of several;
    /// when one is not enough, the next is taken too, so that as few locations as possible take part.
    #[serde(default)]
    #[schemars(length(min = 1, max = LOCATION_LONGEST))]
    pub location: Option<String>,
    /// How many, above 0.
    #[schemars(range(min = 1, max = QUANTITY_LARGEST))]
    pub quantity: i64,
    /// The reservation's id, chosen by who asks.
    pub reservation_id: Uuid,
}

impl Command for ReserveStock {
    const NAME: &'static str = "reserve-stock";
    type Decider = Stock;
    type Rejection = StockRejection;

    fn validate(&self, violations: &mut Violations) {
        if let Some(location) = &self.location {
            check_location(violations, "location", location);
        }
        check_quantity(violations, self.quantity);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.product_id)
    }

    fn reads(&self, id: Uuid, _: &StockState) -> Reads {
        Reads::of::<Product>(id)
    }

    fn decide(&self, state: &StockState, facts: &Facts) -> Verdict<Self> {
        if state.has_seen(self.reservation_id) {
            return Ok(Decision::nothing());
        }
        if state.closed.contains(&self.reservation_id) {
            return Err(StockRejection::ReservationClosed);
        }
        match facts.state::<Product>(self.product_id) {
            ProductState::Unknown => return Err(StockRejection::UnknownProduct),
            ProductState::Discontinued => return Err(StockRejection::Discontinued),
            ProductState::Offered(_) => {}
        }
        let parts = match &self.location {
            Some(location) => take_from(&state.levels, &trimmed(location), self.quantity),
            None => take_from_the_fullest(&state.levels, self.quantity),
        };
        Ok(Decision::record(StockReserved {
            product_id: self.product_id,
            reservation_id: self.reservation_id,
            parts: parts.ok_or(StockRejection::InsufficientStock)?,
        }))
    }
}

fn take_from(levels: &StockLevels, location: &str, quantity: i64) -> Option<Vec<StockPart>> {
    let enough = levels.available_at(location) >= quantity;
    enough.then(|| vec![StockPart { location: location.to_owned(), quantity }])
}

fn take_from_the_fullest(levels: &StockLevels, quantity: i64) -> Option<Vec<StockPart>> {
    let mut fullest: Vec<&LocationLevel> =
        levels.locations.iter().filter(|level| level.available > 0).collect();
    fullest.sort_by_key(|level| Reverse(level.available));
    let mut missing = quantity;
    let mut parts = Vec::new();
    for level in fullest {
        if missing == 0 {
            break;
        }
        let taken = level.available.min(missing);
        parts.push(StockPart { location: level.location.clone(), quantity: taken });
        missing -= taken;
    }
    (missing == 0).then_some(parts)
}
