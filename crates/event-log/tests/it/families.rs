//! All streams that belong to one thing, read and guarded together.

use event_log::{AppendError, Guard};
use futures::future::join_all;
use kernel::{LogId, Sequence, Source, StreamFamily, StreamName, StreamVersion, Timestamp};
use uuid::Uuid;

use crate::support::{And, CONTEXT, Fixture, neighbours, recording, some_stream, tenant};

fn within(family: u128, id: u128) -> StreamName {
    StreamName::within("expense", Uuid::from_u128(family), Uuid::from_u128(id))
}

fn family(owner: u128) -> StreamFamily {
    StreamFamily::of("expense", Uuid::from_u128(owner))
}

#[tokio::test]
async fn a_family_is_read_whole_stream_by_stream_and_nothing_else() {
    let fixture = Fixture::new().await;
    let (mine, theirs) = neighbours();
    for (stream, before) in [(within(1, 2), 0), (within(1, 1), 0), (within(1, 2), 1), (within(2, 1), 0)] {
        fixture.append(&mine, recording(&stream, before, 1)).await.unwrap();
    }
    fixture.append(&theirs, recording(&within(1, 3), 0, 1)).await.unwrap();
    fixture.append(&mine, recording(&StreamName::of("expense", Uuid::from_u128(1)), 0, 1)).await.unwrap();

    let mut found = Vec::new();
    let mut after: Option<(StreamName, StreamVersion)> = None;
    loop {
        let from = after.as_ref().map(|(stream, version)| (stream, *version));
        let page = fixture.log.read_family(CONTEXT, &mine, &family(1), from, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.event.stream.clone(), last.event.version));
        found.extend(page.iter().map(|event| (event.event.stream.clone(), event.event.version.number())));
    }
    assert_eq!(found, [(within(1, 1), 1), (within(1, 2), 1), (within(1, 2), 2)]);
}

#[tokio::test]
async fn a_decision_on_a_family_stands_only_while_nothing_of_it_moves() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    fixture.append(&acme, recording(&within(1, 1), 0, 2)).await.unwrap();
    let on_family = |events| {
        let group = some_stream("group");
        let guard = Guard { stream: family(1).name(), version: StreamVersion::new(events) };
        let mut append = recording(&group, 0, 1);
        append.guards.push(guard);
        append
    };
    fixture.append(&acme, on_family(2)).await.unwrap();

    fixture.append(&acme, recording(&within(1, 2), 0, 1)).await.unwrap();
    let stale = fixture.append(&acme, on_family(2)).await;
    let Err(AppendError::Stale { stream, actual }) = stale else { panic!("{stale:?}") };
    assert_eq!((stream, actual.number()), (family(1).name(), 3), "a stream that it did not know began");

    fixture.append(&acme, recording(&within(1, 1), 2, 1)).await.unwrap();
    assert!(fixture.append(&acme, on_family(3)).await.is_err(), "a stream that it knew grew");
    fixture.append(&acme, recording(&within(2, 1), 0, 1)).await.unwrap();
    fixture.append(&acme, on_family(4)).await.unwrap();
}

#[tokio::test]
async fn whoever_reads_a_family_and_whoever_writes_in_it_never_both_win() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    for round in 1..=10 {
        let mut reader = recording(&some_stream("group"), 0, 1);
        reader.guards.push(Guard { stream: family(round).name(), version: StreamVersion::ZERO });
        let writers = (1..=6).map(|id| recording(&within(round, id), 0, 1).reading(&within(99, 1), 0));
        let mut appends: Vec<_> = writers.collect();
        appends.insert(3, reader);
        let outcomes = join_all(appends.into_iter().map(|append| fixture.append(&acme, append))).await;
        let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let sequence_of = |at: usize| outcomes[at].as_ref().map(|receipt| receipt.sequence.number());
        match sequence_of(3) {
            // It was first, and those that came later did not decide on what it wrote.
            Ok(reader) => {
                assert!((0..7).filter(|at| *at != 3).all(|at| sequence_of(at).unwrap() > reader));
                assert_eq!(written, 7);
            }
            Err(error) => {
                assert!(matches!(error, AppendError::Stale { .. }), "{error:?}");
                assert_eq!(written, 6);
            }
        }
    }
}

