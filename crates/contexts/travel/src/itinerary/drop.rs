use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Item, ItemRejection, ItemState, ItineraryItemDropped};
use crate::Group;
use crate::group::travellers;

/// Takes something off a group's itinerary.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropItineraryItem {
    /// The group.
    pub group_id: Uuid,
    /// The item.
    pub item_id: Uuid,
}

impl Command for DropItineraryItem {
    const NAME: &'static str = "drop-itinerary-item";
    type Decider = Item;
    type Rejection = ItemRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.item_id)
    }

    fn owner(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, _: Uuid, _: &ItemState) -> Reads {
        Reads::of::<Group>(self.group_id)
    }

    fn decide(&self, state: &ItemState, facts: &Facts) -> Verdict<Self> {
        travellers(facts, self.group_id)?;
        if *state != ItemState::Planned {
            return Err(ItemRejection::UnknownItem);
        }
        Ok(Decision::record(ItineraryItemDropped { group_id: self.group_id, item_id: self.item_id }))
    }
}
