//! Sends what instances want sent, and notes what came of it.
//!
//! ```text
//! claimed ─► under way, some at a time ─► answered or not ─► noted, as many at once as there are
//! ```
//!
//! A crash at any point: the command is claimed again when its lease has run out, and is sent with the same once-only
//! key. When told to stop, nothing more is claimed, and what is under way is waited for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use kernel::Reply;
use metrics::{counter, histogram};
use service_runtime::{Backoff, CancellationToken, Dependency};
use tokio::sync::Notify;
use traces::{Span, SpanKind, attributes};

use crate::command_side::{ANSWER_TIMEOUT, Attempt, CommandSide};
use crate::store::{Claimed, Settled, Settlement, Store};
use crate::telemetry;

const SCOPE: &str = "process-manager";
/// How long that is usually: longer than an attempt and its being noted take.
pub(crate) const LEASE: Duration = ANSWER_TIMEOUT.saturating_add(Duration::from_secs(3));
/// How often it is looked for commands that nobody said are there.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The pause after an attempt that settled nothing, at first and at last.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// Sends the commands of some processes.
pub(crate) struct Sending {
    pub(crate) store: Store,
    pub(crate) side: Arc<CommandSide>,
    pub(crate) processes: Vec<&'static str>,
    /// Most commands under way at once.
    pub(crate) most: usize,
    /// How long a claimed command is left to whoever claimed it.
    pub(crate) lease: Duration,
    /// There are commands to be sent.
    pub(crate) wanted: Arc<Notify>,
    /// There are answers to be heard.
    pub(crate) answered: Arc<Notify>,
    pub(crate) database: Dependency,
    pub(crate) commands: Dependency,
}

impl Sending {
    pub(crate) async fn run(self, token: CancellationToken) -> anyhow::Result<()> {
        let mut under_way = FuturesUnordered::new();
        let mut settled: Vec<Settled> = Vec::new();
        let mut backoff = Backoff::default();
        loop {
            let room = self.most.saturating_sub(under_way.len());
            if room > 0 && !token.is_cancelled() {
                match self.store.claim(&self.processes, room, self.lease).await {
                    Ok(claimed) => {
                        self.database.ready();
                        under_way.extend(claimed.into_iter().map(|command| self.attempt(command)));
                    }
                    Err(error) => {
                        self.database.waiting(error.to_string());
                        token.run_until_cancelled(tokio::time::sleep(backoff.next_delay())).await;
                        continue;
                    }
                }
            }
            if under_way.is_empty() {
                if token.is_cancelled() {
                    return Ok(());
                }
                tokio::select! {
                    () = token.cancelled() => {}
                    () = self.wanted.notified() => {}
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
                continue;
            }
            // The first that comes, and whatever is there with it.
            tokio::select! {
                Some(one) = under_way.next() => settled.push(one),
                () = self.wanted.notified(), if under_way.len() < self.most && !token.is_cancelled() => continue,
            }
            while let Some(Some(one)) = futures::FutureExt::now_or_never(under_way.next()) {
                settled.push(one);
            }
            self.note(&settled, &token).await;
            settled.clear();
            backoff = Backoff::default();
        }
    }

    /// Notes what came of commands, for as long as their leases last: after that, others find out.
    async fn note(&self, settled: &[Settled], token: &CancellationToken) {
        let begun = Instant::now();
        let mut backoff = Backoff::default();
        while let Err(error) = self.store.settle(settled).await {
            self.database.waiting(error.to_string());
            if begun.elapsed() > self.lease || token.is_cancelled() {
                tracing::warn!(%error, "answers were not noted; their commands are sent again");
                return;
            }
            tokio::time::sleep(backoff.next_delay()).await;
        }
        self.answered.notify_one();
    }

    async fn attempt(&self, command: Claimed) -> Settled {
        let begun = Instant::now();
        let mut span = span(&command);
        let attempt = self.side.send(&command, span.as_ref().map(Span::context)).await;
        let outcome = match &attempt {
            Attempt::Definite(Reply::Done, _) => "done",
            Attempt::Definite(Reply::Refused { .. }, _) => "refused",
            Attempt::Definite(Reply::Impossible { .. }, _) => "impossible",
            Attempt::NotDone(_) => "not-done",
            Attempt::Unknown(_) | Attempt::Definite(Reply::Unknown, _) => "unknown",
        };
        if let Some(span) = &mut span {
            span.set(attributes::OUTCOME, outcome);
            if matches!(attempt, Attempt::NotDone(_) | Attempt::Unknown(_)) {
                span.failed(outcome);
            }
        }
        drop(span);
        let process = command.process.clone();
        counter!(telemetry::ATTEMPTS, "process" => process.clone(), "outcome" => outcome).increment(1);
        histogram!(telemetry::ATTEMPT_SECONDS, "process" => process).record(begun.elapsed().as_secs_f64());
        let pause = pause(command.attempts);
        let settlement = match attempt {
            Attempt::Definite(reply, event) => {
                self.commands.ready();
                Settlement::Definite(reply, event)
            }
            Attempt::NotDone(why) => {
                self.commands.waiting(why.clone());
                Settlement::NotDone { why, pause }
            }
            Attempt::Unknown(why) => {
                self.commands.waiting(why.clone());
                Settlement::Unknown { why, pause }
            }
        };
        Settled { command, settlement }
    }
}

/// The attempt's span, where its trace is sampled; the command-service's is a child of it.
fn span(command: &Claimed) -> Option<Span> {
    let Claimed { process, instance, key, context, name, traceparent, .. } = command;
    let called = || format!("send {context}/{name}");
    let mut span = traces::follow(SCOPE, called, SpanKind::Client, traceparent.as_deref())?;
    span.set(attributes::PROCESS, process.clone());
    span.set(attributes::INSTANCE, instance.to_string());
    span.set(attributes::STEP, key.clone());
    span.set(attributes::CORRELATION_ID, command.correlation_id.to_string());
    Some(span)
}

/// Doubles with each attempt, shortened at random so that many do not come back together.
fn pause(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
    let whole = PAUSE.0.saturating_mul(1 << doublings).min(PAUSE.1);
    whole.mul_f64(0.5 + fastrand::f64() / 2.0)
}
