#![doc = include_str!("../README.md")]

mod builds;
mod checkpoint;
mod letter;
mod postgres;
mod reading;
mod redis;
mod row;
mod store;
pub mod telemetry;
mod tracked;
mod waiting;

pub use crate::builds::{Builds, Code, Entered};
pub use crate::checkpoint::{Advance, Checkpoint};
pub use crate::letter::{
    DeadRecord, HeaderValue, InvalidLetterId, InvalidSubject, Letter, LetterId, Reason, Request, Subject,
    Which,
};
pub use crate::postgres::{
    PostgresReader, PostgresRows, close_postgres_to_others, let_read_postgres, migrate_postgres,
    postgres_for_rows,
};
pub use crate::reading::{ReadError, ReadRow, StampedRow};
pub use crate::redis::{RedisReader, RedisRows};
pub use crate::row::{RowAddress, RowChange, StoredRow};
pub use crate::store::{
    Changes, FoldPage, Folded, LetterStore, Lookup, Many, PageStart, RowStore, StoreError, ViewVersion,
};
pub use crate::tracked::{BuildOptions, BuildState, Tracked, TrackedLane};
