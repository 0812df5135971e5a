//! Appends against a model: whatever comes together, each outcome is as if all had come one after another.
//!
//! Places in the log are not part of the model: commands that have nothing to do with one another may overtake.

use std::collections::HashMap;

use event_log::{Append, AppendError, Receipt};
use futures::future::join_all;
use kernel::{EventId, LogId, StreamName, TenantId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use uuid::Uuid;

use crate::support::{And, Fixture, assert_dense, recording, tenant};

/// What a command is about, in small numbers so that commands meet.
#[derive(Debug, Clone)]
struct Wish {
    stream: usize,
    /// Decided on what is known when the round begins, or on something older or newer.
    off_by: i64,
    reads: Option<(usize, i64)>,
    events: u64,
    claims: Vec<(bool, u8)>,
    key: Option<u8>,
}

fn wish() -> impl Strategy<Value = Wish> {
    let off_by = || prop_oneof![6 => Just(0i64), 1 => Just(1), 1 => Just(-1)];
    let reads = prop::option::of((0..3usize, off_by()));
    let claims = prop::collection::vec((prop::bool::weighted(0.7), 0..3u8), 0..3);
    let key = prop::option::weighted(0.3, 0..4u8);
    (0..3usize, off_by(), reads, 0..3u64, claims, key).prop_map(
        |(stream, off_by, reads, events, claims, key)| Wish { stream, off_by, reads, events, claims, key },
    )
}

#[derive(Debug, Clone, PartialEq)]
enum Expected {
    Recorded { version: u64, events: Vec<EventId> },
    Stale { stream: usize, actual: u64 },
    ClaimTaken { index: usize },
    AlreadyDone { version: u64, events: Vec<EventId> },
}

/// The log, one command after another.
#[derive(Default)]
struct Model {
    versions: [u64; 3],
    claims: HashMap<u8, usize>,
    keys: HashMap<u8, (u64, Vec<EventId>)>,
    events: [Vec<EventId>; 3],
}

impl Model {
    fn decide(&mut self, wish: &Wish, guards: &[(usize, u64)], ids: &[EventId]) -> Expected {
        if let Some((version, events)) = wish.key.and_then(|key| self.keys.get(&key)) {
            return Expected::AlreadyDone { version: *version, events: events.clone() };
        }
        if let Some((stream, _)) = guards.iter().find(|(stream, version)| self.versions[*stream] != *version)
        {
            return Expected::Stale { stream: *stream, actual: self.versions[*stream] };
        }
        let taken = |(take, value): &(bool, u8)| {
            *take && self.claims.get(value).is_some_and(|holder| *holder != wish.stream)
        };
        if let Some(index) = wish.claims.iter().position(taken) {
            return Expected::ClaimTaken { index };
        }
        for (take, value) in &wish.claims {
            if *take {
                self.claims.insert(*value, wish.stream);
            } else if self.claims.get(value) == Some(&wish.stream) {
                self.claims.remove(value);
            }
        }
        self.versions[wish.stream] += wish.events;
        self.events[wish.stream].extend(ids);
        let version = self.versions[wish.stream];
        if let Some(key) = wish.key {
            self.keys.insert(key, (version, ids.to_vec()));
        }
        Expected::Recorded { version, events: ids.to_vec() }
    }
}

fn shifted(version: u64, by: i64) -> u64 {
    version.saturating_add_signed(by)
}

fn append(wish: &Wish, versions: &[u64; 3], streams: &[StreamName; 3]) -> (Append, Vec<(usize, u64)>) {
    let main = shifted(versions[wish.stream], wish.off_by);
    let mut append = recording(&streams[wish.stream], main, wish.events);
    let mut guards = vec![(wish.stream, main)];
    if let Some((read, off_by)) = wish.reads.filter(|(read, _)| *read != wish.stream) {
        let version = shifted(versions[read], off_by);
        append = append.reading(&streams[read], version);
        guards.push((read, version));
    }
    for (take, value) in &wish.claims {
        append = if *take { append.taking(&value.to_string()) } else { append.releasing(&value.to_string()) };
    }
    if let Some(key) = wish.key {
        append = append.once(&key.to_string());
    }
    (append, guards)
}

fn ids(receipt: &Receipt) -> Vec<EventId> {
    receipt.events.iter().map(|(id, _)| *id).collect()
}

fn seen(outcome: Result<Receipt, AppendError>, streams: &[StreamName; 3]) -> Expected {
    match outcome {
        Ok(receipt) => Expected::Recorded { version: receipt.version.number(), events: ids(&receipt) },
        Err(AppendError::Stale { stream, actual }) => {
            let stream = streams.iter().position(|name| *name == stream).unwrap();
            Expected::Stale { stream, actual: actual.number() }
        }
        Err(AppendError::ClaimTaken { index }) => Expected::ClaimTaken { index },
        Err(AppendError::AlreadyDone(receipt, _)) => {
            Expected::AlreadyDone { version: receipt.version.number(), events: ids(&receipt) }
        }
        Err(other) => panic!("{other:?}"),
    }
}

async fn run(fixture: &Fixture, case: u32, rounds: Vec<Vec<Wish>>) -> Result<(), TestCaseError> {
    let context = format!("case-{case}");
    let acme: TenantId = tenant("acme");
    let streams = [(); 3].map(|()| StreamName::of("product", Uuid::now_v7()));
    // From here on every name is known, and appends queue in the order in which they are polled.
    fixture.log.append(&context, &acme, recording(&streams[0], 0, 0)).await.unwrap();
    let mut model = Model::default();
    let mut receipts = Vec::new();
    for round in rounds {
        let known = model.versions;
        let mut appends = Vec::new();
        let mut expected = Vec::new();
        for wish in &round {
            let (append, guards) = append(wish, &known, &streams);
            let ids: Vec<EventId> = append.events.iter().map(|event| event.id).collect();
            expected.push(model.decide(wish, &guards, &ids));
            appends.push(fixture.log.append(&context, &acme, append));
        }
        let outcomes = join_all(appends).await;
        receipts.extend(outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).cloned());
        let found: Vec<_> = outcomes.into_iter().map(|outcome| seen(outcome, &streams)).collect();
        prop_assert_eq!(found, expected, "round: {:?}", round);
    }
    let log = LogId::new(context.as_str(), fixture.log.lane_of(&acme).await.unwrap());
    let events = fixture.events(&log).await;
    assert_dense(&events);
    for (stream, expected) in streams.iter().zip(&model.events) {
        let found = events.iter().filter(|event| event.event.stream == *stream).map(|event| event.event.id);
        prop_assert_eq!(&found.collect::<Vec<_>>(), expected);
    }
    for receipt in receipts {
        let last = receipt.sequence.number() as usize;
        let found = events[last - receipt.events.len()..last].iter().map(|event| event.event.id);
        prop_assert_eq!(found.collect::<Vec<_>>(), ids(&receipt), "a receipt says where its events are");
    }
    let values = ["0", "1", "2"].map(|value| ("sku", value));
    let held = fixture.log.claims_held(&context, &acme, &values).await.unwrap();
    let model_held = (0..3).map(|value| model.claims.get(&value).map(|holder| streams[*holder].clone()));
    prop_assert_eq!(held, model_held.collect::<Vec<_>>());
    fixture.log.verify(&log, |_| {}).await.unwrap();
    Ok(())
}

#[test]
fn appends_that_come_together_end_as_if_they_had_come_one_after_another() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let fixture = runtime.block_on(Fixture::new());
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let rounds = prop::collection::vec(prop::collection::vec(wish(), 1..8), 1..6);
    let case = std::cell::Cell::new(0);
    TestRunner::new(config)
        .run(&rounds, |rounds| {
            case.set(case.get() + 1);
            runtime.block_on(run(&fixture, case.get(), rounds))
        })
        .unwrap();
}
