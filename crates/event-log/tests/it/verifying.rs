//! History cannot be edited, cut or reordered unnoticed.

use event_log::{Broken, BrokenHow, VerifyError};
use kernel::{LogId, Sequence};

use crate::support::{Fixture, neighbours, recording, some_stream};

/// A log of two tenants, and of another context beside it.
async fn recorded() -> (Fixture, LogId) {
    let fixture = Fixture::new().await;
    let (mine, theirs) = neighbours();
    let stream = some_stream("product");
    let receipt = fixture.append(&mine, recording(&stream, 0, 4)).await.unwrap();
    fixture.append(&theirs, recording(&stream, 0, 2)).await.unwrap();
    fixture.append(&mine, recording(&stream, 4, 2)).await.unwrap();
    fixture.log.append("orders", &mine, recording(&stream, 0, 2)).await.unwrap();
    (fixture, receipt.log)
}

/// Does what no service does: changes history, with the guard against accidents switched off.
async fn tamper(fixture: &Fixture, log: &LogId, change: &'static str) {
    let mut connection = fixture.stranger().await;
    sqlx::query("SET session_replication_role = replica").execute(&mut connection).await.unwrap();
    let changed = sqlx::query(change)
        .bind(&*log.context)
        .bind(i32::from(log.lane.number()))
        .execute(&mut connection)
        .await
        .unwrap();
    assert!(changed.rows_affected() > 0, "nothing was tampered with");
}

async fn broken(fixture: &Fixture, log: &LogId) -> (u64, BrokenHow) {
    match fixture.log.verify(log, |_| {}).await {
        Err(VerifyError::Broken(Broken { sequence, what })) => (sequence.number(), what),
        other => panic!("not found out: {other:?}"),
    }
}

#[tokio::test]
async fn an_untouched_log_is_found_whole() {
    let (fixture, log) = recorded().await;
    let mut seen = Vec::new();
    let verified = fixture.log.verify(&log, |sequence| seen.push(sequence)).await.unwrap();
    assert_eq!(verified.count, 8);
    assert_eq!(verified.head, fixture.log.head(&log).await.unwrap());
    assert_eq!(seen, [Sequence::new(8)]);
}

#[tokio::test]
async fn an_event_is_not_changed_by_accident() {
    let (fixture, _) = recorded().await;
    for accident in ["UPDATE events SET payload = ''", "DELETE FROM events", "TRUNCATE events"] {
        let refused = sqlx::query(accident).execute(&fixture.pool).await.unwrap_err();
        assert!(refused.to_string().contains("never changed"), "{refused}");
    }
}

#[tokio::test]
async fn a_changed_event_breaks_the_chain_where_it_stands() {
    for change in [
        "UPDATE events SET payload = 'x' FROM logs WHERE logs.log_id = events.log_id AND context = $1 AND lane = $2 AND events.sequence = 3",
        "UPDATE events SET actor = 'x' FROM logs WHERE logs.log_id = events.log_id AND context = $1 AND lane = $2 AND events.sequence = 3",
        "UPDATE events SET recorded_at = events.recorded_at + 1 FROM logs WHERE logs.log_id = events.log_id AND context = $1 AND lane = $2 AND events.sequence = 3",
        "UPDATE events SET chain = sha256('') FROM logs WHERE logs.log_id = events.log_id AND context = $1 AND lane = $2 AND events.sequence = 3",
    ] {
        let (fixture, log) = recorded().await;
        tamper(&fixture, &log, change).await;
        assert_eq!(broken(&fixture, &log).await, (3, BrokenHow::Chain), "{change}");
    }
}

#[tokio::test]
async fn events_that_change_places_break_the_chain() {
    let (fixture, log) = recorded().await;
    let swap = "UPDATE events SET payload = other.payload, id = other.id
                FROM logs, events AS other
                WHERE logs.log_id = events.log_id AND context = $1 AND lane = $2 AND other.log_id = events.log_id
                  AND events.sequence IN (2, 3) AND other.sequence = 5 - events.sequence";
    tamper(&fixture, &log, swap).await;
    assert_eq!(broken(&fixture, &log).await, (2, BrokenHow::Chain));
}

#[tokio::test]
async fn a_missing_event_is_missed() {
    for (gone, change) in [
        (
            1,
            "DELETE FROM events USING logs WHERE logs.log_id = events.log_id AND context = $1 AND lane = $2 AND events.sequence = 1",
        ),
        (
            4,
            "DELETE FROM events USING logs WHERE logs.log_id = events.log_id AND context = $1 AND lane = $2 AND events.sequence = 4",
        ),
        (
            8,
            "DELETE FROM events USING logs WHERE logs.log_id = events.log_id AND context = $1 AND lane = $2 AND events.sequence = 8",
        ),
    ] {
        let (fixture, log) = recorded().await;
        tamper(&fixture, &log, change).await;
        assert_eq!(broken(&fixture, &log).await, (gone, BrokenHow::Missing));
    }
}

#[tokio::test]
async fn a_head_that_was_put_back_does_not_agree_with_the_log() {
    let (fixture, log) = recorded().await;
    let put_back = "UPDATE logs SET sequence = before.sequence
                    FROM events AS before
                    WHERE before.log_id = logs.log_id AND context = $1 AND lane = $2 AND before.sequence = 6";
    tamper(&fixture, &log, put_back).await;
    assert_eq!(broken(&fixture, &log).await, (6, BrokenHow::Head));
}

#[tokio::test]
async fn a_tail_that_was_cut_with_its_head_is_seen_by_whoever_kept_the_head() {
    let (fixture, log) = recorded().await;
    let kept = fixture.log.head(&log).await.unwrap();
    tamper(&fixture, &log, "DELETE FROM events USING logs WHERE logs.log_id = events.log_id AND context = $1 AND lane = $2 AND events.sequence > 6").await;
    tamper(
        &fixture,
        &log,
        "UPDATE logs SET sequence = last.sequence, chain = last.chain, recorded_at = last.recorded_at
         FROM events AS last
         WHERE last.log_id = logs.log_id AND context = $1 AND lane = $2 AND last.sequence = 6",
    )
    .await;
    let verified = fixture.log.verify(&log, |_| {}).await.unwrap();
    assert_ne!(verified.head, kept);
}

#[tokio::test]
async fn time_that_runs_backwards_is_seen() {
    let (fixture, log) = recorded().await;
    let later = "UPDATE events SET recorded_at = events.recorded_at - 3600000000 FROM logs
                 WHERE logs.log_id = events.log_id AND context = $1 AND lane = $2 AND events.sequence = 5";
    tamper(&fixture, &log, later).await;
    assert_eq!(broken(&fixture, &log).await, (5, BrokenHow::Time));
}

#[tokio::test]
async fn a_new_epoch_is_another_history() {
    let (fixture, log) = recorded().await;
    let before = fixture.log.head(&log).await.unwrap();
    let epoch = fixture.log.begin_epoch(&log).await.unwrap();
    assert_ne!(epoch, before.epoch);
    let (mine, _) = neighbours();
    let receipt =
        fixture.log.append(&log.context, &mine, recording(&some_stream("product"), 0, 1)).await.unwrap();
    assert_eq!((receipt.epoch, receipt.sequence), (epoch, before.sequence.next()));
}
