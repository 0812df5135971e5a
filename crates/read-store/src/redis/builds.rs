//! Builds side by side. Which one a lane serves is a key of the lane; the rest is told by a hash of the view, a field for
//! each build: `<code> <state> <since> <throttle or ->,<parallel or ->,<fold or -> <trouble>`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kernel::{FoldFingerprint, Lane};
use tokio::time::Instant;

use super::keys::{self, builds_key};
use super::scripts::SERVE_AGAIN;
use super::{Inner, RedisRows, SCANNED, parse_checkpoint};
use crate::{BuildOptions, BuildState, Builds, Code, Entered, StoreError, Tracked, TrackedLane, ViewVersion};

/// How long a lane is waited for to reach what the one that is read has.
const WAIT: Duration = Duration::from_secs(5);
/// How often a change is tried anew that another spoilt.
const TRIES: usize = 20;

/// What the hash says of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Noted {
    code: Code,
    state: BuildState,
    since: u64,
    options: BuildOptions,
    trouble: Option<String>,
}

impl Noted {
    fn new(code: Code, options: BuildOptions) -> Self {
        Self { code, state: BuildState::Building, since: now(), options, trouble: None }
    }

    fn text(&self) -> String {
        let BuildOptions { throttle, parallel } = self.options;
        let throttle = throttle.map_or_else(|| "-".to_owned(), |throttle| throttle.to_string());
        let parallel = parallel.map_or_else(|| "-".to_owned(), |parallel| parallel.to_string());
        let fold = self.code.fold.map_or_else(|| "-".to_owned(), |fold| fold.to_string());
        let trouble = self.trouble.as_deref().unwrap_or_default();
        let (code, state) = (self.code.version, self.state.name());
        format!("{code} {state} {} {throttle},{parallel},{fold} {trouble}", self.since)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, ' ');
        let version = parts.next()?.parse().ok()?;
        let state = BuildState::parse(parts.next()?)?;
        let since = parts.next()?.parse().ok()?;
        let mut options = parts.next()?.split(',');
        let (throttle, parallel) = (options.next()?.parse().ok(), options.next()?.parse().ok());
        let fold = options.next().and_then(|fold| fold.parse().ok());
        let (code, options) = (Code { version, fold }, BuildOptions { throttle, parallel });
        let trouble = parts.next().filter(|trouble| !trouble.is_empty()).map(str::to_owned);
        Some(Self { code, state, since, options, trouble })
    }
}

/// The number of the next build; the first of a version has its number where that is free.
fn next_after(last: Option<u32>, code: Code) -> u32 {
    last.map_or(code.version, |last| code.version.max(last + 1))
}

