//! A lane of a build is held against an independent fold of its events before it may be read.
//!
//! That fold is made alongside the rows where the lane's events came here from the first on; else, and where the check has
//! to be made again, the topic is read once more.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use kernel::LogId;
use read_store::{Checkpoint, RowStore};
use tokio::task::JoinHandle;

use crate::compare::{Alongside, CompareError, Compared, Extent, compare};
use crate::from_topic::FromTopic;
use crate::projector::Source;
use crate::view::AnyView;

/// Rows of each lane that are held against the fold.
const SAMPLE: usize = 2_000;

/// The check of one lane, made beside its being fed.
pub(crate) struct Check<S> {
    pub(crate) source: Source,
    pub(crate) store: S,
    pub(crate) topic: String,
    pub(crate) log: LogId,
    pub(crate) view: AnyView,
    pub(crate) alongside: Alongside,
    pub(crate) running: Option<JoinHandle<Result<Compared, CompareError>>>,
}

/// What is known of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// Nothing yet: ask again.
    NotYet,
    /// The rows are the fold.
    Right,
    /// They are not.
    Wrong(String),
}

impl<S: RowStore> Check<S> {
    /// Begins it where it was not begun, or could not be made, and looks whether it is done.
    pub(crate) async fn look(&mut self, here: &Checkpoint) -> Checked {
        let Some(running) = &mut self.running else {
            self.running = self.begin(here);
            return Checked::NotYet;
        };
        if !running.is_finished() {
            return Checked::NotYet;
        }
        let outcome = running.await;
        self.running = None;
        let lane = self.log.lane.number();
        match outcome {
            Ok(Ok(compared)) if compared.differing == 0 => {
                let Compared { rows, parked, .. } = compared;
                tracing::info!(view = self.view.name(), lane, rows, parked, "a lane of a build was checked");
                Checked::Right
            }
            Ok(Ok(compared)) => {
                let first = compared.differences.first();
                let first = first.map(|first| format!("the row {}: {}", first.key.as_str(), first.what));
                let (differing, rows) = (compared.differing, compared.rows);
                Checked::Wrong(format!(
                    "lane {lane}: {differing} of {rows} rows are not the fold of the log; {}",
                    first.unwrap_or_default()
                ))
            }
            Ok(Err(error @ (CompareError::OtherHistory(_) | CompareError::BeyondTheLog { .. }))) => {
                Checked::Wrong(format!("lane {lane}: {error}"))
            }
            Ok(Err(error)) => {
                tracing::warn!(view = self.view.name(), lane, %error, "a lane of a build could not be checked, yet");
                Checked::NotYet
            }
            Err(error) => Checked::Wrong(format!("lane {lane}: the check failed: {error}")),
        }
    }

    fn begin(&mut self, here: &Checkpoint) -> Option<JoinHandle<Result<Compared, CompareError>>> {
        let mut told = match FromTopic::new(&self.source, &self.topic, &self.log, &self.view) {
            Ok(told) => told,
            Err(error) => {
                tracing::warn!(view = self.view.name(), %error, "a build cannot be checked, yet");
                return None;
            }
        };
        let (view, store, lane) = (self.view.clone(), self.store.clone(), self.log.lane);
        if let Some(folded) = self.alongside.take().filter(|folded| folded.is_no_further_than(here)) {
            told.start_behind(folded.at());
            return Some(tokio::spawn(async move { folded.compare(&store, lane, &mut told).await }));
        }
        let extent = Extent::Sample { rows: SAMPLE, seed: RandomState::new().hash_one(0) };
        Some(tokio::spawn(async move { compare(&view, &store, lane, &mut told, extent).await }))
    }

    /// What is to be folded alongside the rows.
    pub(crate) fn alongside(view: &AnyView) -> Alongside {
        Alongside::new(view.clone(), SAMPLE, RandomState::new().hash_one(0))
    }
}

impl<S> Drop for Check<S> {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}
