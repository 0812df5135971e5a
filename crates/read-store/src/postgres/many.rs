//! Rows in bulk: those that are new by COPY, the others a page at a time, all in one transaction with the checkpoint.

use std::time::Duration;

use kernel::Lane;
use sqlx::{AssertSqlSafe, PgConnection};

use super::failure::store_error;
use super::prepare::run;
use super::{Columns, PostgresRows};
use crate::{Advance, Changes, Letter, Many, RowChange, StoreError};

/// How long one large write may take before the database counts as away.
const TIMEOUT: Duration = Duration::from_secs(600);
/// What is gathered before it is sent.
const SENT_AT_ONCE: usize = 256 << 10;
/// Known rows that are written in one statement.
const PAGE: usize = 2_000;

impl PostgresRows {
    /// Moves the checkpoint first: its row's lock keeps every other writer of the lane out until the end.
    pub(super) async fn write_all(
        &self,
        lane: Lane,
        advance: &Advance,
        rows: Many<impl Changes, impl Changes>,
        letters: &[Letter],
    ) -> Result<(), StoreError> {
        let written = async {
            let mut transaction = self.0.pool.begin().await.map_err(store_error)?;
            run(&mut transaction, "SET LOCAL statement_timeout = '600s'").await?;
            self.advance(&mut transaction, lane, advance, &[]).await?;
            self.copy(&mut transaction, rows.new).await?;
            self.write_pages(&mut transaction, rows.known).await?;
            if !letters.is_empty() {
                self.keep(&mut transaction, lane, letters).await?;
            }
            transaction.commit().await.map_err(store_error)
        };
        tokio::time::timeout(TIMEOUT, written)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".to_owned())))
    }

    async fn copy(&self, connection: &mut PgConnection, rows: impl Changes) -> Result<(), StoreError> {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let mut copy = connection.copy_in_raw(&self.0.statements.copy).await.map_err(store_error)?;
        let mut gathered = Binary::begun();
        for row in rows {
            match row {
                Ok(row) => gathered.add(&row),
                Err(error) => {
                    copy.abort("a row could not be made").await.map_err(store_error)?;
                    return Err(error);
                }
            }
            if gathered.0.len() >= SENT_AT_ONCE {
                copy.send(gathered.0.as_slice()).await.map_err(store_error)?;
                gathered.0.clear();
            }
        }
        gathered.end();
        copy.send(gathered.0.as_slice()).await.map_err(store_error)?;
        copy.finish().await.map_err(store_error)?;
        Ok(())
    }

    async fn write_pages(&self, connection: &mut PgConnection, rows: impl Changes) -> Result<(), StoreError> {
        let mut page = Vec::with_capacity(PAGE);
        let mut rows = rows.peekable();
        while let Some(row) = rows.next() {
            page.push(row?);
            if page.len() == PAGE || rows.peek().is_none() {
                Columns::of(&page)
                    .bind(sqlx::query(AssertSqlSafe(self.0.statements.write_page.clone())))
                    .execute(&mut *connection)
                    .await
                    .map_err(store_error)?;
                page.clear();
            }
        }
        Ok(())
    }
}

/// Rows in the binary form of COPY: nothing in them needs escaping.
struct Binary(Vec<u8>);

impl Binary {
    /// The signature, no flags, no extension.
    fn begun() -> Self {
        let mut bytes = Vec::with_capacity(SENT_AT_ONCE + (SENT_AT_ONCE >> 3));
        bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
        bytes.extend_from_slice(&[0; 8]);
        Self(bytes)
    }

    fn end(&mut self) {
        self.0.extend_from_slice(&(-1_i16).to_be_bytes());
    }

    /// Tenant, key, stamp, body and links. A change without a body is no row.
    fn add(&mut self, change: &RowChange) {
        let Some(body) = &change.body else { return };
        self.0.extend_from_slice(&5_i16.to_be_bytes());
        self.field(change.at.tenant.as_str().as_bytes());
        self.field(change.at.key.as_str().as_bytes());
        self.field(&change.stamp.to_i64().to_be_bytes());
        // A jsonb is sent as its text behind the number of that form.
        self.length(1 + body.len());
        self.0.push(1);
        self.0.extend_from_slice(body.as_bytes());
        if change.links.is_empty() {
            self.0.extend_from_slice(&(-1_i32).to_be_bytes());
        } else {
            self.links(change);
        }
    }

    /// An array of one dimension, without nulls, of text.
    fn links(&mut self, change: &RowChange) {
        const TEXT: i32 = 25;
        let bytes: usize = change.links.iter().map(|link| 4 + link.as_str().len()).sum();
        self.length(20 + bytes);
        for number in [1, 0, TEXT] {
            self.0.extend_from_slice(&number.to_be_bytes());
        }
        self.length(change.links.len());
        self.0.extend_from_slice(&1_i32.to_be_bytes());
        for link in &change.links {
            self.field(link.as_str().as_bytes());
        }
    }

    fn field(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Longer than Postgres can take, it is refused by Postgres.
    fn length(&mut self, length: usize) {
        self.0.extend_from_slice(&i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes());
    }
}
