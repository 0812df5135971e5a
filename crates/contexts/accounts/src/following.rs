//! A following: whether one user follows another.

mod follow;
mod unfollow;

pub use follow::FollowUser;
pub use unfollow::UnfollowUser;

use kernel::Decider;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::UserRejection;

/// The stream of one user's following of one other.
#[derive(Debug, Clone, Copy)]
pub struct Following;

kernel::events! {
    /// What can happen between two users.
    pub enum FollowingEvent in "schemas/accounts" { UserFollowed, UserUnfollowed }
}

/// One user follows another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserFollowed {
    /// Who follows.
    pub user_id: Uuid,
    /// Who is followed.
    pub followed_id: Uuid,
}

/// One user follows another no longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserUnfollowed {
    /// Who followed.
    pub user_id: Uuid,
    /// Who was followed.
    pub followed_id: Uuid,
}

/// Where two users stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FollowingState {
    /// The one does not follow the other, or not any more.
    #[default]
    Apart,
    /// The one follows the other.
    Follows,
}

kernel::rejections! {
    /// Why a following's command is refused.
    pub enum FollowingRejection {
        /// Nobody follows themselves.
        SelfFollow = "self-follow": "a user cannot follow themselves",
        /// There is no such user.
        UnknownUser = "unknown-user": "there is no user with this id",
        /// They left.
        Deactivated = "deactivated": "the user is deactivated",
        /// They were shut out.
        Suspended = "suspended": "the user is suspended",
    }
}

impl From<UserRejection> for FollowingRejection {
    fn from(rejection: UserRejection) -> Self {
        match rejection {
            UserRejection::Deactivated => Self::Deactivated,
            UserRejection::Suspended => Self::Suspended,
            UserRejection::UnknownUser | UserRejection::UserExists | UserRejection::EmailTaken => {
                Self::UnknownUser
            }
        }
    }
}

impl Decider for Following {
    const STREAM: &'static str = "following";
    const STATE_VERSION: u32 = 1;
    type Event = FollowingEvent;
    type State = FollowingState;

    fn evolve(_: FollowingState, event: &FollowingEvent) -> FollowingState {
        match event {
            FollowingEvent::UserFollowed(_) => FollowingState::Follows,
            FollowingEvent::UserUnfollowed(_) => FollowingState::Apart,
        }
    }
}

impl Following {
    /// The id of the one user's following of the other, made of their two ids (UUID version 5): the same whoever
    /// asks, and no other pair's.
    pub fn id(user_id: Uuid, followed_id: Uuid) -> Uuid {
        Uuid::new_v5(&user_id, followed_id.as_bytes())
    }
}

#[cfg(test)]
mod tests;
