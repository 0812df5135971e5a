//! Letters in Postgres: rows of `dead_letters` in the views' database.

use kernel::{Lane, Sequence, TenantId, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::failure::{corrupt, store_error};
use super::{Columns, PostgresRows, in_time, version};
use crate::{
    Advance, Checkpoint, DeadRecord, Letter, LetterId, LetterStore, Reason, Request, RowChange, StoreError,
    Subject, Which,
};

const KEEP: &str = "
    INSERT INTO dead_letters (view, version, lane, id, sequence, subject, tenant, row_key, reason, why, record,
                              attempts, parked_at)
    SELECT $1, $2, $3, l.id, l.sequence, l.subject, l.tenant, l.row_key, l.reason, l.why, l.record, l.attempts,
           '1970-01-01T00:00:00Z'::timestamptz + l.parked_micros * interval '1 microsecond'
      FROM unnest($4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                  $11::text[], $12::integer[], $13::bigint[])
        AS l (id, sequence, subject, tenant, row_key, reason, why, record, attempts, parked_micros)
    ON CONFLICT DO NOTHING";

const PARKED: &str = "
    SELECT subject, min(sequence) FROM dead_letters
     WHERE view = $1 AND version = $2 AND lane = $3
     GROUP BY subject ORDER BY subject LIMIT $4";

/// Columns: lane, sequence, subject, reason, why, record, attempts, microseconds.
const LETTERS: &str = "
    SELECT lane, sequence, subject, reason, why, record, attempts, (extract(epoch FROM parked_at) * 1000000)::bigint
      FROM dead_letters
     WHERE view = $1 AND version = $2
       AND ($3::integer IS NULL OR (lane, id) > ($3, $4::uuid)) AND ($5::text IS NULL OR tenant = $5)
     ORDER BY lane, id LIMIT $6";

const LETTER: &str = "
    SELECT lane, sequence, subject, reason, why, record, attempts, (extract(epoch FROM parked_at) * 1000000)::bigint
      FROM dead_letters
     WHERE view = $1 AND version = $2 AND lane = $3 AND id = $4";

const UNTOLD: &str = "
    SELECT lane, sequence, subject, reason, why, record, attempts, (extract(epoch FROM parked_at) * 1000000)::bigint
      FROM dead_letters
     WHERE view = $1 AND version = $2 AND lane = $3 AND NOT told
     ORDER BY id LIMIT $4";

const TOLD: &str = "
    UPDATE dead_letters SET told = true
     WHERE view = $1 AND version = $2 AND lane = $3 AND id = ANY ($4::uuid[])";

const REQUEST: &str = "
    INSERT INTO letter_requests (view, version, lane, subject, what, asked_by, reason)
    SELECT DISTINCT view, version, lane, subject, $3::text, $4::text, $5::text
      FROM dead_letters
     WHERE view = $1 AND version = $2
       AND ($6::integer IS NULL OR (lane = $6 AND id = $7::uuid)) AND ($8::text IS NULL OR tenant = $8)
    ON CONFLICT (view, version, lane, subject)
    DO UPDATE SET what = excluded.what, asked_by = excluded.asked_by, reason = excluded.reason, asked_at = now()";

const REQUEST_ROWS: &str = "
    INSERT INTO letter_requests (view, version, lane, subject, what, asked_by, reason)
    SELECT DISTINCT $1, $2::integer, $3::integer, subject, $5::text, $6::text, $7::text
      FROM unnest($4::text[]) AS s (subject)
    ON CONFLICT (view, version, lane, subject)
    DO UPDATE SET what = excluded.what, asked_by = excluded.asked_by, reason = excluded.reason, asked_at = now()";

const REQUESTS: &str = "
    SELECT subject, what, asked_by, coalesce(reason, '') FROM letter_requests
     WHERE view = $1 AND version = $2 AND lane = $3
     ORDER BY asked_at, subject LIMIT $4";

const FORGET_REQUESTS: &str = "
    DELETE FROM letter_requests WHERE view = $1 AND version = $2 AND lane = $3 AND subject = ANY ($4::text[])";

const TAKE_OUT: &str = "
    DELETE FROM dead_letters WHERE view = $1 AND version = $2 AND lane = $3 AND subject = ANY ($4::text[])";

const DISCARD: &str = "
    WITH gone AS (
        DELETE FROM dead_letters WHERE view = $1 AND version = $2 AND lane = $3 AND subject = ANY ($4::text[])
        RETURNING *
    )
    INSERT INTO discarded_letters (view, version, lane, id, sequence, subject, why, record, discarded_by, reason)
    SELECT view, version, lane, id, sequence, subject, why, record, $5, $6 FROM gone";

const REFUSE: &str = "
    UPDATE dead_letters SET attempts = attempts + 1, why = $5
     WHERE view = $1 AND version = $2 AND lane = $3
       AND id = (SELECT min(first.id::text)::uuid FROM dead_letters AS first
                  WHERE first.view = $1 AND first.version = $2 AND first.lane = $3 AND first.subject = $4)
       AND subject = $4";

impl PostgresRows {
    fn of_lane(&self, statement: &'static str, lane: Lane) -> super::Query<'static> {
        let view = self.0.view;
        sqlx::query(statement).bind(view.view).bind(version(view)).bind(i32::from(lane.number()))
    }

    /// Within the transaction that moves the checkpoint.
    pub(super) async fn keep(
        &self,
        connection: &mut PgConnection,
        lane: Lane,
        letters: &[Letter],
    ) -> Result<(), StoreError> {
        let column = |text: fn(&Letter) -> String| letters.iter().map(text).collect::<Vec<_>>();
        let records = letters.iter().map(|letter| serde_json::to_string(&letter.record));
        let records = records.collect::<Result<Vec<_>, _>>();
        let records =
            records.map_err(|error| StoreError::Refused(format!("a letter has no JSON: {error}")))?;
        let tenants = letters.iter().map(|letter| letter.subject.tenant().map(ToString::to_string));
        let keys = letters.iter().map(|letter| letter.subject.row_key().map(|key| key.as_str().to_owned()));
        let attempts = letters.iter().map(|letter| i32::try_from(letter.attempts).unwrap_or(i32::MAX));
        self.of_lane(KEEP, lane)
            .bind(letters.iter().map(|letter| letter.id().id).collect::<Vec<Uuid>>())
            .bind(letters.iter().map(|letter| letter.sequence.to_i64()).collect::<Vec<_>>())
            .bind(column(|letter| letter.subject.to_string()))
            .bind(tenants.collect::<Vec<Option<String>>>())
            .bind(keys.collect::<Vec<Option<String>>>())
            .bind(column(|letter| letter.reason.as_str().to_owned()))
            .bind(column(|letter| letter.why.replace('\0', "\u{fffd}")))
            .bind(records)
            .bind(attempts.collect::<Vec<i32>>())
            .bind(letters.iter().map(|letter| letter.parked_at.micros()).collect::<Vec<_>>())
            .execute(connection)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    async fn at_checkpoint<'t>(
        &self,
        lane: Lane,
        at: &Checkpoint,
    ) -> Result<sqlx::Transaction<'t, sqlx::Postgres>, StoreError> {
        let mut transaction = self.0.pool.begin().await.map_err(store_error)?;
        self.advance(&mut transaction, lane, &Advance { from: *at, to: *at }, &[]).await?;
        Ok(transaction)
    }
}

impl LetterStore for PostgresRows {
    async fn parked(&self, lane: Lane, most: usize) -> Result<Vec<(Subject, Sequence)>, StoreError> {
        in_time(async {
            let query = self.of_lane(PARKED, lane).bind(i64::try_from(most).unwrap_or(i64::MAX));
            let found = query.fetch_all(&self.0.pool).await.map_err(store_error)?;
            let parked =
                |row: &PgRow| Ok((subject(row, 0)?, Sequence::from_i64(row.try_get(1).map_err(corrupt)?)));
            found.iter().map(parked).collect()
        })
        .await
    }

    async fn count_letters(&self) -> Result<u64, StoreError> {
        let count = "SELECT count(*) FROM dead_letters WHERE view = $1 AND version = $2";
        let query = sqlx::query(count).bind(self.0.view.view).bind(version(self.0.view));
        in_time(async {
            let found = query.fetch_one(&self.0.pool).await.map_err(store_error)?;
            found.try_get::<i64, _>(0).map(i64::unsigned_abs).map_err(corrupt)
        })
        .await
    }

    async fn letters(
        &self,
        tenant: Option<&TenantId>,
        after: Option<LetterId>,
        most: usize,
    ) -> Result<Vec<Letter>, StoreError> {
        let query = sqlx::query(LETTERS)
            .bind(self.0.view.view)
            .bind(version(self.0.view))
            .bind(after.map(|after| i32::from(after.lane.number())))
            .bind(after.map(|after| after.id))
            .bind(tenant.map(TenantId::as_str))
            .bind(i64::try_from(most).unwrap_or(i64::MAX));
        in_time(async {
            let found = query.fetch_all(&self.0.pool).await.map_err(store_error)?;
            found.iter().map(letter).collect()
        })
        .await
    }

    async fn untold(&self, lane: Lane, most: usize) -> Result<Vec<Letter>, StoreError> {
        in_time(async {
            let query = self.of_lane(UNTOLD, lane).bind(i64::try_from(most).unwrap_or(i64::MAX));
            let found = query.fetch_all(&self.0.pool).await.map_err(store_error)?;
            found.iter().map(letter).collect()
        })
        .await
    }

    async fn told(&self, lane: Lane, letters: &[LetterId]) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = letters.iter().map(|letter| letter.id).collect();
        in_time(async {
            self.of_lane(TOLD, lane).bind(ids).execute(&self.0.pool).await.map_err(store_error)?;
            Ok(())
        })
        .await
    }

    async fn letter(&self, id: LetterId) -> Result<Option<Letter>, StoreError> {
        in_time(async {
            let query = self.of_lane(LETTER, id.lane).bind(id.id);
            let found = query.fetch_optional(&self.0.pool).await.map_err(store_error)?;
            found.as_ref().map(letter).transpose()
        })
        .await
    }

    async fn request(&self, which: &Which, request: &Request) -> Result<u64, StoreError> {
        let (what, by, reason) = match request {
            Request::Retry { by } => ("retry", by, None),
            Request::Discard { by, reason } => ("discard", by, Some(reason)),
        };
        let (one, tenant) = match which {
            Which::Rows { lane, rows } => {
                let named = rows.iter().map(|at| Subject::Row(at.clone()).to_string()).collect::<Vec<_>>();
                let asked = self.of_lane(REQUEST_ROWS, *lane).bind(named).bind(what).bind(by).bind(reason);
                let asked = in_time(async { asked.execute(&self.0.pool).await.map_err(store_error) });
                return Ok(asked.await?.rows_affected());
            }
            Which::Letter(id) => (Some(id), None),
            Which::All { tenant } => (None, tenant.as_ref()),
        };
        let query = sqlx::query(REQUEST)
            .bind(self.0.view.view)
            .bind(version(self.0.view))
            .bind(what)
            .bind(by)
            .bind(reason)
            .bind(one.map(|id| i32::from(id.lane.number())))
            .bind(one.map(|id| id.id))
            .bind(tenant.map(TenantId::as_str));
        in_time(async { Ok(query.execute(&self.0.pool).await.map_err(store_error)?.rows_affected()) }).await
    }

    async fn requests(&self, lane: Lane, most: usize) -> Result<Vec<(Subject, Request)>, StoreError> {
        in_time(async {
            let query = self.of_lane(REQUESTS, lane).bind(i64::try_from(most).unwrap_or(i64::MAX));
            let found = query.fetch_all(&self.0.pool).await.map_err(store_error)?;
            found.iter().map(|row| Ok((subject(row, 0)?, request(row)?))).collect()
        })
        .await
    }

    async fn mend(
        &self,
        lane: Lane,
        at: &Checkpoint,
        changes: &[RowChange],
        subjects: &[Subject],
    ) -> Result<(), StoreError> {
        let named: Vec<String> = subjects.iter().map(ToString::to_string).collect();
        in_time(async {
            let mut transaction = self.at_checkpoint(lane, at).await?;
            if !changes.is_empty() {
                let write = sqlx::query(AssertSqlSafe(self.0.statements.write_page.clone()));
                Columns::of(changes).bind(write).execute(&mut *transaction).await.map_err(store_error)?;
            }
            for statement in [TAKE_OUT, FORGET_REQUESTS] {
                let taken = self.of_lane(statement, lane).bind(&named).execute(&mut *transaction).await;
                taken.map_err(store_error)?;
            }
            transaction.commit().await.map_err(store_error)
        })
        .await
    }

    async fn discard(
        &self,
        lane: Lane,
        at: &Checkpoint,
        subject: &Subject,
        by: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let named = vec![subject.to_string()];
        in_time(async {
            let mut transaction = self.at_checkpoint(lane, at).await?;
            let gone = self.of_lane(DISCARD, lane).bind(&named).bind(by).bind(reason);
            gone.execute(&mut *transaction).await.map_err(store_error)?;
            let forgotten = self.of_lane(FORGET_REQUESTS, lane).bind(&named);
            forgotten.execute(&mut *transaction).await.map_err(store_error)?;
            transaction.commit().await.map_err(store_error)
        })
        .await
    }

    async fn refuse(&self, lane: Lane, subject: &Subject, why: &str) -> Result<(), StoreError> {
        let named = subject.to_string();
        in_time(async {
            let refused = self.of_lane(REFUSE, lane).bind(&named).bind(why.replace('\0', "\u{fffd}"));
            refused.execute(&self.0.pool).await.map_err(store_error)?;
            let forgotten = self.of_lane(FORGET_REQUESTS, lane).bind(vec![named.clone()]);
            forgotten.execute(&self.0.pool).await.map_err(store_error)?;
            Ok(())
        })
        .await
    }
}

