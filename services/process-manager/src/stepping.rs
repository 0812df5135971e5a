//! Takes the instances of a process further, as soon as there is something to hear: events of the inbox, answers,
//! timers.
//!
//! Any number of managers does this at once; an instance that one has in hand is passed over by the others.

use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge};
use service_runtime::{Backoff, CancellationToken, Dependency};
use tokio::sync::Notify;

use crate::engine::Engine;
use crate::store::{Inputs, Store};
use crate::telemetry;

/// Most instances of one transaction.
const INSTANCES_MOST: i64 = 100;
/// How often it is looked for events and timers: neither says that it has come.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often it is counted what there is.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// Steps of one process.
pub(crate) struct Stepping {
    pub(crate) store: Store,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) inputs: Arc<Inputs>,
    /// There are commands to be sent.
    pub(crate) wanted: Arc<Notify>,
    /// There are answers to be heard.
    pub(crate) answered: Arc<Notify>,
    pub(crate) database: Dependency,
}

impl Stepping {
    pub(crate) async fn run(self, token: CancellationToken) -> anyhow::Result<()> {
        tokio::join!(self.step_until(&token), self.count_until(&token));
        Ok(())
    }

    async fn step_until(&self, token: &CancellationToken) {
        let steps = counter!(telemetry::STEPS, "process" => self.engine.name());
        let mut backoff = Backoff::default();
        while !token.is_cancelled() {
            match self.store.step(&*self.engine, &self.inputs, INSTANCES_MOST).await {
                Ok(0) => {
                    self.database.ready();
                    backoff = Backoff::default();
                    tokio::select! {
                        () = token.cancelled() => {}
                        () = self.answered.notified() => {}
                        () = tokio::time::sleep(LOOK_EVERY) => {}
                    }
                }
                Ok(stepped) => {
                    self.database.ready();
                    backoff = Backoff::default();
                    steps.increment(stepped as u64);
                    self.wanted.notify_one();
                }
                Err(error) => {
                    self.database.waiting(error.to_string());
                    token.run_until_cancelled(tokio::time::sleep(backoff.next_delay())).await;
                }
            }
        }
    }

    async fn count_until(&self, token: &CancellationToken) {
        let process = self.engine.name();
        while token.run_until_cancelled(tokio::time::sleep(COUNT_EVERY)).await.is_some() {
            let Ok(census) = self.store.census(process).await else { continue };
            let phases = [("running", census.running), ("compensating", census.compensating)];
            for (phase, count) in phases {
                gauge!(telemetry::INSTANCES, "process" => process, "phase" => phase).set(number(count));
            }
            let others = [
                (telemetry::STUCK, census.stuck),
                (telemetry::TIMERS, census.timers),
                (telemetry::TIMERS_DUE, census.timers_due),
                (telemetry::COMMANDS, census.commands),
                (telemetry::COMMANDS_IN_DOUBT, census.commands_in_doubt),
            ];
            for (name, count) in others {
                gauge!(name, "process" => process).set(number(count));
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "an alarm needs no last digit")]
fn number(count: i64) -> f64 {
    count as f64
}
