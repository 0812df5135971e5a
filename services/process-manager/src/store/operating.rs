//! What an operator does with an instance, and that it was done, by whom and why: one transaction.

use kernel::TenantId;
use sqlx::Row as _;
use uuid::Uuid;

use super::inputs::{Held, Inputs, inputs_of, now};
use super::writes::Writes;
use super::{Store, StoreError, in_time};
use crate::engine::{Action, Engine, Of};

/// Locks the instance, waiting for whoever has it in hand.
const LOCK: &str = "
    SELECT tenant, instance, kept, revision, heard, correlation_id, causation_id, traceparent, coalesce(stuck, unanswered), parked, phase
      FROM processes.instances
     WHERE process = $1 AND tenant = $2 AND instance = $3
       FOR UPDATE";

const AUDIT: &str = "
    INSERT INTO processes.audit (process, tenant, instance, action, actor, reason, stuck)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operated<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) instance: Uuid,
    pub(crate) action: Action,
    pub(crate) by: &'a str,
    pub(crate) reason: &'a str,
}

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotDone {
    /// There is no such instance.
    NoSuch,
    /// It is not stuck.
    NotStuck,
    /// It has ended.
    Ended,
    /// The store, or what it keeps.
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for NotDone {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Does it, or nothing.
    pub(crate) async fn operate(
        &self,
        engine: &dyn Engine,
        inputs: &Inputs,
        asked: &Operated<'_>,
    ) -> Result<(), NotDone> {
        let done = in_time(async { Ok(self.operate_now(engine, inputs, asked).await) });
        done.await.unwrap_or_else(|error| Err(NotDone::Store(error)))
    }

    async fn operate_now(
        &self,
        engine: &dyn Engine,
        inputs: &Inputs,
        asked: &Operated<'_>,
    ) -> Result<(), NotDone> {
        let Operated { tenant, instance, action, by, reason } = *asked;
        let mut transaction = self.pool.begin().await?;
        let found = sqlx::query(LOCK).bind(engine.name()).bind(tenant.as_str()).bind(instance);
        let found = found.fetch_optional(&mut *transaction).await?.ok_or(NotDone::NoSuch)?;
        let (stuck, parked): (Option<String>, bool) = (found.try_get(8)?, found.try_get(9)?);
        match action {
            Action::Retry | Action::Skip if stuck.is_none() => return Err(NotDone::NotStuck),
            Action::Compensate if found.try_get::<&str, _>(10)? == "ended" => return Err(NotDone::Ended),
            Action::Retry | Action::Skip | Action::Compensate => {}
        }
        let mut held = Held::read(&found)?;
        let of = Of { tenant, instance, now: now(&mut transaction).await? };
        let stepped = engine.operate(&of, held.kept.clone(), action);
        let stepped = stepped.map_err(|error| StoreError::Refused(error.to_string()))?;
        held.heard += 1;
        let mut writes = Writes::default();
        let said = format!("{} by {by}: {reason}", action.as_str());
        writes.tell(tenant.as_str(), instance, held.heard, &said);
        // A fault of the program: what brought it out is what is skipped.
        if action == Action::Skip && parked && !stepped.was_impossible {
            let waiting =
                inputs_of(&mut transaction, engine.name(), inputs, std::slice::from_ref(&held)).await?;
            if let Some(first) = waiting.into_values().next().and_then(|of| of.into_iter().next()) {
                held.heard += 1;
                let what = format!("skipped {}", first.input.what.describe());
                writes.tell(tenant.as_str(), instance, held.heard, &what);
                writes.skip(tenant.as_str(), instance, first);
            }
        }
        writes.add(held, stepped, Vec::new());
        writes.write(&mut transaction, engine.name(), inputs, true).await?;
        sqlx::query(AUDIT)
            .bind(engine.name())
            .bind(tenant.as_str())
            .bind(instance)
            .bind(action.as_str())
            .bind(by)
            .bind(reason)
            .bind(stuck)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}
