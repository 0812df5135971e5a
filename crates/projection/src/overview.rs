//! What the projections of a process tell operators of themselves.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures::future::{BoxFuture, join_all};
use http_api::{Operation, Path, Problem, ProblemType};
use kernel::{Lane, Timestamp};
use messaging::{MessagingError, OffsetRange, Topics};
use read_store::{BuildOptions, BuildState, Code, RowStore, Tracked, TrackedLane, ViewVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dead_letters::Keeps;
use crate::keeper::Known;
use crate::ops::{Api, Operator, Ops};
use crate::standing::Standing;

/// How long a store may take to answer before it is told to be away.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// Every build that a projector keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// A build of a view in a store each.
    pub items: Vec<ProjectionStatus>,
}

/// How a build of a view in a store stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectionStatus {
    /// The view.
    pub view: String,
    /// The context whose events it folds.
    pub context: String,
    /// The kind of store.
    pub store: String,
    /// The version of the code that folds it.
    pub version: u32,
    /// The fingerprint of the fold that folds it; absent where that is not known.
    pub fold: Option<String>,
    /// The number of the build.
    pub build: u32,
    /// What its rows are there for; absent where the store cannot say.
    pub state: Option<RowsState>,
    /// Its lanes, as far as they were begun.
    pub lanes: Vec<LaneStatus>,
    /// Letters that are parked: events that did not get into a row.
    pub letters: u64,
    /// What was the matter with it last, as far as this projector knows.
    pub last_error: Option<LastError>,
    /// Why the build was given up, or is not fed by this projector though it is of its version.
    pub trouble: Option<String>,
    /// Why the store, or Kafka, could not say more.
    pub away: Option<String>,
}

/// What rows are there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RowsState {
    /// They are fed, and not read yet.
    Building,
    /// Queries read them.
    Serving,
    /// Queries have read them, and may again.
    Retained,
    /// They are not the fold of the log, and are never read.
    Failed,
}

/// How a lane stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaneStatus {
    /// Which.
    pub lane: u16,
    /// The last event whose effect is in the rows.
    pub sequence: u64,
    /// Records of the topic that are not in the rows yet; absent while Kafka cannot say.
    pub lag_events: Option<u64>,
    /// The age of the oldest event that waits, 0 where none does; absent where another projector follows the lane.
    pub lag_seconds: Option<f64>,
    /// Events applied a second, of late; absent where another projector follows the lane.
    pub events_per_second: Option<f64>,
    /// What keeps it from going on; absent also where another projector follows the lane.
    pub trouble: Option<String>,
}

/// What was the matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastError {
    /// Since when.
    pub at: Timestamp,
    /// What.
    pub what: String,
}

/// Something that tells how it stands.
pub(crate) trait Tells: Keeps {
    fn tell(&self) -> BoxFuture<'_, Vec<ProjectionStatus>>;
    /// Begins a build beside the one that is read.
    fn rebuild(&self, options: BuildOptions) -> BoxFuture<'_, Result<BuildAnswer, Problem>>;
    /// Goes back to the build that was read before.
    fn roll_back(&self) -> BoxFuture<'_, Result<BuildAnswer, Problem>>;
}

/// What a build is made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RebuildRequest {
    /// Most events a second, of each projector; as fast as can be when absent, as far as the live view keeps up.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub throttle: Option<u32>,
    /// Most lanes that each projector feeds at once until they have caught up; all when absent.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub parallel: Option<u16>,
}

/// A build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BuildAnswer {
    /// The view.
    pub view: String,
    /// The kind of store.
    pub store: String,
    /// The number of the build.
    pub build: u32,
}

/// One view in one store.
pub(crate) struct Teller<S> {
    pub(crate) store: S,
    pub(crate) view: ViewVersion,
    pub(crate) topics: Topics,
    pub(crate) topic: String,
    pub(crate) code: Code,
    pub(crate) known: Arc<Known>,
}

