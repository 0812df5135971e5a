//! Keeps every build of a view that this program's code folds: the one that is read, those that are being built, and
//! those that are kept to go back to.
//!
//! ```text
//! asked for ──► building ──each lane caught up and checked──► serving ──another is──► retained ──in time──► erased
//!                  └──────── a lane is not the fold ────────► failed ──────────────────────────in time──► erased
//! ```
//!
//! What builds there are, the store says; every projector looks, so that whichever is asked for a build, all feed it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::{Lane, View};
use read_store::{BuildState, RowStore, StoreError, Tracked};
use service_runtime::{Dependency, Health};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::{Codec, SchemaError};

use crate::overview::Teller;
use crate::pace::Pace;
use crate::projector::{Limits, Projector, Source};
use crate::standing::Standing;
use crate::telling::Telling;

/// How often the store is asked what builds there are.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long every projector has to stop feeding a build before it is erased.
const GRACE: Duration = Duration::from_secs(60);
/// How much of a build's lane is held in memory: large batches make few writes.
const LIMITS: Limits =
    Limits { waiting_records: 20_000, waiting_bytes: 12 << 20, batch_records: 10_000, batch_bytes: 6 << 20 };

/// Keeps the builds of a view.
pub struct Keeper<V: View, S> {
    source: Source,
    store: S,
    codec: Codec<V::Event>,
    dependency: Dependency,
    retention: Duration,
    pub(crate) known: Arc<Known>,
}

/// What others ask about the builds that are kept here.
#[derive(Default)]
pub(crate) struct Known {
    standings: Mutex<BTreeMap<u32, Arc<Standing>>>,
    current: Mutex<Option<u32>>,
    changed: Notify,
}

struct Kept {
    token: CancellationToken,
    task: JoinHandle<()>,
    standing: Arc<Standing>,
    pace: Arc<Pace>,
}

impl Known {
    pub(crate) fn standing(&self, build: u32) -> Option<Arc<Standing>> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).get(&build).cloned()
    }

    /// The build that stands for the view.
    pub(crate) fn current(&self) -> Option<u32> {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store has changed: look now.
    pub(crate) fn look_now(&self) {
        self.changed.notify_one();
    }
}

impl<V: View, S: RowStore> Keeper<V, S> {
    /// Keeps the view's builds in `store`, whose own is the first of its code; it shows in `health` under the view's
    /// name. A build that was replaced, or given up, is erased after `retention`.
    pub fn new(source: Source, store: S, health: &Health, retention: Duration) -> Result<Self, SchemaError> {
        let dependency = health.dependency(V::NAME);
        dependency.waiting("not begun yet");
        Ok(Self { source, store, codec: Codec::new()?, dependency, retention, known: Arc::default() })
    }

    pub(crate) fn teller(&self) -> Teller<S> {
        Teller {
            store: self.store.clone(),
            view: self.store.view(),
            topics: self.source.topics.clone(),
            topic: self.topic(),
            known: Arc::clone(&self.known),
        }
    }

    fn topic(&self) -> String {
        wire::topic(&self.source.prefix, self.store.view().context)
    }

