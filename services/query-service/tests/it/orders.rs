//! What orders answer, from rows that were folded from the logs of two contexts.

mod desk;
mod fulfilments;
mod histories;
mod lists;
mod one;
mod revenue;
mod surface;
mod tenants;
