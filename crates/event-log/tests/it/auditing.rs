//! The audit beside the log: who changes it is found out.

use event_log::{AuditBroken, AuditEntry, AuditOutcome, VerifyAuditError};
use kernel::{Actor, Timestamp};
use uuid::Uuid;

use crate::support::{Fixture, recording, some_stream, tenant};

fn entry(code: &str) -> AuditEntry {
    AuditEntry {
        id: Uuid::now_v7(),
        at: Timestamp::from_micros(1_790_000_000_000_000),
        tenant: Some(tenant("acme")),
        actor: Some(Actor::new("ann")),
        address: Some("::1".to_owned()),
        command: Some("catalog/create-product".to_owned()),
        stream: Some(some_stream("product")),
        outcome: AuditOutcome::Refused,
        code: Some(code.to_owned()),
        correlation_id: Some(Uuid::now_v7()),
        place: None,
    }
}

fn some(count: usize) -> Vec<AuditEntry> {
    (0..count).map(|number| entry(&format!("rule-{number}"))).collect()
}

/// Two batches of three entries, each anchored to a log of two events.
async fn audited() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.append(&tenant("acme"), recording(&some_stream("product"), 0, 2)).await.unwrap();
    for _ in 0..2 {
        fixture.log.write_audit(&some(3), true).await.unwrap();
    }
    fixture
}

