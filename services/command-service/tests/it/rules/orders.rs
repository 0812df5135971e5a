use serde_json::{Value, json};

use super::{Asker, dollar, euro};
use crate::harness::new_id;

fn ordering(method: &str) -> Value {
    let item = json!({"product_id": new_id(), "quantity": 2, "unit_price": euro(50)});
    json!({"customer_id": new_id(), "items": [item], "payment_method": method})
}

impl Asker {
    /// An order that waits for its payment.
    async fn orders(&self, method: &str) -> String {
        self.does("create-order", ordering(method)).await
    }

    /// An order to which all of this has happened.
    async fn order_that(&self, went_through: &[&str]) -> String {
        let order = self.orders("card-ok").await;
        for name in went_through {
            let body = match *name {
                "cancel-order" | "reject-order" => json!({"order_id": order, "reason": "no"}),
                _ => json!({"order_id": order}),
            };
            self.does(name, body).await;
        }
        order
    }

    /// The payment of a new order, and the order.
    async fn pays(&self, method: &str) -> (String, String) {
        let (order, payment) = (self.orders(method).await, new_id());
        self.does("request-payment", json!({"payment_id": payment, "order_id": order})).await;
        (payment, order)
    }
}

#[tokio::test]
async fn every_rule_of_orders_refuses_with_its_code() {
    let mut asker = Asker::of("orders").await;
    let pending = asker.orders("card-ok").await;
    let confirmed = asker.order_that(&["confirm-order"]).await;
    let shipped = asker.order_that(&["confirm-order", "mark-shipped"]).await;
    let delivered = asker.order_that(&["confirm-order", "mark-delivered"]).await;
    let rejected = asker.order_that(&["reject-order"]).await;
    let cancelled = asker.order_that(&["cancel-order"]).await;

    let mut again = ordering("card-ok");
    again["order_id"] = json!(pending);
    let nobody = new_id();
    let about = |order: &str| json!({"order_id": order});
    let why = |order: &str| json!({"order_id": order, "reason": "changed my mind"});
    for (name, body, code) in [
        ("create-order", again, "order-exists"),
        ("cancel-order", why(&nobody), "unknown-order"),
        ("cancel-order", why(&shipped), "already-shipped"),
        ("cancel-order", why(&delivered), "already-shipped"),
        ("cancel-order", why(&rejected), "order-rejected"),
        ("confirm-order", about(&cancelled), "order-cancelled"),
        ("confirm-order", about(&rejected), "order-rejected"),
        ("reject-order", why(&confirmed), "already-confirmed"),
        ("mark-shipped", about(&pending), "not-confirmed"),
        ("mark-shipped", about(&cancelled), "not-confirmed"),
        ("mark-shipped", about(&shipped), "already-shipped"),
        ("mark-delivered", about(&pending), "not-confirmed"),
        ("mark-delivered", about(&delivered), "already-delivered"),
    ] {
        asker.is_refused(name, body, code).await;
    }

    let (promised, its_order) = asker.pays("card-ok").await;
    let (silent, _) = asker.pays("card-silent").await;
    let (declined, _) = asker.pays("card-declined").await;
    let (voided, of_voided) = asker.pays("card-silent").await;
    let reverse = json!({"payment_id": voided, "order_id": of_voided, "reason": "no"});
    asker.does("reverse-payment", reverse).await;
    let (taken, _) = asker.pays("card-ok").await;
    asker.does("capture-payment", json!({"payment_id": taken})).await;

    let pay = |payment: &str, order: &str| json!({"payment_id": payment, "order_id": order});
    let of = |payment: &str| json!({"payment_id": payment});
    let decline = |payment: &str| json!({"payment_id": payment, "reason": "no cover"});
    let amount = |payment: &str, amount: Value| json!({"payment_id": payment, "amount": amount});
    for (name, body, code) in [
        ("request-payment", pay(&nobody, &nobody), "unknown-order"),
        ("request-payment", pay(&nobody, &cancelled), "order-not-pending"),
        ("request-payment", pay(&nobody, &its_order), "order-has-payment"),
        ("request-payment", pay(&promised, &pending), "other-order"),
        ("authorise-payment", of(&nobody), "unknown-payment"),
        ("authorise-payment", of(&declined), "payment-declined"),
        ("authorise-payment", of(&voided), "payment-voided"),
        ("authorise-payment", of(&taken), "already-captured"),
        ("decline-payment", decline(&promised), "already-authorised"),
        ("capture-payment", of(&silent), "not-authorised"),
        ("capture-payment", amount(&promised, euro(101)), "capture-exceeds-authorisation"),
        ("capture-payment", amount(&promised, dollar(1)), "currency-mismatch"),
        ("capture-payment", amount(&taken, euro(1)), "already-captured"),
        ("refund-payment", amount(&promised, euro(1)), "refund-exceeds-capture"),
        ("refund-payment", amount(&taken, euro(101)), "refund-exceeds-capture"),
        ("refund-payment", amount(&taken, dollar(1)), "currency-mismatch"),
    ] {
        asker.is_refused(name, body, code).await;
    }
    let mut order = ordering("card-ok");
    order["items"][0]["quantity"] = json!(0);
    asker.is_invalid("create-order", order.clone(), &[("items[0].quantity", "not-positive")]).await;
    order["items"] = json!([]);
    asker.is_invalid("create-order", order, &[("items", "empty")]).await;
    asker.has_seen_every_rule_but(&["too-many-refunds"]).await;
}
