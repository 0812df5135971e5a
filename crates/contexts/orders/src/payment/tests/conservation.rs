//! Whatever is asked of a payment, in whatever order, money is neither made nor lost.

use std::sync::Arc;

use kernel::{Actor, Command, Facts, Reads, StreamName, Timestamp, Violations};
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Asked {
    Request,
    Authorise,
    Decline,
    Capture(Option<i64>),
    Refund(Option<i64>),
    Reverse,
}

fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        Just(Asked::Request),
        Just(Asked::Authorise),
        Just(Asked::Decline),
        prop::option::of(-1..6000i64).prop_map(Asked::Capture),
        prop::option::of(-1..3000i64).prop_map(Asked::Refund),
        Just(Asked::Reverse),
    ]
}

fn decide<C: Command<Decider = Payment>>(
    command: &C,
    state: &PaymentState,
    method: &str,
) -> Vec<PaymentEvent> {
    let mut violations = Violations::default();
    command.validate(&mut violations);
    if !violations.is_empty() {
        return Vec::new();
    }
    let order = Order::fold(&[placed(method).into()]);
    let mut facts = Facts::new(Timestamp::from_micros(0), PAYMENT, Actor::new("tester"));
    if !Reads::streams(&command.reads(PAYMENT, state)).is_empty() {
        facts = facts.with_state(StreamName::of(Order::STREAM, ORDER), Arc::new(order));
    }
    command.decide(state, &facts).map_or_else(|_| Vec::new(), |decision| decision.events)
}

proptest! {
    #[test]
    fn money_is_conserved_whatever_is_asked(
        method in prop::sample::select(vec!["card-ok", "card-declined", "card-silent"]),
        asked in prop::collection::vec(asked(), 0..60),
    ) {
        let mut state = PaymentState::default();
        let (mut promised, mut taken, mut back, mut captures) = (0, 0, 0, 0);
        for command in asked {
            let events = match command {
                Asked::Request => decide(&request(), &state, method),
                Asked::Authorise => decide(&authorise(), &state, method),
                Asked::Decline => decide(&decline(), &state, method),
                Asked::Capture(amount) => decide(&capture(amount.map(euro)), &state, method),
                Asked::Refund(amount) => decide(&refund(amount.map(euro)), &state, method),
                Asked::Reverse => decide(&reverse(), &state, method),
            };
            for event in events {
                match &event {
                    PaymentEvent::PaymentAuthorised(authorised) => promised = authorised.amount.amount,
                    PaymentEvent::PaymentCaptured(captured) => {
                        taken += captured.amount.amount;
                        captures += 1;
                    }
                    PaymentEvent::PaymentRefunded(refunded) => back += refunded.amount.amount,
                    PaymentEvent::PaymentDeclined(_) | PaymentEvent::PaymentVoided(_) => {
                        prop_assert_eq!(taken, 0, "ended after money was taken");
                    }
                    PaymentEvent::PaymentRequested(_) => {}
                }
                state = Payment::evolve(state, &event);
            }
            prop_assert!(0 <= back && back <= taken && taken <= promised, "{back} of {taken} of {promised}");
            prop_assert!(captures <= 1, "taken {captures} times");
        }
        decide(&reverse(), &state, method).into_iter().for_each(|event| {
            if let PaymentEvent::PaymentRefunded(refunded) = &event {
                back += refunded.amount.amount;
            }
            state = Payment::evolve(std::mem::take(&mut state), &event);
        });
        prop_assert_eq!(back, taken, "a reversal leaves nothing behind");
    }
}
