use kernel::Command;
use kernel::testing::{DeciderCase, given, given_nothing};
use uuid::Uuid;

use super::FollowingRejection::{Deactivated, SelfFollow, Suspended, UnknownUser};
use super::*;
use crate::{User, UserDeactivated, UserEvent, UserRegistered, UserSuspended};

const ANN: Uuid = Uuid::from_u128(0xa1);
const BOB: Uuid = Uuid::from_u128(0xb1);

fn registered(user_id: Uuid) -> UserEvent {
    UserRegistered { user_id, email: format!("{user_id}@example.com"), name: "Somebody".into() }.into()
}

fn left(user_id: Uuid) -> UserEvent {
    UserDeactivated { user_id, reason: None }.into()
}

fn shut_out(user_id: Uuid) -> UserEvent {
    UserSuspended { user_id, reason: None, was_inactive: false }.into()
}

fn followed() -> FollowingEvent {
    UserFollowed { user_id: ANN, followed_id: BOB }.into()
}

fn unfollowed() -> FollowingEvent {
    UserUnfollowed { user_id: ANN, followed_id: BOB }.into()
}

const FOLLOW: FollowUser = FollowUser { user_id: ANN, followed_id: BOB };
const UNFOLLOW: UnfollowUser = UnfollowUser { user_id: ANN, followed_id: BOB };

/// Ann and Bob are users, and this has happened between them.
fn between(history: impl IntoIterator<Item = FollowingEvent>) -> DeciderCase<Following> {
    with_users([registered(ANN)], [registered(BOB)], history)
}

fn with_users(
    ann: impl IntoIterator<Item = UserEvent>,
    bob: impl IntoIterator<Item = UserEvent>,
    history: impl IntoIterator<Item = FollowingEvent>,
) -> DeciderCase<Following> {
    given::<Following, _>(history).and_stream::<User, _>(ANN, ann).and_stream::<User, _>(BOB, bob)
}

#[test]
fn one_user_follows_another() {
    between([]).when(&FOLLOW).then([followed()]);
}

#[test]
fn following_twice_changes_nothing() {
    between([followed()]).when(&FOLLOW).then_nothing();
}

#[test]
fn who_stopped_following_may_follow_again() {
    between([followed(), unfollowed()]).when(&FOLLOW).then([followed()]);
}

#[test]
fn nobody_follows_themselves() {
    let oneself = given_nothing::<Following>().and_stream::<User, _>(ANN, [registered(ANN)]);
    oneself.clone().when(&FollowUser { user_id: ANN, followed_id: ANN }).then_refused(&SelfFollow);
    oneself.when(&UnfollowUser { user_id: ANN, followed_id: ANN }).then_refused(&SelfFollow);
}

#[test]
fn both_have_to_be_users() {
    with_users([], [registered(BOB)], []).when(&FOLLOW).then_refused(&UnknownUser);
    with_users([registered(ANN)], [], []).when(&FOLLOW).then_refused(&UnknownUser);
    with_users([], [registered(BOB)], []).when(&UNFOLLOW).then_refused(&UnknownUser);
}

#[test]
fn who_left_or_was_shut_out_neither_follows_nor_is_followed_anew() {
    for (last, refused) in [(left as fn(Uuid) -> UserEvent, Deactivated), (shut_out, Suspended)] {
        with_users([registered(ANN), last(ANN)], [registered(BOB)], []).when(&FOLLOW).then_refused(&refused);
        with_users([registered(ANN)], [registered(BOB), last(BOB)], []).when(&FOLLOW).then_refused(&refused);
        with_users([registered(ANN), last(ANN)], [registered(BOB)], [followed()])
            .when(&UNFOLLOW)
            .then_refused(&refused);
    }
}

#[test]
fn a_following_ends_whatever_has_become_of_who_was_followed() {
    with_users([registered(ANN)], [registered(BOB), left(BOB)], [followed()])
        .when(&UNFOLLOW)
        .then([unfollowed()]);
}

#[test]
fn a_following_that_is_none_does_not_end() {
    between([]).when(&UNFOLLOW).then_nothing();
    between([followed(), unfollowed()]).when(&UNFOLLOW).then_nothing();
}

#[test]
fn each_pair_has_a_stream_of_its_own_and_so_has_the_other_way_round() {
    assert_eq!(FOLLOW.stream_id(), UNFOLLOW.stream_id());
    assert_ne!(Following::id(ANN, BOB), Following::id(BOB, ANN));
    assert_eq!(Following::id(ANN, BOB).get_version_num(), 5);
}

#[test]
fn codes_are_what_clients_switch_on() {
    let codes = [SelfFollow, UnknownUser, Deactivated, Suspended].map(|it| kernel::Rejection::code(&it));
    assert_eq!(codes, ["self-follow", "unknown-user", "deactivated", "suspended"]);
}