impl<S: RowStore> Tells for Teller<S> {
    fn rebuild(&self, options: BuildOptions) -> BoxFuture<'_, Result<BuildAnswer, Problem>> {
        Box::pin(async move {
            let ranges = self.ranges().await.map_err(Problem::unavailable)?;
            let build = self.store.begin_build(&lanes_of(&ranges), options).await;
            let build = build.map_err(Problem::unavailable)?;
            self.known.look_now();
            Ok(self.answer(build))
        })
    }

    fn roll_back(&self) -> BoxFuture<'_, Result<BuildAnswer, Problem>> {
        Box::pin(async {
            let ranges = self.ranges().await.map_err(Problem::unavailable)?;
            let lanes = lanes_of(&ranges);
            let builds = self.store.tracked(&lanes).await.map_err(Problem::unavailable)?;
            let retained = builds.iter().filter(|build| build.state == BuildState::Retained);
            let Some(last) = retained.min_by_key(|build| build.since) else {
                return Err(Problem::new(ProblemType::Rejected)
                    .code("no-earlier-build")
                    .detail("no build that was read before is kept"));
            };
            let again = self.store.of_build(last.build).serve_again(&lanes).await;
            if !again.map_err(Problem::unavailable)? {
                return Err(Problem::new(ProblemType::Rejected)
                    .code("build-behind")
                    .detail("the earlier build lacks events that the one that is read has: is it fed?"));
            }
            self.known.look_now();
            Ok(self.answer(last.build))
        })
    }

    fn tell(&self) -> BoxFuture<'_, Vec<ProjectionStatus>> {
        Box::pin(async {
            let (ranges, mut away) = match self.ranges().await {
                Ok(ranges) => (ranges, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
            let lanes = lanes_of(&ranges);
            let tracked = tokio::time::timeout(STORE_TIMEOUT, self.store.tracked(&lanes)).await;
            let tracked = match tracked.map_err(|_| "the store does not answer".to_owned()) {
                Ok(Ok(tracked)) => tracked,
                Ok(Err(error)) => return vec![self.status(None, &ranges, Some(error.to_string()))],
                Err(why) => return vec![self.status(None, &ranges, Some(why))],
            };
            if tracked.is_empty() {
                return vec![self.status(None, &ranges, away)];
            }
            let current = self.current();
            let letters = tokio::time::timeout(STORE_TIMEOUT, current.count_letters()).await;
            let letters = letters.ok().and_then(Result::ok).unwrap_or_default();
            let status = |tracked: &Tracked| {
                let status = self.status(Some(tracked), &ranges, away.take());
                // Those of the build that stands for the view; others have theirs, which go with them.
                let is_ours = tracked.build == current.view().version;
                ProjectionStatus { letters: if is_ours { letters } else { 0 }, ..status }
            };
            tracked.iter().map(status).collect()
        })
    }
}

impl<S: RowStore> Teller<S> {
    /// The build that stands for the view: the one that is read, as far as is known here.
    pub(crate) fn current(&self) -> S {
        self.known.current().map_or_else(|| self.store.clone(), |build| self.store.of_build(build))
    }

    fn answer(&self, build: u32) -> BuildAnswer {
        BuildAnswer { view: self.view.view.to_owned(), store: S::NAME.to_owned(), build }
    }

    async fn ranges(&self) -> Result<Vec<OffsetRange>, MessagingError> {
        let Some(topic) = self.topics.describe(&self.topic).await? else { return Ok(Vec::new()) };
        self.topics.offsets(&self.topic, (0..topic.partitions).collect()).await
    }

    fn status(
        &self,
        tracked: Option<&Tracked>,
        ranges: &[OffsetRange],
        away: Option<String>,
    ) -> ProjectionStatus {
        let build = tracked.map_or(self.view.version, |tracked| tracked.build);
        let standing = self.known.standing(build);
        let lanes = tracked.map(|tracked| tracked.lanes.as_slice()).unwrap_or_default();
        let last = standing.as_ref().and_then(|standing| standing.last_trouble());
        let code = tracked.map_or(self.code, |tracked| tracked.code);
        let refused = self.known.refused().filter(|_| code.version == self.code.version);
        ProjectionStatus {
            view: self.view.view.to_owned(),
            context: self.view.context.to_owned(),
            store: S::NAME.to_owned(),
            version: code.version,
            fold: code.fold.map(|fold| fold.to_string()),
            build,
            state: tracked.map(|tracked| tracked.state.into()),
            lanes: lanes.iter().map(|lane| lane_status(lane, ranges, standing.as_deref())).collect(),
            letters: 0,
            last_error: last.map(|(at, what)| LastError { at, what }),
            trouble: tracked.and_then(|tracked| tracked.trouble.clone()).or(refused),
            away,
        }
    }
}

fn lanes_of(ranges: &[OffsetRange]) -> Vec<Lane> {
    (0..u16::try_from(ranges.len()).unwrap_or(u16::MAX)).map(Lane::new).collect()
}

