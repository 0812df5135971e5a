//! Builds side by side. Which one a lane serves is a key of the lane; the rest is told by a hash of the view, a field for
//! each build: `<code> <state> <since> <throttle or ->,<parallel or -> <trouble>`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kernel::Lane;
use tokio::time::Instant;

use super::keys::{self, builds_key};
use super::scripts::SERVE_AGAIN;
use super::{Inner, RedisRows, SCANNED, parse_checkpoint};
use crate::{BuildOptions, BuildState, Builds, StoreError, Tracked, TrackedLane, ViewVersion};

/// How long a lane is waited for to reach what the one that is read has.
const WAIT: Duration = Duration::from_secs(5);
/// How often a change is tried anew that another spoilt.
const TRIES: usize = 20;

/// What the hash says of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Noted {
    code: u32,
    state: BuildState,
    since: u64,
    options: BuildOptions,
    trouble: Option<String>,
}

impl Noted {
    fn new(code: u32, options: BuildOptions) -> Self {
        Self { code, state: BuildState::Building, since: now(), options, trouble: None }
    }

    fn text(&self) -> String {
        let BuildOptions { throttle, parallel } = self.options;
        let throttle = throttle.map_or_else(|| "-".to_owned(), |throttle| throttle.to_string());
        let parallel = parallel.map_or_else(|| "-".to_owned(), |parallel| parallel.to_string());
        let trouble = self.trouble.as_deref().unwrap_or_default();
        format!("{} {} {} {throttle},{parallel} {trouble}", self.code, self.state.name(), self.since)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, ' ');
        let code = parts.next()?.parse().ok()?;
        let state = BuildState::parse(parts.next()?)?;
        let since = parts.next()?.parse().ok()?;
        let (throttle, parallel) = parts.next()?.split_once(',')?;
        let options = BuildOptions { throttle: throttle.parse().ok(), parallel: parallel.parse().ok() };
        let trouble = parts.next().filter(|trouble| !trouble.is_empty()).map(str::to_owned);
        Some(Self { code, state, since, options, trouble })
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl RedisRows {
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
        let Inner { connection, prefix, view, code } = &*self.0;
        let view = ViewVersion { version: build, ..*view };
        Self(Arc::new(Inner {
            connection: Arc::clone(connection),
            prefix: prefix.clone(),
            view,
            code: *code,
        }))
    }

    async fn tracked(&self, lanes: &[Lane]) -> Result<Vec<Tracked>, StoreError> {
        let mut all = Vec::new();
        for (build, noted) in self.noted().await? {
            all.push(self.tracked_build(build, noted, lanes).await?);
        }
        Ok(all)
    }

    async fn enter(&self) -> Result<(), StoreError> {
        let noted = self.noted().await?;
        if noted.values().any(|noted| noted.code == self.0.code) {
            return Ok(());
        }
        let next = noted.keys().last().map_or(self.0.code, |last| self.0.code.max(last + 1));
        self.note_new(next, &Noted::new(self.0.code, BuildOptions::default())).await?;
        Ok(())
    }

    async fn begin_build(&self, lanes: &[Lane], options: BuildOptions) -> Result<u32, StoreError> {
        for _ in 0..TRIES {
            let builds = self.tracked(lanes).await?;
            let is_built =
                |build: &&Tracked| build.code == self.0.code && build.state == BuildState::Building;
            if let Some(build) = builds.iter().rfind(is_built) {
                return Ok(build.build);
            }
            let next = builds.last().map_or(self.0.code, |last| self.0.code.max(last.build + 1));
            if self.note_new(next, &Noted::new(self.0.code, options)).await? {
                return Ok(next);
            }
        }
        Err(StoreError::Unavailable("others begin builds all the time".to_owned()))
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
