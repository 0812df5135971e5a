//! What the projections of a process tell operators of themselves.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures::future::{BoxFuture, join_all};
use http_api::Operation;
use kernel::{Lane, Timestamp};
use messaging::{MessagingError, OffsetRange, Topics};
use read_store::{BuildState, RowStore, Tracked, TrackedLane, ViewVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dead_letters::Keeps;
use crate::ops::{Api, Operator, Ops};
use crate::standing::Standing;

/// How long a store may take to answer before it is told to be away.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// Every projection that a projector keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// A version of a view in a store each.
    pub items: Vec<ProjectionStatus>,
}

/// How a version of a view in a store stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectionStatus {
    /// The view.
    pub view: String,
    /// The context whose events it folds.
    pub context: String,
    /// The kind of store.
    pub store: String,
    /// The version.
    pub version: u32,
    /// What its rows are there for; absent where the store cannot say.
    pub state: Option<RowsState>,
    /// Its lanes, as far as they were begun.
    pub lanes: Vec<LaneStatus>,
    /// Letters that are parked: events that did not get into a row.
    pub letters: u64,
    /// What was the matter with it last, as far as this projector knows.
    pub last_error: Option<LastError>,
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
}

/// One view in one store.
pub(crate) struct Teller<S> {
    pub(crate) store: S,
    pub(crate) view: ViewVersion,
    pub(crate) topics: Topics,
    pub(crate) topic: String,
    pub(crate) standing: Arc<Standing>,
}

impl<S: RowStore> Tells for Teller<S> {
    fn tell(&self) -> BoxFuture<'_, Vec<ProjectionStatus>> {
        Box::pin(async {
            let (ranges, mut away) = match self.ranges().await {
                Ok(ranges) => (ranges, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
            let count = u16::try_from(ranges.len()).unwrap_or(u16::MAX);
            let mut lanes: Vec<Lane> = (0..count).map(Lane::new).collect();
            lanes.extend(self.standing.lanes().into_keys().filter(|lane| lane.number() >= count));
            let tracked = tokio::time::timeout(STORE_TIMEOUT, self.store.tracked(&lanes)).await;
            let tracked = match tracked.map_err(|_| "the store does not answer".to_owned()) {
                Ok(Ok(tracked)) => tracked,
                Ok(Err(error)) => return vec![self.status(None, &ranges, Some(error.to_string()))],
                Err(why) => return vec![self.status(None, &ranges, Some(why))],
            };
            if tracked.is_empty() {
                return vec![self.status(None, &ranges, away)];
            }
            let letters = tokio::time::timeout(STORE_TIMEOUT, self.store.count_letters()).await;
            let letters = letters.ok().and_then(Result::ok).unwrap_or_default();
            let status = |tracked: &Tracked| {
                let status = self.status(Some(tracked), &ranges, away.take());
                // This store knows the letters of the version that it keeps.
                let is_ours = tracked.version == self.view.version;
                ProjectionStatus { letters: if is_ours { letters } else { 0 }, ..status }
            };
            tracked.iter().map(status).collect()
        })
    }
}

impl<S: RowStore> Teller<S> {
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
        let version = tracked.map_or(self.view.version, |tracked| tracked.version);
        let is_ours = version == self.view.version;
        let lanes = tracked.map(|tracked| tracked.lanes.as_slice()).unwrap_or_default();
        let last = self.standing.last_trouble().filter(|_| is_ours);
        ProjectionStatus {
            view: self.view.view.to_owned(),
            context: self.view.context.to_owned(),
            store: S::NAME.to_owned(),
            version,
            state: tracked.map(|tracked| tracked.state.into()),
            lanes: lanes.iter().map(|lane| self.lane(lane, ranges, is_ours)).collect(),
            letters: 0,
            last_error: last.map(|(at, what)| LastError { at, what }),
            away,
        }
    }

    fn lane(&self, tracked: &TrackedLane, ranges: &[OffsetRange], is_ours: bool) -> LaneStatus {
        let lane = tracked.lane;
        let here = if is_ours { self.standing.lanes().remove(&lane) } else { None };
        let at = here.as_ref().map_or(0, |here| here.next_offset()).max(tracked.checkpoint.offset);
        let end = ranges.get(usize::from(lane.number())).map(|range| range.end);
        let trouble = here.as_ref().and_then(|_| self.standing.trouble_of(lane));
        LaneStatus {
            lane: lane.number(),
            sequence: tracked.checkpoint.sequence.number(),
            lag_events: end.map(|end| u64::try_from(end - at).unwrap_or(0)),
            lag_seconds: here.as_ref().map(|here| here.waited_seconds()),
            events_per_second: here.as_ref().map(|here| here.rate()),
            trouble,
        }
    }
}

impl From<BuildState> for RowsState {
    fn from(state: BuildState) -> Self {
        match state {
            BuildState::Building => Self::Building,
            BuildState::Serving => Self::Serving,
            BuildState::Retained => Self::Retained,
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

async fn list(State(ops): State<Ops>, _: Operator) -> Json<Overview> {
    let told = join_all(ops.projections.iter().map(|projection| projection.tell())).await;
    Json(Overview { items: told.into_iter().flatten().collect() })
}
