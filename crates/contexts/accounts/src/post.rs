//! A post: something that a user published.

mod publish;
mod remove;

pub use publish::PublishPost;
pub use remove::RemovePost;

use kernel::Decider;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::UserRejection;

/// The stream of one post.
#[derive(Debug, Clone, Copy)]
pub struct Post;

kernel::events! {
    /// What can happen to a post.
    pub enum PostEvent in "schemas/accounts" { PostPublished, PostRemoved }
}

/// A user published something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PostPublished {
    /// The post.
    pub post_id: Uuid,
    /// Who published it.
    pub user_id: Uuid,
    /// Its title.
    pub title: String,
}

/// A post was taken away by who had published it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PostRemoved {
    /// The post.
    pub post_id: Uuid,
    /// Who had published it.
    pub user_id: Uuid,
}

/// Where a post stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PostState {
    /// There is none.
    #[default]
    Unknown,
    /// It can be seen.
    Published {
        /// Who published it.
        by: Uuid,
    },
    /// It was taken away; this is final.
    Removed {
        /// Who had published it.
        by: Uuid,
    },
}

kernel::rejections! {
    /// Why a post's command is refused.
    pub enum PostRejection {
        /// The id is in use.
        PostExists = "post-exists": "a post with this id exists already",
        /// There is no such post.
        UnknownPost = "unknown-post": "there is no post with this id",
        /// It is somebody else's.
        NotTheAuthor = "not-the-author": "another user published the post",
        /// There is no such user.
        UnknownUser = "unknown-user": "there is no user with this id",
        /// They left.
        Deactivated = "deactivated": "the user is deactivated",
        /// They were shut out.
        Suspended = "suspended": "the user is suspended",
    }
}

impl From<UserRejection> for PostRejection {
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

impl Decider for Post {
    const STREAM: &'static str = "post";
    const STATE_VERSION: u32 = 1;
    type Event = PostEvent;
    type State = PostState;

    fn evolve(_: PostState, event: &PostEvent) -> PostState {
        match event {
            PostEvent::PostPublished(published) => PostState::Published { by: published.user_id },
            PostEvent::PostRemoved(removed) => PostState::Removed { by: removed.user_id },
        }
    }
}

#[cfg(test)]
mod tests;
