use kernel::FieldError;
use proptest::prelude::*;

use super::*;

fn wrong_with(email: &str) -> Vec<FieldError> {
    let mut violations = Violations::default();
    check_email(&mut violations, email);
    violations.into_errors()
}

#[test]
fn addresses_that_people_have_are_well_formed() {
    for email in [
        "ann@example.com",
        " ann@example.com ",
        "Ann.O'Hara+news@mail.example.co.uk",
        "a@b.de",
        "用户@例子.中国",
        "jörg@müller-söhne.example",
        "1234567890@example-one.com",
    ] {
        assert_eq!(wrong_with(email), [], "{email}");
    }
}

#[test]
fn what_cannot_be_an_address_is_malformed() {
    for email in [
        "ann",
        "@example.com",
        "ann@",
        "ann@localhost",
        "ann@@example.com",
        "ann@example..com",
        "ann@.example.com",
        "ann@example.com.",
        "ann@-example.com",
        "ann@example-.com",
        ".ann@example.com",
        "ann.@example.com",
        "an..n@example.com",
        "ann smith@example.com",
        "ann@exam ple.com",
        "ann,bob@example.com",
        "<ann@example.com>",
        "ann@example.com, bob@example.com",
        "ann@exa_mple.com",
    ] {
        let codes: Vec<_> = wrong_with(email).into_iter().map(|error| (error.field, error.code)).collect();
        assert_eq!(codes, [("email".to_owned(), "malformed")], "{email}");
    }
    assert!(!is_well_formed(&format!("{}@example.com", "a".repeat(65))));
    assert!(!is_well_formed(&format!("ann@{}.com", "a".repeat(64))));
}

proptest! {
    #[test]
    fn addresses_that_differ_in_case_only_are_the_same(local in "[a-zA-Z0-9]{1,20}") {
        let email = format!("{local}@Example.com");
        prop_assert_eq!(unique_email(&email), unique_email(&email.to_uppercase()));
        prop_assert_eq!(unique_email(&email), unique_email(&format!(" {}\t", email.to_lowercase())));
    }

    #[test]
    fn no_text_trips_the_check(text in ".*") {
        check_email(&mut Violations::default(), &text);
    }
}
