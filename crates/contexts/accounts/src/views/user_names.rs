use kernel::{Keys, ReadStore, Recorded, RowKey, Unfoldable, View};
use serde::{Deserialize, Serialize};

use crate::{AccountsEvent, UserEvent};

/// What each user is called, for whoever names users: other contexts' queries.
#[derive(Debug, Clone, Copy)]
pub struct UserNames;

/// The name of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserNameRow {
    /// It.
    pub name: String,
}

impl View for UserNames {
    const NAME: &'static str = "user-names";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = AccountsEvent;
    type Row = UserNameRow;

    fn keys(event: &Recorded<AccountsEvent>) -> Keys {
        match &event.event {
            AccountsEvent::User(UserEvent::UserRegistered(registered)) => Keys::one(registered.user_id),
            AccountsEvent::User(UserEvent::ProfileUpdated(updated)) if updated.name.is_some() => {
                Keys::one(updated.user_id)
            }
            AccountsEvent::User(_) | AccountsEvent::Post(_) | AccountsEvent::Following(_) => Keys::None,
        }
    }

    fn evolve(
        _: &RowKey,
        row: Option<UserNameRow>,
        event: &Recorded<AccountsEvent>,
    ) -> Result<Option<UserNameRow>, Unfoldable> {
        let name = match &event.event {
            AccountsEvent::User(UserEvent::UserRegistered(registered)) => Some(&registered.name),
            AccountsEvent::User(UserEvent::ProfileUpdated(updated)) => updated.name.as_ref(),
            AccountsEvent::User(_) | AccountsEvent::Post(_) | AccountsEvent::Following(_) => None,
        };
        Ok(name.map(|name| UserNameRow { name: name.clone() }).or(row))
    }
}
