use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use kernel::{StreamName, TenantId};
use uuid::Uuid;

use super::*;
use crate::warm::StreamKey;

fn stream(id: u128) -> StreamKey {
    StreamKey {
        context: "library",
        tenant: TenantId::new("acme").unwrap(),
        stream: StreamName::of("book", Uuid::from_u128(id)),
    }
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn ready<T>(poll: Poll<Result<T, QueueFull>>) -> T {
    match poll {
        Poll::Ready(Ok(turn)) => turn,
        Poll::Ready(Err(error)) => panic!("{error}"),
        Poll::Pending => panic!("still waiting"),
    }
}

#[test]
fn a_free_stream_is_had_at_once_and_leaves_nothing_behind() {
    let queues = Queues::new(8);
    let turn = ready(poll(pin!(queues.turn(stream(1)))));
    let other = ready(poll(pin!(queues.turn(stream(2)))));
    assert_eq!(queues.streams(), 2);
    drop((turn, other));
    assert_eq!(queues.streams(), 0);
}

#[test]
fn turns_go_first_come_first_served() {
    let queues = Queues::new(8);
    let first = ready(poll(pin!(queues.turn(stream(1)))));
    let mut second = pin!(queues.turn(stream(1)));
    let mut third = pin!(queues.turn(stream(1)));
    assert!(poll(second.as_mut()).is_pending());
    assert!(poll(third.as_mut()).is_pending());
    drop(first);
    assert!(poll(third.as_mut()).is_pending());
    drop(ready(poll(second.as_mut())));
    drop(ready(poll(third.as_mut())));
    assert_eq!(queues.streams(), 0);
}

#[test]
fn one_who_gives_up_is_passed_over() {
    let queues = Queues::new(8);
    let first = ready(poll(pin!(queues.turn(stream(1)))));
    {
        let mut gone = pin!(queues.turn(stream(1)));
        assert!(poll(gone.as_mut()).is_pending());
    }
    let mut third = pin!(queues.turn(stream(1)));
    assert!(poll(third.as_mut()).is_pending());
    drop(first);
    drop(ready(poll(third.as_mut())));
    assert_eq!(queues.streams(), 0);
}

#[test]
fn one_who_gives_up_with_the_turn_in_hand_passes_it_on() {
    let queues = Queues::new(8);
    let first = ready(poll(pin!(queues.turn(stream(1)))));
    let mut third = pin!(queues.turn(stream(1)));
    {
        let mut second = pin!(queues.turn(stream(1)));
        assert!(poll(second.as_mut()).is_pending());
        assert!(poll(third.as_mut()).is_pending());
        drop(first);
        // The turn has been sent to the second, which goes without having looked.
    }
    drop(ready(poll(third.as_mut())));
    assert_eq!(queues.streams(), 0);
}

#[test]
fn a_queue_is_bounded_and_those_who_gave_up_do_not_count() {
    let queues = Queues::new(1);
    let _first = ready(poll(pin!(queues.turn(stream(1)))));
    {
        let mut second = pin!(queues.turn(stream(1)));
        assert!(poll(second.as_mut()).is_pending());
        assert!(matches!(poll(pin!(queues.turn(stream(1)))), Poll::Ready(Err(QueueFull))));
    }
    assert!(poll(pin!(queues.turn(stream(1)))).is_pending());
}
