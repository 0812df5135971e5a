use kernel::testing::{DeciderCase, given, given_nothing};

use super::*;
use crate::Group;
use crate::scene::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn plan() -> PlanItineraryItem {
    PlanItineraryItem {
        group_id: GROUP,
        item_id: Some(MUSEUM),
        title: " Museum ".into(),
        starts_at: at("2026-07-02T10:00:00Z"),
        ends_at: None,
        place: None,
    }
}

fn planned() -> ItineraryItemPlanned {
    ItineraryItemPlanned {
        group_id: GROUP,
        item_id: MUSEUM,
        title: "Museum".into(),
        starts_at: at("2026-07-02T10:00:00Z"),
        ends_at: None,
        place: None,
    }
}

const DROP: DropItineraryItem = DropItineraryItem { group_id: GROUP, item_id: MUSEUM };
const DROPPED: ItineraryItemDropped = ItineraryItemDropped { group_id: GROUP, item_id: MUSEUM };

fn of_group(events: impl IntoIterator<Item = ItemEvent>) -> DeciderCase<Item> {
    given::<Item, _>(events).and_stream::<Group, _>(GROUP, three())
}

#[test]
fn something_is_planned_and_dropped_again() {
    of_group([]).when(&plan()).then([planned()]);
    of_group([planned().into()]).when(&DROP).then([DROPPED]);
}

#[test]
fn an_item_without_an_id_gets_the_one_that_was_made_for_it() {
    of_group([]).made_id(MUSEUM).when(&PlanItineraryItem { item_id: None, ..plan() }).then([planned()]);
}

#[test]
fn an_item_lies_within_the_days_of_the_trip() {
    let plan_at = |from: &str, to: Option<&str>| PlanItineraryItem {
        starts_at: at(from),
        ends_at: to.map(at),
        ..plan()
    };
    for (from, to) in [
        ("2026-06-30T23:59:59Z", None),
        ("2026-07-11T00:00:00Z", None),
        ("2026-07-10T20:00:00Z", Some("2026-07-11T00:00:00Z")),
        ("2026-07-01T01:00:00+02:00", None),
    ] {
        of_group([]).when(&plan_at(from, to)).then_refused(&ItemRejection::OutsideWindow);
    }
    let (from, to) = ("2026-07-01T00:00:00Z", "2026-07-10T23:59:59Z");
    let whole = ItineraryItemPlanned { starts_at: at(from), ends_at: Some(at(to)), ..planned() };
    of_group([]).when(&plan_at(from, Some(to))).then([whole]);
}

#[test]
fn an_item_does_not_end_before_it_starts() {
    let backwards = PlanItineraryItem { ends_at: Some(at("2026-07-02T09:59:59Z")), ..plan() };
    of_group([]).when(&backwards).then_invalid("ends_at", "before-start");
}

#[test]
fn an_item_has_a_title_and_where_it_has_a_place_that_says_something() {
    of_group([]).when(&PlanItineraryItem { title: String::new(), ..plan() }).then_invalid("title", "empty");
    let nowhere = PlanItineraryItem { place: Some(" ".into()), ..plan() };
    of_group([]).when(&nowhere).then_invalid("place", "empty");
}

#[test]
fn an_id_is_planned_once_and_dropped_once() {
    of_group([planned().into()]).when(&plan()).then_refused(&ItemRejection::ItemExists);
    let dropped: [ItemEvent; 2] = [planned().into(), DROPPED.into()];
    of_group(dropped.clone()).when(&plan()).then_refused(&ItemRejection::ItemExists);
    of_group(dropped).when(&DROP).then_refused(&ItemRejection::UnknownItem);
    of_group([]).when(&DROP).then_refused(&ItemRejection::UnknownItem);
}

#[test]
fn a_group_plans_until_it_has_settled_up() {
    given_nothing::<Item>().when(&plan()).then_refused(&ItemRejection::UnknownGroup);
    given_nothing::<Item>().when(&DROP).then_refused(&ItemRejection::UnknownGroup);
    let after = || given::<Item, _>([planned()]).and_stream::<Group, _>(GROUP, closed());
    after().when(&plan()).then_refused(&ItemRejection::GroupClosed);
    after().when(&DROP).then_refused(&ItemRejection::GroupClosed);
}
