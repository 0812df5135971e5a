//! Builds of a view side by side: one serves, others are built, or kept to go back to.

use std::future::Future;

use kernel::{FoldFingerprint, Lane};

use crate::{BuildOptions, StoreError, Tracked};

/// What a build is told apart by from those of other code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The version of the code.
    pub version: u32,
    /// What its fold makes of the events that all folds are given; none where that is not known.
    pub fold: Option<FoldFingerprint>,
}

impl Code {
    /// Whether one may feed what the other began. Where either does not say what its fold makes, the version tells.
    pub fn is_same(&self, other: &Self) -> bool {
        let may_be_same = self.fold.is_none() || other.fold.is_none() || self.fold == other.fold;
        self.version == other.version && may_be_same
    }
}

/// What became of entering a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// There was one of our code.
    Known,
    /// There was none; this is its number.
    New(u32),
    /// There is none, and those of our version were folded by another fold.
    Changed(FoldFingerprint),
}

/// The builds of one view in one store, as one of them.
pub trait Builds: Sized {
    /// The same view's rows of another build, folded by the same code.
    fn of_build(&self, build: u32) -> Self;

    /// The same, folded by a fold of this fingerprint.
    #[must_use]
    fn with_fold(self, fold: Option<FoldFingerprint>) -> Self;

    /// Every build of the view that is kept here, oldest first, as far as its lanes are among these.
    fn tracked(&self, lanes: &[Lane]) -> impl Future<Output = Result<Vec<Tracked>, StoreError>> + Send;

    /// Enters a build of our code where there is none, the very first of the view as the one that serves. Where there
    /// are builds of our version that another fold made, only if that is wanted. A build that does not say what
    /// folded it is taken to be ours from here on.
    fn enter(&self, beside_changed: bool) -> impl Future<Output = Result<Entered, StoreError>> + Send;

    /// Enters the next build of our code and answers its number; that of the one that is being built, where one is.
    fn begin_build(
        &self,
        lanes: &[Lane],
        options: BuildOptions,
    ) -> impl Future<Output = Result<u32, StoreError>> + Send;

    /// Gives this build up while it is being built.
    fn fail(&self, why: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes this build, which was read before, be read again; false where it lacks what the one that is read has.
    /// The other is kept and fed on, and does not take the name back by itself.
    fn serve_again(&self, lanes: &[Lane]) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Erases this build, unless it is read or being built.
    fn erase(&self, lanes: &[Lane]) -> impl Future<Output = Result<(), StoreError>> + Send;
}
