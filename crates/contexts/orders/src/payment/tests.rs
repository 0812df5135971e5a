mod conservation;

use kernel::testing::{DeciderCase, given};
use uuid::Uuid;

use super::PaymentRejection::{
    AlreadyAuthorised, AlreadyCaptured, CaptureExceedsAuthorisation, CurrencyMismatch, NotAuthorised,
    OrderHasPayment, OrderNotPending, OtherOrder, RefundExceedsCapture, TooManyRefunds, UnknownOrder,
    UnknownPayment,
};
use super::*;
use crate::{Order, OrderCancelled, OrderEvent, OrderLine, OrderPlaced};

const PAYMENT: Uuid = Uuid::from_u128(0xf1);
const ORDER: Uuid = Uuid::from_u128(0xe1);
const OTHER_ORDER: Uuid = Uuid::from_u128(0xe2);
const ANN: Uuid = Uuid::from_u128(0xc1);

fn euro(amount: i64) -> Money {
    Money::new(amount, "EUR".parse().unwrap())
}

fn dollar(amount: i64) -> Money {
    Money::new(amount, "USD".parse().unwrap())
}

fn charge() -> Charge {
    Charge { order_id: ORDER, customer_id: ANN, amount: euro(5000) }
}

fn requested(method: &str) -> PaymentRequested {
    PaymentRequested {
        payment_id: PAYMENT,
        order_id: ORDER,
        customer_id: ANN,
        amount: euro(5000),
        payment_method: method.into(),
    }
}

fn authorised() -> PaymentAuthorised {
    charge().authorised(PAYMENT)
}

fn declined(reason: &str) -> PaymentDeclined {
    charge().declined(PAYMENT, reason.into())
}

fn captured(amount: i64) -> PaymentCaptured {
    charge().captured(PAYMENT, euro(amount))
}

fn refunded(amount: i64, reason: &str) -> PaymentRefunded {
    charge().refunded(PAYMENT, euro(amount), reason.into())
}

fn voided() -> PaymentVoided {
    charge().voided(PAYMENT, "order-cancelled".into())
}

fn request() -> RequestPayment {
    RequestPayment { payment_id: PAYMENT, order_id: ORDER }
}

fn authorise() -> AuthorisePayment {
    AuthorisePayment { payment_id: PAYMENT }
}

fn decline() -> DeclinePayment {
    DeclinePayment { payment_id: PAYMENT, reason: "no cover".into() }
}

fn capture(amount: Option<Money>) -> CapturePayment {
    CapturePayment { payment_id: PAYMENT, amount }
}

fn refund(amount: Option<Money>) -> RefundPayment {
    RefundPayment { payment_id: PAYMENT, amount, reason: Some("scratched".into()) }
}

fn reverse() -> ReversePayment {
    ReversePayment { payment_id: PAYMENT, order_id: ORDER, reason: "order-cancelled".into() }
}

fn placed(method: &str) -> OrderPlaced {
    let unit_price = euro(5000);
    OrderPlaced {
        order_id: ORDER,
        customer_id: ANN,
        items: vec![OrderLine { product_id: Uuid::from_u128(0xa1), quantity: 1, unit_price }],
        total: unit_price,
        payment_method: method.into(),
    }
}

/// An order of 50 euros waits for its payment by this method, and this has happened to the payment.
fn given_payment(method: &str, then: impl IntoIterator<Item = PaymentEvent>) -> DeciderCase<Payment> {
    given::<Payment, PaymentEvent>(then).and_stream::<Order, _>(ORDER, [placed(method)])
}

fn given_none() -> DeciderCase<Payment> {
    given_payment("card-ok", [])
}

fn given_pending() -> DeciderCase<Payment> {
    given_payment("card-silent", [requested("card-silent").into()])
}

fn given_authorised() -> DeciderCase<Payment> {
    given_payment("card-ok", [requested("card-ok").into(), authorised().into()])
}

fn given_declined() -> DeciderCase<Payment> {
    given_payment("card-declined", [requested("card-declined").into(), declined("no cover").into()])
}

fn given_voided() -> DeciderCase<Payment> {
    given_payment("card-ok", [requested("card-ok").into(), voided().into()])
}