#[tokio::test]
async fn claims_are_found_by_what_they_begin_with() {
    let fixture = Fixture::new().await;
    let (mine, theirs) = neighbours();
    let stream = some_stream("booking");
    let append = ["h/1/a#1", "h/1/a#2", "h/1/a\u{10ffff}", "h/1/b#1", "h/10/a#1"]
        .into_iter()
        .fold(recording(&stream, 0, 1), |append, value| append.taking(value));
    fixture.append(&mine, append).await.unwrap();
    fixture.append(&theirs, recording(&some_stream("booking"), 0, 1).taking("h/1/a#3")).await.unwrap();
    let held =
        |prefix: &'static str, limit| fixture.log.claims_beginning(CONTEXT, &mine, "sku", prefix, limit);
    assert_eq!(held("h/1/a#", 10).await.unwrap(), ["h/1/a#1", "h/1/a#2"]);
    assert_eq!(held("h/1/", 10).await.unwrap(), ["h/1/a#1", "h/1/a#2", "h/1/a\u{10ffff}", "h/1/b#1"]);
    assert_eq!(held("h/1/", 1).await.unwrap(), ["h/1/a#1"]);
    assert_eq!(held("%", 10).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn some_streams_are_read_in_the_order_of_the_log_and_no_further_than_asked() {
    let fixture = Fixture::new().await;
    let (mine, theirs) = neighbours();
    let group = StreamName::of("group", Uuid::from_u128(1));
    let told = [
        (group.clone(), 0),
        (within(1, 2), 0),
        (within(2, 1), 0),
        (group.clone(), 1),
        (within(1, 1), 0),
        (within(1, 2), 1),
    ];
    for (stream, before) in &told {
        fixture.append(&mine, recording(stream, *before, 1)).await.unwrap();
    }
    fixture.append(&theirs, recording(&group, 0, 1)).await.unwrap();
    let read = async |sources: &[Source], after, to| {
        let range = (Sequence::new(after), Sequence::new(to));
        let events = fixture.log.read_streams(CONTEXT, &mine, sources, range, 100).await.unwrap();
        events.iter().map(|event| event.sequence.number()).collect::<Vec<_>>()
    };
    let (one, all) = (Source::Stream(group), Source::Family(family(1)));
    assert_eq!(read(&[one.clone(), all.clone()], 0, 99).await, [1, 2, 4, 5, 6]);
    assert_eq!(read(&[one.clone(), all.clone()], 1, 5).await, [2, 4, 5]);
    assert_eq!(read(std::slice::from_ref(&one), 0, 99).await, [1, 4]);
    assert_eq!(read(&[all], 0, 4).await, [2]);
    assert_eq!(read(&[Source::Stream(within(1, 3))], 0, 99).await, [0; 0]);
}

#[tokio::test]
async fn what_names_an_id_is_found_among_all_streams_of_a_kind() {
    let fixture = Fixture::new().await;
    let (mine, theirs) = neighbours();
    let (ann, bob) = (Uuid::from_u128(0xa1), Uuid::from_u128(0xb1));
    let told = [
        ("post", 1, format!("\u{2}{ann}title")),
        ("post", 2, format!("{bob}")),
        ("posting", 3, format!("{ann}")),
        ("post", 4, format!("{bob}{ann}")),
    ];
    for tenant in [&theirs, &mine] {
        for (kind, id, payload) in &told {
            let mut append = recording(&StreamName::of(kind, Uuid::from_u128(*id)), 0, 1);
            append.events[0].payload = payload.clone().into();
            fixture.append(tenant, append).await.unwrap();
        }
    }
    let naming = |id| Source::Naming { kind: "post".into(), id };
    let read = async |sources: &[Source], to| {
        let range = (Sequence::ZERO, Sequence::new(to));
        let events = fixture.log.read_streams(CONTEXT, &mine, sources, range, 100).await.unwrap();
        assert!(events.iter().all(|event| event.tenant == mine));
        events.iter().filter_map(|event| event.event.stream.id()).map(|id| id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(read(&[naming(ann)], 99).await, [1, 4]);
    assert_eq!(read(&[naming(bob)], 99).await, [2, 4]);
    assert_eq!(read(&[naming(bob)], 7).await.len(), 1);
    let stream = Source::Stream(StreamName::of("posting", Uuid::from_u128(3)));
    assert_eq!(read(&[naming(ann), stream], 99).await, [1, 3, 4]);
}

#[tokio::test]
async fn the_last_event_up_to_a_moment_is_found() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    for before in 0..9 {
        fixture.append(&acme, recording(&stream, before, 1)).await.unwrap();
    }
    let lane = fixture.log.known_lane(&acme).await.unwrap().unwrap();
    let log = LogId::new(CONTEXT, lane);
    for event in fixture.log.read_log(&log, Sequence::ZERO, 100).await.unwrap() {
        let at = async |micros| fixture.log.sequence_at(&log, Timestamp::from_micros(micros)).await.unwrap();
        assert!(at(event.recorded_at.micros()).await >= event.sequence);
        assert!(at(event.recorded_at.micros() - 1).await < event.sequence);
    }
    let at = async |micros| fixture.log.sequence_at(&log, Timestamp::from_micros(micros)).await.unwrap();
    assert_eq!((at(0).await.number(), at(i64::MAX).await.number()), (0, 9));
    let nowhere = LogId::new("orders", lane);
    assert!(fixture.log.sequence_at(&nowhere, Timestamp::from_micros(0)).await.is_err());
}
