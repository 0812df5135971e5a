use kernel::testing::{given, given_nothing};
use uuid::Uuid;

use super::CategoryRejection::{CategoryExists, CategoryNameTaken, UnknownCategory};
use super::*;

const CHAIRS: Uuid = Uuid::from_u128(0xc1);

fn created(name: &str) -> CategoryCreated {
    CategoryCreated { category_id: CHAIRS, name: name.into() }
}

fn renamed(name: &str) -> CategoryRenamed {
    CategoryRenamed { category_id: CHAIRS, name: name.into() }
}

fn create(name: &str) -> CreateCategory {
    CreateCategory { category_id: Some(CHAIRS), name: name.into() }
}

fn rename(name: &str) -> RenameCategory {
    RenameCategory { category_id: CHAIRS, name: name.into() }
}

#[test]
fn a_category_is_created_under_a_name_that_no_other_has() {
    given_nothing::<Category>().when(&create("Chairs")).then([created("Chairs")]).and_claims(
        "category-name",
        "chairs",
        CategoryNameTaken,
    );
}

#[test]
fn a_category_without_an_id_gets_the_one_that_was_made_for_it() {
    given_nothing::<Category>()
        .made_id(CHAIRS)
        .when(&CreateCategory { category_id: None, name: "Chairs".into() })
        .then([created("Chairs")]);
}

#[test]
fn a_name_is_kept_without_the_blanks_around_it() {
    given_nothing::<Category>().when(&create("  Chairs ")).then([created("Chairs")]);
}

#[test]
fn names_that_differ_in_case_or_blanks_only_are_the_same_name() {
    for name in ["garden chairs", " Garden  Chairs", "GARDEN\u{a0}CHAIRS"] {
        given_nothing::<Category>().when(&create(name)).and_claims(
            "category-name",
            "garden chairs",
            CategoryNameTaken,
        );
    }
}

#[test]
fn an_id_that_is_in_use_makes_no_second_category() {
    given::<Category, _>([created("Chairs")]).when(&create("Tables")).then_refused(&CategoryExists);
}

#[test]
fn a_rename_takes_the_new_name_and_frees_the_old() {
    given::<Category, _>([created("Chairs")])
        .when(&rename("Seats"))
        .then([renamed("Seats")])
        .and_releases("category-name", "chairs")
        .and_claims("category-name", "seats", CategoryNameTaken);
}

#[test]
fn the_latest_name_is_the_one_that_a_rename_frees() {
    given::<Category, CategoryEvent>([created("Chairs").into(), renamed("Seats").into()])
        .when(&rename("Benches"))
        .then([renamed("Benches")])
        .and_releases("category-name", "seats");
}

#[test]
fn a_rename_that_changes_the_case_only_keeps_the_name_taken() {
    let outcome = given::<Category, _>([created("chairs")]).when(&rename("Chairs")).then([renamed("Chairs")]);
    let kernel::testing::Outcome::Decided(decision) = outcome else { panic!("it was refused") };
    assert_eq!(decision.claims, []);
}

#[test]
fn a_rename_to_the_name_that_it_has_changes_nothing() {
    given::<Category, _>([created("Chairs")]).when(&rename(" Chairs ")).then_nothing();
}

#[test]
fn what_does_not_exist_cannot_be_renamed() {
    given_nothing::<Category>().when(&rename("Seats")).then_refused(&UnknownCategory);
}

#[test]
fn a_name_has_to_say_something_on_one_line_and_not_too_much() {
    for (name, code) in
        [("".to_owned(), "empty"), (" \u{3000}".into(), "empty"), ("x".repeat(101), "too-long")]
    {
        given_nothing::<Category>().when(&create(&name)).then_invalid("name", code);
        given::<Category, _>([created("Chairs")]).when(&rename(&name)).then_invalid("name", code);
    }
    given_nothing::<Category>().when(&create("Chairs\0")).then_invalid("name", "control-character");
    given_nothing::<Category>().when(&create("Chairs\nTables")).then_invalid("name", "control-character");
}

#[test]
fn codes_are_what_clients_switch_on() {
    let codes = [CategoryExists, UnknownCategory, CategoryNameTaken].map(|it| kernel::Rejection::code(&it));
    assert_eq!(codes, ["category-exists", "unknown-category", "category-name-taken"]);
}
