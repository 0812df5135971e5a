use serde_json::{Value, json};

use super::{Asker, dollar, euro};
use crate::harness::new_id;

fn window(from: &str, to: &str) -> Value {
    json!({"from": from, "to": to})
}

fn july() -> Value {
    window("2026-07-01", "2026-07-10")
}

impl Asker {
    /// A group of two, who are in it.
    async fn sets_out(&self) -> (String, [String; 2]) {
        let body = json!({"name": "Lisbon", "currency": "EUR", "trip_window": july()});
        let group = self.does("create-group", body).await;
        let members = [new_id(), new_id()];
        for user in &members {
            self.does("add-group-member", json!({"group_id": group, "user_id": user})).await;
        }
        (group, members)
    }
}

fn stay(group: &str, hotel: &str, nights: &Value) -> Value {
    json!({
        "group_id": group, "hotel_id": hotel, "room_type": "double", "price": euro(9000), "nights": nights
    })
}

fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

#[tokio::test]
async fn every_rule_of_travel_refuses_with_its_code() {
    let mut asker = Asker::of("travel").await;
    groups_and_their_money(&mut asker).await;
    hotels_and_plans(&mut asker).await;
    asker.has_seen_every_rule_but(&["group-full", "too-many-categories", "too-many-room-types"]).await;
}

async fn groups_and_their_money(asker: &mut Asker) {
    let (group, [ann, bob]) = asker.sets_out().await;
    let (closed, _) = asker.sets_out().await;
    asker.does("liquidate-group-with-wallets", json!({"group_id": closed})).await;
    let expense =
        |by: &str| json!({"group_id": group, "paid_by": by, "amount": euro(1000), "category": "food"});
    let dinner = asker.does("submit-expense", expense(&ann)).await;
    let (nobody, zoe) = (new_id(), new_id());
    let member = |group: &str, user: &str| json!({"group_id": group, "user_id": user});
    let wallet = |user: &str, amount: Value| json!({"group_id": group, "user_id": user, "amount": amount});
    let decides = |expense: &str, by: &str| json!({"group_id": group, "expense_id": expense, "by": by});
    let settle = json!({"group_id": group});
    let budget = |group: &str, limit: Value| json!({"group_id": group, "category": "food", "limit": limit});
    for (name, body, code) in [
        (
            "create-group",
            json!({"group_id": group, "name": "x", "currency": "EUR", "trip_window": july()}),
            "group-exists",
        ),
        ("add-group-member", member(&group, &ann), "already-member"),
        ("add-group-member", member(&nobody, &ann), "unknown-group"),
        ("add-group-member", member(&closed, &zoe), "group-closed"),
        ("remove-group-member", member(&group, &zoe), "not-a-member"),
        ("remove-group-member", member(&group, &bob), "has-balance"),
        ("fund-wallet", wallet(&zoe, euro(1)), "not-a-member"),
        ("fund-wallet", wallet(&bob, dollar(1)), "currency-mismatch"),
        ("withdraw-from-wallet", wallet(&bob, euro(1)), "insufficient-funds"),
        ("set-budget", budget(&nobody, euro(1)), "unknown-group"),
        ("set-budget", budget(&group, dollar(1)), "currency-mismatch"),
        ("set-budget", budget(&closed, euro(1)), "group-closed"),
        ("submit-expense", with(expense(&ann), "expense_id", dinner.as_str()), "expense-exists"),
        ("submit-expense", expense(&zoe), "not-a-member"),
        ("submit-expense", with(expense(&ann), "amount", dollar(1)), "currency-mismatch"),
        ("approve-expense", decides(&nobody, &bob), "unknown-expense"),
        ("approve-expense", decides(&dinner, &ann), "self-approval"),
        ("reject-expense", decides(&dinner, &ann), "self-approval"),
        ("approve-expense", decides(&dinner, &zoe), "not-a-member"),
        ("liquidate-group-with-wallets", json!({"group_id": nobody}), "unknown-group"),
        ("liquidate-group-with-wallets", json!({"group_id": closed}), "group-closed"),
    ] {
        asker.is_refused(name, body, code).await;
    }
    let pending = asker.is_refused("liquidate-group-with-wallets", settle.clone(), "expenses-pending").await;
    assert!(pending.body["detail"].as_str().unwrap().contains(&dinner), "{pending:?}");
    asker.does("approve-expense", decides(&dinner, &bob)).await;
    asker.is_refused("reject-expense", decides(&dinner, &bob), "already-decided").await;
    let poor = asker.is_refused("liquidate-group-with-wallets", settle.clone(), "insufficient-funds").await;
    let detail = poor.body["detail"].as_str().unwrap();
    assert!(detail.contains(&bob) && !detail.contains(&ann), "{detail}");
    asker.does("fund-wallet", wallet(&bob, euro(1_000_000_000_000))).await;
    asker.is_refused("fund-wallet", wallet(&bob, euro(1)), "wallet-full").await;
    asker.is_invalid("fund-wallet", wallet(&bob, euro(0)), &[("amount.amount", "not-positive")]).await;
    let backwards = json!({"group_id": group, "trip_window": window("2026-07-02", "2026-07-01")});
    asker.is_invalid("update-group-trip-window", backwards, &[("trip_window.to", "before-from")]).await;
    asker.does("liquidate-group-with-wallets", settle.clone()).await;
    asker.is_refused("liquidate-group-with-wallets", settle, "group-closed").await;
}

