//! One trial from its beginning to its verdict.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::check::{self, ACTOR};
use crate::client::{Client, Tenant};
use crate::evenness;
use crate::faults;
use crate::history::History;
use crate::observed::Observed;
use crate::schedule::{Kind, Step, schedule};
use crate::system::System;
use crate::verdict::{Counts, Rule, Verdict};
use crate::workload::{Shared, TENANTS, Worker, set_the_scene};

const PLAN: &str = "plan.json";
const HISTORY: &str = "history.jsonl";
const SCOPES: &str = "catalog:write catalog:read orders:write orders:read accounts:write accounts:read \
                      travel:write travel:read";
/// Clients that begin with this number make what tenants have.
const MAKERS: u32 = 8_000;

/// What decides a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) clients: u32,
    pub(crate) work_ms: u64,
    pub(crate) steps: Vec<Step>,
}

impl Plan {
    pub(crate) fn new(seed: u64, clients: u32, minutes: f64, kinds: &[Kind]) -> Self {
        let work = Duration::from_secs_f64(minutes * 60.0);
        let work_ms = u64::try_from(work.as_millis()).unwrap_or(u64::MAX);
        Self { seed, clients, work_ms, steps: schedule(seed, work_ms, kinds) }
    }

    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(PLAN);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a plan", path.display()))
    }

    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::write(folder.join(PLAN), serde_json::to_vec_pretty(self)?).context("cannot write the plan")
    }
}

pub(crate) async fn run(
    plan: &Plan,
    twofold: &Path,
    folder: &Path,
    bug: Option<&str>,
) -> anyhow::Result<Verdict> {
    // A bug may well keep it from ever being even.
    let patience = Duration::from_secs(if bug.is_some() { 40 } else { 300 });
    let history = Arc::new(History::in_file(&folder.join(HISTORY))?);
    let system = Arc::new(Box::pin(System::start(twofold, folder, bug)).await?);
    let made = Box::pin(on_system(plan, &system, &history, patience)).await;
    // Nobody else holds it: everything that was begun has ended.
    if let Some(system) = Arc::into_inner(system) {
        system.stop().await;
    }
    made.map(|verdict| Verdict { bug: bug.map(str::to_owned), ..verdict })
}

async fn on_system(
    plan: &Plan,
    system: &Arc<System>,
    history: &Arc<History>,
    patience: Duration,
) -> anyhow::Result<Verdict> {
    let commands = system.url_for_clients("command-service")?;
    let client = Client::new(commands, system.url_for_clients("query-service")?, Arc::clone(history))?;
    let mut settings = Vec::new();
    for (process, name) in (MAKERS..).zip(TENANTS) {
        let token = ["token", "--tenant", name, "--scope", SCOPES, "--subject", ACTOR, "--ttl", "30d"];
        let token = system.told(&token).await?.trim_end().to_owned();
        let tenant = Tenant { name: name.to_owned(), token };
        settings.push(Arc::new(set_the_scene(&client, tenant, process, plan.seed).await?));
    }
    let shared = Arc::new(Shared { client, settings, next_integer: AtomicI64::new(1) });

    let began = Instant::now();
    let ends = began + Duration::from_millis(plan.work_ms);
    let mut workers = JoinSet::new();
    for process in 0..plan.clients {
        workers.spawn(Worker::new(process, plan.seed, &shared, ends).work());
    }
    let mut keeper = JoinSet::new();
    let (kept, told) = (Arc::clone(system), Arc::clone(history));
    keeper.spawn(async move { faults::start_what_ended(&kept, &told).await });
    faults::carry_out(plan.steps.clone(), began, system, &shared, history).await?;
    tokio::time::sleep_until(ends).await;
    keeper.shutdown().await;
    history.fault("everything is put right");
    let ready = system.heal().await.map_err(|error| format!("{error:#}"));
    let healed = Instant::now();
    while let Some(worker) = workers.join_next().await {
        worker?;
    }
    let even = match ready {
        Ok(()) => evenness::wait(system, patience).await?,
        Err(not_ready) => Err(not_ready),
    };
    let converged_after = even.as_ref().ok().map(|()| healed.elapsed().as_secs_f64());
    evenness::look_at_everything(system, &shared).await?;
    let observed = Observed::read(system).await?;

    let entries = history.entries();
    let mut findings = check::everything(&entries, &observed);
    findings.look(Rule::Converged, even.is_ok(), || {
        format!("not within {} s: {}", patience.as_secs(), even.err().unwrap_or_default())
    });
    Ok(Verdict {
        seed: plan.seed,
        clients: plan.clients,
        seconds: plan.work_ms / 1000,
        bug: None,
        events: observed.logs.values().map(Vec::len).sum(),
        converged_after,
        counts: Counts::of(&entries),
        findings,
    })
}