impl Fixture {
    /// What somebody does who may do everything with the database.
    async fn meddle(&self, statement: &'static str) {
        let done = sqlx::query(statement);
        let mut connection = self.pool.acquire().await.unwrap();
        sqlx::query("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
        assert!(done.execute(&mut *connection).await.unwrap().rows_affected() > 0, "{statement}");
        sqlx::query("SET session_replication_role = origin").execute(&mut *connection).await.unwrap();
    }

    async fn broken(&self) -> AuditBroken {
        match self.log.verify_audit(None).await {
            Err(VerifyAuditError::Broken(broken)) => broken,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_audit_that_nobody_touched_is_whole() {
    let fixture = audited().await;
    let verified = fixture.log.verify_audit(None).await.unwrap();
    assert_eq!((verified.count, verified.anchors, verified.head.number), (6, 2, 6));
    let seen = (6, verified.head.chain);
    fixture.log.write_audit(&some(1), false).await.unwrap();
    assert_eq!(fixture.log.verify_audit(Some(seen)).await.unwrap().count, 7);
}

#[tokio::test]
async fn whoever_changes_takes_out_moves_or_adds_an_entry_is_found_out() {
    for (meddling, broken) in [
        ("UPDATE audit SET actor = 'bob' WHERE number = 2", AuditBroken::Changed(2)),
        ("UPDATE audit SET address = NULL WHERE number = 3", AuditBroken::Changed(3)),
        ("UPDATE audit SET heads = NULL WHERE number = 3", AuditBroken::Changed(3)),
        ("UPDATE audit SET at = at + 1 WHERE number = 6", AuditBroken::Changed(6)),
        ("DELETE FROM audit WHERE number = 4", AuditBroken::Missing(4)),
        ("DELETE FROM audit WHERE number > 4", AuditBroken::Missing(5)),
        ("DELETE FROM audit WHERE number = 1", AuditBroken::Missing(1)),
        (
            "UPDATE audit SET id = gen_random_uuid(), code = other.code, stream = other.stream, at = other.at,
                    correlation_id = other.correlation_id
               FROM audit AS other WHERE audit.number = 1 AND other.number = 6",
            AuditBroken::Changed(1),
        ),
        (
            "INSERT INTO audit SELECT 0, at, gen_random_uuid(), correlation_id, sequence, log, tenant, actor, address,
                    command, stream, outcome, code, heads, chain FROM audit WHERE number = 1",
            AuditBroken::Head(6),
        ),
        ("UPDATE audit_head SET number = 5", AuditBroken::Head(5)),
    ] {
        let fixture = audited().await;
        fixture.meddle(meddling).await;
        assert_eq!(fixture.broken().await, broken, "{meddling}");
    }
}

#[tokio::test]
async fn whoever_cuts_or_changes_a_log_behind_an_anchor_is_found_out() {
    for meddling in [
        "DELETE FROM events WHERE sequence = 2",
        "UPDATE events SET chain = decode(repeat('11', 32), 'hex') WHERE sequence = 2",
    ] {
        let fixture = audited().await;
        fixture.meddle(meddling).await;
        let broken = fixture.broken().await;
        assert!(matches!(broken, AuditBroken::Anchor { number: 3, sequence: 2, .. }), "{meddling}: {broken}");
    }
}

#[tokio::test]
async fn whoever_makes_the_whole_audit_anew_is_found_out_by_who_has_seen_it() {
    let fixture = audited().await;
    let seen = fixture.log.verify_audit(None).await.unwrap().head;
    fixture.meddle("DELETE FROM audit").await;
    fixture.meddle("UPDATE audit_head SET number = 0, chain = decode(repeat('00', 32), 'hex')").await;
    fixture.log.write_audit(&some(6), true).await.unwrap();
    fixture.log.verify_audit(None).await.unwrap();
    let found = fixture.log.verify_audit(Some((seen.number, seen.chain))).await;
    assert!(matches!(found, Err(VerifyAuditError::Broken(AuditBroken::Seen(6)))), "{found:?}");
}

#[tokio::test]
async fn entries_are_neither_changed_nor_emptied_by_those_who_keep_to_the_rules() {
    let fixture = audited().await;
    for meddling in ["UPDATE audit SET actor = 'bob'", "TRUNCATE audit"] {
        let refused = sqlx::query(meddling).execute(&fixture.pool).await.unwrap_err();
        assert!(refused.to_string().contains("the audit is never changed"), "{refused}");
    }
}

#[tokio::test]
async fn a_batch_whose_answer_was_lost_is_written_once() {
    let fixture = audited().await;
    let batch = some(2);
    for _ in 0..2 {
        fixture.log.write_audit(&batch, false).await.unwrap();
    }
    assert_eq!(fixture.log.verify_audit(None).await.unwrap().count, 8);
}

#[tokio::test]
async fn several_services_write_one_chain() {
    let fixture = audited().await;
    let batches: Vec<_> = (0..20).map(|_| some(5)).collect();
    let writing = batches.iter().map(|batch| fixture.log.write_audit(batch, true));
    for written in futures::future::join_all(writing).await {
        written.unwrap();
    }
    assert_eq!(fixture.log.verify_audit(None).await.unwrap().count, 106);
}

#[tokio::test]
async fn an_audit_without_entries_has_none_to_remove() {
    let fixture = audited().await;
    let later = Timestamp::from_micros(i64::MAX);
    let count = fixture.log.verify_audit(None).await.unwrap().count;
    assert_eq!(fixture.log.remove_audit_before(later).await.unwrap(), count);
    assert_eq!(fixture.log.remove_audit_before(later).await.unwrap(), 0);
    assert_eq!(fixture.log.verify_audit(None).await.unwrap().count, 0);
}

#[tokio::test]
async fn entries_whose_time_is_over_are_removed_from_the_oldest_on_and_the_rest_is_whole() {
    let fixture = audited().await;
    let mut young = entry("young");
    young.at = Timestamp::from_micros(1_790_000_000_000_002);
    // Another machine's clock: it stays, being behind one that stays.
    fixture.log.write_audit(&[young, entry("old")], false).await.unwrap();
    let before = Timestamp::from_micros(1_790_000_000_000_001);
    assert_eq!(fixture.log.remove_audit_before(before).await.unwrap(), 6);
    assert_eq!(fixture.log.remove_audit_before(before).await.unwrap(), 0);
    let verified = fixture.log.verify_audit(None).await.unwrap();
    assert_eq!((verified.count, verified.head.number, verified.head.removed), (2, 8, 6));
    fixture.meddle("UPDATE audit_head SET removed = 7").await;
    assert_eq!(fixture.broken().await, AuditBroken::Changed(8));
}