    /// Runs until the token is cancelled; returns when every build's lanes have finished their batch.
    pub async fn run(self, token: CancellationToken) {
        let mut kept: BTreeMap<u32, Kept> = BTreeMap::new();
        let mut lanes = Vec::new();
        let mut told = String::new();
        loop {
            match token.run_until_cancelled(self.look(&mut lanes, kept.is_empty())).await {
                None => break,
                Some(Ok(builds)) => {
                    told.clear();
                    self.keep(&builds, &mut kept).await;
                    self.erase_old(&builds, &lanes).await;
                }
                Some(Err(error)) => {
                    let why = error.to_string();
                    if kept.is_empty() {
                        self.dependency.waiting(why.clone());
                    }
                    if told != why {
                        tracing::warn!(view = V::NAME, why, "a projection waits");
                        told = why;
                    }
                }
            }
            tokio::select! {
                () = token.cancelled() => break,
                () = self.known.changed.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        let ended = kept.into_values().map(Kept::end);
        futures::future::join_all(ended).await;
    }

    /// What builds there are; at first, and where ours was lost, ours is entered.
    async fn look(&self, lanes: &mut Vec<Lane>, enter: bool) -> Result<Vec<Tracked>, StoreError> {
        if enter {
            self.store.enter().await?;
        }
        if let Ok(Some(topic)) = self.source.topics.describe(&self.topic()).await {
            *lanes = (0..u16::try_from(topic.partitions).unwrap_or(u16::MAX)).map(Lane::new).collect();
        }
        let builds = self.store.tracked(lanes).await?;
        if builds.iter().any(|build| build.code == V::VERSION) {
            return Ok(builds);
        }
        self.store.enter().await?;
        self.store.tracked(lanes).await
    }

    /// Feeds those that are to be fed, and no others.
    async fn keep(&self, builds: &[Tracked], kept: &mut BTreeMap<u32, Kept>) {
        let fed = |build: &&Tracked| build.code == V::VERSION && self.is_fed(build);
        let ours: BTreeMap<u32, &Tracked> =
            builds.iter().filter(fed).map(|build| (build.build, build)).collect();
        let over: Vec<u32> = kept.keys().copied().filter(|build| !ours.contains_key(build)).collect();
        for build in over {
            if let Some(over) = kept.remove(&build) {
                tracing::info!(view = V::NAME, build, "a build is fed no more");
                over.end().await;
            }
        }
        let serving = ours.values().find(|build| build.state == BuildState::Serving);
        let serving = serving.map(|build| build.build);
        // The one that is read first: the others yield to it.
        let mut order: Vec<&Tracked> = ours.values().copied().collect();
        order.sort_by_key(|build| build.state != BuildState::Serving);
        for build in order {
            if !kept.contains_key(&build.build) {
                let live =
                    serving.and_then(|serving| kept.get(&serving)).map(|live| Arc::clone(&live.standing));
                let beside = builds.iter().any(|other| other.state == BuildState::Serving);
                kept.insert(build.build, self.start(build, live, beside));
            }
        }
        let speaks = serving.or_else(|| ours.keys().last().copied());
        *self.known.current.lock().unwrap_or_else(PoisonError::into_inner) = speaks;
        for (build, kept) in kept.iter() {
            kept.standing.speak(Some(*build) == speaks);
            if ours[build].state != BuildState::Building {
                kept.pace.set_free();
            }
        }
        let standings = kept.iter().map(|(build, kept)| (*build, Arc::clone(&kept.standing))).collect();
        *self.known.standings.lock().unwrap_or_else(PoisonError::into_inner) = standings;
    }

    fn is_fed(&self, build: &Tracked) -> bool {
        match build.state {
            BuildState::Building | BuildState::Serving => true,
            BuildState::Retained => build.since < self.retention,
            BuildState::Failed => false,
        }
    }

    fn start(&self, build: &Tracked, live: Option<Arc<Standing>>, beside: bool) -> Kept {
        let is_built = build.state == BuildState::Building && beside;
        let store = self.store.of_build(build.build);
        let standing = Arc::new(Standing::silent(self.dependency.clone()));
        let pace = if is_built { Pace::beside(live, build.options) } else { Pace::default() };
        let pace = Arc::new(pace);
        let limits = if is_built { LIMITS } else { self.source.limits };
        let view = store.view();
        let projector = Projector::<V, S> {
            source: Source { limits, ..self.source.clone() },
            telling: Arc::new(Telling::new(&self.source, view, S::NAME)),
            view,
            store,
            codec: self.codec.clone(),
            standing: Arc::clone(&standing),
            pace: Arc::clone(&pace),
            is_checked: is_built,
        };
        tracing::info!(view = V::NAME, build = build.build, state = ?build.state, "a build is fed");
        let token = CancellationToken::new();
        let task = tokio::spawn(projector.run(token.clone()));
        Kept { token, task, standing, pace }
    }

    /// Whoever's code it was folded by: that may run nowhere any more.
    async fn erase_old(&self, builds: &[Tracked], lanes: &[Lane]) {
        for build in builds {
            let is_over = matches!(build.state, BuildState::Retained | BuildState::Failed);
            if !is_over || build.since < self.retention + GRACE || lanes.is_empty() {
                continue;
            }
            match self.store.of_build(build.build).erase(lanes).await {
                Ok(()) => tracing::info!(view = V::NAME, build = build.build, "an old build was erased"),
                Err(error) => tracing::warn!(view = V::NAME, %error, "an old build is not erased yet"),
            }
        }
    }
}

impl Kept {
    async fn end(mut self) {
        self.token.cancel();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}
