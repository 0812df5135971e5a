//! The stock of one product, over all of its locations.
//!
//! It is one stream, so whatever happens to it happens in one order, and no concurrency can sell a piece twice.
//! A reservation sets pieces aside until they are shipped or released. What the goods do is a fact, whatever the
//! catalog says: stock of a discontinued product can be received, counted, moved, released and shipped, but not
//! reserved.

mod adjust;
mod levels;
mod receive;
mod release;
mod reserve;
mod ship;
mod transfer;

pub use adjust::AdjustStock;
pub use levels::{LocationLevel, StockLevels};
pub use receive::ReceiveStock;
pub use release::ReleaseStock;
pub use reserve::ReserveStock;
pub use ship::ShipStock;
pub use transfer::TransferStock;

use std::collections::{BTreeMap, VecDeque};

use kernel::{Decider, Facts, Reads};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Product, ProductState};

/// The stream of one product's stock; its id is the product's.
#[derive(Debug, Clone, Copy)]
pub struct Stock;

kernel::events! {
    /// What can happen to a product's stock.
    pub enum StockEvent in "schemas/catalog" {
        StockReceived, StockReserved, StockReleased, StockShipped, StockAdjusted, StockTransferred
    }
}

/// Some pieces at one location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockPart {
    /// Where.
    pub location: String,
    /// How many.
    pub quantity: i64,
}

/// Pieces came in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StockReceived {
    /// The product.
    pub product_id: Uuid,
    /// Where they are.
    pub location: String,
    /// How many.
    pub quantity: i64,
}

/// Pieces were set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StockReserved {
    /// The product.
    pub product_id: Uuid,
    /// The reservation.
    pub reservation_id: Uuid,
    /// Where they are set aside; never empty, each location once.
    pub parts: Vec<StockPart>,
}

/// Pieces that were set aside are available again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StockReleased {
    /// The product.
    pub product_id: Uuid,
    /// The reservation that has ended.
    pub reservation_id: Uuid,
    /// Where they are available again. Empty where nothing had been set aside under the id: then it is closed to a
    /// reservation that comes late.
    pub parts: Vec<StockPart>,
}

/// Pieces that were set aside left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StockShipped {
    /// The product.
    pub product_id: Uuid,
    /// The reservation that has ended.
    pub reservation_id: Uuid,
    /// Where they left.
    pub parts: Vec<StockPart>,
}

/// A stock-take found another number of pieces than the books had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StockAdjusted {
    /// The product.
    pub product_id: Uuid,
    /// Where it was counted.
    pub location: String,
    /// How many there are, reserved ones included.
    pub counted: i64,
    /// How many the books had.
    pub previous: i64,
    /// Why the books were wrong.
    pub reason: String,
}

/// Pieces went from one location to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StockTransferred {
    /// The product.
    pub product_id: Uuid,
    /// Where they were.
    pub from: String,
    /// Where they are.
    pub to: String,
    /// How many.
    pub quantity: i64,
}

/// How a product's stock stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StockState {
    /// How much there is and where; no location before the first piece.
    pub levels: StockLevels,
    /// What is set aside.
    pub reservations: BTreeMap<Uuid, Vec<StockPart>>,
    /// Reservations that have ended, latest last: their ids are not taken again.
    ended: VecDeque<Uuid>,
    /// Ids that were released before anything was reserved under them, latest last: they reserve nothing any more.
    closed: VecDeque<Uuid>,
}

kernel::rejections! {
    /// Why a stock command is refused.
    pub enum StockRejection {
        /// There is no such product.
        UnknownProduct = "unknown-product": "there is no product with this id",
        /// It is sold no longer.
        Discontinued = "discontinued": "the product is discontinued",
        /// More is asked for than is available.
        InsufficientStock = "insufficient-stock": "not enough is available",
        /// Nothing is set aside under this id.
        UnknownReservation = "unknown-reservation": "nothing is reserved under this id",
        /// It was released before it came.
        ReservationClosed = "reservation-closed": "the reservation was released before it was made",
        /// What is reserved has to be there.
        BelowReserved = "below-reserved": "more is reserved at this location than was counted",
        /// The product is kept at as many locations as it can be.
        TooManyLocations = "too-many-locations": "the product has stock at too many locations",
    }
}

impl Decider for Stock {
    const STREAM: &'static str = "stock";
    const STATE_VERSION: u32 = 2;
    type Event = StockEvent;
    type State = StockState;

    fn evolve(mut state: StockState, event: &StockEvent) -> StockState {
        state.levels.apply(event);
        match event {
            StockEvent::StockReserved(reserved) => {
                state.reservations.insert(reserved.reservation_id, reserved.parts.clone());
            }
            StockEvent::StockReleased(StockReleased { reservation_id, parts, .. }) if parts.is_empty() => {
                remember(&mut state.closed, *reservation_id);
            }
            StockEvent::StockReleased(StockReleased { reservation_id, .. })
            | StockEvent::StockShipped(StockShipped { reservation_id, .. }) => {
                state.reservations.remove(reservation_id);
                remember(&mut state.ended, *reservation_id);
            }
            StockEvent::StockReceived(_) | StockEvent::StockAdjusted(_) | StockEvent::StockTransferred(_) => {
            }
        }
        state
    }
}

impl StockState {
    /// How many ended reservations are remembered, so that a repeated `reserve-stock` does not reserve anew; and as
    /// many that were closed before they were made.
    /// Older ones are forgotten, which keeps the state of a product small however often it is sold.
    pub const ENDED_REMEMBERED: usize = 4_000;
    /// At how many locations one product can be.
    pub const LOCATIONS_MOST: usize = 1_000;

    /// Whether this id is or was a reservation.
    fn has_seen(&self, reservation_id: Uuid) -> bool {
        self.reservations.contains_key(&reservation_id) || self.ended.contains(&reservation_id)
    }

    /// What is set aside under this id.
    fn reserved_under(&self, reservation_id: Uuid) -> Result<Vec<StockPart>, StockRejection> {
        self.reservations.get(&reservation_id).cloned().ok_or(StockRejection::UnknownReservation)
    }

    fn has_room_for(&self, location: &str) -> Result<(), StockRejection> {
        let known = self.levels.at(location).is_some();
        if known || self.levels.locations.len() < Self::LOCATIONS_MOST {
            Ok(())
        } else {
            Err(StockRejection::TooManyLocations)
        }
    }

    /// Where no piece has ever been, only the product itself can say whether it exists.
    fn never_stocked(&self) -> bool {
        self.levels.locations.is_empty()
    }
}

fn remember(ids: &mut VecDeque<Uuid>, id: Uuid) {
    if ids.len() == StockState::ENDED_REMEMBERED {
        ids.pop_front();
    }
    ids.push_back(id);
}

/// The product, where its stock does not prove yet that it exists.
fn product_unless_stocked(id: Uuid, state: &StockState) -> Reads {
    if state.never_stocked() { Reads::of::<Product>(id) } else { Reads::none() }
}

fn require_product_unless_stocked(state: &StockState, facts: &Facts) -> Result<(), StockRejection> {
    if state.never_stocked() && *facts.state::<Product>(facts.id) == ProductState::Unknown {
        return Err(StockRejection::UnknownProduct);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
