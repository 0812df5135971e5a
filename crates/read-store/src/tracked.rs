//! What a store keeps of a view, for operators.

use kernel::Lane;

use crate::Checkpoint;

/// A version of a view, as a store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// The version.
    pub version: u32,
    /// What it is there for.
    pub state: BuildState,
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
}

/// How far a lane has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackedLane {
    /// Which.
    pub lane: Lane,
    /// What its rows reflect.
    pub checkpoint: Checkpoint,
}
