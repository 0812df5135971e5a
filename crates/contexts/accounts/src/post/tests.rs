use kernel::testing::{DeciderCase, given, given_nothing};
use uuid::Uuid;

use super::PostRejection::{Deactivated, NotTheAuthor, PostExists, Suspended, UnknownPost, UnknownUser};
use super::*;
use crate::{User, UserDeactivated, UserEvent, UserRegistered, UserSuspended};

const ANN: Uuid = Uuid::from_u128(0xa1);
const BOB: Uuid = Uuid::from_u128(0xb1);
const POST: Uuid = Uuid::from_u128(0x11);

fn registered(user_id: Uuid) -> UserEvent {
    UserRegistered { user_id, email: format!("{user_id}@example.com"), name: "Somebody".into() }.into()
}

fn published() -> PostPublished {
    PostPublished { post_id: POST, user_id: ANN, title: "On chairs".into() }
}

fn removed() -> PostRemoved {
    PostRemoved { post_id: POST, user_id: ANN }
}

fn publish() -> PublishPost {
    PublishPost { user_id: ANN, post_id: Some(POST), title: " On chairs ".into() }
}

fn remove(user_id: Uuid) -> RemovePost {
    RemovePost { user_id, post_id: POST }
}

fn nothing_of_ann() -> DeciderCase<Post> {
    given_nothing::<Post>().and_stream::<User, _>(ANN, [registered(ANN)])
}

fn a_post_of_ann() -> DeciderCase<Post> {
    let users = given::<Post, _>([published()]).and_stream::<User, _>(ANN, [registered(ANN)]);
    users.and_stream::<User, _>(BOB, [registered(BOB)])
}

fn a_removed_post_of_ann() -> DeciderCase<Post> {
    let users = given::<Post, PostEvent>([published().into(), removed().into()])
        .and_stream::<User, _>(ANN, [registered(ANN)]);
    users.and_stream::<User, _>(BOB, [registered(BOB)])
}

#[test]
fn an_active_user_publishes() {
    nothing_of_ann().when(&publish()).then([published()]);
}

#[test]
fn a_post_without_an_id_gets_the_one_that_was_made_for_it() {
    nothing_of_ann().made_id(POST).when(&PublishPost { post_id: None, ..publish() }).then([published()]);
}

#[test]
fn an_id_that_is_in_use_makes_no_second_post() {
    a_post_of_ann().when(&publish()).then_refused(&PostExists);
    a_removed_post_of_ann().when(&publish()).then_refused(&PostExists);
}

#[test]
fn who_does_not_exist_publishes_nothing() {
    given_nothing::<Post>().when(&publish()).then_refused(&UnknownUser);
    given_nothing::<Post>().when(&remove(ANN)).then_refused(&UnknownUser);
}

#[test]
fn who_left_or_was_shut_out_publishes_and_removes_nothing() {
    let left = UserDeactivated { user_id: ANN, reason: None };
    let shut_out = UserSuspended { user_id: ANN, reason: None, was_inactive: false };
    for (last, refused) in [(UserEvent::from(left), Deactivated), (shut_out.into(), Suspended)] {
        let history = [registered(ANN), last];
        given_nothing::<Post>()
            .and_stream::<User, _>(ANN, history.clone())
            .when(&publish())
            .then_refused(&refused);
        given::<Post, _>([published()])
            .and_stream::<User, _>(ANN, history)
            .when(&remove(ANN))
            .then_refused(&refused);
    }
}

#[test]
fn a_title_has_to_say_something_on_one_line_and_not_too_much() {
    for (title, code) in
        [(" ".to_owned(), "empty"), ("x".repeat(301), "too-long"), ("a\tb".into(), "control-character")]
    {
        nothing_of_ann().when(&PublishPost { title, ..publish() }).then_invalid("title", code);
    }
}

#[test]
fn a_post_is_removed_by_who_published_it() {
    a_post_of_ann().when(&remove(ANN)).then([removed()]);
    a_post_of_ann().when(&remove(BOB)).then_refused(&NotTheAuthor);
}

#[test]
fn removing_a_post_twice_changes_nothing() {
    a_removed_post_of_ann().when(&remove(ANN)).then_nothing();
    a_removed_post_of_ann().when(&remove(BOB)).then_refused(&NotTheAuthor);
}

#[test]
fn what_was_never_published_cannot_be_removed() {
    nothing_of_ann().when(&remove(ANN)).then_refused(&UnknownPost);
}

#[test]
fn codes_are_what_clients_switch_on() {
    let codes = [PostExists, UnknownPost, NotTheAuthor, UnknownUser, Deactivated, Suspended];
    assert_eq!(
        codes.map(|it| kernel::Rejection::code(&it)),
        ["post-exists", "unknown-post", "not-the-author", "unknown-user", "deactivated", "suspended"]
    );
}
