//! `twofold rebuild` and `twofold rollback`: another build of a view.

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use kernel::ReadStore;
use projection::{BuildAnswer, Overview, ProjectionStatus, RebuildRequest, RowsState};

use crate::home::HomeArgs;
use crate::log::LogArgs;
use crate::output::line;
use crate::projections::join;
use crate::projectors::{Projectors, ProjectorsArgs};
use crate::refold::{self, Since};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Where nobody watches a terminal, progress is a line now and then.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What to build.
#[derive(Debug, clap::Args)]
pub(crate) struct RebuildArgs {
    #[command(flatten)]
    which: Which,
    /// Most events a second, of each projector. Without it, as fast as can be while the live view keeps up.
    #[arg(long, value_name = "EVENTS_PER_S", value_parser = clap::value_parser!(u32).range(1..))]
    throttle: Option<u32>,
    /// Most lanes that each projector feeds at once. Without it, all of them.
    #[arg(long, value_name = "LANES", value_parser = clap::value_parser!(u16).range(1..))]
    parallel: Option<u16>,
    /// Begin it and do not wait.
    #[arg(long)]
    detach: bool,
    /// No new build: fold only those rows again, in the build that is read, that events have touched since this
    /// sequence number (of every log) or this time.
    #[arg(long, value_name = "SEQUENCE|TIME", conflicts_with_all = ["throttle", "parallel", "detach"])]
    touched_since: Option<Since>,
    #[command(flatten)]
    log: LogArgs,
}

/// What to go back from.
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The view.
    view: String,
    /// Only in this store; in every store that it lives in without.
    #[arg(long, value_parser = store)]
    store: Option<ReadStore>,
    #[command(flatten)]
    projectors: ProjectorsArgs,
}

fn store(name: &str) -> Result<ReadStore, &'static str> {
    match name {
        "postgres" => Ok(ReadStore::Postgres),
        "redis" => Ok(ReadStore::Redis),
        _ => Err("expected postgres or redis"),
    }
}

pub(crate) fn name(store: ReadStore) -> &'static str {
    match store {
        ReadStore::Postgres => "postgres",
        ReadStore::Redis => "redis",
        ReadStore::Inline => "the log",
    }
}

/// Begins builds and shows how far they are, until each is read or given up. Interrupted, the builds go on.
pub(crate) async fn run(home: &HomeArgs, args: &RebuildArgs) -> anyhow::Result<ExitCode> {
    let projectors = args.which.projectors.open(home)?;
    if let Some(since) = &args.touched_since {
        let log = args.log.open(home).await?;
        let store = args.which.store.map(name);
        refold::touched_since(&projectors, &log, &args.which.view, store, since).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut builds: Vec<BuildAnswer> = Vec::new();
    let request = RebuildRequest { throttle: args.throttle, parallel: args.parallel };
    for url in args.which.urls(&projectors).await? {
        let path = format!("/v1/ops/projections/{}/rebuild", args.which.view);
        let build: BuildAnswer = projectors.at(&url).tell(&path, &request).await?;
        line(format_args!("{} build {} in {}: begun", build.view, build.build, build.store))?;
        builds.push(build);
    }
    if args.detach { Ok(ExitCode::SUCCESS) } else { watch(&projectors, builds).await }
}

/// Goes back.
pub(crate) async fn roll_back(home: &HomeArgs, args: &RollbackArgs) -> anyhow::Result<()> {
    let projectors = args.which.projectors.open(home)?;
    for url in args.which.urls(&projectors).await? {
        let path = format!("/v1/ops/projections/{}/rollback", args.which.view);
        let build: BuildAnswer = projectors.at(&url).tell(&path, &serde_json::json!({})).await?;
        line(format_args!("{} build {} in {}: read again", build.view, build.build, build.store))?;
    }
    Ok(())
}

impl Which {
    /// One projector of each store that the view lives in.
    async fn urls(&self, projectors: &Projectors) -> anyhow::Result<Vec<String>> {
        let mut chosen: Vec<(String, String)> = Vec::new();
        for (url, overview) in projectors.ask::<Overview>("/v1/ops/projections").await? {
            for item in overview.items.into_iter().filter(|item| item.view == self.view) {
                let is_wanted = self.store.is_none_or(|store| name(store) == item.store);
                if is_wanted && chosen.iter().all(|(store, _)| *store != item.store) {
                    chosen.push((item.store, url.clone()));
                }
            }
        }
        if chosen.is_empty() {
            bail!("no projector keeps a view {}, or not in that store", self.view);
        }
        Ok(chosen.into_iter().map(|(_, url)| url).collect())
    }
}

async fn watch(projectors: &Projectors, mut builds: Vec<BuildAnswer>) -> anyhow::Result<ExitCode> {
    let (mut code, mut told) = (ExitCode::SUCCESS, None);
    while !builds.is_empty() {
        tokio::time::sleep(LOOK_EVERY).await;
        let overviews = projectors.get::<Overview>("/v1/ops/projections").await?;
        let items = join(overviews.into_iter().flat_map(|overview| overview.items));
        let mut building = Vec::new();
        for build in builds {
            let same = |item: &&ProjectionStatus| item.store == build.store && item.view == build.view;
            let item = items.iter().filter(same).find(|item| item.build == build.build);
            let what = format!("{} build {} in {}", build.view, build.build, build.store);
            match item.and_then(|item| item.state) {
                Some(RowsState::Serving) => line(format_args!("{what}: read"))?,
                Some(RowsState::Retained) => line(format_args!("{what}: was read, and replaced"))?,
                Some(RowsState::Failed) => {
                    let why = item.and_then(|item| item.trouble.as_deref()).unwrap_or_default();
                    line(format_args!("{what}: given up: {why}"))?;
                    code = ExitCode::FAILURE;
                }
                Some(RowsState::Building) | None => {
                    let now = tokio::time::Instant::now();
                    if stderr().is_terminal() {
                        eprint!("\r{what}: {}   ", item.map(progress).unwrap_or_default());
                    } else if told.is_none_or(|told| now - told > TELL_EVERY) {
                        line(format_args!("{what}: {}", item.map(progress).unwrap_or_default()))?;
                        told = Some(now);
                    }
                    building.push(build);
                }
            }
        }
        builds = building;
    }
    Ok(code)
}

/// How far all lanes are, how fast, and for how long still.
fn progress(status: &ProjectionStatus) -> String {
    let done: u64 = status.lanes.iter().map(|lane| lane.sequence).sum();
    let behind: u64 = status.lanes.iter().filter_map(|lane| lane.lag_events).sum();
    let rate: f64 = status.lanes.iter().filter_map(|lane| lane.events_per_second).sum();
    #[expect(clippy::cast_precision_loss, reason = "an estimate needs no last digit")]
    let seconds = behind as f64 / rate;
    let rest = if rate > 0.0 { format!(", {seconds:.0} s to go") } else { String::new() };
    format!("{done} events, {behind} behind, {rate:.0}/s{rest}")
}
