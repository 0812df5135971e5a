//! What has to be found when something of a history that holds is changed.

mod scene;

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::history::{About, Answer, FaultTold, Outcome};
use crate::observed::{Event, Record};
use scene::{Scene, call, event, operation, place, scene, stock};

#[test]
fn what_holds_is_said_to_hold() {
    assert_eq!(scene().broken(), []);
}

#[test]
fn an_acknowledged_event_that_is_lost_is_found() {
    let mut scene = scene();
    scene.events().pop();
    scene.records().pop();
    scene.observed.heads.values_mut().for_each(|head| *head = 2);
    assert!(scene.broken().contains(&Rule::Once));
}

#[test]
fn an_event_that_nobody_asked_for_is_found() {
    let mut scene = scene();
    scene.entries.remove(1);
    assert_eq!(scene.broken(), [Rule::Once]);
}

#[test]
fn a_refused_command_that_has_an_effect_is_found() {
    let mut scene = scene();
    scene.command(1).outcome = Outcome::Refused { status: 503, code: "unavailable".to_owned() };
    assert_eq!(scene.broken(), [Rule::Once]);
}

#[test]
fn of_an_unknown_outcome_both_a_whole_effect_and_none_are_right() {
    let mut scene = scene();
    scene.command(1).outcome = Outcome::Unknown { why: "no answer in time".to_owned() };
    assert_eq!(scene.broken(), []);
    scene.entries.push(call(9, "catalog/receive-stock", json!({}), Outcome::Unknown { why: String::new() }));
    assert_eq!(scene.broken(), []);
}

#[test]
fn a_command_with_two_effects_is_found() {
    let mut scene = scene();
    scene.events()[2].correlation = operation(2);
    assert!(scene.broken().contains(&Rule::Once));
    // Nor may one of which nothing is known have two.
    scene.command(1).outcome = Outcome::Unknown { why: String::new() };
    assert!(scene.broken().contains(&Rule::Once));
}

#[test]
fn a_second_answer_that_is_another_is_found() {
    let mut scene = scene();
    let mut again = scene.entries[2].clone();
    if let Entry::Command(call) = &mut again {
        let first = place(2);
        call.outcome = Outcome::Ok {
            place: first,
            stream: "stock-aa".to_owned(),
            version: 1,
            events: vec![operation(8)],
        };
    }
    scene.entries.push(again);
    assert!(scene.broken().contains(&Rule::Once));
}

#[test]
fn a_refusal_after_the_effect_is_found() {
    let mut scene = scene();
    let mut again = scene.entries[2].clone();
    if let Entry::Command(call) = &mut again {
        (call.invoked, call.returned) = (6_000_000, 6_001_000);
        call.outcome = Outcome::Refused { status: 409, code: "insufficient-stock".to_owned() };
    }
    scene.entries.push(again);
    assert!(scene.broken().contains(&Rule::Once));
}

#[test]
fn a_key_that_does_for_another_body_is_found() {
    let mut scene = scene();
    let mut again = scene.entries[2].clone();
    if let Entry::Command(call) = &mut again {
        call.misuse = true;
    }
    scene.entries.push(again);
    assert_eq!(scene.broken(), [Rule::Once]);
}

#[test]
fn holes_versions_and_times_of_a_log_are_looked_at() {
    let changes: [fn(&mut Event); 4] = [
        |event| event.sequence = 4,
        |event| event.version = 3,
        |event| event.recorded = 1,
        |event| event.id = Uuid::from_u64_pair(2, 1),
    ];
    for change in changes {
        let mut scene = scene();
        change(&mut scene.events()[2]);
        assert!(scene.broken().contains(&Rule::Log));
    }
}

#[test]
fn a_topic_that_is_out_of_order_or_lacks_or_changes_something_is_found() {
    let changes: [fn(&mut Vec<Record>); 5] = [
        |records| records.swap(1, 2),
        |records| drop(records.pop()),
        |records| drop(records.remove(1)),
        |records| records[1].body.push(0),
        |records| records[1].key.push('x'),
    ];
    for change in changes {
        let mut scene = scene();
        change(scene.records());
        assert_eq!(scene.broken(), [Rule::Topic]);
    }
}

#[test]
fn records_may_come_again_and_garbage_may_come_between() {
    let mut scene = scene();
    let again = scene.records()[0].clone();
    scene.records().push(again);
    scene.records().push(Record::default());
    assert_eq!(scene.broken(), []);
}

#[test]
fn a_beginning_may_be_missing_that_the_trial_deleted() {
    let mut scene = scene();
    scene.records().remove(0);
    assert_eq!(scene.broken(), [Rule::Topic]);
    let what = serde_json::to_string(&Trimmed { trimmed: "catalog".to_owned(), lane: 0 }).unwrap();
    scene.entries.push(Entry::Fault(FaultTold { at: 1, what }));
    assert_eq!(scene.broken(), []);
    scene.records().remove(1);
    assert_eq!(scene.broken(), [Rule::Topic]);
}

#[test]
fn an_illegal_event_is_found() {
    let mut scene = scene();
    scene.events()[2].data["parts"][0]["quantity"] = json!(6);
    assert!(scene.broken().contains(&Rule::Legal));
    let mut scene = self::scene();
    let taken = json!({"product_id": "other", "sku": "s"});
    scene.events()[2] = event(3, "product-bb", 1, "ProductCreated", taken);
    assert!(scene.broken().contains(&Rule::Legal));
}

