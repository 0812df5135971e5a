//! A shop: who buys, what there is, what was ordered.

use serde_json::json;
use uuid::Uuid;

use super::{Wish, id};

const CATEGORIES: [&str; 8] =
    ["Books", "Kitchen", "Garden", "Bicycles", "Lighting", "Music", "Outdoor", "Stationery"];
const KINDS: [[&str; 5]; 8] = [
    ["Novel", "Cookbook", "Atlas", "Almanac", "Poems"],
    ["Teapot", "Skillet", "Bread knife", "Pepper mill", "Mixing bowl"],
    ["Watering can", "Secateurs", "Seed box", "Rake", "Bird bath"],
    ["City bike", "Saddle", "Bell", "Pannier", "Chain lock"],
    ["Desk lamp", "Lantern", "Reading light", "String lights", "Pendant"],
    ["Ukulele", "Metronome", "Songbook", "Harmonica", "Tuning fork"],
    ["Tent", "Sleeping bag", "Stove", "Compass", "Rain jacket"],
    ["Notebook", "Fountain pen", "Ink", "Envelopes", "Desk pad"],
];
const MAKES: [&str; 4] = ["Harbour", "Linden", "Northway", "Old Mill"];
const COLOURS: [&str; 3] = ["blue", "ivory", "moss"];
const PEOPLE: [(&str, &str); 12] = [
    ("Ann Abbott", "ann"),
    ("Bob Brandt", "bob"),
    ("Cleo Costa", "cleo"),
    ("Dev Desai", "dev"),
    ("Eva Ek", "eva"),
    ("Finn Fox", "finn"),
    ("Gita Gill", "gita"),
    ("Hugo Hahn", "hugo"),
    ("Ines Ito", "ines"),
    ("Jon Juhl", "jon"),
    ("Kim Kaya", "kim"),
    ("Lea Lund", "lea"),
];
const PRODUCTS: usize = CATEGORIES.len() * 20;
const ORDERS: usize = 48;
/// Of this product there are not enough for anybody who wants many.
const SCARCE: usize = 7;

/// A person's id.
pub(super) fn person(tenant: &str, number: usize) -> Uuid {
    id(tenant, "person", number)
}

fn order(tenant: &str, number: usize) -> Uuid {
    id(tenant, "order", number)
}

fn product(tenant: &str, number: usize) -> Uuid {
    id(tenant, "product", number)
}

fn price(number: usize) -> usize {
    490 + (number * 737) % 9_000 / 10 * 10
}

/// What becomes of an order. They are spread over all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its card never answers.
    Waits,
    Declined,
    OutOfStock,
    Confirmed,
    CancelledByTheCustomer,
    Shipped,
    Delivered,
}

fn fate(number: usize) -> Fate {
    match number % 12 {
        0 => Fate::Waits,
        1 => Fate::Declined,
        2 => Fate::OutOfStock,
        3 | 4 => Fate::Confirmed,
        5 => Fate::CancelledByTheCustomer,
        6 | 7 => Fate::Shipped,
        _ => Fate::Delivered,
    }
}

/// People and categories, products, stock, what people do, orders.
pub(super) fn stages(tenant: &str) -> Vec<Vec<Wish>> {
    let mut first = people(tenant);
    first.extend(categories(tenant));
    let products = (0..PRODUCTS).map(|number| offered(tenant, number)).collect();
    let stock = (0..PRODUCTS).flat_map(|number| stocked(tenant, number)).collect();
    let mut orders: Vec<_> = (0..ORDERS).map(|number| ordered(tenant, number)).collect();
    orders.extend(company(tenant));
    vec![first, products, stock, orders]
}

fn people(tenant: &str) -> Vec<Wish> {
    let register = |(number, (name, email)): (usize, &(&str, &str))| {
        Wish::new(
            "accounts/register-user",
            json!({
                "user_id": person(tenant, number),
                "email": format!("{email}@{tenant}.example"),
                "name": name,
                "password": format!("only-a-demo-{email}"),
            }),
        )
    };
    PEOPLE.iter().enumerate().map(register).collect()
}

fn categories(tenant: &str) -> Vec<Wish> {
    let create = |(number, name): (usize, &&str)| {
        let body = json!({"category_id": id(tenant, "category", number), "name": name});
        Wish::new("catalog/create-category", body)
    };
    CATEGORIES.iter().enumerate().map(create).collect()
}