/// This much was taken, and of it given back.
fn given_captured(amount: i64, back: impl IntoIterator<Item = i64>) -> DeciderCase<Payment> {
    let before = [requested("card-ok").into(), authorised().into(), captured(amount).into()];
    let back = back.into_iter().map(|amount| refunded(amount, "").into());
    given_payment("card-ok", before.into_iter().chain(back))
}

#[test]
fn card_ok_is_authorised_in_the_same_breath() {
    given_none()
        .when(&request())
        .then::<PaymentEvent>([requested("card-ok").into(), authorised().into()])
        .and_claims("payment-of-order", &ORDER.to_string(), OrderHasPayment);
}

#[test]
fn card_declined_is_declined_in_the_same_breath() {
    given_payment("card-declined", [])
        .when(&request())
        .then::<PaymentEvent>([requested("card-declined").into(), declined("card-declined").into()]);
}

#[test]
fn card_silent_never_answers() {
    given_payment("card-silent", []).when(&request()).then([requested("card-silent")]);
}

#[test]
fn money_is_asked_for_once() {
    given_pending().when(&request()).then_nothing();
    given_authorised().when(&request()).then_nothing();
    given_captured(5000, []).when(&request()).then_nothing();
    given_declined().when(&request()).then_refused(&PaymentRejection::Declined);
    let another = RequestPayment { order_id: OTHER_ORDER, ..request() };
    given_pending().when(&another).then_refused(&OtherOrder);
}

#[test]
fn money_is_asked_for_only_while_the_order_waits_for_it() {
    let another = RequestPayment { order_id: OTHER_ORDER, ..request() };
    given_none().when(&another).then_refused(&UnknownOrder);
    let (reason, was_confirmed) = ("no".into(), false);
    let cancelled = OrderCancelled { order_id: ORDER, customer_id: ANN, reason, was_confirmed };
    let events: [OrderEvent; 2] = [placed("card-ok").into(), cancelled.into()];
    let given_cancelled = given::<Payment, PaymentEvent>([]).and_stream::<Order, _>(ORDER, events);
    given_cancelled.when(&request()).then_refused(&OrderNotPending);
}

#[test]
fn a_provider_authorises_what_was_asked_for() {
    given_pending().when(&authorise()).then([authorised()]);
    given_authorised().when(&authorise()).then_nothing();
    given_none().when(&authorise()).then_refused(&UnknownPayment);
}

#[test]
fn what_has_been_answered_otherwise_is_not_authorised() {
    given_declined().when(&authorise()).then_refused(&PaymentRejection::Declined);
    given_voided().when(&authorise()).then_refused(&PaymentRejection::Voided);
    given_captured(5000, []).when(&authorise()).then_refused(&AlreadyCaptured);
}

#[test]
fn a_provider_declines_what_was_asked_for() {
    given_pending().when(&decline()).then([declined("no cover")]);
    given_declined().when(&decline()).then_nothing();
    given_authorised().when(&decline()).then_refused(&AlreadyAuthorised);
    given_captured(5000, []).when(&decline()).then_refused(&AlreadyCaptured);
    given_voided().when(&decline()).then_refused(&PaymentRejection::Voided);
    given_none().when(&decline()).then_refused(&UnknownPayment);
    given_pending()
        .when(&DeclinePayment { reason: String::new(), ..decline() })
        .then_invalid("reason", "empty");
}

#[test]
fn what_was_promised_is_taken_whole_or_in_part() {
    given_authorised().when(&capture(None)).then([captured(5000)]);
    given_authorised().when(&capture(Some(euro(4999)))).then([captured(4999)]);
}

#[test]
fn no_more_is_taken_than_was_promised() {
    given_authorised().when(&capture(Some(euro(5001)))).then_refused(&CaptureExceedsAuthorisation);
    given_authorised().when(&capture(Some(dollar(1)))).then_refused(&CurrencyMismatch);
    given_authorised().when(&capture(Some(euro(0)))).then_invalid("amount.amount", "not-positive");
}

