//! How many requests callers may send: each of them, and each tenant as a whole.

use clap::Args;
use kernel::TenantId;
use metrics::counter;

use crate::telemetry::RATE_LIMITED;
use crate::turns::Turns;
use crate::{Caller, OPS, PROCESS, Problem, ProblemType};

/// How many requests callers may send. Counted by each process for itself: behind a balancer, a caller has as many as there
/// are processes times this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct RateConfig {
    /// Requests a second of one subject of a tenant, whatever tokens it shows; 0 for as many as it likes. Too few refuse
    /// those who mean well; without, one client can take all of its tenant's.
    #[arg(long, env = "TWOFOLD_RATE_PER_SUBJECT", default_value_t = 0, value_name = "PER_SECOND",
        value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub rate_per_subject: u32,
    /// Requests a second of one tenant; 0 for as many as it likes. Too few refuse those who mean well; without, one
    /// tenant can make all others wait.
    #[arg(long, env = "TWOFOLD_RATE_PER_TENANT", default_value_t = 0, value_name = "PER_SECOND",
        value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub rate_per_tenant: u32,
    /// The requests of how many seconds may come at once, after a rest of as long.
    #[arg(long, env = "TWOFOLD_RATE_BURST", default_value_t = 5, value_name = "SECONDS",
        value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub rate_burst: u32,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self { rate_per_subject: 0, rate_per_tenant: 0, rate_burst: 5 }
    }
}

/// Counts the requests of callers whose tokens were accepted.
#[derive(Debug)]
pub(super) struct Rates {
    per_subject: Option<Turns>,
    per_tenant: Option<Turns>,
}

impl Rates {
    pub(super) fn new(config: &RateConfig) -> Self {
        let turns = |rate: u32| (rate > 0).then(|| Turns::per_second(rate, config.rate_burst));
        Self { per_subject: turns(config.rate_per_subject), per_tenant: turns(config.rate_per_tenant) }
    }

    /// Counts one more, or says how long to wait. What belongs to Twofold itself is not counted: processes, and whoever
    /// operates it.
    pub(super) fn count(&self, caller: &Caller) -> Result<(), Problem> {
        if caller.scopes.has(PROCESS) || caller.scopes.has(OPS) {
            return Ok(());
        }
        let Caller { tenant, actor, .. } = caller;
        within(self.per_subject.as_ref(), &(tenant, actor.as_str()), "subject")?;
        within::<&TenantId>(self.per_tenant.as_ref(), &tenant, "tenant")
    }
}

fn within<K: std::hash::Hash>(turns: Option<&Turns>, key: &K, of: &'static str) -> Result<(), Problem> {
    let Some(turns) = turns else { return Ok(()) };
    turns.take(key).map_err(|wait| {
        counter!(RATE_LIMITED, "of" => of).increment(1);
        Problem::new(ProblemType::TooManyRequests)
            .detail(format!(
                "more requests of this {of} than the service takes in a second; nothing was done"
            ))
            .with("of", of)
            .retry_after(wait)
    })
}
