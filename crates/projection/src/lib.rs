#![doc = include_str!("../README.md")]

mod apply;
mod compare;
mod fold;
mod inbox;
mod intake;
mod lane;
mod lanes;
mod log_source;
pub mod ops;
mod overview;
mod projections;
mod projector;
mod standing;
mod stop;
pub mod telemetry;

pub use compare::{CompareError, Compared, Difference, Extent, Pages, Told, compare};
pub use log_source::{LOG_PAGE_MOST, LogHead, LogRecord, LogSource, LogSourceError};
pub use overview::{LaneStatus, LastError, Overview, ProjectionStatus, RowsState};
pub use projections::{Projections, Run, SetupError, Stores};
pub use projector::{Limits, Projector, Source};