fn subject(row: &PgRow, column: usize) -> Result<Subject, StoreError> {
    let text: &str = row.try_get(column).map_err(corrupt)?;
    text.parse().map_err(|_| StoreError::Corrupt("what is parked".to_owned()))
}

fn request(row: &PgRow) -> Result<Request, StoreError> {
    let (what, by): (&str, String) = (row.try_get(1).map_err(corrupt)?, row.try_get(2).map_err(corrupt)?);
    match what {
        "retry" => Ok(Request::Retry { by }),
        _ => Ok(Request::Discard { by, reason: row.try_get(3).map_err(corrupt)? }),
    }
}

fn letter(row: &PgRow) -> Result<Letter, StoreError> {
    let unreadable = |what: &str| StoreError::Corrupt(format!("a letter's {what}"));
    let lane: i32 = row.try_get(0).map_err(corrupt)?;
    let reason: &str = row.try_get(3).map_err(corrupt)?;
    let record: &str = row.try_get(5).map_err(corrupt)?;
    let attempts: i32 = row.try_get(6).map_err(corrupt)?;
    Ok(Letter {
        lane: Lane::new(u16::try_from(lane).map_err(|_| unreadable("lane"))?),
        sequence: Sequence::from_i64(row.try_get(1).map_err(corrupt)?),
        subject: subject(row, 2)?,
        reason: Reason::named(reason).ok_or_else(|| unreadable("reason"))?,
        why: row.try_get(4).map_err(corrupt)?,
        record: serde_json::from_str::<DeadRecord>(record).map_err(|_| unreadable("record"))?,
        attempts: u32::try_from(attempts).map_err(|_| unreadable("attempts"))?,
        parked_at: Timestamp::from_micros(row.try_get(7).map_err(corrupt)?),
    })
}
