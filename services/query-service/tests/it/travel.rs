//! What those who travel together are answered.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::live::watch;
use crate::trip::*;

const ROOMS: &str =
    "/v1/travel/rooms?from=2126-07-01&to=2126-07-04&hotel_id=00000000-0000-0000-0000-000000000041";

pub(crate) fn every_query() -> Vec<String> {
    let of_one = queries_of(&JOURNEY);
    ["/v1/travel/dashboard", "/v1/travel/approvals"].map(str::to_owned).into_iter().chain(of_one).collect()
}

/// What can be asked of one group, its booking and its hotel.
fn queries_of(journey: &Journey) -> Vec<String> {
    let Journey { group, hotel, stay, .. } = journey;
    vec![
        format!("/v1/travel/groups/{group}"),
        format!("/v1/travel/groups/{group}/itinerary"),
        format!("/v1/travel/groups/{group}/budget"),
        format!("/v1/travel/groups/{group}/balances"),
        format!("/v1/travel/approvals?group_id={group}"),
        format!("/v1/travel/bookings/{stay}"),
        format!("/v1/travel/rooms?from=2126-07-01&to=2126-07-04&hotel_id={hotel}"),
    ]
}

/// What streams changes.
pub(crate) fn every_stream() -> Vec<String> {
    vec![format!("{}/live", group()), format!("/v1/travel/bookings/{STAY}/live")]
}

/// Two tenants of one lane with everything of the same id; amounts and texts tell them apart.
async fn two_trips() -> Trip {
    let mut trip = Trip::begin().await;
    trip.travels(&trip.acme, "lisbon", 1000).await;
    trip.travels(&trip.rival, "rome", 777).await;
    trip.reaches_the_views().await;
    trip
}

/// Each of them with two groups that have nothing in common but their members.
async fn two_trips_each() -> Trip {
    let mut trip = Box::pin(two_trips()).await;
    trip.goes_on(&ANOTHER, &trip.acme, "porto", 555).await;
    trip.goes_on(&ANOTHER, &trip.rival, "turin", 444).await;
    trip.reaches_the_views().await;
    trip
}

