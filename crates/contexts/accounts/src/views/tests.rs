use kernel::Timestamp;
use kernel::testing::{ViewCase, history};
use uuid::Uuid;

use super::*;
use crate::{
    AccountsEvent, Following, FollowingEvent, PasswordChanged, PostEvent, PostPublished, PostRemoved,
    ProfileUpdated, UserDeactivated, UserEvent, UserFollowed, UserReactivated, UserRegistered, UserSuspended,
    UserUnfollowed,
};

const ANN: Uuid = Uuid::from_u128(0xa1);
const BOB: Uuid = Uuid::from_u128(0xb1);
const POST: Uuid = Uuid::from_u128(0x11);

/// Stories, as they are told to any view of the accounts.
trait Story: Sized {
    fn user(self, id: Uuid, event: impl Into<UserEvent>) -> Self;
    fn post(self, event: impl Into<PostEvent>) -> Self;
    fn between(self, event: impl Into<FollowingEvent>) -> Self;

    fn registers(self, user_id: Uuid, name: &str) -> Self {
        let email = format!("{name}@example.com");
        self.user(user_id, UserRegistered { user_id, email, name: name.into() })
    }

    fn follows(self, user_id: Uuid, followed_id: Uuid) -> Self {
        self.between(UserFollowed { user_id, followed_id })
    }

    fn publishes(self, user_id: Uuid) -> Self {
        self.post(PostPublished { post_id: POST, user_id, title: "On chairs".into() })
    }

    fn leaves(self, user_id: Uuid) -> Self {
        self.user(user_id, UserDeactivated { user_id, reason: None })
    }

    fn gets_shut_out(self, user_id: Uuid, was_inactive: bool) -> Self {
        self.user(user_id, UserSuspended { user_id, reason: None, was_inactive })
    }

    fn comes_back(self, user_id: Uuid, was_suspended: bool) -> Self {
        self.user(user_id, UserReactivated { user_id, was_suspended })
    }
}

impl<V: kernel::View<Event = AccountsEvent>> Story for ViewCase<V> {
    fn user(self, id: Uuid, event: impl Into<UserEvent>) -> Self {
        self.event("user", id, event.into())
    }

    fn post(self, event: impl Into<PostEvent>) -> Self {
        self.event("post", POST, event.into())
    }

    fn between(self, event: impl Into<FollowingEvent>) -> Self {
        let event = event.into();
        let (FollowingEvent::UserFollowed(UserFollowed { user_id, followed_id })
        | FollowingEvent::UserUnfollowed(UserUnfollowed { user_id, followed_id })) = event;
        self.event("following", Following::id(user_id, followed_id), event)
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000 + second * 1_000_000)
}

fn ann() -> UserRow {
    UserRow {
        id: ANN,
        email: "Ann@example.com".into(),
        name: "Ann".into(),
        bio: String::new(),
        status: UserStatus::Active,
        created_at: at(0),
        last_activity_at: None,
        post_count: 0,
        follower_count: 0,
        following_count: 0,
    }
}

fn with_ann() -> ViewCase<Users> {
    history::<Users>().at(at(0)).registers(ANN, "Ann")
}

#[test]
fn a_new_user_is_active_and_has_done_nothing() {
    with_ann().then_row(ANN, &ann()).holds_however_delivered().holds_inline();
}

#[test]
fn a_user_says_what_they_last_said_of_themselves() {
    with_ann()
        .user(ANN, ProfileUpdated { user_id: ANN, name: Some("Anna".into()), bio: None })
        .user(ANN, ProfileUpdated { user_id: ANN, name: None, bio: Some("Likes chairs".into()) })
        .user(ANN, PasswordChanged { user_id: ANN })
        .then_row(ANN, &UserRow { name: "Anna".into(), bio: "Likes chairs".into(), ..ann() })
        .holds_however_delivered()
        .holds_inline();
}

#[test]
fn a_user_stands_where_they_last_went() {
    with_ann()
        .leaves(ANN)
        .then_row(ANN, &UserRow { status: UserStatus::Inactive, ..ann() })
        .gets_shut_out(ANN, true)
        .then_row(ANN, &UserRow { status: UserStatus::Suspended, ..ann() })
        .comes_back(ANN, true)
        .then_row(ANN, &ann())
        .holds_however_delivered()
        .holds_inline();
}

