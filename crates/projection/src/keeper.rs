//! Keeps every build of a view that this program's code folds: the one that is read, those that are being built, and
//! those that are kept to go back to.
//!
//! ```text
//! asked for ──► building ──each lane caught up and checked──► serving ──another is──► retained ──in time──► erased
//!                  └──────── a lane is not the fold ────────► failed ──────────────────────────in time──► erased
//! ```
//!
//! What builds there are, the store says; every projector looks, so that whichever is asked for a build, all feed it.
//! A build is ours when the version of our code and the fingerprint of its fold are those that began it: releases that
//! fold differently never write into one build, whether a version was raised or forgotten.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::{FoldFingerprint, Lane};
use read_store::{BuildState, Code, Entered, RowStore, StoreError, Tracked};
use service_runtime::{Dependency, Health};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fingerprint::fingerprint;
use crate::overview::Teller;
use crate::pace::Pace;
use crate::projections::OnChangedView;
use crate::projector::{Limits, Projector, Source};
use crate::standing::Standing;
use crate::telling::Telling;
use crate::view::AnyView;

/// How often the store is asked what builds there are.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long every projector has to stop feeding a build before it is erased.
const GRACE: Duration = Duration::from_secs(60);
/// How much of a build's lane is held in memory: large batches make few writes.
const LIMITS: Limits =
    Limits { waiting_records: 20_000, waiting_bytes: 12 << 20, batch_records: 10_000, batch_bytes: 6 << 20 };

/// Keeps the builds of a view.
pub struct Keeper<S> {
    source: Source,
    store: S,
    view: AnyView,
    dependency: Dependency,
    retention: Duration,
    code: Code,
    pub(crate) known: Arc<Known>,
}

/// Why there is nothing to keep, for now.
#[derive(Debug, thiserror::Error)]
enum Waits {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the fold of {view} is not the one that folded its rows (version {version} was {was}, here it is {ours}): raise \
         its VERSION, or build it anew as it is with `twofold rebuild {view}`",
        version = ours.version,
        ours = ours.fold.map(|fold| fold.to_string()).unwrap_or_default()
    )]
    Changed { view: &'static str, was: FoldFingerprint, ours: Code },
}

/// What others ask about the builds that are kept here.
#[derive(Default)]
pub(crate) struct Known {
    standings: Mutex<BTreeMap<u32, Arc<Standing>>>,
    current: Mutex<Option<u32>>,
    refused: Mutex<Option<String>>,
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

    /// Why the view is not kept here.
    pub(crate) fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refuse(&self, why: Option<String>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// The store has changed: look now.
    pub(crate) fn look_now(&self) {
        self.changed.notify_one();
    }
}

impl<S: RowStore> Keeper<S> {
    /// Keeps the view's builds in `store`, whose own is the first of its code; it shows in `health` under the view's
    /// name. A build that was replaced, or given up, is erased after `retention`.
    pub fn new(view: AnyView, source: Source, store: S, health: &Health, retention: Duration) -> Self {
        let dependency = health.dependency(view.name());
        dependency.waiting("not begun yet");
        let code = Code { version: view.version(), fold: fingerprint(&view) };
        let store = store.with_fold(code.fold);
        Self { source, store, view, dependency, retention, code, known: Arc::default() }
    }

