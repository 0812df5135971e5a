//! `twofold projections`: how every view stands.

use std::io;

use projection::{LaneStatus, Overview, ProjectionStatus, RowsState};

use crate::home::HomeArgs;
use crate::output::line;
use crate::projectors::ProjectorsArgs;

/// Whom to ask.
#[derive(Debug, clap::Args)]
pub(crate) struct ProjectionsArgs {
    #[command(flatten)]
    projectors: ProjectorsArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints it.
pub(crate) async fn run(home: &HomeArgs, args: &ProjectionsArgs) -> anyhow::Result<()> {
    let projectors = args.projectors.open(home)?;
    let overviews: Vec<Overview> = projectors.get("/v1/ops/projections").await?;
    let overview = Overview { items: join(overviews.into_iter().flat_map(|overview| overview.items)) };
    if args.json {
        line(serde_json::to_string_pretty(&overview)?)?;
    } else {
        overview.items.iter().try_for_each(print)?;
    }
    Ok(())
}

/// Of several projectors of one kind, each knows most of the lanes that it follows.
pub(crate) fn join(told: impl Iterator<Item = ProjectionStatus>) -> Vec<ProjectionStatus> {
    let mut joined: Vec<ProjectionStatus> = Vec::new();
    for status in told {
        let is_same = |other: &&mut ProjectionStatus| {
            (&other.view, &other.store, other.build) == (&status.view, &status.store, status.build)
        };
        let Some(known) = joined.iter_mut().find(is_same) else {
            joined.push(status);
            continue;
        };
        known.last_error = known.last_error.take().max_by_time(status.last_error);
        for lane in status.lanes {
            match known.lanes.iter_mut().find(|known| known.lane == lane.lane) {
                Some(known) if lane.lag_seconds.is_some() => *known = lane,
                Some(_) => {}
                None => known.lanes.push(lane),
            }
        }
    }
    joined
}

trait Latest {
    fn max_by_time(self, other: Self) -> Self;
}

impl Latest for Option<projection::LastError> {
    fn max_by_time(self, other: Self) -> Self {
        self.into_iter().chain(other).max_by_key(|error| error.at)
    }
}

fn print(status: &ProjectionStatus) -> io::Result<()> {
    let ProjectionStatus { view, store, version, build, letters, .. } = status;
    let state = status.state.map_or("away", state_name);
    let fold = status.fold.as_deref().unwrap_or("unknown");
    line(format_args!(
        "{view} v{version} build {build} in {store}: {state}, {letters} letters parked, fold {fold}"
    ))?;
    if let Some(trouble) = &status.trouble {
        let what = if status.state == Some(RowsState::Failed) { "given up" } else { "not kept" };
        line(format_args!("  {what}: {trouble}"))?;
    }
    if let Some(away) = &status.away {
        line(format_args!("  {away}"))?;
    }
    if let Some(error) = &status.last_error {
        line(format_args!("  last trouble, {}: {}", error.at, error.what))?;
    }
    let told = |lane: &&LaneStatus| lane.sequence > 0 || lane.lag_events != Some(0) || lane.trouble.is_some();
    status.lanes.iter().filter(told).try_for_each(print_lane)
}

fn state_name(state: RowsState) -> &'static str {
    match state {
        RowsState::Building => "building",
        RowsState::Serving => "serving",
        RowsState::Retained => "retained",
        RowsState::Failed => "failed",
    }
}

fn print_lane(status: &LaneStatus) -> io::Result<()> {
    let LaneStatus { lane, sequence, .. } = status;
    let lag = status.lag_events.map_or_else(|| "?".to_owned(), |lag| lag.to_string());
    let seconds = status.lag_seconds.map(|seconds| format!(", {seconds:.1} s")).unwrap_or_default();
    let rate = status.events_per_second.map(|rate| format!(", {rate:.0}/s")).unwrap_or_default();
    let trouble = status.trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default();
    line(format_args!("  lane {lane:<4} at {sequence}, {lag} behind{seconds}{rate}{trouble}"))
}
