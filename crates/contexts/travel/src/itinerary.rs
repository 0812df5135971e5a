//! An item of an itinerary: what is planned, when and where.

mod drop;
mod plan;

pub use drop::DropItineraryItem;
pub use plan::PlanItineraryItem;

use kernel::{Decider, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stream of one item of a group's itinerary.
#[derive(Debug, Clone, Copy)]
pub struct Item;

kernel::events! {
    /// What can happen to an item of an itinerary.
    pub enum ItemEvent in "schemas/travel" { ItineraryItemPlanned, ItineraryItemDropped }
}

/// Something was planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItineraryItemPlanned {
    /// The group.
    pub group_id: Uuid,
    /// The item.
    pub item_id: Uuid,
    /// What.
    pub title: String,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Option<Timestamp>,
    /// Where.
    pub place: Option<String>,
}

/// It will not be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItineraryItemDropped {
    /// The group.
    pub group_id: Uuid,
    /// The item.
    pub item_id: Uuid,
}

/// Where an item stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum ItemState {
    /// There is none.
    #[default]
    Unknown,
    /// It is planned.
    Planned,
    /// It was planned once.
    Dropped,
}

kernel::rejections! {
    /// Why an item's command is refused.
    pub enum ItemRejection {
        /// There is no such group.
        UnknownGroup = "unknown-group": "there is no group with this id",
        /// It has settled up.
        GroupClosed = "group-closed": "the group has settled up and is closed",
        /// The id is in use.
        ItemExists = "item-exists": "the itinerary has or had an item with this id",
        /// There is no such item.
        UnknownItem = "unknown-item": "the itinerary has no item with this id",
        /// The group does not travel then.
        OutsideWindow = "outside-window": "this does not lie within the days of the trip",
    }
}

crate::group::needs_a_group!(ItemRejection);

impl Decider for Item {
    const STREAM: &'static str = "item";
    const STATE_VERSION: u32 = 1;
    type Event = ItemEvent;
    type State = ItemState;

    fn evolve(_: ItemState, event: &ItemEvent) -> ItemState {
        match event {
            ItemEvent::ItineraryItemPlanned(_) => ItemState::Planned,
            ItemEvent::ItineraryItemDropped(_) => ItemState::Dropped,
        }
    }
}

#[cfg(test)]
mod tests;
