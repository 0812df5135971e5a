//! Nobody reads or writes across tenants.

use bytes::Bytes;
use event_log::Snapshot;
use kernel::StreamVersion;

use crate::support::{And, CONTEXT, Fixture, neighbours, recording, some_stream};

#[tokio::test]
async fn streams_claims_keys_and_snapshots_of_tenants_in_one_lane_do_not_meet() {
    let fixture = Fixture::new().await;
    let (mine, theirs) = neighbours();
    assert_eq!(fixture.log_of(&mine).await, fixture.log_of(&theirs).await);
    let stream = some_stream("product");

    let receipt = fixture.append(&mine, recording(&stream, 0, 2).taking("a").once("k")).await.unwrap();
    let snapshot = Snapshot { version: StreamVersion::new(2), state: Bytes::from_static(b"mine") };
    fixture.log.put_snapshot(CONTEXT, &mine, &stream, 1, &snapshot).await.unwrap();

    let none = fixture.log.read_stream(CONTEXT, &theirs, &stream, StreamVersion::ZERO, 10).await.unwrap();
    assert!(none.is_empty());
    assert!(fixture.log.answer_for(CONTEXT, &theirs, "k").await.unwrap().is_none());
    assert_eq!(fixture.log.claims_held(CONTEXT, &theirs, &[("sku", "a")]).await.unwrap(), [None]);
    assert_eq!(fixture.log.snapshot(CONTEXT, &theirs, &stream, 1).await.unwrap(), None);

    // The same names, versions, values and keys are theirs to use, by whichever of their streams.
    let another = some_stream("product");
    fixture.append(&theirs, recording(&another, 0, 1).taking("a")).await.unwrap();
    fixture.append(&theirs, recording(&another, 1, 1).releasing("a")).await.unwrap();
    let other = fixture.append(&theirs, recording(&stream, 0, 1).taking("a").once("k")).await.unwrap();
    assert!(other.began_stream);
    let theirs_now = Snapshot { version: StreamVersion::new(1), state: Bytes::from_static(b"theirs") };
    fixture.log.put_snapshot(CONTEXT, &theirs, &stream, 1, &theirs_now).await.unwrap();
    fixture.append(&theirs, recording(&stream, 1, 1).releasing("a")).await.unwrap();

    let events = fixture.log.read_stream(CONTEXT, &mine, &stream, StreamVersion::ZERO, 10).await.unwrap();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event.tenant == mine));
    assert_eq!(fixture.log.answer_for(CONTEXT, &mine, "k").await.unwrap().unwrap().0, receipt);
    assert_eq!(
        fixture.log.claims_held(CONTEXT, &mine, &[("sku", "a")]).await.unwrap(),
        [Some(stream.clone())]
    );
    assert_eq!(fixture.log.snapshot(CONTEXT, &mine, &stream, 1).await.unwrap(), Some(snapshot));
    fixture.log.verify(&receipt.log, |_| {}).await.unwrap();
}

#[tokio::test]
async fn contexts_of_one_tenant_do_not_meet_either() {
    let fixture = Fixture::new().await;
    let (mine, _) = neighbours();
    let stream = some_stream("product");
    fixture.log.append("catalog", &mine, recording(&stream, 0, 2).taking("a").once("k")).await.unwrap();
    let receipt =
        fixture.log.append("orders", &mine, recording(&stream, 0, 1).taking("a").once("k")).await.unwrap();
    assert_eq!(receipt.sequence.number(), 1);
    assert_eq!(fixture.log.logs().await.unwrap().len(), 2);
    let events = fixture.log.read_stream("orders", &mine, &stream, StreamVersion::ZERO, 10).await.unwrap();
    assert_eq!(events.len(), 1);
}
