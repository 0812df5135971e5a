//! How much there is, where, and how much of it is set aside: one fold, for the rules and for the views.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{StockEvent, StockPart};

/// The stock of one product. The sums are those of the locations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockLevels {
    /// How many pieces there are.
    pub total: i64,
    /// How many of them nobody has reserved.
    pub available: i64,
    /// How many of them are reserved.
    pub reserved: i64,
    /// Where they are, by name; a location stays listed when its last piece has gone.
    pub locations: Vec<LocationLevel>,
}

/// The stock at one location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocationLevel {
    /// Its name.
    pub location: String,
    /// How many pieces there are.
    pub total: i64,
    /// How many of them nobody has reserved.
    pub available: i64,
    /// How many of them are reserved.
    pub reserved: i64,
}

impl StockLevels {
    /// The stock at a location, where there has ever been any.
    pub fn at(&self, location: &str) -> Option<&LocationLevel> {
        let index = self.position(location).ok()?;
        self.locations.get(index)
    }

    /// How much is available at a location.
    pub fn available_at(&self, location: &str) -> i64 {
        self.at(location).map_or(0, |level| level.available)
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: &StockEvent) {
        match event {
            StockEvent::StockReceived(received) => self.add(&received.location, received.quantity, 0),
            StockEvent::StockReserved(reserved) => self.add_parts(&reserved.parts, 0, 1),
            StockEvent::StockReleased(released) => self.add_parts(&released.parts, 0, -1),
            StockEvent::StockShipped(shipped) => self.add_parts(&shipped.parts, -1, -1),
            StockEvent::StockAdjusted(adjusted) => {
                self.add(&adjusted.location, adjusted.counted - adjusted.previous, 0);
            }
            StockEvent::StockTransferred(transferred) => {
                self.add(&transferred.from, -transferred.quantity, 0);
                self.add(&transferred.to, transferred.quantity, 0);
            }
        }
    }

    fn add_parts(&mut self, parts: &[StockPart], to_total: i64, to_reserved: i64) {
        for part in parts {
            self.add(&part.location, to_total * part.quantity, to_reserved * part.quantity);
        }
    }

    fn add(&mut self, location: &str, total: i64, reserved: i64) {
        let index = self.position(location).unwrap_or_else(|index| {
            let name = location.to_owned();
            self.locations
                .insert(index, LocationLevel { location: name, total: 0, available: 0, reserved: 0 });
            index
        });
        if let Some(level) = self.locations.get_mut(index) {
            level.total += total;
            level.reserved += reserved;
            level.available = level.total - level.reserved;
        }
        self.total += total;
        self.reserved += reserved;
        self.available = self.total - self.reserved;
    }

    fn position(&self, location: &str) -> Result<usize, usize> {
        self.locations.binary_search_by(|level| level.location.as_str().cmp(location))
    }
}
