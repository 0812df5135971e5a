//! `twofold verify views`: are the rows what the log folds to?

mod inline;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::process::ExitCode;

use anyhow::bail;
use event_log::EventLog;
use kernel::{Command, Context, ContextVisitor, Lane, LogId, ReadStore, Registry, View};
use projection::{AnyView, CompareError, Compared, Difference, Extent, NamedRow, compare, fingerprint};
use read_store::{
    BuildState, Code, PostgresRows, RedisRows, RowStore, Tracked, ViewVersion, postgres_for_rows,
};
use service_runtime::config::ExposeSecret;
use sqlx::PgPool;

use crate::from_log::FromLog;
use crate::home::HomeArgs;
use crate::log::{self, LogArgs};
use crate::output::line;
use crate::projectors::{Projectors, ProjectorsArgs};
use crate::refold;
use crate::stores::{Places, StoresArgs};

/// Differences of a view that are printed one by one; beyond it they are counted.
const PRINTED: usize = 10;

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct ViewsArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    stores: StoresArgs,
    /// Only this view; every view without.
    #[arg(long, value_name = "VIEW")]
    view: Option<String>,
    /// At most so many rows of each lane, other ones with every run.
    #[arg(long, default_value_t = 10_000, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    sample: u32,
    /// Every row.
    #[arg(long, conflicts_with = "sample")]
    all: bool,
    /// Have the rows that differ folded again from the log, by the projectors.
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    projectors: ProjectorsArgs,
    /// Only these logs, like catalog/3; every log without.
    #[arg(value_name = "LOG")]
    logs: Vec<LogId>,
}

/// Compares, and prints a line for each view and store.
pub(crate) async fn run(home: &HomeArgs, args: &ViewsArgs) -> anyhow::Result<ExitCode> {
    let log = args.log.open(home).await?;
    let logs = log::chosen(&log, &args.logs).await?;
    let places = args.stores.places(home)?;
    let views_pool = postgres_for_rows(places.views_url.expose_secret(), 2)?;
    let sample = Extent::Sample { rows: args.sample.try_into()?, seed: RandomState::new().hash_one(0) };
    let extent = if args.all { Extent::All } else { sample };
    let projectors = if args.repair { Some(args.projectors.open(home)?) } else { None };
    let run = Run { log, logs, places, views_pool, extent, projectors };
    let mut checks = Checks { run: &run, view: args.view.as_deref(), checks: Vec::new() };
    shipped_contexts::visit(&mut checks);
    if checks.checks.is_empty() {
        bail!("there is no view {}", args.view.as_deref().unwrap_or_default());
    }
    let mut equal = true;
    for check in checks.checks {
        equal &= check.await?;
    }
    Ok(if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Run {
    log: EventLog,
    logs: Vec<LogId>,
    places: Places,
    views_pool: PgPool,
    extent: Extent,
    /// Who repairs what differs, where it is to be.
    projectors: Option<Projectors>,
}

/// Whether all is equal.
type Check<'a> = Pin<Box<dyn Future<Output = anyhow::Result<bool>> + 'a>>;

struct Checks<'a> {
    run: &'a Run,
    view: Option<&'a str>,
    checks: Vec<Check<'a>>,
}

impl ContextVisitor for Checks<'_> {
    fn context<C: Context>(&mut self) {
        C::register(&mut InContext { context: C::NAME, checks: self });
    }
}

struct InContext<'v, 'a> {
    context: &'static str,
    checks: &'v mut Checks<'a>,
}

impl Registry for InContext<'_, '_> {
    fn command<C: Command>(&mut self) {}

    fn view<V: View>(&mut self) {
        if self.checks.view.is_none_or(|view| view == V::NAME) {
            let (run, context) = (self.checks.run, self.context);
            self.checks.checks.push(Box::pin(run.view::<V>(context)));
        }
    }
}