fn offered(tenant: &str, number: usize) -> Wish {
    let (category, rank) = (number / 20, number % 20);
    let (kind, make, colour) = (KINDS[category][rank % 5], MAKES[rank / 5], COLOURS[number % 3]);
    Wish::new(
        "catalog/create-product",
        json!({
            "product_id": product(tenant, number),
            "sku": format!("{}-{number:03}", &CATEGORIES[category][..3].to_uppercase()),
            "name": format!("{make} {}", kind.to_lowercase()),
            "description": format!("{kind} in {colour}, made by {make}."),
            "category_id": id(tenant, "category", category),
            "price": {"amount": price(number), "currency": "EUR"},
            "attributes": {"colour": colour, "make": make},
        }),
    )
}

fn stocked(tenant: &str, number: usize) -> Vec<Wish> {
    let received = |location: &str, quantity: usize| {
        let body = json!({"product_id": product(tenant, number), "location": location, "quantity": quantity});
        Wish::new("catalog/receive-stock", body)
    };
    match number {
        SCARCE => vec![received("main", 1)],
        _ => vec![received("main", 20 + number % 60), received("shop", 2 + number % 7)],
    }
}

fn ordered(tenant: &str, number: usize) -> Wish {
    let line = |product: usize, quantity: usize| {
        json!({
            "product_id": self::product(tenant, product),
            "quantity": quantity,
            "unit_price": {"amount": price(product), "currency": "EUR"},
        })
    };
    // Never the scarce one: it has no multiple of 8 for a number.
    let mut items = vec![line(number * 8 % PRODUCTS, 1 + number % 3), line((number * 24 + 8) % PRODUCTS, 1)];
    if fate(number) == Fate::OutOfStock {
        items.push(line(SCARCE, 5));
    }
    let method = match fate(number) {
        Fate::Waits => "card-silent",
        Fate::Declined => "card-declined",
        _ => "card-ok",
    };
    Wish::new(
        "orders/create-order",
        json!({
            "order_id": order(tenant, number),
            "customer_id": person(tenant, number % PEOPLE.len()),
            "items": items,
            "payment_method": method,
        }),
    )
}

/// Whom people follow and what they write; one of them has left, one was suspended.
fn company(tenant: &str) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for number in 0..PEOPLE.len() - 2 {
        let follow = json!({
            "user_id": person(tenant, number),
            "followed_id": person(tenant, (number + 1) % (PEOPLE.len() - 2)),
        });
        wishes.push(Wish::new("accounts/follow-user", follow));
        if number % 2 == 0 {
            let post = json!({
                "user_id": person(tenant, number),
                "post_id": id(tenant, "post", number),
                "title": format!("What I bought at {tenant}"),
            });
            wishes.push(Wish::new("accounts/publish-post", post));
        }
    }
    let left = json!({"user_id": person(tenant, PEOPLE.len() - 1)});
    wishes.push(Wish::new("accounts/deactivate-user", left));
    let suspended = json!({"user_id": person(tenant, PEOPLE.len() - 2)});
    wishes.push(Wish::new("accounts/suspend-user", suspended));
    wishes
}

/// Orders that something is still to happen to when their fulfilment is through.
pub(super) fn to_be_confirmed(tenant: &str) -> Vec<Uuid> {
    let goes_on = |number: &usize| fate(*number) != Fate::Waits;
    (0..ORDERS).filter(goes_on).map(|number| order(tenant, number)).collect()
}

/// What happens to orders that were confirmed.
pub(super) fn afterwards(tenant: &str) -> Vec<Wish> {
    let next = |number: usize| match fate(number) {
        Fate::CancelledByTheCustomer => Some(Wish::new(
            "orders/cancel-order",
            json!({"order_id": order(tenant, number), "reason": "changed my mind"}),
        )),
        Fate::Shipped | Fate::Delivered => {
            Some(Wish::new("orders/mark-shipped", json!({"order_id": order(tenant, number)})))
        }
        _ => None,
    };
    (0..ORDERS).filter_map(next).collect()
}

/// What arrives of what was shipped.
pub(super) fn deliveries(tenant: &str) -> Vec<Wish> {
    let arrives = |number: &usize| fate(*number) == Fate::Delivered;
    let delivered = |number| Wish::new("orders/mark-delivered", json!({"order_id": order(tenant, number)}));
    (0..ORDERS).filter(arrives).map(delivered).collect()
}
