//! Builds of a view side by side: one serves, others are built, or kept to go back to.

use std::future::Future;

use kernel::Lane;

use crate::{BuildOptions, StoreError, Tracked};

/// The builds of one view in one store, as one of them.
pub trait Builds: Sized {
    /// The same view's rows of another build, folded by the same code.
    fn of_build(&self, build: u32) -> Self;

    /// Every build of the view that is kept here, oldest first, as far as its lanes are among these.
    fn tracked(&self, lanes: &[Lane]) -> impl Future<Output = Result<Vec<Tracked>, StoreError>> + Send;

    /// Enters a build of our code where there is none, the very first of the view as the one that serves.
    fn enter(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

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
