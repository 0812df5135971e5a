//! Many people and agents at one group and one hotel, at the same moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kernel::{LoggedEvent, Sequence, TenantId};
use reqwest::{RequestBuilder, Url};
use serde_json::{Value, json};
use test_servers::TestDatabase;
use travel::{BookingEvent, ExpenseEvent, GroupEvent, TravelEvent, WalletEvent};
use wire::Codec;

use crate::harness::{Reply, Service, TENANT, new_id, reply, together, token};

const CLIENTS: usize = 32;

fn command(service: &Service, name: &str, body: &Value) -> RequestBuilder {
    let token = token(TENANT, "travel:write", Duration::from_secs(600));
    service.client.post(service.url(&format!("/v1/travel/{name}"))).bearer_auth(token).json(body)
}

async fn send(service: &Service, name: &str, body: &Value) -> Reply {
    reply(command(service, name, body)).await
}

async fn done(service: &Service, name: &str, body: &Value) -> Reply {
    let reply = send(service, name, body).await;
    assert!(reply.status.is_success(), "{name} was answered {reply:?}");
    reply
}

fn euro(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// A group with so many members.
async fn group(service: &Service, members: usize) -> (String, Vec<String>) {
    let body = json!({"name": "Lisbon", "currency": "EUR", "trip_window": {"from": "2026-07-01", "to": "2026-07-10"}});
    let group = done(service, "create-group", &body).await.id();
    let members: Vec<String> = (0..members).map(|_| new_id()).collect();
    for user in &members {
        done(service, "add-group-member", &json!({"group_id": group, "user_id": user})).await;
    }
    (group, members)
}

async fn hotel(service: &Service, count: i64) -> String {
    let body = json!({"room_type": "double", "count": count, "price": euro(9000)});
    done(service, "open-hotel", &body).await.id()
}

/// Everything that happened to the travellers, decoded.
async fn told(service: &Service) -> Vec<TravelEvent> {
    let codec = Codec::<TravelEvent>::new().unwrap();
    let decode =
        |it: LoggedEvent| codec.decode(&it.event.event_type, it.event.schema, &it.event.payload).unwrap();
    let lane = service.log.known_lane(&TenantId::new(TENANT).unwrap()).await.unwrap().unwrap();
    let log = kernel::LogId::new("travel", lane);
    let events = service.log.read_log(&log, Sequence::ZERO, 10_000).await.unwrap();
    events.into_iter().map(decode).collect()
}

/// What each client does, each to something of its own.
fn granular(group: &str, hotel: &str, members: &[String], client: usize) -> (&'static str, Value) {
    let user = &members[client];
    match client % 6 {
        0 => ("fund-wallet", json!({"group_id": group, "user_id": user, "amount": euro(100)})),
        1 => {
            let body = json!({
                "group_id": group, "expense_id": new_id(), "paid_by": user, "amount": euro(101), "category": "food"
            });
            ("submit-expense", body)
        }
        2 => {
            let body = json!({
                "group_id": group, "item_id": new_id(), "title": "Museum", "starts_at": "2026-07-02T10:00:00Z"
            });
            ("plan-itinerary-item", body)
        }
        3 => ("set-budget", json!({"group_id": group, "category": format!("c{client}"), "limit": euro(500)})),
        4 => {
            let body = json!({
                "group_id": group, "booking_id": new_id(), "hotel_id": hotel, "room_type": "double",
                "nights": {"from": "2026-07-01", "to": "2026-07-03"}, "price": euro(9000)
            });
            ("book-hotel-room", body)
        }
        _ => ("add-group-member", json!({"group_id": group, "user_id": new_id()})),
    }
}

#[tokio::test]
async fn whoever_does_different_things_to_one_group_at_once_is_never_refused() {
    let database = TestDatabase::create().await;
    let (one, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let ((group, members), hotel) = (group(&one, CLIENTS).await, hotel(&one, 10).await);
    let before = told(&one).await.len();
    let commands: Vec<_> = (0..CLIENTS).map(|client| granular(&group, &hotel, &members, client)).collect();
    let replies = together(commands.iter().enumerate().map(|(client, (name, body))| {
        let service = if client % 2 == 0 { &one } else { &other };
        send(service, name, body)
    }))
    .await;
    for (reply, (name, _)) in replies.iter().zip(&commands) {
        assert!(reply.status.is_success(), "{name}: {reply:?}");
    }
    assert_eq!(told(&one).await.len(), before + CLIENTS, "no update is lost, and none is made twice");
}

#[tokio::test]
async fn members_who_fund_their_wallets_at_once_do_not_even_meet() {
    let service = Service::start().await;
    let (group, members) = group(&service, CLIENTS).await;
    let bodies: Vec<_> =
        members.iter().map(|user| json!({"group_id": group, "user_id": user, "amount": euro(5)})).collect();
    let replies = together(bodies.iter().map(|body| send(&service, "fund-wallet", body))).await;
    for (reply, user) in replies.iter().zip(&members) {
        assert_eq!(
            (reply.status.as_u16(), reply.id()),
            (201, user.clone()),
            "each wallet is a stream of its own"
        );
    }
}

#[tokio::test]
async fn of_32_that_book_the_last_10_rooms_10_do_and_no_room_night_is_sold_twice() {
    let database = TestDatabase::create().await;
    let (one, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let hotel = hotel(&one, 10).await;
    let mut groups = Vec::new();
    for _ in 0..4 {
        groups.push(group(&one, 1).await.0);
    }
    let bodies: Vec<_> = (0..CLIENTS)
        .map(|client| {
            json!({
                "group_id": groups[client % groups.len()], "booking_id": new_id(), "hotel_id": hotel,
                "room_type": "double", "nights": {"from": "2026-07-02", "to": "2026-07-05"}, "price": euro(9000)
            })
        })
        .collect();
    let replies =
        together(bodies.iter().enumerate().map(|(client, body)| {
            send(if client % 2 == 0 { &one } else { &other }, "book-hotel-room", body)
        }))
        .await;
    let (sold, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status.as_u16() == 201);
    assert_eq!((sold.len(), refused.len()), (10, 22), "{refused:?}");
    refused.iter().for_each(|reply| reply.is_refused("no-room"));
    assert_each_room_night_is_sold_once(&told(&one).await, 30);
}

#[tokio::test]
async fn nights_that_overlap_are_sold_while_each_has_a_room() {
    let service = Service::start().await;
    let (hotel, (group, _)) = (hotel(&service, 6).await, group(&service, 1).await);
    // 32 stays of two nights over eight nights, six rooms on each.
    let bodies: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let from = 1 + client % 7;
            json!({
                "group_id": group, "hotel_id": hotel, "room_type": "double", "price": euro(9000),
                "nights": {"from": format!("2026-07-{from:02}"), "to": format!("2026-07-{:02}", from + 2)}
            })
        })
        .collect();
    let replies = together(bodies.iter().map(|body| send(&service, "book-hotel-room", body))).await;
    let sold = replies.iter().filter(|reply| reply.status.as_u16() == 201).count();
    replies.iter().filter(|reply| reply.status.as_u16() != 201).for_each(|reply| reply.is_refused("no-room"));
    let events = told(&service).await;
    let nights = assert_each_room_night_is_sold_once(&events, sold * 2);
    assert!(nights.values().all(|sold| *sold <= 6), "{nights:?}");
    // Whoever was refused was refused rightly: on one of their nights all rooms are sold.
    for (reply, body) in replies.iter().zip(&bodies).filter(|(reply, _)| reply.status.as_u16() != 201) {
        let from: kernel::Day = body["nights"]["from"].as_str().unwrap().parse().unwrap();
        assert!(
            [from, from.plus(1)].iter().any(|night| nights.get(night) == Some(&6)),
            "{reply:?} {nights:?}"
        );
    }
}

/// The nights, with how many rooms are sold on each.
fn assert_each_room_night_is_sold_once(
    events: &[TravelEvent],
    expected: usize,
) -> BTreeMap<kernel::Day, usize> {
    let mut room_nights = BTreeSet::new();
    let mut nights = BTreeMap::new();
    let mut count = 0;
    for event in events {
        let TravelEvent::Booking(BookingEvent::HotelRoomBooked(booked)) = event else { continue };
        for (night, room) in booked.nights.each().zip(&booked.rooms) {
            count += 1;
            *nights.entry(night).or_insert(0) += 1;
            assert!(room_nights.insert((night, *room)), "room {room} is sold twice on {night}");
        }
    }
    assert_eq!(count, expected);
    nights
}

#[tokio::test]
async fn whoever_settles_up_while_others_submit_decide_and_fund_settles_all_of_it_or_nothing() {
    let service = Service::start().await;
    for round in 0..4_u32 {
        let (group, members) = group(&service, 8).await;
        let mut commands: Vec<(&str, Value)> = Vec::new();
        for (number, user) in members.iter().enumerate() {
            let fund = json!({"group_id": group, "user_id": user, "amount": euro(10_000)});
            done(&service, "fund-wallet", &fund).await;
            commands.push(("fund-wallet", json!({"group_id": group, "user_id": user, "amount": euro(7)})));
            let expense = json!({
                "group_id": group, "expense_id": new_id(), "paid_by": user, "amount": euro(1001), "category": "food"
            });
            if number % 2 == 0 {
                done(&service, "submit-expense", &expense).await;
                let by = &members[(number + 1) % members.len()];
                let approve = json!({"group_id": group, "expense_id": expense["expense_id"], "by": by});
                commands.push(("approve-expense", approve));
            } else if round > 1 {
                commands.push(("submit-expense", expense));
            }
        }
        let settle = json!({"group_id": group});
        commands.push(("liquidate-group-with-wallets", settle.clone()));
        commands.push(("liquidate-group-with-wallets", settle));
        together(commands.iter().map(|(name, body)| send(&service, name, body))).await;
        assert_settled_whole(&told(&service).await, &group);
    }
}

/// Once a group has settled up, nothing was left out of it and nothing came after it.
fn assert_settled_whole(events: &[TravelEvent], group: &str) {
    let group: uuid::Uuid = group.parse().unwrap();
    let (mut pending, mut wallets, mut net) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    let mut settled = false;
    for event in events {
        match event {
            TravelEvent::Wallet(WalletEvent::WalletFunded(it)) if it.group_id == group => {
                assert!(!settled, "a wallet was funded after the group had settled up");
                *wallets.entry(it.user_id).or_insert(0) += it.amount.amount;
            }
            TravelEvent::Expense(ExpenseEvent::ExpenseSubmitted(it)) if it.group_id == group => {
                assert!(!settled, "an expense was submitted after the group had settled up");
                pending.insert(it.expense_id);
            }
            TravelEvent::Expense(ExpenseEvent::ExpenseApproved(it)) if it.group_id == group => {
                assert!(!settled && pending.remove(&it.expense_id));
                for part in &it.parts {
                    *net.entry(it.paid_by).or_insert(0) += part.amount;
                    *net.entry(part.user_id).or_insert(0) -= part.amount;
                }
            }
            TravelEvent::Group(GroupEvent::GroupLiquidated(it)) if it.group_id == group => {
                assert!(!settled, "it settled up twice");
                assert_eq!(pending, BTreeSet::new(), "an expense was left out");
                for (user, wallet) in &wallets {
                    let settlement = it.settlements.iter().find(|it| it.user_id == *user).unwrap();
                    assert_eq!(settlement.wallet, wallet + net.get(user).copied().unwrap_or(0));
                }
                settled = true;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_dry_run_of_a_booking_says_which_rooms_and_takes_none() {
    let service = Service::start().await;
    let (hotel, (group, _)) = (hotel(&service, 1).await, group(&service, 1).await);
    let body = json!({
        "group_id": group, "hotel_id": hotel, "room_type": "double", "price": euro(9000),
        "nights": {"from": "2026-07-02", "to": "2026-07-03"}
    });
    let tried = reply(command(&service, "book-hotel-room?dry_run=true", &body)).await;
    assert_eq!((tried.status.as_u16(), &tried.body["events"][0]["data"]["rooms"]), (200, &json!([1])));
    done(&service, "book-hotel-room", &body).await;
    send(&service, "book-hotel-room", &body).await.is_refused("no-room");
}

#[tokio::test]
async fn a_split_is_read_as_people_write_it() {
    let service = Service::start().await;
    let (group, members) = group(&service, 2).await;
    let expense = |split: Value| json!({"group_id": group, "paid_by": members[0], "amount": euro(100), "category": "food", "split": split});
    let (ann, bob) = (&members[0], &members[1]);
    for split in [json!("equal"), json!({"shares": {ann: 1, bob: 3}})] {
        done(&service, "submit-expense", &expense(split)).await;
    }
    let reply = send(&service, "submit-expense", &expense(json!("somehow"))).await;
    assert!(reply.status.is_client_error(), "{reply:?}");
    send(&service, "submit-expense", &expense(json!({"shares": {}})))
        .await
        .has_errors(&[("split.shares", "empty")]);
}

mod history {
    //! What happened, for whoever may read it.

    use super::*;

    async fn history(service: &Service, tenant: &str, scope: &str, query: &[(&str, &str)]) -> Reply {
        let token = token(tenant, scope, Duration::from_secs(60));
        reply(service.client.get(url(service, query)).bearer_auth(token)).await
    }

    fn url(service: &Service, query: &[(&str, &str)]) -> Url {
        Url::parse_with_params(&service.url("/v1/travel/history"), query).unwrap()
    }

    fn types(reply: &Reply) -> Vec<&str> {
        assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
        let items = reply.body["items"].as_array().unwrap();
        items.iter().map(|item| item["headers"]["ce_type"].as_str().unwrap()).collect()
    }

    #[tokio::test]
    async fn some_streams_are_told_up_to_a_moment_and_page_by_page() {
        let service = Service::start().await;
        let (group, members) = group(&service, 2).await;
        group_with_noise(&service).await;
        let fund = json!({"group_id": group, "user_id": members[0], "amount": euro(5)});
        let funded = done(&service, "fund-wallet", &fund).await;
        let place = funded.header("twofold-sequence").unwrap().to_owned();
        let sequence = funded.body["sequence"].as_u64().unwrap();
        done(&service, "fund-wallet", &fund).await;
        let streams = format!("group-{group}, wallet-{group}.*");
        let all = ["GroupCreated", "GroupMemberAdded", "GroupMemberAdded", "WalletFunded", "WalletFunded"];
        let ask = async |query: &[(&str, &str)]| history(&service, TENANT, "travel:read", query).await;
        let whole = ask(&[("streams", &streams)]).await;
        assert_eq!(types(&whole), all);
        for at in [place.as_str(), &sequence.to_string()] {
            let then = ask(&[("streams", &streams), ("at", at)]).await;
            assert_eq!((types(&then).len(), then.body["at"].as_u64()), (4, Some(sequence)));
        }
        let time = whole.body["items"][3]["headers"]["ce_time"].as_str().unwrap().to_owned();
        let then = ask(&[("streams", &streams), ("at", &time)]).await;
        assert!(then.body["at"].as_u64().unwrap() >= sequence, "{then:?}");
        let first = ask(&[("streams", &streams), ("limit", "2")]).await;
        let last = first.body["items"][1]["headers"]["sequence"].as_str().unwrap();
        let rest = ask(&[("streams", &streams), ("after", last)]).await;
        assert_eq!([types(&first), types(&rest)].concat(), all);
    }

    async fn group_with_noise(service: &Service) {
        group(service, 3).await;
    }

    #[tokio::test]
    async fn nobody_is_told_of_another_tenants_streams() {
        let service = Service::start().await;
        let (group, _) = group(&service, 1).await;
        let streams = format!("group-{group}");
        let query = [("streams", streams.as_str())];
        assert_eq!(types(&history(&service, TENANT, "ops", &query).await).len(), 2);
        history(&service, "zebra", "travel:read", &query).await.is_problem(404, "not-found");
        let other = token("zebra", "travel:write", Duration::from_secs(60));
        let body = json!({
            "name": "Rome", "currency": "EUR", "trip_window": {"from": "2026-07-01", "to": "2026-07-02"}
        });
        let create =
            service.client.post(service.url("/v1/travel/create-group")).bearer_auth(other).json(&body);
        assert_eq!(reply(create).await.status.as_u16(), 201);
        assert_eq!(types(&history(&service, "zebra", "travel:read", &query).await), [""; 0]);
        for scope in ["", "travel:write", "catalog:read"] {
            history(&service, TENANT, scope, &query).await.is_problem(403, "missing-scope");
        }
        reply(service.client.get(url(&service, &query))).await.is_problem(401, "unauthenticated");
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_a_problem_of_its_parameter() {
        let service = Service::start().await;
        let (group, _) = group(&service, 1).await;
        let streams = format!("group-{group}");
        let many = vec![streams.as_str(); 65].join(",");
        for (query, field, code) in [
            ([("streams", ""), ("limit", "1")], "streams", "out-of-range"),
            ([("streams", &many), ("limit", "1")], "streams", "out-of-range"),
            ([("streams", "group"), ("limit", "1")], "streams", "malformed"),
            ([("streams", &streams), ("limit", "501")], "limit", "out-of-range"),
            ([("streams", &streams), ("at", "yesterday")], "at", "malformed"),
            ([("streams", &streams), ("at", "catalog/0=1")], "at", "other-log"),
            ([("streams", &streams), ("at", "999")], "at", "in-the-future"),
        ] {
            let reply = history(&service, TENANT, "travel:read", &query).await;
            reply.is_problem(400, "invalid-parameter");
            reply.has_errors(&[(field, code)]);
        }
    }
}
