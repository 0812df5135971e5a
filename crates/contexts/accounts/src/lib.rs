//! Users of a tenant, what they post and whom they follow.
//!
//! Three kinds of stream decide: a [`User`], a [`Post`], and the [`Following`] of one user by another. Posts and
//! followings grow without end, so they are streams of their own and a user's stays small; who posts or follows is
//! read as a fact, and is active at that point of history. [`views`] holds what the accounts can be asked.
//!
//! A password is decided on here and kept nowhere: [`RegisterUser`] and [`ChangePassword`] hand it to the platform,
//! which keeps its hash apart from all events.

mod email;
mod following;
mod post;
mod texts;
mod user;
pub mod views;

use kernel::{Context, Registry};

pub use email::{EMAILS, unique_email};
pub use following::{
    FollowUser, Following, FollowingEvent, FollowingRejection, FollowingState, UnfollowUser, UserFollowed,
    UserUnfollowed,
};
pub use post::{
    Post, PostEvent, PostPublished, PostRejection, PostRemoved, PostState, PublishPost, RemovePost,
};
pub use user::{
    ChangePassword, DeactivateUser, PasswordChanged, Profile, ProfileUpdated, ReactivateUser, RegisterUser,
    SuspendUser, UpdateProfile, User, UserDeactivated, UserEvent, UserReactivated, UserRegistered,
    UserRejection, UserState, UserSuspended,
};

kernel::context_events! {
    /// Everything that can happen in the accounts.
    pub enum AccountsEvent { User(UserEvent), Post(PostEvent), Following(FollowingEvent) }
}

/// The context: what it can be told and what it can be asked.
#[derive(Debug, Clone, Copy)]
pub struct Accounts;

impl Context for Accounts {
    const NAME: &'static str = "accounts";
    type Event = AccountsEvent;

    fn register<R: Registry>(registry: &mut R) {
        registry.command::<RegisterUser>();
        registry.command::<UpdateProfile>();
        registry.command::<ChangePassword>();
        registry.command::<DeactivateUser>();
        registry.command::<ReactivateUser>();
        registry.command::<SuspendUser>();

        registry.command::<PublishPost>();
        registry.command::<RemovePost>();

        registry.command::<FollowUser>();
        registry.command::<UnfollowUser>();

        registry.view::<views::Users>();
        registry.view::<views::Statistics>();
        registry.view::<views::UserNames>();
    }
}

#[cfg(test)]
mod tests;
