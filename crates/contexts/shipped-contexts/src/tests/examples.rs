//! Of each command a body that says all that it may say.

macro_rules! examples {
    ($($command:literal $body:tt)+) => { &[$(($command, stringify!($body))),+] };
}

/// The command and its body.
pub(super) const EXAMPLES: &[(&str, &str)] = examples! {
    "catalog/create-category" { "category_id": "00000000-0000-0000-0000-0000000000c1", "name": "Furniture" }
    "catalog/rename-category" { "category_id": "00000000-0000-0000-0000-0000000000c1", "name": "Seats" }
    "catalog/create-product" {
        "product_id": "00000000-0000-0000-0000-0000000000a1", "sku": "CH-1", "name": "Chair", "description": "Oak.",
        "category_id": "00000000-0000-0000-0000-0000000000c1", "price": { "amount": 1999, "currency": "EUR" },
        "attributes": { "wood": "oak" }
    }
    "catalog/describe-product" {
        "product_id": "00000000-0000-0000-0000-0000000000a1", "name": "Armchair", "description": "Oak.",
        "attributes": { "wood": "oak" }
    }
    "catalog/change-price" {
        "product_id": "00000000-0000-0000-0000-0000000000a1", "price": { "amount": 1999, "currency": "EUR" }
    }
    "catalog/recategorise-product" {
        "product_id": "00000000-0000-0000-0000-0000000000a1", "category_id": "00000000-0000-0000-0000-0000000000c2"
    }
    "catalog/discontinue-product" { "product_id": "00000000-0000-0000-0000-0000000000a1", "reason": "moths" }
    "catalog/receive-stock" {
        "product_id": "00000000-0000-0000-0000-0000000000a1", "location": "Berlin", "quantity": 5
    }
    "catalog/reserve-stock" {
        "product_id": "00000000-0000-0000-0000-0000000000a1", "location": "Berlin", "quantity": 5,
        "reservation_id": "00000000-0000-0000-0000-0000000000e1"
    }
    "catalog/release-stock" {
        "product_id": "00000000-0000-0000-0000-0000000000a1", "even_if_unknown": true,
        "reservation_id": "00000000-0000-0000-0000-0000000000e1"
    }
    "catalog/ship-stock" {
        "product_id": "00000000-0000-0000-0000-0000000000a1",
        "reservation_id": "00000000-0000-0000-0000-0000000000e1"
    }
    "catalog/adjust-stock" {
        "product_id": "00000000-0000-0000-0000-0000000000a1", "location": "Berlin", "counted": 5, "reason": "stock-take"
    }
    "catalog/transfer-stock" {
        "product_id": "00000000-0000-0000-0000-0000000000a1", "from": "Berlin", "to": "Paris", "quantity": 5
    }

    "accounts/register-user" {
        "user_id": "00000000-0000-0000-0000-0000000000b1", "email": "ann@example.com", "name": "Ann",
        "password": "correct horse battery"
    }
    "accounts/update-profile" { "user_id": "00000000-0000-0000-0000-0000000000b1", "name": "Ann", "bio": "Sits." }
    "accounts/change-password" {
        "user_id": "00000000-0000-0000-0000-0000000000b1", "password": "correct horse battery"
    }
    "accounts/deactivate-user" { "user_id": "00000000-0000-0000-0000-0000000000b1", "reason": "moves on" }
    "accounts/reactivate-user" { "user_id": "00000000-0000-0000-0000-0000000000b1" }
    "accounts/suspend-user" { "user_id": "00000000-0000-0000-0000-0000000000b1", "reason": "spam" }
    "accounts/publish-post" {
        "user_id": "00000000-0000-0000-0000-0000000000b1", "post_id": "00000000-0000-0000-0000-000000000011",
        "title": "On chairs"
    }
    "accounts/remove-post" {
        "user_id": "00000000-0000-0000-0000-0000000000b1", "post_id": "00000000-0000-0000-0000-000000000011"
    }
    "accounts/follow-user" {
        "user_id": "00000000-0000-0000-0000-0000000000b1", "followed_id": "00000000-0000-0000-0000-0000000000b2"
    }
    "accounts/unfollow-user" {
        "user_id": "00000000-0000-0000-0000-0000000000b1", "followed_id": "00000000-0000-0000-0000-0000000000b2"
    }

    "orders/create-order" {
        "order_id": "00000000-0000-0000-0000-0000000000d1", "customer_id": "00000000-0000-0000-0000-0000000000b1",
        "items": [{
            "product_id": "00000000-0000-0000-0000-0000000000a1", "quantity": 2,
            "unit_price": { "amount": 1999, "currency": "EUR" }
        }],
        "payment_method": "card-ok"
    }
    "orders/cancel-order" { "order_id": "00000000-0000-0000-0000-0000000000d1", "reason": "too late" }
    "orders/confirm-order" { "order_id": "00000000-0000-0000-0000-0000000000d1" }
    "orders/reject-order" { "order_id": "00000000-0000-0000-0000-0000000000d1", "reason": "insufficient-stock" }
    "orders/mark-shipped" {
        "order_id": "00000000-0000-0000-0000-0000000000d1", "carrier": "Post", "tracking_code": "P-1"
    }
    "orders/mark-delivered" { "order_id": "00000000-0000-0000-0000-0000000000d1", "received_by": "Ann" }
    "orders/request-payment" {
        "payment_id": "00000000-0000-0000-0000-0000000000f1", "order_id": "00000000-0000-0000-0000-0000000000d1"
    }
    "orders/authorise-payment" { "payment_id": "00000000-0000-0000-0000-0000000000f1" }
    "orders/decline-payment" { "payment_id": "00000000-0000-0000-0000-0000000000f1", "reason": "no cover" }
    "orders/capture-payment" {
        "payment_id": "00000000-0000-0000-0000-0000000000f1", "amount": { "amount": 1999, "currency": "EUR" }
    }
    "orders/refund-payment" {
        "payment_id": "00000000-0000-0000-0000-0000000000f1", "amount": { "amount": 1999, "currency": "EUR" },
        "reason": "scratched"
    }
    "orders/reverse-payment" {
        "payment_id": "00000000-0000-0000-0000-0000000000f1", "order_id": "00000000-0000-0000-0000-0000000000d1",
        "reason": "order-cancelled"
    }

    "travel/create-group" {
        "group_id": "00000000-0000-0000-0000-000000000061", "name": "Lisbon", "currency": "EUR",
        "trip_window": { "from": "2026-07-01", "to": "2026-07-10" }
    }
    "travel/add-group-member" {
        "group_id": "00000000-0000-0000-0000-000000000061", "user_id": "00000000-0000-0000-0000-0000000000b1"
    }
    "travel/remove-group-member" {
        "group_id": "00000000-0000-0000-0000-000000000061", "user_id": "00000000-0000-0000-0000-0000000000b1"
    }
    "travel/update-group-trip-window" {
        "group_id": "00000000-0000-0000-0000-000000000061",
        "trip_window": { "from": "2026-07-01", "to": "2026-07-10" }
    }
    "travel/liquidate-group-with-wallets" { "group_id": "00000000-0000-0000-0000-000000000061" }
    "travel/plan-itinerary-item" {
        "group_id": "00000000-0000-0000-0000-000000000061", "item_id": "00000000-0000-0000-0000-000000000071",
        "title": "Museum", "starts_at": "2026-07-02T10:00:00Z", "ends_at": "2026-07-02T12:00:00Z", "place": "Belém"
    }
    "travel/drop-itinerary-item" {
        "group_id": "00000000-0000-0000-0000-000000000061", "item_id": "00000000-0000-0000-0000-000000000071"
    }
    "travel/set-budget" {
        "group_id": "00000000-0000-0000-0000-000000000061", "category": "food",
        "limit": { "amount": 50000, "currency": "EUR" }
    }
    "travel/fund-wallet" {
        "group_id": "00000000-0000-0000-0000-000000000061", "user_id": "00000000-0000-0000-0000-0000000000b1",
        "amount": { "amount": 500, "currency": "EUR" }
    }
    "travel/withdraw-from-wallet" {
        "group_id": "00000000-0000-0000-0000-000000000061", "user_id": "00000000-0000-0000-0000-0000000000b1",
        "amount": { "amount": 500, "currency": "EUR" }
    }
    "travel/submit-expense" {
        "group_id": "00000000-0000-0000-0000-000000000061", "expense_id": "00000000-0000-0000-0000-0000000000e1",
        "paid_by": "00000000-0000-0000-0000-0000000000b1", "amount": { "amount": 1000, "currency": "EUR" },
        "category": "food", "split": { "shares": { "00000000-0000-0000-0000-0000000000b1": 2 } },
        "description": "Dinner."
    }
    "travel/approve-expense" {
        "group_id": "00000000-0000-0000-0000-000000000061", "expense_id": "00000000-0000-0000-0000-0000000000e1",
        "by": "00000000-0000-0000-0000-0000000000b2"
    }
    "travel/reject-expense" {
        "group_id": "00000000-0000-0000-0000-000000000061", "expense_id": "00000000-0000-0000-0000-0000000000e1",
        "by": "00000000-0000-0000-0000-0000000000b2", "reason": "not ours"
    }
    "travel/open-hotel" {
        "hotel_id": "00000000-0000-0000-0000-000000000041", "room_type": "double", "count": 3,
        "price": { "amount": 9000, "currency": "EUR" }
    }
    "travel/book-hotel-room" {
        "group_id": "00000000-0000-0000-0000-000000000061", "booking_id": "00000000-0000-0000-0000-0000000000b9",
        "hotel_id": "00000000-0000-0000-0000-000000000041", "room_type": "double",
        "nights": { "from": "2026-07-01", "to": "2026-07-03" }, "price": { "amount": 18000, "currency": "EUR" },
        "paid_by": "00000000-0000-0000-0000-0000000000b1", "category": "lodging"
    }
    "travel/cancel-booking" {
        "group_id": "00000000-0000-0000-0000-000000000061", "booking_id": "00000000-0000-0000-0000-0000000000b9"
    }
    "travel/refund-payment" {
        "group_id": "00000000-0000-0000-0000-000000000061", "booking_id": "00000000-0000-0000-0000-0000000000b9",
        "amount": { "amount": 9000, "currency": "EUR" }
    }
};
