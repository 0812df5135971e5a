use kernel::Lane;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::record_key;

fn uuids() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn metadata() -> impl Strategy<Value = EventMetadata> {
    let actor = ".{0,250}".prop_map(|subject| Actor::new(&subject));
    let trace = option::of("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]");
    (uuids(), option::of(uuids()), uuids(), actor, trace).prop_map(
        |(correlation_id, causation_id, command_id, actor, traceparent)| EventMetadata {
            correlation_id,
            causation_id,
            command_id,
            actor,
            traceparent: traceparent.map(Arc::from),
        },
    )
}

fn events() -> impl Strategy<Value = NewEvent> {
    let version = (1..=i64::MAX.cast_unsigned()).prop_map(StreamVersion::new);
    let stream = "[a-z]{1,12}-[0-9a-f]{1,36}".prop_map(|name| StreamName::parse(&name).unwrap());
    let parts = (uuids(), "[A-Z][A-Za-z0-9]{0,40}", stream, version, any::<i64>(), vec(any::<u8>(), 0..200));
    (parts, metadata()).prop_map(|((id, event_type, stream, version, schema, payload), metadata)| NewEvent {
        id: EventId(id),
        event_type: event_type.into(),
        stream,
        version,
        schema: SchemaFingerprint(schema),
        payload: payload.into(),
        metadata,
    })
}

/// Years 1970 to 2200: what a database's clock can say.
const LATEST: i64 = 7_258_118_400_000_000;

fn logged() -> impl Strategy<Value = (LoggedEvent, Epoch, ChainHash)> {
    let place = (0_u16..64, 1..=i64::MAX.cast_unsigned(), 0..LATEST);
    (place, "[A-Za-z0-9._-]{1,64}", events(), uuids(), any::<[u8; 32]>()).prop_map(
        |((lane, sequence, recorded_at), tenant, event, epoch, previous)| {
            let previous = ChainHash::from_bytes(&previous).unwrap();
            let mut logged = LoggedEvent {
                log: LogId::new("catalog", Lane::new(lane)),
                sequence: Sequence::new(sequence),
                recorded_at: Timestamp::from_micros(recorded_at),
                chain: ChainHash::GENESIS,
                tenant: TenantId::new(tenant).unwrap(),
                event,
            };
            logged.chain = logged.expected_chain(&previous);
            (logged, Epoch(epoch), previous)
        },
    )
}

fn parse(logged: &LoggedEvent, headers: &[(&str, Bytes)]) -> Result<Received, BadRecord> {
    let key = record_key(&logged.tenant, &logged.event.stream);
    Received::parse(
        &logged.log,
        Some(key.as_bytes()),
        headers.iter().map(|(name, value)| (*name, &value[..])),
        logged.event.payload.clone(),
        logged.event.schema,
    )
}

proptest! {
    #[test]
    fn a_record_carries_all_that_the_chain_covers((logged, epoch, previous) in logged()) {
        let received = parse(&logged, &headers::encode(&logged, &epoch));
        let received = received.unwrap();
        prop_assert_eq!(received.event.expected_chain(&previous), logged.chain);
        prop_assert_eq!(received, Received { epoch, event: logged });
    }

    #[test]
    fn other_headers_and_another_order_change_nothing(
        (logged, epoch, _) in logged(),
        turn in 0_usize..18,
        other in "[a-z]{1,20}-x",
    ) {
        let mut headers = headers::encode(&logged, &epoch);
        let count = headers.len();
        headers.rotate_left(turn % count);
        let mut headers: Vec<(&str, Bytes)> = headers;
        headers.insert(turn % count, (&other, Bytes::from_static(b"\xff")));
        prop_assert_eq!(parse(&logged, &headers).unwrap().event, logged);
    }

    #[test]
    fn a_changed_header_is_refused_or_breaks_the_chain_or_says_another_history(
        (logged, epoch, previous) in logged(),
        which in 0_usize..18,
        value in vec(any::<u8>(), 0..40),
    ) {
        let mut headers = headers::encode(&logged, &epoch);
        let which = which % headers.len();
        let (name, original) = headers[which].clone();
        headers[which].1 = value.clone().into();
        prop_assume!(value != original && name != headers::CONTENT_TYPE);
        if let Ok(received) = parse(&logged, &headers) {
            let same = received.event == logged && received.epoch == epoch;
            let follows = received.event.expected_chain(&previous) == received.event.chain;
            // Another way to write the same value is the only change that may pass.
            prop_assert!(same || !follows || received.epoch != epoch, "{name} became {value:?}");
        }
    }

    #[test]
    fn any_record_is_parsed_or_refused(
        key in option::of(vec(any::<u8>(), 0..40)),
        headers in vec(("[a-z_]{0,16}", vec(any::<u8>(), 0..40)), 0..24),
        garbage in vec(vec(any::<u8>(), 0..60), 18),
    ) {
        let log = LogId::new("catalog", Lane::new(0));
        let parse = |headers: Vec<(&str, &[u8])>| {
            Received::parse(&log, key.as_deref(), headers, Bytes::new(), SchemaFingerprint(0))
        };
        let _ = parse(headers.iter().map(|(name, value)| (name.as_str(), &value[..])).collect());
        let _ = parse(NAMES.iter().zip(&garbage).map(|(name, value)| (*name, &value[..])).collect());
    }
}

#[test]
fn each_fault_has_its_own_name() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut logged, epoch, _) = logged().new_tree(&mut runner).unwrap().current();
    logged.event.metadata.causation_id = None;
    let whole = headers::encode(&logged, &epoch);

    let without = |gone: &str| whole.iter().filter(|(name, _)| *name != gone).cloned().collect::<Vec<_>>();
    for (name, _) in &whole {
        let needed = !matches!(*name, headers::TRACEPARENT | headers::CONTENT_TYPE);
        let expected = if needed { Err(BadRecord::Missing(name)) } else { Ok(()) };
        assert_eq!(parse(&logged, &without(name)).map(drop), expected);
    }
    let mut twice = whole.clone();
    twice.push(twice[7].clone());
    assert_eq!(parse(&logged, &twice), Err(BadRecord::Repeated(headers::SEQUENCE)));

    let mut elsewhere = logged.clone();
    elsewhere.log = LogId::new("orders", logged.log.lane);
    assert!(matches!(parse(&elsewhere, &whole), Err(BadRecord::WrongLog { .. })));
    elsewhere = logged.clone();
    elsewhere.tenant = TenantId::new("another").unwrap();
    assert_eq!(parse(&elsewhere, &whole), Err(BadRecord::WrongKey));
}

use proptest::strategy::ValueTree as _;