#[test]
fn nothing_is_taken_twice() {
    given_captured(5000, []).when(&capture(None)).then_nothing();
    given_captured(4000, []).when(&capture(Some(euro(4000)))).then_nothing();
    given_captured(4000, []).when(&capture(Some(euro(1000)))).then_refused(&AlreadyCaptured);
}

#[test]
fn only_what_was_promised_is_taken() {
    given_pending().when(&capture(None)).then_refused(&NotAuthorised);
    given_declined().when(&capture(None)).then_refused(&PaymentRejection::Declined);
    given_voided().when(&capture(None)).then_refused(&PaymentRejection::Voided);
    given_none().when(&capture(None)).then_refused(&UnknownPayment);
}

#[test]
fn what_was_taken_is_given_back_in_parts_or_whole() {
    given_captured(5000, []).when(&refund(Some(euro(1)))).then([refunded(1, "scratched")]);
    given_captured(5000, [1]).when(&refund(None)).then([refunded(4999, "scratched")]);
    given_captured(5000, [1]).when(&refund(Some(euro(4999)))).then([refunded(4999, "scratched")]);
    let unsaid = RefundPayment { reason: None, ..refund(None) };
    given_captured(5000, []).when(&unsaid).then([refunded(5000, "")]);
}

#[test]
fn never_more_is_given_back_than_was_taken() {
    given_captured(4000, []).when(&refund(Some(euro(4001)))).then_refused(&RefundExceedsCapture);
    given_captured(4000, [1000, 2000]).when(&refund(Some(euro(1001)))).then_refused(&RefundExceedsCapture);
    given_captured(4000, [4000]).when(&refund(None)).then_refused(&RefundExceedsCapture);
    given_authorised().when(&refund(Some(euro(1)))).then_refused(&RefundExceedsCapture);
    given_pending().when(&refund(None)).then_refused(&RefundExceedsCapture);
    given_none().when(&refund(None)).then_refused(&UnknownPayment);
}

#[test]
fn a_refund_is_above_zero_and_in_the_payments_currency() {
    given_captured(5000, []).when(&refund(Some(euro(0)))).then_invalid("amount.amount", "not-positive");
    given_captured(5000, []).when(&refund(Some(dollar(1)))).then_refused(&CurrencyMismatch);
}

#[test]
fn a_payment_is_given_back_in_so_many_parts_and_no_more() {
    given_captured(5000, vec![1; REFUNDS_MOST]).when(&refund(None)).then_refused(&TooManyRefunds);
    given_captured(5000, vec![1; REFUNDS_MOST]).when(&reverse()).then([refunded(4900, "order-cancelled")]);
}

#[test]
fn a_reversal_gives_back_what_is_left_of_what_was_taken() {
    given_captured(4000, []).when(&reverse()).then([refunded(4000, "order-cancelled")]);
    given_captured(4000, [1000]).when(&reverse()).then([refunded(3000, "order-cancelled")]);
    given_captured(4000, [4000]).when(&reverse()).then_nothing();
}

#[test]
fn a_reversal_ends_what_was_not_taken() {
    given_pending().when(&reverse()).then([voided()]);
    given_authorised().when(&reverse()).then([voided()]);
    given_declined().when(&reverse()).then_nothing();
    given_voided().when(&reverse()).then_nothing();
}

#[test]
fn a_reversal_of_what_was_never_asked_for_refuses_asking_late() {
    given_none().when(&reverse()).then([voided()]);
    given_payment("card-ok", [voided().into()]).when(&request()).then_refused(&PaymentRejection::Voided);
    let another = ReversePayment { order_id: OTHER_ORDER, ..reverse() };
    given_none().when(&another).then_refused(&UnknownOrder);
}

#[test]
fn codes_are_what_clients_switch_on() {
    let all = <PaymentRejection as kernel::Rejection>::CODES.iter().map(|(code, _)| *code);
    assert_eq!(
        all.collect::<Vec<_>>(),
        [
            "unknown-payment",
            "unknown-order",
            "order-not-pending",
            "order-has-payment",
            "other-order",
            "payment-declined",
            "payment-voided",
            "already-authorised",
            "not-authorised",
            "already-captured",
            "capture-exceeds-authorisation",
            "refund-exceeds-capture",
            "too-many-refunds",
            "currency-mismatch",
        ]
    );
}
