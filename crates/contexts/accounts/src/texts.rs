//! How long the accounts' texts may be.

use kernel::{Secret, Violations};

pub(crate) const NAME_LONGEST: usize = 200;
pub(crate) const BIO_LONGEST: usize = 2_000;
pub(crate) const TITLE_LONGEST: usize = 300;
pub(crate) const REASON_LONGEST: usize = 500;

pub(crate) const PASSWORD_SHORTEST: usize = 12;
/// Far above any passphrase; a bound to what one request can make the service hash.
pub(crate) const PASSWORD_LONGEST: usize = 1_000;

/// A text as it is written down: without the blanks around it.
pub(crate) fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

/// Characters are counted and blanks are characters: a passphrase is taken as it was typed.
pub(crate) fn check_password(violations: &mut Violations, password: &Secret) {
    let password = password.expose();
    let length = password.chars().count();
    violations.require(length >= PASSWORD_SHORTEST, "password", "too-short");
    violations.require(length <= PASSWORD_LONGEST, "password", "too-long");
    violations.require(!password.chars().any(char::is_control), "password", "control-character");
}

pub(crate) fn check_reason(violations: &mut Violations, reason: Option<&str>) {
    if let Some(reason) = reason {
        violations.line("reason", reason, REASON_LONGEST);
    }
}
