//! Snapshots and schemas.

use bytes::Bytes;
use event_log::{LogError, Snapshot};
use kernel::{SchemaFingerprint, StreamVersion};

use crate::support::{CONTEXT, Fixture, recording, some_stream, tenant};

fn snapshot(version: u64, state: &'static str) -> Snapshot {
    Snapshot { version: StreamVersion::new(version), state: Bytes::from_static(state.as_bytes()) }
}

#[tokio::test]
async fn the_latest_snapshot_of_a_state_version_is_kept() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    fixture.append(&acme, recording(&stream, 0, 3)).await.unwrap();
    let put = async |state_version, snapshot: Snapshot| {
        fixture.log.put_snapshot(CONTEXT, &acme, &stream, state_version, &snapshot).await.unwrap();
    };
    let get =
        async |state_version| fixture.log.snapshot(CONTEXT, &acme, &stream, state_version).await.unwrap();

    put(1, snapshot(2, "two")).await;
    put(1, snapshot(1, "one")).await;
    assert_eq!(get(1).await, Some(snapshot(2, "two")), "an earlier one does not replace it");
    put(1, snapshot(3, "three")).await;
    assert_eq!(get(1).await, Some(snapshot(3, "three")));
    assert_eq!(get(2).await, None, "another state version is not used");

    put(2, snapshot(3, "new")).await;
    assert_eq!(get(1).await, Some(snapshot(3, "three")), "the release before still has its own");
    put(3, snapshot(3, "newer")).await;
    assert_eq!((get(1).await, get(2).await), (None, Some(snapshot(3, "new"))));
    let elsewhere = fixture.log.put_snapshot("orders", &acme, &stream, 1, &snapshot(1, "x")).await;
    assert!(matches!(elsewhere, Err(LogError::UnknownLog(_))));
}

#[tokio::test]
async fn schemas_are_kept_beside_the_events_and_never_replaced() {
    let fixture = Fixture::new().await;
    let created = (SchemaFingerprint(i64::MIN), "ProductCreated", "{}");
    let priced = (SchemaFingerprint(7), "PriceChanged", "[]");
    fixture.log.register_schemas(&[created]).await.unwrap();
    fixture.log.register_schemas(&[priced, (created.0, "Other", "other")]).await.unwrap();
    assert_eq!(fixture.log.schema(created.0).await.unwrap().as_deref(), Some("{}"));
    assert_eq!(fixture.log.schema(priced.0).await.unwrap().as_deref(), Some("[]"));
    assert_eq!(fixture.log.schema(SchemaFingerprint(8)).await.unwrap(), None);
}