fn others_begin_builds() -> StoreError {
    StoreError::Unavailable("others begin builds all the time".to_owned())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl RedisRows {
    fn as_of(&self, view: ViewVersion, code: Code) -> Self {
        let Inner { connection, prefix, .. } = &*self.0;
        let (connection, prefix) = (Arc::clone(connection), prefix.clone());
        Self(Arc::new(Inner { connection, prefix, view, code }))
    }

    /// Notes our build where it is not noted.
    pub(super) async fn note_build(&self) -> Result<(), StoreError> {
        let noted = Noted::new(self.0.code, BuildOptions::default());
        self.note_new(self.0.view.version, &noted).await?;
        Ok(())
    }

    fn hash(&self) -> String {
        builds_key(&self.0.prefix, self.0.view.view)
    }

    async fn note_new(&self, build: u32, noted: &Noted) -> Result<bool, StoreError> {
        self.query(redis::cmd("HSETNX").arg(self.hash()).arg(build).arg(noted.text())).await
    }

    async fn note(&self, build: u32, noted: &Noted) -> Result<(), StoreError> {
        self.query::<i64>(redis::cmd("HSET").arg(self.hash()).arg(build).arg(noted.text())).await?;
        Ok(())
    }

    async fn noted(&self) -> Result<BTreeMap<u32, Noted>, StoreError> {
        let found: BTreeMap<u32, String> = self.query(redis::cmd("HGETALL").arg(self.hash())).await?;
        let unreadable = || StoreError::Corrupt("what is noted of a build".to_owned());
        found
            .into_iter()
            .map(|(build, text)| Ok((build, Noted::parse(&text).ok_or_else(unreadable)?)))
            .collect()
    }

    /// What its lanes say goes before what was noted, and is noted.
    async fn tracked_build(
        &self,
        build: u32,
        mut noted: Noted,
        lanes: &[Lane],
    ) -> Result<Tracked, StoreError> {
        let (told, lanes) = self.lanes_of(build, lanes).await?;
        if let Some(state) = told.filter(|state| *state != noted.state && noted.state != BuildState::Failed) {
            noted = Noted { state, since: now(), ..noted };
            self.note(build, &noted).await?;
        }
        Ok(Tracked {
            build,
            code: noted.code,
            state: noted.state,
            since: Duration::from_secs(now().saturating_sub(noted.since)),
            options: noted.options,
            trouble: noted.trouble,
            lanes,
        })
    }

    /// What the lanes tell of a build, where they tell anything, and where they are.
    async fn lanes_of(
        &self,
        build: u32,
        lanes: &[Lane],
    ) -> Result<(Option<BuildState>, Vec<TrackedLane>), StoreError> {
        let (mut told, mut tracked) = (None, Vec::new());
        if lanes.is_empty() {
            return Ok((told, tracked));
        }
        let mut pipeline = redis::pipe();
        for lane in lanes {
            let keys = self.keys(*lane);
            pipeline.cmd("MGET").arg(keys.serving()).arg(keys.checkpoint(build)).arg(keys.retained(build));
        }
        let found: Vec<(Option<u32>, Option<String>, Option<u32>)> = self.pipeline(&pipeline).await?;
        for (lane, (serving, checkpoint, retained)) in lanes.iter().zip(found) {
            if serving == Some(build) {
                told = Some(BuildState::Serving);
            } else if retained.is_some() && told.is_none() {
                told = Some(BuildState::Retained);
            }
            if let Some(checkpoint) = checkpoint {
                tracked.push(TrackedLane { lane: *lane, checkpoint: parse_checkpoint(&checkpoint)? });
            }
        }
        Ok((told, tracked))
    }
}

impl Builds for RedisRows {
    fn of_build(&self, build: u32) -> Self {
        self.as_of(ViewVersion { version: build, ..self.0.view }, self.0.code)
    }

    fn with_fold(self, fold: Option<FoldFingerprint>) -> Self {
        self.as_of(self.0.view, Code { fold, ..self.0.code })
    }

    async fn tracked(&self, lanes: &[Lane]) -> Result<Vec<Tracked>, StoreError> {
        let mut all = Vec::new();
        for (build, noted) in self.noted().await? {
            all.push(self.tracked_build(build, noted, lanes).await?);
        }
        Ok(all)
    }

    async fn enter(&self, beside_changed: bool) -> Result<Entered, StoreError> {
        let code = self.0.code;
        for _ in 0..TRIES {
            let noted = self.noted().await?;
            let of_our_version = noted.iter().filter(|(_, noted)| noted.code.version == code.version);
            let (ours, others): (Vec<_>, Vec<_>) =
                of_our_version.partition(|(_, noted)| noted.code.is_same(&code));
            for (build, noted) in &ours {
                if noted.code.fold.is_none() && code.fold.is_some() {
                    self.note(**build, &Noted { code, ..(*noted).clone() }).await?;
                }
            }
            if !ours.is_empty() {
                return Ok(Entered::Known);
            }
            let another = others.last().and_then(|(_, noted)| noted.code.fold);
            if let Some(another) = another.filter(|_| !beside_changed) {
                return Ok(Entered::Changed(another));
            }
            let next = next_after(noted.keys().last().copied(), code);
            if self.note_new(next, &Noted::new(code, BuildOptions::default())).await? {
                return Ok(Entered::New(next));
            }
        }
        Err(others_begin_builds())
    }

    async fn begin_build(&self, lanes: &[Lane], options: BuildOptions) -> Result<u32, StoreError> {
        for _ in 0..TRIES {
            let builds = self.tracked(lanes).await?;
            let is_built =
                |build: &&Tracked| build.code.is_same(&self.0.code) && build.state == BuildState::Building;
            if let Some(build) = builds.iter().rfind(is_built) {
                return Ok(build.build);
            }
            let next = next_after(builds.last().map(|last| last.build), self.0.code);
            if self.note_new(next, &Noted::new(self.0.code, options)).await? {
                return Ok(next);
            }
        }
        Err(others_begin_builds())
    }

    async fn fail(&self, why: &str) -> Result<(), StoreError> {
        let build = self.0.view.version;
        let Some(noted) = self.noted().await?.remove(&build) else { return Ok(()) };
        let noted = Noted { state: BuildState::Failed, since: now(), trouble: Some(why.to_owned()), ..noted };
        self.note(build, &noted).await
    }

    async fn serve_again(&self, lanes: &[Lane]) -> Result<bool, StoreError> {
        let build = self.0.view.version;
        for lane in lanes {
            let keys = self.keys(*lane);
            let mut script = SERVE_AGAIN.prepare_invoke();
            script.key(keys.serving()).key(keys.checkpoint(build)).key(keys.retained(build));
            script.arg(build).arg(keys.version_stem());
            let deadline = Instant::now() + WAIT;
            while self.0.connection.script::<i64>(&script).await? != 1 {
                if Instant::now() >= deadline {
                    return Ok(false);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Ok(true)
    }

    async fn erase(&self, lanes: &[Lane]) -> Result<(), StoreError> {
        let build = self.0.view.version;
        let tracked = self.tracked(lanes).await?.into_iter().find(|tracked| tracked.build == build);
        if !tracked.is_some_and(|build| matches!(build.state, BuildState::Retained | BuildState::Failed)) {
            return Ok(());
        }
        self.query::<i64>(redis::cmd("HDEL").arg(self.hash()).arg(build)).await?;
        for lane in lanes {
            let pattern = format!("{}*", keys::literally(&self.keys(*lane).build_stem(build)));
            let mut cursor = "0".to_owned();
            loop {
                let mut scan = redis::cmd("SCAN");
                scan.arg(&cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(SCANNED);
                let (next, found): (String, Vec<String>) = self.query(&scan).await?;
                if !found.is_empty() {
                    self.query::<i64>(redis::cmd("UNLINK").arg(found)).await?;
                }
                if next == "0" {
                    break;
                }
                cursor = next;
            }
        }
        Ok(())
    }
}
