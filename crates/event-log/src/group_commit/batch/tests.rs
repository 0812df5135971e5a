use std::collections::VecDeque;

use bytes::Bytes;
use kernel::{
    Actor, EventId, EventMetadata, NewEvent, SchemaFingerprint, StreamName, StreamVersion, TenantId,
};
use uuid::Uuid;

use super::select;
use crate::group_commit::Command;
use crate::{Append, Beside, ClaimChange, Guard, OnceKey};

fn stream(number: u128) -> StreamName {
    StreamName::of("product", Uuid::from_u128(number))
}

/// Writes one stream (or only reads it, without events) and reads others.
fn command(
    tenant_id: i32,
    main: u128,
    events: usize,
    reads: &[u128],
    claims: &[&str],
    key: Option<&str>,
) -> Command {
    let tenant = TenantId::new("acme").unwrap();
    let guard = |number| Guard { stream: stream(number), version: StreamVersion::ZERO };
    let event = |version: usize| NewEvent {
        id: EventId(Uuid::nil()),
        event_type: "ProductCreated".into(),
        stream: stream(main),
        version: StreamVersion::new(version as u64),
        schema: SchemaFingerprint(0),
        payload: Bytes::from_static(&[0; 1000]),
        metadata: EventMetadata {
            correlation_id: Uuid::nil(),
            causation_id: None,
            command_id: Uuid::nil(),
            actor: Actor::new("jo"),
            traceparent: None,
        },
    };
    let append = Append {
        stream: stream(main),
        guards: [main].iter().chain(reads).map(|number| guard(*number)).collect(),
        events: (1..=events).map(event).collect(),
        claims: claims
            .iter()
            .map(|value| ClaimChange::Take { set: "sku", value: (*value).to_owned() })
            .collect(),
        once: key.map(|key| OnceKey { key: key.to_owned(), body: [0; 32], forever: false }),
        beside: Beside::nothing(),
    };
    Command::new(append, &tenant, tenant_id).0
}

/// The streams of the commands of each batch until nothing waits.
fn batches(commands: Vec<Command>, commands_max: usize, bytes_max: usize) -> Vec<Vec<u128>> {
    let mut waiting = VecDeque::from(commands);
    let mut batches = Vec::new();
    while !waiting.is_empty() {
        let batch = select(&mut waiting, commands_max, bytes_max);
        assert!(!batch.is_empty(), "a batch always takes the first");
        batches.push(batch.iter().map(|command| command.append.stream.id().unwrap().as_u128()).collect());
    }
    batches
}

#[test]
fn commands_that_have_nothing_in_common_go_together() {
    let commands = vec![
        command(1, 1, 1, &[9], &["a"], Some("k")),
        command(1, 2, 1, &[9], &["b"], Some("l")),
        command(2, 1, 1, &[9], &["a"], Some("k")),
        command(1, 9, 0, &[], &[], None),
    ];
    assert_eq!(batches(commands, 10, 1 << 20), [[1, 2, 1, 9]]);
}

#[test]
fn a_stream_is_not_written_twice_nor_written_and_read_in_one_batch() {
    let twice = vec![command(1, 1, 1, &[], &[], None), command(1, 1, 1, &[], &[], None)];
    assert_eq!(batches(twice, 10, 1 << 20), [[1], [1]]);
    let written_then_read = vec![command(1, 9, 1, &[], &[], None), command(1, 2, 1, &[9], &[], None)];
    assert_eq!(batches(written_then_read, 10, 1 << 20), [[9], [2]]);
    let read_then_written = vec![command(1, 2, 1, &[9], &[], None), command(1, 9, 1, &[], &[], None)];
    assert_eq!(batches(read_then_written, 10, 1 << 20), [[2], [9]]);
}

#[test]
fn a_claim_or_a_key_is_touched_by_one_command_of_a_batch() {
    let claims = vec![command(1, 1, 1, &[], &["a"], None), command(1, 2, 0, &[], &["b", "a"], None)];
    assert_eq!(batches(claims, 10, 1 << 20), [[1], [2]]);
    let keys = vec![command(1, 1, 1, &[], &[], Some("k")), command(1, 2, 1, &[], &[], Some("k"))];
    assert_eq!(batches(keys, 10, 1 << 20), [[1], [2]]);
}

#[test]
fn what_collides_with_a_command_that_waits_waits_behind_it() {
    let commands = vec![
        command(1, 1, 1, &[], &[], None),
        command(1, 1, 1, &[], &["a"], None),
        command(1, 3, 1, &[], &["a"], None),
        command(1, 4, 1, &[], &[], None),
    ];
    assert_eq!(batches(commands, 10, 1 << 20), [vec![1, 4], vec![1], vec![3]]);
}

#[test]
fn a_batch_is_bounded_in_commands_and_in_bytes() {
    let commands = || (1..=5).map(|number| command(1, number, 1, &[], &[], None)).collect();
    assert_eq!(batches(commands(), 2, 1 << 20), [vec![1, 2], vec![3, 4], vec![5]]);
    assert_eq!(batches(commands(), 10, 4000), [vec![1, 2], vec![3, 4], vec![5]]);
    assert_eq!(batches(commands(), 10, 1), [[1], [2], [3], [4], [5]]);
}
