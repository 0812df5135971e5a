//! A user: who somebody is to the tenant, and whether they may act.

mod change_password;
mod deactivate;
mod reactivate;
mod register;
mod suspend;
mod update_profile;

pub use change_password::ChangePassword;
pub use deactivate::DeactivateUser;
pub use reactivate::ReactivateUser;
pub use register::RegisterUser;
pub use suspend::SuspendUser;
pub use update_profile::UpdateProfile;

use kernel::Decider;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stream of one user.
#[derive(Debug, Clone, Copy)]
pub struct User;

kernel::events! {
    /// What can happen to a user.
    pub enum UserEvent in "schemas/accounts" {
        UserRegistered, ProfileUpdated, PasswordChanged, UserDeactivated, UserReactivated, UserSuspended
    }
}

/// Somebody became a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserRegistered {
    /// The user.
    pub user_id: Uuid,
    /// Their e-mail address as they wrote it, unique within the tenant whatever its case.
    pub email: String,
    /// Their name.
    pub name: String,
}

/// What a user says about themselves changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileUpdated {
    /// The user.
    pub user_id: Uuid,
    /// Their new name, where it changed.
    pub name: Option<String>,
    /// Their new words about themselves, where they changed.
    pub bio: Option<String>,
}

/// A user has another password. Neither the old nor the new one is said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasswordChanged {
    /// The user.
    pub user_id: Uuid,
}

/// A user left for the time being.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserDeactivated {
    /// The user.
    pub user_id: Uuid,
    /// Why, where somebody said.
    pub reason: Option<String>,
}

/// A user is back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserReactivated {
    /// The user.
    pub user_id: Uuid,
    /// Whether they had been shut out, and had not left by themselves.
    pub was_suspended: bool,
}

/// A user was shut out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserSuspended {
    /// The user.
    pub user_id: Uuid,
    /// Why, where somebody said.
    pub reason: Option<String>,
    /// Whether they had left before.
    pub was_inactive: bool,
}

/// Where a user stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum UserState {
    /// There is none.
    #[default]
    Unknown,
    /// They may act.
    Active(Profile),
    /// They left, and can come back.
    Inactive(Profile),
    /// They were shut out, and can be let in again.
    Suspended(Profile),
}

/// What a user says about themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Their name.
    pub name: String,
    /// Their own words; may be empty.
    pub bio: String,
}

kernel::rejections! {
    /// Why a user's command is refused.
    pub enum UserRejection {
        /// The id is in use.
        UserExists = "user-exists": "a user with this id exists already",
        /// Another user of the tenant has the address.
        EmailTaken = "email-taken": "another user has this e-mail address",
        /// There is no such user.
        UnknownUser = "unknown-user": "there is no user with this id",
        /// They left.
        Deactivated = "deactivated": "the user is deactivated",
        /// They were shut out.
        Suspended = "suspended": "the user is suspended",
    }
}

impl Decider for User {
    const STREAM: &'static str = "user";
    const STATE_VERSION: u32 = 1;
    type Event = UserEvent;
    type State = UserState;

    fn evolve(state: UserState, event: &UserEvent) -> UserState {
        match event {
            UserEvent::UserRegistered(registered) => {
                UserState::Active(Profile { name: registered.name.clone(), bio: String::new() })
            }
            UserEvent::ProfileUpdated(updated) => state.with(|profile| profile.update(updated)),
            UserEvent::PasswordChanged(_) => state,
            UserEvent::UserDeactivated(_) => state.become_of(UserState::Inactive),
            UserEvent::UserReactivated(_) => state.become_of(UserState::Active),
            UserEvent::UserSuspended(_) => state.become_of(UserState::Suspended),
        }
    }
}

impl UserState {
    /// What they say about themselves, or why they cannot act.
    pub fn active(&self) -> Result<&Profile, UserRejection> {
        match self {
            Self::Unknown => Err(UserRejection::UnknownUser),
            Self::Active(profile) => Ok(profile),
            Self::Inactive(_) => Err(UserRejection::Deactivated),
            Self::Suspended(_) => Err(UserRejection::Suspended),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Profile)) -> Self {
        match &mut self {
            Self::Unknown => {}
            Self::Active(profile) | Self::Inactive(profile) | Self::Suspended(profile) => change(profile),
        }
        self
    }

    fn become_of(self, phase: impl FnOnce(Profile) -> Self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Active(profile) | Self::Inactive(profile) | Self::Suspended(profile) => phase(profile),
        }
    }
}

impl Profile {
    fn update(&mut self, updated: &ProfileUpdated) {
        if let Some(name) = &updated.name {
            self.name.clone_from(name);
        }
        if let Some(bio) = &updated.bio {
            self.bio.clone_from(bio);
        }
    }
}

#[cfg(test)]
mod tests;
