#![doc = include_str!("../README.md")]

mod apply;
mod bulk;
mod check;
mod compare;
mod dead_letters;
mod fingerprint;
mod fold;
mod from_topic;
mod inbox;
mod intake;
mod keeper;
mod lane;
mod lanes;
mod log_source;
mod mending;
pub mod ops;
mod overview;
mod pace;
mod parked;
mod parking;
mod projections;
mod projector;
mod reading;
mod refold;
mod room;
#[cfg(feature = "seeded-bugs")]
mod seeded_bugs;
mod standing;
mod stop;
pub mod telemetry;
mod telling;
mod tending;
mod view;

pub use compare::{CompareError, Compared, Difference, Extent, Pages, Told, compare};
pub use dead_letters::{Asked, Chosen, DeadLetter, DeadLetters};
pub use fingerprint::fingerprint;
pub use keeper::Keeper;
pub use log_source::{LOG_PAGE_MOST, LogHead, LogRecord, LogSource, LogSourceError};
pub use mending::{NamedLink, NamedRow, REFOLDED_MOST, RefoldRequest};
pub use overview::{
    BuildAnswer, LaneStatus, LastError, Overview, ProjectionStatus, RebuildRequest, RowsState,
};
pub use projections::{BuildsConfig, OnChangedView, Projections, Run, SetupError, Stores};
pub use projector::{Building, Limits, Projector, Source};
pub use room::Room;
pub use view::{AnyEvent, AnyRow, AnyView};