impl Run {
    async fn view<V: View>(&self, context: &'static str) -> anyhow::Result<bool> {
        let (view, version) = (AnyView::of::<V>()?, ViewVersion::of::<V>(context));
        let mut equal = true;
        for store in V::STORES {
            equal &= match store {
                ReadStore::Postgres => {
                    let rows = PostgresRows::new(self.views_pool.clone(), version, "");
                    self.store(&view, &rows, version).await?
                }
                ReadStore::Inline => inline::verify(&view, &self.log, &self.logs, context).await?,
                ReadStore::Redis => {
                    let Places { redis_url, redis_prefix, .. } = &self.places;
                    let rows = RedisRows::new(redis_url.expose_secret(), redis_prefix, version)?;
                    self.store(&view, &rows, version).await?
                }
            };
        }
        Ok(equal)
    }

    async fn store<S: RowStore>(
        &self,
        view: &AnyView,
        rows: &S,
        version: ViewVersion,
    ) -> anyhow::Result<bool> {
        let lanes: Vec<Lane> = self.logs.iter().map(|id| id.lane).collect();
        let builds = rows.tracked(&lanes).await?;
        let code = Code { version: view.version(), fold: fingerprint(view) };
        let ours = |build: &&Tracked| build.code.is_same(&code) && build.state != BuildState::Failed;
        let serving = builds.iter().find(|build| build.state == BuildState::Serving);
        let Some(build) = serving.filter(ours).or_else(|| builds.iter().rfind(ours)) else {
            line(format_args!("{} v{} in {}: not begun yet", view.name(), view.version(), S::NAME))?;
            return Ok(true);
        };
        let rows = &rows.of_build(build.build);
        let what = format!("{} v{} build {} in {}", view.name(), view.version(), build.build, S::NAME);
        let mut all = Compared::default();
        let mut equal = true;
        for id in self.logs.iter().filter(|id| *id.context == *version.context) {
            let mut told = FromLog::new(&self.log, id, view);
            match compare(view, rows, id.lane, &mut told, self.extent).await {
                Ok(compared) => {
                    let told = all.differences.len();
                    for difference in compared.differences.iter().take(PRINTED.saturating_sub(told)) {
                        let (tenant, key) = (&difference.tenant, difference.key.as_str());
                        line(format_args!("{what}, {id}: row {key} of {tenant}: {}", difference.what))?;
                    }
                    if let Some(projectors) = &self.projectors {
                        self.repair(view.name(), projectors, S::NAME, id, &compared).await?;
                    }
                    all.add(compared);
                }
                Err(CompareError::NotBegun) => line(format_args!("{what}, {id}: not begun yet"))?,
                Err(error @ CompareError::Store(_)) => bail!("{what}, {id}: {error}"),
                Err(error) => {
                    line(format_args!("{what}, {id}: {error}"))?;
                    equal = false;
                }
            }
        }
        if all.parked > 0 {
            let parked = all.parked;
            line(format_args!("{what}: {parked} rows and streams are dead letters, and were passed over"))?;
        }
        match all.differing {
            0 => line(format_args!("{what}: {} rows compared", all.rows))?,
            differing => line(format_args!("{what}: {} rows compared, {differing} differ", all.rows))?,
        }
        Ok(equal && all.differing == 0)
    }

    async fn repair(
        &self,
        view: &str,
        projectors: &Projectors,
        store: &str,
        id: &LogId,
        compared: &Compared,
    ) -> anyhow::Result<()> {
        if compared.differences.is_empty() {
            return Ok(());
        }
        let named = |difference: &Difference| NamedRow {
            tenant: difference.tenant.to_string(),
            key: difference.key.as_str().to_owned(),
        };
        let rows: Vec<NamedRow> = compared.differences.iter().map(named).collect();
        let asked = refold::ask(projectors, view, store, id.lane, &rows, &[]).await?;
        line(format_args!("{view} in {store}, {id}: {asked} rows are folded again"))?;
        let left = compared.differing.saturating_sub(asked);
        if left > 0 {
            line(format_args!("{view} in {store}, {id}: {left} more differ; rebuild the view"))?;
        }
        Ok(())
    }
}
