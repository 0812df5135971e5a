//! Four friends in the middle of a journey.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kernel::Timestamp;
use serde_json::{Value, json};

use super::shop::person;
use super::{Wish, id};

const FRIENDS: usize = 4;

/// The day so many days from today, as `2026-01-31`.
fn day(offset: i64) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let days = i64::try_from(since.as_secs()).unwrap_or(0).div_euclid(86_400) + offset;
    let mut text = Timestamp::from_micros(days * 86_400 * 1_000_000).to_string();
    text.truncate("2026-01-31".len());
    text
}

fn euro(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// The group, who travels, what they plan and pay.
pub(super) fn stages(tenant: &str) -> Vec<Vec<Wish>> {
    let group = id(tenant, "group", 0);
    let hotel = id(tenant, "hotel", 0);
    let by = |friend: usize, path, body| Wish { path, actor: person(tenant, friend).to_string(), body };
    let begin = vec![
        by(
            0,
            "travel/create-group",
            json!({
                "group_id": group, "name": "Lisbon together", "currency": "EUR",
                "trip_window": {"from": day(-3), "to": day(4)},
            }),
        ),
        Wish::new(
            "travel/open-hotel",
            json!({"hotel_id": hotel, "room_type": "double", "count": 5, "price": euro(11_000)}),
        ),
    ];
    let members = (0..FRIENDS)
        .map(|friend| {
            let body = json!({"group_id": group, "user_id": person(tenant, friend)});
            by(0, "travel/add-group-member", body)
        })
        .collect();
    let mut plans: Vec<_> = (0..FRIENDS)
        .map(|friend| {
            let body = json!({"group_id": group, "user_id": person(tenant, friend), "amount": euro(60_000)});
            by(friend, "travel/fund-wallet", body)
        })
        .collect();
    for (category, limit) in [("lodging", 140_000), ("food", 60_000), ("fun", 25_000)] {
        let body = json!({"group_id": group, "category": category, "limit": euro(limit)});
        plans.push(by(0, "travel/set-budget", body));
    }
    let items = [
        (-2, "09:30", "Walk through Alfama", "Largo das Portas do Sol"),
        (-1, "13:00", "Lunch at the market", "Mercado da Ribeira"),
        (1, "10:00", "Train to Sintra", "Rossio"),
        (2, "20:30", "Fado night", "Bairro Alto"),
    ];
    for (number, (offset, time, title, place)) in items.into_iter().enumerate() {
        let body = json!({
            "group_id": group, "item_id": id(tenant, "item", number), "title": title,
            "starts_at": format!("{}T{time}:00Z", day(offset)), "place": place,
        });
        plans.push(by(1, "travel/plan-itinerary-item", body));
    }
    for (number, friend) in [0, 2].into_iter().enumerate() {
        let body = json!({
            "group_id": group, "booking_id": id(tenant, "booking", number), "hotel_id": hotel,
            "room_type": "double", "nights": {"from": day(-3), "to": day(3)}, "price": euro(66_000),
            "paid_by": person(tenant, friend),
        });
        plans.push(by(friend, "travel/book-hotel-room", body));
    }
    vec![begin, members, plans, expenses(tenant), decisions(tenant)]
}

const EXPENSES: [(usize, i64, &str, &str); 5] = [
    (0, 8_450, "food", "Dinner by the river"),
    (1, 3_120, "food", "Market lunch"),
    (2, 5_600, "fun", "Tram passes"),
    (3, 2_075, "fun", "Museum"),
    (1, 9_990, "fun", "Fado tickets"),
];

fn expenses(tenant: &str) -> Vec<Wish> {
    let submitted = |(number, (friend, amount, category, what)): (usize, &(usize, i64, &str, &str))| Wish {
        path: "travel/submit-expense",
        actor: person(tenant, *friend).to_string(),
        body: json!({
            "group_id": id(tenant, "group", 0), "expense_id": id(tenant, "expense", number),
            "paid_by": person(tenant, *friend), "amount": euro(*amount), "category": category,
            "split": "equal", "description": what,
        }),
    };
    EXPENSES.iter().enumerate().map(submitted).collect()
}

/// Three are approved, one is rejected, the last one waits.
fn decisions(tenant: &str) -> Vec<Wish> {
    let decided = |number: usize| {
        let decider = person(tenant, (EXPENSES[number].0 + 1) % FRIENDS);
        let path = if number == 3 { "travel/reject-expense" } else { "travel/approve-expense" };
        let body = json!({
            "group_id": id(tenant, "group", 0), "expense_id": id(tenant, "expense", number), "by": decider,
        });
        Wish { path, actor: decider.to_string(), body }
    };
    (0..4).map(decided).collect()
}