#[test]
fn a_refusal_without_a_reason_is_found() {
    let mut scene = scene();
    scene.command(3).body = json!({"quantity": 2});
    assert_eq!(scene.broken(), [Rule::Refusal]);
    // Before the three were reserved there was enough, and after it there was not: either was true in between.
    scene.command(3).body = json!({"quantity": 3});
    scene.command(3).invoked = 2_500_000;
    assert_eq!(scene.broken(), []);
    scene.command(3).returned = 2_700_000;
    assert_eq!(scene.broken(), [Rule::Refusal]);
}

#[test]
fn an_order_against_real_time_is_found() {
    let mut scene = scene();
    (scene.command(0).invoked, scene.command(0).returned) = (4_500_000, 4_600_000);
    assert_eq!(scene.broken(), [Rule::RealTime]);
}

#[test]
fn an_answer_that_is_not_the_fold_up_to_where_it_says_is_found() {
    let mut scene = scene();
    scene.query(1).answer = stock(3, 5, 0, 0);
    assert_eq!(scene.broken(), [Rule::Prefix]);
    scene.query(1).answer = stock(3, 5, 3, 2);
    assert_eq!(scene.broken(), [Rule::Prefix]);
    scene.query(1).answer = Answer::Seen { reflects: Some(place(3)), parked: None, seen: Value::Null };
    assert_eq!(scene.broken(), [Rule::Prefix]);
    scene.query(1).answer = Answer::Seen { reflects: None, parked: None, seen: Value::Null };
    assert_eq!(scene.broken(), [Rule::Prefix]);
}

#[test]
fn a_row_that_says_that_it_lacks_events_may_be_as_it_was_before_them() {
    let mut scene = scene();
    let old = stock(3, 5, 0, 0);
    let Answer::Seen { reflects, seen, .. } = old else { panic!() };
    scene.query(1).answer = Answer::Seen { reflects: reflects.clone(), parked: Some(3), seen: seen.clone() };
    assert_eq!(scene.broken(), []);
    let older = json!({"sku": "s", "total": 0, "available": 0, "reserved": 0, "reservations": 0});
    scene.query(1).answer = Answer::Seen { reflects, parked: Some(3), seen: older };
    assert_eq!(scene.broken(), [Rule::Prefix]);
}

#[test]
fn an_answer_from_before_what_was_named_is_found() {
    let mut scene = scene();
    scene.query(0).after = Some(place(3));
    assert_eq!(scene.broken(), [Rule::After]);
}

#[test]
fn what_is_another_tenants_is_neither_shown_nor_changed() {
    let mut scene = scene();
    scene.query(0).about = About::Foreign;
    assert_eq!(scene.broken(), [Rule::Tenants]);
    scene.query(0).about = About::Nobody;
    assert_eq!(scene.broken(), [Rule::Tenants]);
    let mut scene = self::scene();
    scene.command(1).tenant = "globex".to_owned();
    assert_eq!(scene.broken(), [Rule::Tenants]);
    let mut scene = self::scene();
    scene.command(1).about = "foreign".to_owned();
    assert_eq!(scene.broken(), [Rule::Tenants]);
}

#[test]
fn a_services_own_mistake_is_found() {
    let mut scene = scene();
    scene.query(0).answer = Answer::Refused { status: 500, code: "internal".to_owned() };
    assert_eq!(scene.broken(), [Rule::Answers]);
    scene.query(0).answer = Answer::Refused { status: 503, code: "read-model-behind".to_owned() };
    assert_eq!(scene.broken(), []);
    scene.query(0).process = LAST_LOOK;
    assert_eq!(scene.broken(), [Rule::Views]);
}

#[test]
fn views_that_differ_or_lack_something_in_the_end_are_found() {
    let mut scene = scene();
    scene.observed.verified[0].1 = false;
    assert_eq!(scene.broken(), [Rule::Views]);
    let mut scene = self::scene();
    scene.observed.parked.push("a letter".to_owned());
    assert_eq!(scene.broken(), [Rule::Views]);
}

#[test]
fn an_order_that_hangs_or_was_paid_for_nothing_is_found() {
    let mut scene = scene();
    let total = json!({"amount": 10, "currency": "EUR"});
    let order = |sequence, version, what: &str, data| Event {
        actor: "process".to_owned(),
        ..event(sequence, "order-o", version, what, data)
    };
    let placed = json!({"order_id": "o", "total": total, "items": []});
    let mut events = vec![order(1, 1, "OrderPlaced", placed)];
    let log = ("orders".to_owned(), 0);
    let records = |scene: &mut Scene, events: &[Event]| {
        scene.observed.logs.insert(log.clone(), events.to_vec());
        scene.observed.heads.insert(log.clone(), events.len() as u64);
        scene.broken()
    };
    events[0].id = operation(100);
    assert!(records(&mut scene, &events).contains(&Rule::Orders));
    events.push(order(2, 2, "PaymentCaptured", json!({"order_id": "o", "amount": total})));
    events[1].id = operation(101);
    events.push(order(3, 3, "OrderRejected", json!({"order_id": "o"})));
    events[2].id = operation(102);
    assert!(records(&mut scene, &events).contains(&Rule::Orders));
    events[2].event_type = "OrderConfirmed".to_owned();
    assert!(!records(&mut scene, &events).contains(&Rule::Orders));
}
