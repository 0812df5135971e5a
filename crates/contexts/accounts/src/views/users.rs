use kernel::{Keys, ReadStore, Recorded, RowKey, Source, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AccountsEvent, Following, FollowingEvent, Post, PostEvent, User, UserEvent, UserRegistered};

/// The users, each with what they did and how many follow whom. Inline: there right after the command's answer.
#[derive(Debug, Clone, Copy)]
pub struct Users;

/// A user as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserRow {
    /// The user.
    pub id: Uuid,
    /// Their e-mail address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their own words; may be empty.
    pub bio: String,
    /// Where they stand.
    pub status: UserStatus,
    /// When they registered.
    pub created_at: Timestamp,
    /// When they last published or removed a post.
    pub last_activity_at: Option<Timestamp>,
    /// How many posts of theirs can be seen.
    pub post_count: i64,
    /// How many follow them.
    pub follower_count: i64,
    /// How many they follow.
    pub following_count: i64,
}

/// Where a user stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// They may act.
    Active,
    /// They left, and can come back.
    Inactive,
    /// They were shut out.
    Suspended,
}

impl View for Users {
    const NAME: &'static str = "users";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Inline];
    type Event = AccountsEvent;
    type Row = UserRow;

    fn keys(event: &Recorded<AccountsEvent>) -> Keys {
        let (one, other) = match &event.event {
            AccountsEvent::User(event) => match event {
                UserEvent::UserRegistered(event) => (event.user_id, None),
                UserEvent::ProfileUpdated(event) => (event.user_id, None),
                UserEvent::PasswordChanged(_) => return Keys::None,
                UserEvent::UserDeactivated(event) => (event.user_id, None),
                UserEvent::UserReactivated(event) => (event.user_id, None),
                UserEvent::UserSuspended(event) => (event.user_id, None),
            },
            AccountsEvent::Post(PostEvent::PostPublished(event)) => (event.user_id, None),
            AccountsEvent::Post(PostEvent::PostRemoved(event)) => (event.user_id, None),
            AccountsEvent::Following(FollowingEvent::UserFollowed(event)) => {
                (event.user_id, Some(event.followed_id))
            }
            AccountsEvent::Following(FollowingEvent::UserUnfollowed(event)) => {
                (event.user_id, Some(event.followed_id))
            }
        };
        Keys::These([Some(one), other].into_iter().flatten().map(RowKey::from).collect())
    }

    fn sources(key: &RowKey, _: Option<&UserRow>) -> Vec<Source> {
        let of_user =
            |id| vec![Source::of::<User>(id), Source::naming::<Post>(id), Source::naming::<Following>(id)];
        key.as_str().parse().map(of_user).unwrap_or_default()
    }

    fn evolve(
        key: &RowKey,
        row: Option<UserRow>,
        event: &Recorded<AccountsEvent>,
    ) -> Result<Option<UserRow>, Unfoldable> {
        if let AccountsEvent::User(UserEvent::UserRegistered(registered)) = &event.event {
            return Ok(Some(UserRow::new(registered, event.recorded_at)));
        }
        let mut row =
            row.ok_or_else(|| Unfoldable::because("something happened to a user who was never registered"))?;
        match &event.event {
            AccountsEvent::User(event) => row.apply(event),
            AccountsEvent::Post(post) => {
                row.post_count += match post {
                    PostEvent::PostPublished(_) => 1,
                    PostEvent::PostRemoved(_) => -1,
                };
                row.last_activity_at = Some(event.recorded_at);
            }
            AccountsEvent::Following(FollowingEvent::UserFollowed(followed)) => {
                *row.count_of(key, followed.user_id) += 1;
            }
            AccountsEvent::Following(FollowingEvent::UserUnfollowed(unfollowed)) => {
                *row.count_of(key, unfollowed.user_id) -= 1;
            }
        }
        Ok(Some(row))
    }
}

impl UserRow {
    fn new(registered: &UserRegistered, at: Timestamp) -> Self {
        Self {
            id: registered.user_id,
            email: registered.email.clone(),
            name: registered.name.clone(),
            bio: String::new(),
            status: UserStatus::Active,
            created_at: at,
            last_activity_at: None,
            post_count: 0,
            follower_count: 0,
            following_count: 0,
        }
    }

    fn apply(&mut self, event: &UserEvent) {
        match event {
            UserEvent::UserRegistered(_) | UserEvent::PasswordChanged(_) => {}
            UserEvent::ProfileUpdated(updated) => {
                if let Some(name) = &updated.name {
                    self.name.clone_from(name);
                }
                if let Some(bio) = &updated.bio {
                    self.bio.clone_from(bio);
                }
            }
            UserEvent::UserDeactivated(_) => self.status = UserStatus::Inactive,
            UserEvent::UserReactivated(_) => self.status = UserStatus::Active,
            UserEvent::UserSuspended(_) => self.status = UserStatus::Suspended,
        }
    }

    /// What a following counts for: who follows has one more to follow, the other one more follower.
    fn count_of(&mut self, key: &RowKey, follower: Uuid) -> &mut i64 {
        if *key == RowKey::from(follower) { &mut self.following_count } else { &mut self.follower_count }
    }
}
