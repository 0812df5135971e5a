use kernel::Secret;
use kernel::testing::{given, given_nothing};
use uuid::Uuid;

use super::UserRejection::{Deactivated, EmailTaken, Suspended, UnknownUser, UserExists};
use super::*;

const ANN: Uuid = Uuid::from_u128(0xa1);
const PASSWORD: &str = "correct horse battery";

fn registered() -> UserEvent {
    UserRegistered { user_id: ANN, email: "Ann@Example.com".into(), name: "Ann".into() }.into()
}

fn left() -> UserEvent {
    UserDeactivated { user_id: ANN, reason: None }.into()
}

fn shut_out() -> UserEvent {
    UserSuspended { user_id: ANN, reason: None, was_inactive: false }.into()
}

fn back(was_suspended: bool) -> UserEvent {
    UserReactivated { user_id: ANN, was_suspended }.into()
}

fn register() -> RegisterUser {
    RegisterUser {
        user_id: Some(ANN),
        email: "Ann@Example.com".into(),
        name: "Ann".into(),
        password: Secret::new(PASSWORD),
    }
}

fn rename(name: &str) -> UpdateProfile {
    UpdateProfile { user_id: ANN, name: Some(name.into()), bio: None }
}

fn change_password(password: &str) -> ChangePassword {
    ChangePassword { user_id: ANN, password: Secret::new(password) }
}

fn deactivate() -> DeactivateUser {
    DeactivateUser { user_id: ANN, reason: None }
}

fn reactivate() -> ReactivateUser {
    ReactivateUser { user_id: ANN }
}

fn suspend() -> SuspendUser {
    SuspendUser { user_id: ANN, reason: Some(" spam ".into()) }
}

#[test]
fn a_user_is_registered_under_an_address_that_no_other_has_whatever_its_case() {
    given_nothing::<User>().when(&register()).then([registered()]).and_claims(
        "email",
        "ann@example.com",
        EmailTaken,
    );
}

#[test]
fn a_password_is_handed_over_beside_the_event_and_is_not_in_it() {
    let outcome = given_nothing::<User>().when(&register()).and_password(PASSWORD);
    assert!(!format!("{outcome:?}").contains("horse"));
    assert!(!format!("{:?}", register()).contains("horse"));
}

#[test]
fn a_user_without_an_id_gets_the_one_that_was_made_for_them() {
    given_nothing::<User>()
        .made_id(ANN)
        .when(&RegisterUser { user_id: None, ..register() })
        .then([registered()]);
}

#[test]
fn an_id_that_is_in_use_makes_no_second_user() {
    for history in [vec![registered()], vec![registered(), left()], vec![registered(), shut_out()]] {
        given::<User, _>(history).when(&register()).then_refused(&UserExists);
    }
}

#[test]
fn address_and_name_are_kept_without_the_blanks_around_them() {
    let blanks = RegisterUser { email: " Ann@Example.com ".into(), name: " Ann\u{a0}".into(), ..register() };
    given_nothing::<User>().when(&blanks).then([registered()]).and_claims(
        "email",
        "ann@example.com",
        EmailTaken,
    );
}

#[test]
fn an_address_has_to_be_well_formed() {
    for (email, code) in [("", "empty"), ("ann", "malformed"), ("ann@", "malformed")] {
        given_nothing::<User>()
            .when(&RegisterUser { email: email.into(), ..register() })
            .then_invalid("email", code);
    }
    let long = format!("ann@{}com", "example.".repeat(40));
    given_nothing::<User>()
        .when(&RegisterUser { email: long, ..register() })
        .then_invalid("email", "too-long");
}

#[test]
fn a_name_has_to_say_something_on_one_line_and_not_too_much() {
    for (name, code) in
        [("".to_owned(), "empty"), ("x".repeat(201), "too-long"), ("Ann\nSmith".into(), "control-character")]
    {
        given_nothing::<User>()
            .when(&RegisterUser { name: name.clone(), ..register() })
            .then_invalid("name", code);
        given::<User, _>([registered()]).when(&rename(&name)).then_invalid("name", code);
    }
}

#[test]
fn a_password_has_at_least_twelve_characters() {
    for (password, code) in [
        ("elevenchars".to_owned(), "too-short"),
        ("élévénchårs".into(), "too-short"),
        ("x".repeat(1001), "too-long"),
        ("twelve chars\0".into(), "control-character"),
    ] {
        let command = RegisterUser { password: Secret::new(password.clone()), ..register() };
        given_nothing::<User>().when(&command).then_invalid("password", code);
        given::<User, _>([registered()]).when(&change_password(&password)).then_invalid("password", code);
    }
    for password in ["twelve chars", "            ", "zwölf zeichen", &"x".repeat(1000)] {
        given_nothing::<User>()
            .when(&RegisterUser { password: Secret::new(password), ..register() })
            .and_password(password);
    }
}