    pub(crate) fn teller(&self) -> Teller<S> {
        Teller {
            store: self.store.clone(),
            view: self.store.view(),
            topics: self.source.topics.clone(),
            topic: self.topic(),
            code: self.code,
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
        let (mut told, mut told_of) = (String::new(), None);
        loop {
            match token.run_until_cancelled(self.look(&mut lanes, kept.is_empty())).await {
                None => break,
                Some(Ok(builds)) => {
                    told.clear();
                    self.known.refuse(None);
                    self.tell_of_others(&builds, &mut told_of);
                    self.keep(&builds, &mut kept).await;
                    self.erase_old(&builds, &lanes).await;
                }
                Some(Err(waits)) => {
                    let why = waits.to_string();
                    if kept.is_empty() {
                        self.dependency.waiting(why.clone());
                    }
                    if told != why {
                        match waits {
                            Waits::Store(_) => {
                                tracing::warn!(view = self.view.name(), why, "a projection waits")
                            }
                            Waits::Changed { .. } => {
                                tracing::error!(view = self.view.name(), why, "a view is not kept")
                            }
                        }
                        told.clone_from(&why);
                    }
                    self.known.refuse(matches!(waits, Waits::Changed { .. }).then_some(why));
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
    async fn look(&self, lanes: &mut Vec<Lane>, enter: bool) -> Result<Vec<Tracked>, Waits> {
        if enter {
            self.enter().await?;
        }
        if let Ok(Some(topic)) = self.source.topics.describe(&self.topic()).await {
            *lanes = (0..u16::try_from(topic.partitions).unwrap_or(u16::MAX)).map(Lane::new).collect();
        }
        let builds = self.store.tracked(lanes).await?;
        if builds.iter().any(|build| build.code.is_same(&self.code)) {
            return Ok(builds);
        }
        self.enter().await?;
        Ok(self.store.tracked(lanes).await?)
    }

    /// Sees to it that there is a build of our code, unless the fold changed and that is refused.
    async fn enter(&self) -> Result<(), Waits> {
        let on_changed = self.source.building.on_changed_view;
        match self.store.enter(on_changed == OnChangedView::Rebuild).await? {
            Entered::Known => Ok(()),
            Entered::New(build) => {
                let fold = self.code.fold.map(|fold| fold.to_string());
                tracing::info!(
                    view = self.view.name(),
                    version = self.view.version(),
                    fold,
                    build,
                    "a build of this fold is begun"
                );
                Ok(())
            }
            Entered::Changed(was) => Err(Waits::Changed { view: self.view.name(), was, ours: self.code }),
        }
    }

    /// Another release's rows may be read while ours are kept to go back to: going back is never done unasked, since
    /// that release may be the one that replaces ours.
    fn tell_of_others(&self, builds: &[Tracked], told_of: &mut Option<u32>) {
        let ours = |build: &&Tracked| build.code.is_same(&self.code);
        let read = builds.iter().find(|build| build.state == BuildState::Serving && !ours(build));
        let waits = builds.iter().filter(ours).all(|build| build.state != BuildState::Building);
        let read = read.filter(|_| waits).map(|build| build.build);
        if read.is_some() && read != *told_of {
            let view = self.view.name();
            tracing::warn!(
                view,
                build = read,
                "queries read rows that another release folds; `twofold rollback {view}` has them read ours"
            );
        }
        *told_of = read;
    }

    /// Feeds those that are to be fed, and no others.
    async fn keep(&self, builds: &[Tracked], kept: &mut BTreeMap<u32, Kept>) {
        let fed = |build: &&Tracked| build.code.is_same(&self.code) && self.is_fed(build);
        let ours: BTreeMap<u32, &Tracked> =
            builds.iter().filter(fed).map(|build| (build.build, build)).collect();
        let over: Vec<u32> = kept.keys().copied().filter(|build| !ours.contains_key(build)).collect();
        for build in over {
            if let Some(over) = kept.remove(&build) {
                tracing::info!(view = self.view.name(), build, "a build is fed no more");
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
        let projector = Projector {
            source: Source { limits, ..self.source.clone() },
            telling: Arc::new(Telling::new(&self.source, view, S::NAME)),
            view,
            any_view: self.view.clone(),
            store,
            standing: Arc::clone(&standing),
            pace: Arc::clone(&pace),
            is_checked: is_built,
        };
        tracing::info!(view = self.view.name(), build = build.build, state = ?build.state, "a build is fed");
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
                Ok(()) => {
                    tracing::info!(view = self.view.name(), build = build.build, "an old build was erased")
                }
                Err(error) => {
                    tracing::warn!(view = self.view.name(), %error, "an old build is not erased yet")
                }
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