async fn hotels_and_plans(asker: &mut Asker) {
    let (group, [ann, _]) = asker.sets_out().await;
    let (others, _) = asker.sets_out().await;
    let (closed, _) = asker.sets_out().await;
    asker.does("liquidate-group-with-wallets", json!({"group_id": closed})).await;
    let rooms = |count: i64| json!({"room_type": "double", "count": count, "price": euro(9000)});
    let hotel = asker.does("open-hotel", rooms(1)).await;
    let (nights, later) = (window("2026-07-02", "2026-07-04"), window("2026-07-05", "2026-07-06"));
    let booking = asker.does("book-hotel-room", stay(&group, &hotel, &nights)).await;
    let museum = json!({"group_id": group, "title": "Museum", "starts_at": "2026-07-02T10:00:00Z"});
    let item = asker.does("plan-itinerary-item", museum.clone()).await;
    let nobody = new_id();
    let about = |group: &str, booking: &str| json!({"group_id": group, "booking_id": booking});
    let refund = |amount: Value| with(about(&group, &booking), "amount", amount);
    let free = || stay(&group, &hotel, &later);
    for (name, body, code) in [
        ("open-hotel", with(rooms(2), "hotel_id", hotel.as_str()), "rooms-open"),
        ("book-hotel-room", stay(&group, &hotel, &window("2026-07-03", "2026-07-05")), "no-room"),
        ("book-hotel-room", stay(&others, &hotel, &nights), "no-room"),
        ("book-hotel-room", stay(&group, &hotel, &window("2026-07-10", "2026-07-11")), "outside-window"),
        ("book-hotel-room", stay(&group, &nobody, &later), "unknown-hotel"),
        ("book-hotel-room", with(free(), "room_type", "suite"), "unknown-room-type"),
        ("book-hotel-room", with(free(), "booking_id", booking.as_str()), "booking-exists"),
        ("book-hotel-room", with(free(), "price", dollar(1)), "currency-mismatch"),
        ("book-hotel-room", with(free(), "paid_by", nobody.as_str()), "not-a-member"),
        ("book-hotel-room", stay(&closed, &hotel, &later), "group-closed"),
        ("book-hotel-room", stay(&nobody, &hotel, &later), "unknown-group"),
        // An id is one booking's, whichever group has it.
        (
            "book-hotel-room",
            with(stay(&others, &hotel, &later), "booking_id", booking.as_str()),
            "booking-exists",
        ),
        ("cancel-booking", about(&group, &nobody), "unknown-booking"),
        ("cancel-booking", about(&others, &booking), "unknown-booking"),
        ("refund-payment", refund(euro(9001)), "refund-exceeds-payment"),
        ("refund-payment", refund(dollar(1)), "currency-mismatch"),
        (
            "update-group-trip-window",
            json!({"group_id": group, "trip_window": window("2026-07-03", "2026-07-10")}),
            "bookings-outside-window",
        ),
        ("plan-itinerary-item", with(museum.clone(), "item_id", item.as_str()), "item-exists"),
        ("plan-itinerary-item", with(museum.clone(), "starts_at", "2026-07-11T00:00:00Z"), "outside-window"),
        ("plan-itinerary-item", with(museum, "group_id", closed.as_str()), "group-closed"),
        ("drop-itinerary-item", json!({"group_id": group, "item_id": nobody}), "unknown-item"),
        ("drop-itinerary-item", json!({"group_id": others, "item_id": item}), "unknown-item"),
    ] {
        asker.is_refused(name, body, code).await;
    }
    asker.does("cancel-booking", about(&group, &booking)).await;
    asker.is_refused("cancel-booking", about(&group, &booking), "already-cancelled").await;
    // What was given back can be sold again, and the window can close over it.
    asker.does("book-hotel-room", stay(&others, &hotel, &nights)).await;
    let moved = json!({"group_id": group, "trip_window": window("2026-07-03", "2026-07-10")});
    asker.does("update-group-trip-window", moved).await;
    asker.does("remove-group-member", json!({"group_id": group, "user_id": ann})).await;
}
