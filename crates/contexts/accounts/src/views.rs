//! What the accounts can be asked: each view is a fold of the accounts' events into rows.

mod statistics;
mod user_names;
mod users;

pub use statistics::{ALL, AccountCounts, Statistics};
pub use user_names::{UserNameRow, UserNames};
pub use users::{UserRow, UserStatus, Users};

#[cfg(test)]
mod tests;