fn euro(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

#[tokio::test]
async fn every_query_answers_of_its_own_tenant_only() {
    let trip = two_trips().await;
    for (own, other) in [
        ((&trip.acme, "lisbon", ":1000,"), ("rome", ":777,")),
        ((&trip.rival, "rome", ":777,"), ("lisbon", ":1000,")),
    ] {
        for path in every_query() {
            let (tenant, label, amount) = own;
            let body = trip.ann_of(tenant).get(&path).await.ok().body.to_string();
            assert!(
                body.contains(label) || body.contains(amount),
                "{tenant} sees nothing of its own in {path}: {body}"
            );
            assert!(
                !body.contains(other.0) && !body.contains(other.1),
                "{tenant} sees {other:?} in {path}: {body}"
            );
        }
    }
    for path in every_query() {
        let got = trip.ann_of("newcomer").get(&path).await;
        assert!(got.status == 404 || got.items().is_empty(), "{path}: {:?}", got.body);
    }
}

#[tokio::test]
async fn every_query_answers_of_the_group_that_it_asks_for_only() {
    let trip = two_trips_each().await;
    let told = [
        (&trip.acme, &JOURNEY, "lisbon", ":1000,"),
        (&trip.acme, &ANOTHER, "porto", ":555,"),
        (&trip.rival, &JOURNEY, "rome", ":777,"),
        (&trip.rival, &ANOTHER, "turin", ":444,"),
    ];
    let shows = |body: &str, (_, _, label, amount): &(&String, &Journey, &str, &str)| {
        body.contains(label) || body.contains(amount)
    };
    for (number, own) in told.iter().enumerate() {
        for path in queries_of(own.1) {
            let body = trip.ann_of(own.0).get(&path).await.ok().body.to_string();
            let shown: Vec<usize> = (0..told.len()).filter(|other| shows(&body, &told[*other])).collect();
            assert_eq!(shown, [number], "{} asks {path}: {body}", own.0);
        }
    }
    // What goes over all groups shows those of the tenant.
    for (tenant, expected) in [(&trip.acme, [0, 1]), (&trip.rival, [2, 3])] {
        for path in ["/v1/travel/dashboard", "/v1/travel/approvals"] {
            let got = trip.ann_of(tenant).get(path).await.ok();
            assert_eq!(got.items().len(), 2, "{path}");
            let body = got.body.to_string();
            let shown: Vec<usize> = (0..told.len()).filter(|other| shows(&body, &told[*other])).collect();
            assert_eq!(shown, expected, "{tenant} asks {path}: {body}");
        }
    }
}

#[tokio::test]
async fn a_stream_shows_its_own_group_and_tenant_only() {
    let mut trip = two_trips_each().await;
    let ann = trip.ann_of(&trip.acme);
    let mut streams = Vec::new();
    for path in [group(), format!("/v1/travel/bookings/{STAY}")] {
        let mut stream = watch(&ann, &path, &[]).await;
        let first = stream.next().await.unwrap();
        assert_eq!((first.name.as_str(), &first.data), ("changed", &ann.get(&path).await.ok().body));
        streams.push((path, stream));
    }
    let refund = |journey: &Journey, amount| json!({"group_id": journey.group, "booking_id": journey.stay, "amount": euro(amount)});
    trip.does(&trip.rival, "travel/refund-payment", refund(&JOURNEY, 7)).await;
    trip.does(&trip.acme, "travel/refund-payment", refund(&ANOTHER, 5)).await;
    let changed = trip.does(&trip.acme, "travel/refund-payment", refund(&JOURNEY, 10)).await;
    trip.does(&trip.rival, "travel/refund-payment", refund(&ANOTHER, 4)).await;
    trip.reaches_the_views().await;
    for (path, mut stream) in streams {
        let second = stream.next().await.unwrap();
        assert_eq!((&second.id, &second.data), (&changed, &ann.get(&path).await.ok().body), "{path}");
    }
    for path in every_stream() {
        trip.ann_of("newcomer").get(&path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn another_tenants_cursor_moves_ones_own_list_only() {
    let trip = two_trips_each().await;
    for path in ["/v1/travel/dashboard?limit=1", "/v1/travel/approvals?limit=1"] {
        let theirs = trip.ann_of(&trip.rival).get(path).await.ok();
        let after = theirs.body["next"].as_str().unwrap();
        let got = trip.ann_of(&trip.acme).get(&format!("{path}&after={after}")).await.ok();
        let items = got.body["items"].to_string();
        assert!(!items.contains("rome") && !items.contains("turin"), "{path}: {items}");
    }
}

#[tokio::test]
async fn another_tenants_tag_is_no_tag_of_ones_own() {
    let trip = two_trips().await;
    for path in every_query() {
        let theirs = trip.ann_of(&trip.rival).get(&path).await.ok();
        let got = trip.ann_of(&trip.acme).get_with(&path, &[("if-none-match", theirs.header("etag"))]).await;
        assert_ne!(got.status, 304, "{path}");
    }
}

#[tokio::test]
async fn nothing_is_answered_without_a_token_and_its_scope() {
    let trip = two_trips().await;
    for path in every_query().into_iter().chain(every_stream()) {
        trip.service.stranger().get(&path).await.problem(401, "unauthenticated");
        for scope in ["", "travel:write", "catalog:read"] {
            let got = trip.client(&trip.acme, "ann", scope).get(&path).await.problem(403, "missing-scope");
            assert_eq!(got.body["scope"], "travel:read");
        }
    }
}

#[tokio::test]
async fn an_answer_reflects_what_the_client_names_and_none_is_given_that_is_too_old() {
    let mut trip = two_trips().await;
    for path in every_query() {
        let fund = json!({"group_id": GROUP, "user_id": ANN, "amount": euro(1)});
        let place = trip.does(&trip.acme, "travel/fund-wallet", fund).await;
        let ann = trip.ann_of(&trip.acme);
        let at_once = [("twofold-after", place.as_str()), ("prefer", "wait=0")];
        ann.get_with(&path, &at_once).await.problem(503, "read-model-behind");
        let waiting = [("twofold-after", place.as_str()), ("prefer", "wait=20")];
        let (got, ()) = tokio::join!(ann.get_with(&path, &waiting), trip.reaches_the_views());
        assert_eq!(got.ok().header("twofold-sequence"), place, "{path}");
    }
}

#[tokio::test]
async fn a_dashboard_shows_the_callers_groups_and_nobody_elses() {
    let mut trip = two_trips().await;
    let other_group = Uuid::from_u128(0x62);
    let window = json!({"from": "2126-07-01", "to": "2126-07-10"});
    let body =
        json!({"group_id": other_group, "name": "without Ann", "currency": "EUR", "trip_window": window});
    trip.does(&trip.acme, "travel/create-group", body).await;
    trip.does(&trip.acme, "travel/add-group-member", json!({"group_id": other_group, "user_id": BOB})).await;
    trip.reaches_the_views().await;
    let got = trip.ann_of(&trip.acme).get("/v1/travel/dashboard").await.ok();
    assert_eq!(
        got.body,
        json!({
            "items": [{
                "group_id": GROUP,
                "name": "lisbon",
                "status": "open",
                "trip_window": window,
                "balance": euro(1000),
                "wallet": euro(0),
                "pending_approvals": 1,
                "next_item": {
                    "item_id": MUSEUM, "title": "lisbon", "place": "lisbon", "starts_at": "2126-07-02T10:00:00Z",
                    "ends_at": null
                },
            }],
            "next": null,
        })
    );
    let bob = trip.client(&trip.acme, &BOB.to_string(), "travel:read");
    let got = bob.get("/v1/travel/dashboard?limit=1").await.ok();
    // Bob submitted the one that waits.
    assert_eq!((&got.items()[0]["pending_approvals"], &got.items()[0]["wallet"]), (&json!(0), &euro(1000)));
    assert_eq!(bob.pages("/v1/travel/dashboard?limit=1").await.len(), 2);
    let nobody = trip.client(&trip.acme, "an agent", "travel:read");
    assert_eq!(nobody.get("/v1/travel/dashboard").await.ok().items().len(), 0);
    trip.does(&trip.acme, "travel/remove-group-member", json!({"group_id": other_group, "user_id": BOB}))
        .await;
    trip.reaches_the_views().await;
    assert_eq!(bob.pages("/v1/travel/dashboard?limit=1").await.len(), 1);
}

#[tokio::test]
async fn a_group_shows_its_members_and_how_they_stand() {
    let trip = two_trips().await;
    let got = trip.ann_of(&trip.acme).get(&group()).await.ok();
    assert_eq!(got.body["name"], "lisbon");
    assert_eq!(got.body["trip_window"], json!({"from": "2126-07-01", "to": "2126-07-10"}));
    let balances = trip.ann_of(&trip.acme).get(&format!("{}/balances", group())).await.ok();
    assert_eq!(balances.body["items"], got.body["members"]);
    assert_eq!((&balances.body["group_id"], &balances.body["currency"]), (&json!(GROUP), &json!("EUR")));
    let standing: Vec<_> =
        balances.items().iter().map(|it| (&it["paid"], &it["share"], &it["balance"])).collect();
    assert_eq!(standing, [(&euro(2000), &euro(1000), &euro(1000)), (&euro(0), &euro(1000), &euro(-1000))]);
}

#[tokio::test]
async fn an_itinerary_is_in_the_order_of_time_and_comes_in_pages() {
    let mut trip = two_trips().await;
    for (number, start) in
        ["2126-07-05T09:00:00Z", "2126-07-01T09:00:00Z", "2126-07-02T10:00:00Z"].iter().enumerate()
    {
        let item_id = Uuid::from_u128(0x80 + number as u128);
        let item =
            json!({"group_id": GROUP, "item_id": item_id, "title": format!("{number}"), "starts_at": start});
        trip.does(&trip.acme, "travel/plan-itinerary-item", item).await;
    }
    let dropped = json!({"group_id": GROUP, "item_id": Uuid::from_u128(0x80)});
    trip.does(&trip.acme, "travel/drop-itinerary-item", dropped).await;
    trip.reaches_the_views().await;
    let ann = trip.ann_of(&trip.acme);
    let path = format!("{}/itinerary?limit=100", group());
    let whole = ann.pages(&path).await;
    let titles: Vec<_> = whole.iter().map(|item| item["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["1", "lisbon", "2"]);
    for limit in [1, 2, 3] {
        assert_eq!(ann.pages(&format!("{}/itinerary?limit={limit}", group())).await, whole);
    }
    assert!(whole[0].get("starts").is_none());
}

#[tokio::test]
async fn a_budget_shows_what_is_spent_committed_and_left() {
    let trip = two_trips().await;
    let got = trip.ann_of(&trip.acme).get(&format!("{}/budget", group())).await.ok();
    assert_eq!(
        got.body["items"],
        json!([{
            "category": "lisbon", "limit": euro(3000), "spent": euro(2000), "committed": euro(1000), "left": euro(0)
        }])
    );
}

#[tokio::test]
async fn what_waits_to_be_decided_is_listed_by_group_the_longest_waiting_first() {
    let mut trip = two_trips().await;
    let expense = |id: u128| {
        json!({
            "group_id": GROUP, "expense_id": Uuid::from_u128(id), "paid_by": ANN, "amount": euro(5), "category": "x"
        })
    };
    for id in [0x99, 0x11] {
        trip.does(&trip.acme, "travel/submit-expense", expense(id)).await;
    }
    trip.reaches_the_views().await;
    let ann = trip.ann_of(&trip.acme);
    let ids = |items: &[Value]| items.iter().map(|it| it["expense_id"].clone()).collect::<Vec<_>>();
    let expected = [0xe2, 0x99, 0x11].map(|id| json!(Uuid::from_u128(id)));
    for path in
        ["/v1/travel/approvals?limit=2".to_owned(), format!("/v1/travel/approvals?group_id={GROUP}&limit=1")]
    {
        assert_eq!(ids(&ann.pages(&path).await), expected, "{path}");
    }
    let first = &ann.get("/v1/travel/approvals").await.ok().body["items"][0];
    assert_eq!((&first["status"], &first["submitted_by"]), (&json!("pending"), &json!(BOB)));
    let none = format!("/v1/travel/approvals?group_id={}", Uuid::from_u128(0x62));
    assert_eq!(ann.get(&none).await.ok().items().len(), 0);
}

#[tokio::test]
async fn a_booking_shows_what_became_of_it() {
    let mut trip = two_trips().await;
    let path = format!("/v1/travel/bookings/{STAY}");
    let got = trip.ann_of(&trip.acme).get(&path).await.ok();
    assert_eq!(got.body["status"], "booked");
    assert_eq!(got.body["nights"], json!({"from": "2126-07-01", "to": "2126-07-03"}));
    let refund = json!({"group_id": GROUP, "booking_id": STAY, "amount": euro(400)});
    trip.does(&trip.acme, "travel/refund-payment", refund).await;
    trip.does(&trip.acme, "travel/cancel-booking", json!({"group_id": GROUP, "booking_id": STAY})).await;
    trip.reaches_the_views().await;
    let got = trip.ann_of(&trip.acme).get(&path).await.ok();
    assert_eq!((&got.body["status"], &got.body["refunded"]), (&json!("cancelled"), &euro(400)));
    assert_eq!(trip.ann_of(&trip.rival).get(&path).await.ok().body["status"], "booked");
}

#[tokio::test]
async fn rooms_are_free_by_the_night() {
    let mut trip = two_trips().await;
    let single = json!({"hotel_id": HOTEL, "room_type": "single/sea", "count": 2, "price": euro(5000)});
    trip.does(&trip.acme, "travel/open-hotel", single).await;
    trip.reaches_the_views().await;
    let ann = trip.ann_of(&trip.acme);
    let got = ann.get(ROOMS).await.ok();
    let free: Vec<_> =
        got.items().iter().map(|it| (it["night"].as_str().unwrap(), it["free"].as_i64().unwrap())).collect();
    let expected = [("2126-07-01", 999), ("2126-07-02", 999), ("2126-07-03", 1000)];
    assert_eq!(free, [&expected[..], &expected.map(|(night, _)| (night, 2))].concat());
    assert_eq!(got.items()[0]["price"], euro(9000));
    let got = ann.get(&format!("{ROOMS}&room_type=single/sea")).await.ok();
    assert_eq!(got.items().len(), 3);
    ann.get(&format!("{ROOMS}&room_type=suite")).await.problem(404, "not-found");
    let one = format!("/v1/travel/rooms?hotel_id={HOTEL}&from=2126-07-02&room_type=double");
    assert_eq!(ann.get(&one).await.ok().items().len(), 1);
    trip.does(&trip.acme, "travel/cancel-booking", json!({"group_id": GROUP, "booking_id": STAY})).await;
    trip.reaches_the_views().await;
    assert_eq!(ann.get(&one).await.ok().items()[0]["free"], 1000);
}

#[tokio::test]
async fn what_is_not_there_or_makes_no_sense_is_a_problem() {
    let trip = two_trips().await;
    let (ann, nobody) = (trip.ann_of(&trip.acme), Uuid::from_u128(0x99));
    for path in ["", "/itinerary", "/budget", "/balances"] {
        let got = ann.get(&format!("/v1/travel/groups/{nobody}{path}")).await.problem(404, "not-found");
        assert_eq!(got.body["code"], "unknown-group");
    }
    let got = ann.get(&format!("/v1/travel/bookings/{nobody}")).await.problem(404, "not-found");
    assert_eq!(got.body["code"], "unknown-booking");
    ann.get("/v1/travel/groups/lisbon").await.invalid("id", "malformed");
    let hotel = format!("/v1/travel/rooms?hotel_id={HOTEL}");
    ann.get(&format!("{hotel}&from=2126-07-02&to=2126-07-01")).await.invalid("to", "out-of-range");
    ann.get(&format!("{hotel}&from=2126-07-02&to=2127-07-01")).await.invalid("to", "out-of-range");
    for path in ["/v1/travel/dashboard", "/v1/travel/approvals"] {
        ann.get(&format!("{path}?limit=201")).await.invalid("limit", "out-of-range");
        let foreign = "eyJjYXRlZ29yeSI6ImEiLCJrZXkiOiJhIn0";
        ann.get(&format!("{path}?after={foreign}")).await.problem(400, "invalid-cursor");
    }
}
