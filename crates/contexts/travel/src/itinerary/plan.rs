use kernel::{Command, Decision, Facts, Reads, Timestamp, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Item, ItemRejection, ItemState, ItineraryItemPlanned};
use crate::Group;
use crate::group::travellers;
use crate::limits::{PLACE_LONGEST, TITLE_LONGEST, trimmed};

/// Puts something on a group's itinerary, within the days of the trip.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanItineraryItem {
    /// The group.
    pub group_id: Uuid,
    /// The item's id; one is made where none is given.
    pub item_id: Option<Uuid>,
    /// What.
    #[schemars(length(min = 1, max = TITLE_LONGEST))]
    pub title: String,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when; not before it starts.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// Where.
    #[serde(default)]
    #[schemars(length(min = 1, max = PLACE_LONGEST))]
    pub place: Option<String>,
}

impl Command for PlanItineraryItem {
    const NAME: &'static str = "plan-itinerary-item";
    type Decider = Item;
    type Rejection = ItemRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.line("title", &self.title, TITLE_LONGEST);
        if let Some(place) = &self.place {
            violations.line("place", place, PLACE_LONGEST);
        }
        let ends_later = self.ends_at.is_none_or(|ends_at| ends_at >= self.starts_at);
        violations.require(ends_later, "ends_at", "before-start");
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.item_id
    }

    fn owner(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, _: Uuid, _: &ItemState) -> Reads {
        Reads::of::<Group>(self.group_id)
    }

    fn decide(&self, state: &ItemState, facts: &Facts) -> Verdict<Self> {
        let window = travellers(facts, self.group_id)?.window;
        if *state != ItemState::Unknown {
            return Err(ItemRejection::ItemExists);
        }
        if !window.holds(self.starts_at) || self.ends_at.is_some_and(|ends_at| !window.holds(ends_at)) {
            return Err(ItemRejection::OutsideWindow);
        }
        Ok(Decision::record(ItineraryItemPlanned {
            group_id: self.group_id,
            item_id: facts.id,
            title: trimmed(&self.title),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            place: self.place.as_deref().map(trimmed),
        }))
    }
}
