use kernel::{Keys, ReadStore, Recorded, RowKey, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ItemEvent, TravelEvent};

/// What is planned.
#[derive(Debug, Clone, Copy)]
pub struct Itinerary;

/// Something that is planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ItemRow {
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
    /// `starts_at` in microseconds since 1970: what lists are sorted by. Not shown.
    #[schemars(skip)]
    pub starts: i64,
}

impl View for Itinerary {
    const NAME: &'static str = "travel-itinerary";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = TravelEvent;
    type Row = ItemRow;

    fn keys(event: &Recorded<TravelEvent>) -> Keys {
        let TravelEvent::Item(event) = &event.event else { return Keys::None };
        let (group, item) = match event {
            ItemEvent::ItineraryItemPlanned(event) => (event.group_id, event.item_id),
            ItemEvent::ItineraryItemDropped(event) => (event.group_id, event.item_id),
        };
        Keys::one(format!("{group}/{item}"))
    }

    fn evolve(
        _: &RowKey,
        row: Option<ItemRow>,
        event: &Recorded<TravelEvent>,
    ) -> Result<Option<ItemRow>, Unfoldable> {
        let TravelEvent::Item(event) = &event.event else { return Ok(row) };
        Ok(match event {
            ItemEvent::ItineraryItemPlanned(planned) => Some(ItemRow {
                group_id: planned.group_id,
                item_id: planned.item_id,
                title: planned.title.clone(),
                starts_at: planned.starts_at,
                ends_at: planned.ends_at,
                place: planned.place.clone(),
                starts: planned.starts_at.micros(),
            }),
            ItemEvent::ItineraryItemDropped(_) => None,
        })
    }
}