#[test]
fn posts_count_while_they_can_be_seen_and_show_when_somebody_was_last_there() {
    with_ann()
        .at(at(5))
        .publishes(ANN)
        .then_row(ANN, &UserRow { post_count: 1, last_activity_at: Some(at(5)), ..ann() })
        .at(at(9))
        .post(PostRemoved { post_id: POST, user_id: ANN })
        .then_row(ANN, &UserRow { post_count: 0, last_activity_at: Some(at(9)), ..ann() })
        .holds_however_delivered()
        .holds_inline();
}

#[test]
fn a_following_counts_on_both_sides() {
    let story = with_ann().registers(BOB, "Bob").follows(ANN, BOB).follows(BOB, ANN);
    let story = story.between(UserUnfollowed { user_id: BOB, followed_id: ANN });
    assert_eq!((story.row(ANN).following_count, story.row(ANN).follower_count), (1, 0));
    assert_eq!((story.row(BOB).following_count, story.row(BOB).follower_count), (0, 1));
    story.holds_however_delivered().holds_inline();
}

#[test]
fn a_user_can_be_told_as_they_were_from_what_names_them() {
    let story = history::<Users>().tenant("globex").registers(ANN, "Other").publishes(ANN).tenant("acme");
    let story = story.registers(ANN, "Ann").registers(BOB, "Bob").follows(ANN, BOB).publishes(BOB);
    story.comes_back(ANN, true).is_told_by_its_sources();
}

#[test]
fn tenants_with_the_same_ids_have_users_of_their_own() {
    with_ann()
        .tenant("globex")
        .registers(ANN, "Other")
        .publishes(ANN)
        .tenant("acme")
        .then_row(ANN, &ann())
        .holds_however_delivered()
        .holds_inline();
}

#[test]
fn statistics_count_users_where_they_stand_and_posts_that_can_be_seen() {
    let told = history::<Statistics>()
        .registers(ANN, "Ann")
        .registers(BOB, "Bob")
        .publishes(ANN)
        .follows(ANN, BOB)
        .user(ANN, ProfileUpdated { user_id: ANN, name: Some("Anna".into()), bio: None })
        .leaves(BOB);
    let counts = AccountCounts { active_users: 1, inactive_users: 1, suspended_users: 0, total_posts: 1 };
    let told = told.then_row(ALL, &counts).gets_shut_out(BOB, true).gets_shut_out(ANN, false);
    let counts = AccountCounts { active_users: 0, inactive_users: 0, suspended_users: 2, total_posts: 1 };
    let told = told.then_row(ALL, &counts).comes_back(ANN, true).comes_back(BOB, true).leaves(BOB);
    let told = told.post(PostRemoved { post_id: POST, user_id: ANN });
    let counts = AccountCounts { active_users: 1, inactive_users: 1, suspended_users: 0, total_posts: 0 };
    let told = told.then_row(ALL, &counts).comes_back(BOB, false);
    assert_eq!(told.row(ALL).active_users, 2);
    assert_eq!(told.row(ALL).total_users(), 2);
    told.holds_however_delivered();
}

#[test]
fn statistics_are_a_tenants_own() {
    history::<Statistics>()
        .registers(ANN, "Ann")
        .tenant("globex")
        .then_no_row(ALL)
        .registers(ANN, "Ann")
        .registers(BOB, "Bob")
        .tenant("acme")
        .then_row(ALL, &AccountCounts { active_users: 1, ..AccountCounts::default() })
        .holds_however_delivered();
}

#[test]
fn a_user_is_called_what_they_last_called_themselves() {
    let told = history::<UserNames>()
        .tenant("globex")
        .registers(ANN, "Globex")
        .tenant("acme")
        .registers(ANN, "Ann")
        .user(ANN, ProfileUpdated { user_id: ANN, name: None, bio: Some("Likes chairs".into()) })
        .leaves(ANN)
        .holds_however_delivered();
    assert_eq!(told.row(ANN).name, "Ann");
    let told = told
        .user(ANN, ProfileUpdated { user_id: ANN, name: Some("Anna".into()), bio: None })
        .holds_however_delivered();
    assert_eq!(told.row(ANN).name, "Anna");
    told.then_no_row(BOB).tenant("globex").then_row(ANN, &UserNameRow { name: "Globex".into() });
}
