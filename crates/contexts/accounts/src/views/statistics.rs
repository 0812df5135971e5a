use kernel::{Keys, ReadStore, Recorded, RowKey, Unfoldable, View};
use serde::{Deserialize, Serialize};

use crate::{AccountsEvent, PostEvent, UserEvent};

/// How many users and posts a tenant has: one row.
#[derive(Debug, Clone, Copy)]
pub struct Statistics;

/// The key of a tenant's one row.
pub const ALL: &str = "all";

/// A tenant's users and posts, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCounts {
    /// Users who may act.
    pub active_users: i64,
    /// Users who left.
    pub inactive_users: i64,
    /// Users who were shut out.
    pub suspended_users: i64,
    /// Posts that can be seen.
    pub total_posts: i64,
}

impl View for Statistics {
    const NAME: &'static str = "account-statistics";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = AccountsEvent;
    type Row = AccountCounts;

    fn keys(event: &Recorded<AccountsEvent>) -> Keys {
        match &event.event {
            AccountsEvent::User(UserEvent::ProfileUpdated(_) | UserEvent::PasswordChanged(_))
            | AccountsEvent::Following(_) => Keys::None,
            AccountsEvent::User(_) | AccountsEvent::Post(_) => Keys::one(ALL),
        }
    }

    fn evolve(
        _: &RowKey,
        row: Option<AccountCounts>,
        event: &Recorded<AccountsEvent>,
    ) -> Result<Option<AccountCounts>, Unfoldable> {
        let mut counts = row.unwrap_or_default();
        match &event.event {
            AccountsEvent::User(event) => counts.apply(event),
            AccountsEvent::Post(PostEvent::PostPublished(_)) => counts.total_posts += 1,
            AccountsEvent::Post(PostEvent::PostRemoved(_)) => counts.total_posts -= 1,
            AccountsEvent::Following(_) => {}
        }
        Ok(Some(counts))
    }
}

impl AccountCounts {
    /// All users, however they stand.
    pub fn total_users(&self) -> i64 {
        self.active_users + self.inactive_users + self.suspended_users
    }

    fn apply(&mut self, event: &UserEvent) {
        match event {
            UserEvent::UserRegistered(_) => self.active_users += 1,
            UserEvent::ProfileUpdated(_) | UserEvent::PasswordChanged(_) => {}
            UserEvent::UserDeactivated(_) => {
                self.active_users -= 1;
                self.inactive_users += 1;
            }
            UserEvent::UserReactivated(back) => {
                *if back.was_suspended { &mut self.suspended_users } else { &mut self.inactive_users } -= 1;
                self.active_users += 1;
            }
            UserEvent::UserSuspended(suspended) => {
                *if suspended.was_inactive { &mut self.inactive_users } else { &mut self.active_users } -= 1;
                self.suspended_users += 1;
            }
        }
    }
}