#[test]
fn a_profile_changes_in_what_is_named_and_stays_in_the_rest() {
    let updated = |name: Option<&str>, bio: Option<&str>| ProfileUpdated {
        user_id: ANN,
        name: name.map(Into::into),
        bio: bio.map(Into::into),
    };
    given::<User, _>([registered()]).when(&rename(" Anna ")).then([updated(Some("Anna"), None)]);
    let bio = UpdateProfile { user_id: ANN, name: Some("Ann".into()), bio: Some("Likes\nchairs".into()) };
    given::<User, _>([registered()]).when(&bio).then([updated(None, Some("Likes\nchairs"))]);
    let before = [registered(), updated(Some("Anna"), Some("Likes chairs")).into()];
    let cleared = UpdateProfile { user_id: ANN, name: None, bio: Some(String::new()) };
    given::<User, _>(before).when(&cleared).then([updated(None, Some(""))]);
}

#[test]
fn a_profile_that_says_so_already_is_not_changed() {
    given::<User, _>([registered()]).when(&rename("Ann ")).then_nothing();
    given::<User, _>([registered()])
        .when(&UpdateProfile { user_id: ANN, name: None, bio: None })
        .then_nothing();
}

#[test]
fn words_about_oneself_have_an_end_and_no_control_characters() {
    for (bio, code) in [("x".repeat(2001), "too-long"), ("bell\u{7}".into(), "control-character")] {
        given::<User, _>([registered()])
            .when(&UpdateProfile { user_id: ANN, name: None, bio: Some(bio) })
            .then_invalid("bio", code);
    }
}

#[test]
fn a_changed_password_is_an_event_that_does_not_say_which() {
    given::<User, _>([registered()])
        .when(&change_password("another passphrase"))
        .then([PasswordChanged { user_id: ANN }])
        .and_password("another passphrase");
}

#[test]
fn who_does_not_exist_cannot_be_changed() {
    given_nothing::<User>().when(&rename("Anna")).then_refused(&UnknownUser);
    given_nothing::<User>().when(&change_password(PASSWORD)).then_refused(&UnknownUser);
    given_nothing::<User>().when(&deactivate()).then_refused(&UnknownUser);
    given_nothing::<User>().when(&reactivate()).then_refused(&UnknownUser);
    given_nothing::<User>().when(&suspend()).then_refused(&UnknownUser);
}

#[test]
fn who_left_is_not_changed_until_they_are_back() {
    given::<User, _>([registered(), left()]).when(&rename("Anna")).then_refused(&Deactivated);
    given::<User, _>([registered(), left()]).when(&change_password(PASSWORD)).then_refused(&Deactivated);
    let updated = ProfileUpdated { user_id: ANN, name: Some("Anna".into()), bio: None };
    given::<User, _>([registered(), left(), back(false)]).when(&rename("Anna")).then([updated]);
}

#[test]
fn who_was_shut_out_is_not_changed_until_they_are_let_in() {
    given::<User, _>([registered(), shut_out()]).when(&rename("Anna")).then_refused(&Suspended);
    given::<User, _>([registered(), shut_out()]).when(&change_password(PASSWORD)).then_refused(&Suspended);
}

#[test]
fn a_user_leaves_once() {
    given::<User, _>([registered()]).when(&deactivate()).then([left()]);
    given::<User, _>([registered(), left()]).when(&deactivate()).then_nothing();
}

#[test]
fn who_was_shut_out_cannot_leave_and_come_back() {
    given::<User, _>([registered(), shut_out()]).when(&deactivate()).then_refused(&Suspended);
}

#[test]
fn a_user_comes_back_from_wherever_they_were() {
    given::<User, _>([registered(), left()]).when(&reactivate()).then([back(false)]);
    given::<User, _>([registered(), shut_out()]).when(&reactivate()).then([back(true)]);
    given::<User, _>([registered()]).when(&reactivate()).then_nothing();
}

#[test]
fn a_user_is_shut_out_once_whether_they_are_there_or_not() {
    let suspended = |was_inactive| UserSuspended { user_id: ANN, reason: Some("spam".into()), was_inactive };
    given::<User, _>([registered()]).when(&suspend()).then([suspended(false)]);
    given::<User, _>([registered(), left()]).when(&suspend()).then([suspended(true)]);
    given::<User, _>([registered(), shut_out()]).when(&suspend()).then_nothing();
}

#[test]
fn a_reason_has_to_say_something_on_one_line_and_not_too_much() {
    for (reason, code) in [(" ".to_owned(), "empty"), ("x".repeat(501), "too-long")] {
        let reason = Some(reason);
        given::<User, _>([registered()])
            .when(&DeactivateUser { user_id: ANN, reason: reason.clone() })
            .then_invalid("reason", code);
        given::<User, _>([registered()])
            .when(&SuspendUser { user_id: ANN, reason })
            .then_invalid("reason", code);
    }
}

#[test]
fn codes_are_what_clients_switch_on() {
    let codes = [UserExists, EmailTaken, UnknownUser, Deactivated, Suspended];
    assert_eq!(
        codes.map(|it| kernel::Rejection::code(&it)),
        ["user-exists", "email-taken", "unknown-user", "deactivated", "suspended"]
    );
}