fn lane_status(tracked: &TrackedLane, ranges: &[OffsetRange], standing: Option<&Standing>) -> LaneStatus {
    let lane = tracked.lane;
    let here = standing.and_then(|standing| standing.lanes().remove(&lane));
    let at = here.as_ref().map_or(0, |here| here.next_offset()).max(tracked.checkpoint.offset);
    let end = ranges.get(usize::from(lane.number())).map(|range| range.end);
    let trouble = here.as_ref().and_then(|_| standing?.trouble_of(lane));
    LaneStatus {
        lane: lane.number(),
        sequence: tracked.checkpoint.sequence.number(),
        lag_events: end.map(|end| u64::try_from(end - at).unwrap_or(0)),
        lag_seconds: here.as_ref().map(|here| here.waited_seconds()),
        events_per_second: here.as_ref().map(|here| here.rate()),
        trouble,
    }
}

impl From<BuildState> for RowsState {
    fn from(state: BuildState) -> Self {
        match state {
            BuildState::Building => Self::Building,
            BuildState::Serving => Self::Serving,
            BuildState::Retained => Self::Retained,
            BuildState::Failed => Self::Failed,
        }
    }
}

pub(crate) fn add_to(api: &mut Api) {
    api.get(
        "/v1/ops/projections",
        list,
        Operation::new("listProjections", "How every view stands in this projector's store")
            .description(
                "Every version of every view: what its rows are there for, how far each lane has come and what \
                 keeps it. Positions are the store's, whoever follows the lane; rates and troubles are those of \
                 the lanes that the asked projector follows.",
            )
            .answer::<Overview>(200, "How they stand"),
    );
}

pub(crate) fn add_builds_to(api: &mut Api) {
    api.post(
        "/v1/ops/projections/{view}/rebuild",
        rebuild,
        Operation::new("rebuildView", "Build a view anew beside the build that is read")
            .description(
                "Begins the next build; while one is being built, answers that. It is fed from the beginning of the \
                 topic, held against an independent fold, and read as soon as it has caught up. Queries notice \
                 nothing. `GET /v1/ops/projections` tells how far it is.",
            )
            .path_parameter::<String>("view", "The view's name")
            .body::<RebuildRequest>("How")
            .answer::<BuildAnswer>(202, "It is begun")
            .problems(&[ProblemType::NotFound, ProblemType::Unavailable]),
    );
    api.post(
        "/v1/ops/projections/{view}/rollback",
        roll_back,
        Operation::new("rollBackView", "Go back to the build that was read before")
            .description(
                "The earlier build was fed all the while; it is read again once it has everything that the present \
                 one has, within seconds. The present one is kept.",
            )
            .path_parameter::<String>("view", "The view's name")
            .answer::<BuildAnswer>(200, "It is read again")
            .problems(&[ProblemType::NotFound, ProblemType::Rejected, ProblemType::Unavailable]),
    );
}

pub(crate) fn named<'a>(ops: &'a Ops, view: &str) -> Result<&'a dyn Tells, Problem> {
    let found = ops.projections.iter().find(|projection| projection.view().view == view);
    let none = || Problem::new(ProblemType::NotFound).detail("this projector keeps no view of this name");
    found.map(|found| &**found).ok_or_else(none)
}

async fn rebuild(
    State(ops): State<Ops>,
    operator: Operator,
    Path(view): Path<String>,
    http_api::Json(request): http_api::Json<RebuildRequest>,
) -> Result<(StatusCode, Json<BuildAnswer>), Problem> {
    let RebuildRequest { throttle, parallel } = request;
    for (field, is_zero) in [("throttle", throttle == Some(0)), ("parallel", parallel == Some(0))] {
        if is_zero {
            return Err(Problem::new(ProblemType::InvalidBody).error(field, "out-of-range"));
        }
    }
    let options = BuildOptions {
        throttle: throttle.and_then(NonZeroU32::new),
        parallel: parallel.and_then(NonZeroU16::new),
    };
    let answer = named(&ops, &view)?.rebuild(options).await?;
    tracing::info!(view, build = answer.build, actor = operator.actor.as_str(), "a build was asked for");
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn roll_back(
    State(ops): State<Ops>,
    operator: Operator,
    Path(view): Path<String>,
) -> Result<Json<BuildAnswer>, Problem> {
    let answer = named(&ops, &view)?.roll_back().await?;
    tracing::info!(view, build = answer.build, actor = operator.actor.as_str(), "a view was rolled back");
    Ok(Json(answer))
}

async fn list(State(ops): State<Ops>, _: Operator) -> Json<Overview> {
    let told = join_all(ops.projections.iter().map(|projection| projection.tell())).await;
    Json(Overview { items: told.into_iter().flatten().collect() })
}
