//! What orders answer, from rows that were folded from the logs of two contexts.

mod desk;
pub(crate) mod fulfilments;
mod histories;
mod lists;
pub(crate) mod one;
mod revenue;
mod surface;
pub(crate) mod tenants;
