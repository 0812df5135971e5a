use super::*;

fn whats(row: &OrderStanding) -> Vec<&str> {
    row.timeline.iter().map(|entry| entry.what.as_str()).collect()
}

fn told() -> ViewCase<OrderDetails> {
    history().at(day(1)).places(ORDER, ANN, euro(100))
}

#[test]
fn an_order_shows_its_lines_and_what_they_cost() {
    let line = |product_id, quantity, total| OrderLineRow {
        product_id,
        quantity,
        unit_price: euro(100),
        total: euro(total),
    };
    let placed = TimelineEntry { at: day(1), what: "placed".into(), amount: Some(euro(300)), reason: None };
    told()
        .then_row(
            ORDER,
            &OrderRow {
                standing: OrderStanding {
                    id: ORDER,
                    customer_id: ANN,
                    status: OrderStatus::Pending,
                    reason: None,
                    total: euro(300),
                    payment_method: "card-ok".into(),
                    payment: None,
                    carrier: None,
                    tracking_code: None,
                    timeline: vec![placed],
                    placed_at: day(1),
                    updated_at: day(1),
                },
                lines: vec![line(CHAIR, 2, 200), line(TABLE, 1, 100)],
            },
        )
        .holds_however_delivered();
}

#[test]
fn an_order_shows_how_far_it_has_come_and_what_happened_on_the_way() {
    let told = two_shops::<OrderDetails>().holds_however_delivered();
    let row = told.row(ORDER).standing;
    assert_eq!(row.status, OrderStatus::Delivered);
    assert_eq!((row.carrier.as_deref(), row.tracking_code.as_deref()), (Some("Post"), Some("RR1")));
    assert_eq!(
        whats(&row),
        [
            "placed",
            "payment-requested",
            "payment-authorised",
            "payment-captured",
            "confirmed",
            "shipped",
            "delivered",
            "payment-refunded",
        ]
    );
    assert_eq!(row.timeline[5].at, day(2));
    assert_eq!((row.timeline[7].at, row.timeline[7].amount), (day(3), Some(euro(50))));
    assert_eq!((row.placed_at, row.updated_at), (day(1), day(3)));
}

#[test]
fn an_order_shows_what_was_taken_and_given_back() {
    let told = told().asks_for(ORDER, ANN, euro(300));
    let nothing = PaymentOfOrder {
        id: payment(ORDER),
        status: PaymentStatus::Pending,
        captured: euro(0),
        refunded: euro(0),
    };
    assert_eq!(told.row(ORDER).standing.payment, Some(nothing.clone()));
    let told = told.authorises(ORDER, ANN, euro(300)).captures(ORDER, ANN, euro(300));
    let taken = PaymentOfOrder { status: PaymentStatus::Captured, captured: euro(300), ..nothing };
    assert_eq!(told.row(ORDER).standing.payment, Some(taken.clone()));
    let told = told.refunds(ORDER, ANN, euro(100));
    assert_eq!(
        told.row(ORDER).standing.payment,
        Some(PaymentOfOrder { refunded: euro(100), ..taken.clone() })
    );
    let told = told.refunds(ORDER, ANN, euro(200));
    let all = PaymentOfOrder { status: PaymentStatus::Refunded, refunded: euro(300), ..taken };
    assert_eq!(told.row(ORDER).standing.payment, Some(all));
}

#[test]
fn an_order_that_came_to_nothing_says_why() {
    let declined = told().asks_for(ORDER, ANN, euro(300)).declines(ORDER, ANN).rejects(ORDER, ANN);
    let row = declined.row(ORDER).standing;
    assert_eq!((row.status, row.reason.as_deref()), (OrderStatus::Rejected, Some("insufficient-stock")));
    assert_eq!(row.payment.unwrap().status, PaymentStatus::Declined);
    assert_eq!(row.timeline[2].reason.as_deref(), Some("card-declined"));

    let called_off = told().asks_for(ORDER, ANN, euro(300)).cancels(ORDER, ANN, false).voids(ORDER, ANN);
    let row = called_off.holds_however_delivered().row(ORDER).standing;
    assert_eq!((row.status, row.reason.as_deref()), (OrderStatus::Cancelled, Some("changed my mind")));
    assert_eq!(row.payment.unwrap().status, PaymentStatus::Voided);
}

#[test]
fn tenants_with_the_same_ids_have_rows_of_their_own() {
    let told = two_shops::<OrderDetails>();
    assert_eq!(told.row(ORDER).standing.total, euro(300));
    let globex = told.tenant("globex");
    assert_eq!(globex.row(ORDER).standing.status, OrderStatus::Cancelled);
    assert_eq!(globex.row(ORDER).standing.total, euro(3_000_000));
    globex.then_no_row(OTHER_ORDER);
}
