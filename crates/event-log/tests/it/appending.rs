//! One command at a time.

use event_log::{AppendError, LogError};
use kernel::{ChainHash, LogId, Sequence, StreamVersion};

use crate::support::{And, CONTEXT, Fixture, assert_dense, new_event, recording, some_stream, tenant};

#[tokio::test]
async fn what_is_recorded_is_read_back_whole_by_stream_and_by_sequence() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    let append = recording(&stream, 0, 3);
    let recorded = append.events.clone();
    let receipt = fixture.append(&acme, append).await.unwrap();

    assert_eq!(receipt.stream, stream);
    assert_eq!(receipt.version, StreamVersion::new(3));
    assert_eq!(receipt.sequence, Sequence::new(3));
    assert!(receipt.began_stream);
    let ids: Vec<_> = recorded.iter().map(|event| (event.id, event.event_type.clone())).collect();
    assert_eq!(receipt.events, ids);

    let by_sequence = fixture.events(&receipt.log).await;
    let by_stream = fixture.log.read_stream(CONTEXT, &acme, &stream, StreamVersion::ZERO, 100).await.unwrap();
    assert_eq!(by_sequence, by_stream);
    assert_dense(&by_sequence);
    let mut chain = ChainHash::GENESIS;
    for (logged, recorded) in by_sequence.iter().zip(&recorded) {
        assert_eq!(logged.event, *recorded);
        assert_eq!(logged.tenant, acme);
        assert_eq!(logged.log, receipt.log);
        assert_eq!(logged.recorded_at, receipt.recorded_at);
        assert_eq!(logged.expected_chain(&chain), logged.chain);
        chain = logged.chain;
    }
    let head = fixture.log.head(&receipt.log).await.unwrap();
    assert_eq!((head.sequence, head.chain, head.epoch), (receipt.sequence, chain, receipt.epoch));
}

#[tokio::test]
async fn reading_goes_on_after_a_position_and_stops_at_its_limits() {
    let fixture = Fixture::with(event_log::Options { read_bytes_max: 100, ..Default::default() }).await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    let receipt = fixture.append(&acme, recording(&stream, 0, 9)).await.unwrap();

    let after = StreamVersion::new(7);
    let tail = fixture.log.read_stream(CONTEXT, &acme, &stream, after, 1).await.unwrap();
    assert_eq!(tail.iter().map(|event| event.event.version.number()).collect::<Vec<_>>(), [8]);
    let one = fixture.log.read_log(&receipt.log, Sequence::new(4), 1).await.unwrap();
    assert_eq!(one.iter().map(|event| event.sequence.number()).collect::<Vec<_>>(), [5]);
    let heavy = fixture.log.read_log(&receipt.log, Sequence::ZERO, 9).await.unwrap();
    assert!((1..9).contains(&heavy.len()), "{} events for a hundred bytes", heavy.len());
    let end = fixture.log.read_log(&receipt.log, Sequence::new(9), 1).await.unwrap();
    assert!(end.is_empty());
}

#[tokio::test]
async fn a_stale_append_records_nothing_and_says_where_the_stream_is() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    let receipt = fixture.append(&acme, recording(&stream, 0, 2)).await.unwrap();

    for decided_at in [0, 1, 3] {
        let refused = fixture.append(&acme, recording(&stream, decided_at, 1).taking("a")).await;
        let Err(AppendError::Stale { stream: stale, actual }) = refused else {
            panic!("decided at {decided_at}: {refused:?}")
        };
        assert_eq!((stale, actual), (stream.clone(), StreamVersion::new(2)));
    }
    assert_eq!(fixture.events(&receipt.log).await.len(), 2);
    assert_eq!(fixture.log.claims_held(CONTEXT, &acme, &[("sku", "a")]).await.unwrap(), [None]);
    let next = fixture.append(&acme, recording(&stream, 2, 1)).await.unwrap();
    assert!(!next.began_stream);
    assert_eq!((next.version, next.sequence), (StreamVersion::new(3), Sequence::new(3)));
}

#[tokio::test]
async fn a_stream_that_was_only_read_is_guarded_too() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let (product, category) = (some_stream("product"), some_stream("category"));
    fixture.append(&acme, recording(&category, 0, 1)).await.unwrap();

    let stale = fixture.append(&acme, recording(&product, 0, 1).reading(&category, 0)).await;
    assert!(matches!(stale, Err(AppendError::Stale { stream, .. }) if stream == category));
    fixture.append(&acme, recording(&product, 0, 1).reading(&category, 1)).await.unwrap();
}

#[tokio::test]
async fn an_append_without_events_is_guarded_and_tells_the_head() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    fixture.append(&acme, recording(&stream, 0, 2)).await.unwrap();

    let receipt = fixture.append(&acme, recording(&stream, 2, 0)).await.unwrap();
    assert_eq!((receipt.version, receipt.sequence), (StreamVersion::new(2), Sequence::new(2)));
    assert!(receipt.events.is_empty() && !receipt.began_stream);
    let stale = fixture.append(&acme, recording(&stream, 1, 0)).await;
    assert!(matches!(stale, Err(AppendError::Stale { .. })));
}

#[tokio::test]
async fn what_the_database_would_trip_over_is_refused_before_it_gets_there() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    let mut unguarded = recording(&stream, 0, 1);
    unguarded.guards.clear();
    let mut gap = recording(&stream, 0, 1);
    gap.events.push(new_event(&stream, 3));
    let mut elsewhere = recording(&stream, 0, 1);
    elsewhere.events[0].stream = some_stream("product");
    let mut nul = recording(&stream, 0, 1);
    nul.events[0].event_type = "Product\0Created".into();
    let mut trace = recording(&stream, 0, 1);
    trace.events[0].metadata.traceparent = Some("00\0".into());
    let long = "x".repeat(event_log::CLAIM_LONGEST + 1);
    let long_key = "x".repeat(event_log::ONCE_KEY_LONGEST + 1);
    let appends = [
        unguarded,
        gap,
        elsewhere,
        nul,
        trace,
        recording(&stream, 0, 1).taking(&long),
        recording(&stream, 0, 1).taking("a\0b"),
        recording(&stream, 0, 1).once(&long_key),
        recording(&stream, 0, 1).once("a\0b"),
    ];
    for append in appends {
        let refused = fixture.append(&acme, append.clone()).await;
        assert!(matches!(refused, Err(AppendError::Malformed(_))), "{refused:?} for {append:?}");
    }
    let longest = "x".repeat(event_log::CLAIM_LONGEST);
    fixture.append(&acme, recording(&stream, 0, 1).taking(&longest)).await.unwrap();
}

#[tokio::test]
async fn what_was_never_begun_reads_as_empty_or_unknown() {
    let fixture = Fixture::new().await;
    let nobody = tenant("nobody");
    let log = LogId::new(CONTEXT, kernel::Lane::new(0));
    let stream = some_stream("product");
    assert!(fixture.events(&log).await.is_empty());
    let read = fixture.log.read_stream(CONTEXT, &nobody, &stream, StreamVersion::ZERO, 10).await;
    assert!(read.unwrap().is_empty());
    assert!(fixture.log.logs().await.unwrap().is_empty());
    assert!(fixture.log.answer_for(CONTEXT, &nobody, "key").await.unwrap().is_none());
    assert_eq!(fixture.log.known_lane(&nobody).await.unwrap(), None);
    assert!(matches!(fixture.log.head(&log).await, Err(LogError::UnknownLog(_))));
}
