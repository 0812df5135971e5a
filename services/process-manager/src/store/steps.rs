//! A step: some instances, each by what it has to hear.
//!
//! ```text
//! found ─► begun, where an event begins it ─► locked ─► inputs read ─► heard (pure) ─► written ─► committed
//! ```
//!
//! A crash anywhere before the commit leaves everything as it was. What others have locked is left to them.

use std::time::Instant;

use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::inputs::{Address, Held, Inputs, address, inputs_of, now};
use super::told::Stuck;
use super::writes::Writes;
use super::{Store, StoreError, in_time};
use crate::engine::{Engine, Input, Of};

/// Locks those of the instances that nobody else has in hand.
const LOCK: &str = "
    SELECT i.tenant, i.instance, i.kept, i.revision, i.heard, i.correlation_id, i.causation_id, i.traceparent,
           i.stuck
      FROM processes.instances AS i
      JOIN unnest($2::text[], $3::uuid[]) AS wanted (tenant, instance)
        ON i.tenant = wanted.tenant AND i.instance = wanted.instance
     WHERE i.process = $1 AND NOT i.parked
       FOR UPDATE OF i SKIP LOCKED";

/// Nothing that was waited for can be done with it.
const PARK: &str = "
    UPDATE processes.instances SET stuck = $4, parked = true, revision = revision + 1, changed_at = now()
     WHERE process = $1 AND tenant = $2 AND instance = $3
    RETURNING correlation_id, traceparent";

impl Store {
    /// Takes up to `most` instances a step further; says of how many there was something to hear.
    pub(crate) async fn step(
        &self,
        engine: &dyn Engine,
        inputs: &Inputs,
        most: i64,
    ) -> Result<usize, StoreError> {
        let found = in_time(self.find(engine, inputs, most)).await?;
        if found.0.is_empty() {
            return Ok(0);
        }
        match in_time(self.step_these(engine, inputs, &found)).await {
            Err(StoreError::Refused(_)) if found.0.len() > 1 => {}
            Err(StoreError::Refused(why)) => {
                self.park(engine.name(), &found, &why).await?;
                return Ok(1);
            }
            stepped => return stepped,
        }
        // One of them is to blame, and the others are not to wait for it.
        let mut stepped = 0;
        for (tenant, instance) in found.0.into_iter().zip(found.1) {
            let one = (vec![tenant], vec![instance]);
            match in_time(self.step_these(engine, inputs, &one)).await {
                Ok(count) => stepped += count,
                Err(StoreError::Refused(why)) => {
                    self.park(engine.name(), &one, &why).await?;
                    stepped += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(stepped)
    }

    /// Instances that have something to hear; those that an event begins are begun.
    async fn find(
        &self,
        engine: &dyn Engine,
        inputs: &Inputs,
        most: i64,
    ) -> Result<(Vec<String>, Vec<Uuid>), StoreError> {
        let rows = sqlx::query(AssertSqlSafe(inputs.find.as_str()))
            .bind(engine.name())
            .bind(most)
            .fetch_all(&self.pool)
            .await?;
        let found: Vec<Address> = rows.iter().map(address).collect::<Result<_, _>>()?;
        let found: (Vec<String>, Vec<Uuid>) = found.into_iter().unzip();
        if found.0.is_empty() {
            return Ok(found);
        }
        let begun = engine.begin().map_err(|error| StoreError::Refused(error.to_string()))?;
        sqlx::query(AssertSqlSafe(inputs.begin.as_str()))
            .bind(engine.name())
            .bind(&found.0)
            .bind(&found.1)
            .bind(begun)
            .execute(&self.pool)
            .await?;
        sqlx::query(AssertSqlSafe(inputs.leave_early.as_str()))
            .bind(engine.name())
            .bind(&found.0)
            .bind(&found.1)
            .execute(&self.pool)
            .await?;
        Ok(found)
    }

    async fn step_these(
        &self,
        engine: &dyn Engine,
        inputs: &Inputs,
        these: &(Vec<String>, Vec<Uuid>),
    ) -> Result<usize, StoreError> {
        let began = Instant::now();
        let mut transaction = self.pool.begin().await?;
        let held = sqlx::query(LOCK)
            .bind(engine.name())
            .bind(&these.0)
            .bind(&these.1)
            .fetch_all(&mut *transaction)
            .await?;
        let held: Vec<Held> = held.iter().map(Held::read).collect::<Result<_, _>>()?;
        if held.is_empty() {
            return Ok(0);
        }
        let now = now(&mut transaction).await?;
        let mut waiting = inputs_of(&mut transaction, engine.name(), inputs, &held).await?;
        let mut writes = Writes::default();
        let mut count = 0;
        for held in held {
            let Some(waiting) = waiting.remove(&(held.tenant.as_str().to_owned(), held.instance)) else {
                continue;
            };
            count += 1;
            let kept: Vec<Input> = waiting.iter().map(|kept| kept.input.clone()).collect();
            let of = Of { tenant: &held.tenant, instance: held.instance, now };
            match engine.step(&of, held.kept.clone(), &kept) {
                Ok(stepped) => writes.add(held, stepped, waiting),
                Err(broken) => writes.park(held, &broken.to_string()),
            }
        }
        let told = writes.told(engine.name(), began);
        let stuck = writes.stuck();
        writes.write(&mut transaction, engine.name(), inputs, false).await?;
        transaction.commit().await?;
        if let Some(told) = told {
            told.tell();
        }
        stuck.iter().for_each(|stuck| stuck.say(engine.name()));
        Ok(count)
    }

    async fn park(
        &self,
        process: &'static str,
        (tenants, instances): &(Vec<String>, Vec<Uuid>),
        why: &str,
    ) -> Result<(), StoreError> {
        for (tenant, instance) in tenants.iter().zip(instances) {
            let why = format!("the processes' database refused what it wants kept: {why}");
            let parked = sqlx::query(PARK).bind(process).bind(tenant).bind(instance).bind(&why);
            if let Some(row) = parked.fetch_optional(&self.pool).await? {
                let (tenant, instance) = (tenant.clone(), *instance);
                let (correlation_id, traceparent) = (row.try_get(0)?, row.try_get(1)?);
                Stuck { tenant, instance, correlation_id, traceparent, why }.say(process);
            }
        }
        Ok(())
    }
}
