//! What a store keeps of a view, for operators.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use kernel::Lane;

use crate::{Checkpoint, Code};

/// A build of a view, as a store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Its number.
    pub build: u32,
    /// The code that folds it.
    pub code: Code,
    /// What it is there for.
    pub state: BuildState,
    /// For how long it has been that.
    pub since: Duration,
    /// What it was asked for with.
    pub options: BuildOptions,
    /// Why it was given up.
    pub trouble: Option<String>,
    /// Its lanes that were begun, in their order.
    pub lanes: Vec<TrackedLane>,
}

/// What rows are there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildState {
    /// They are fed, and not read yet.
    Building,
    /// Queries read them.
    Serving,
    /// Queries have read them, and may again; fed where their release runs.
    Retained,
    /// They are not the fold of the log: they are never read.
    Failed,
}

impl BuildState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Serving => "serving",
            Self::Retained => "retained",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Building, Self::Serving, Self::Retained, Self::Failed]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// How far a lane has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackedLane {
    /// Which.
    pub lane: Lane,
    /// What its rows reflect.
    pub checkpoint: Checkpoint,
}

/// What a build is asked for with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BuildOptions {
    /// Most events a second, of each projector; none for no bound.
    pub throttle: Option<NonZeroU32>,
    /// Most lanes that each projector feeds at once until they have caught up; none for no bound.
    pub parallel: Option<NonZeroU16>,
}
