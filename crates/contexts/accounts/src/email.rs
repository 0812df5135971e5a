//! E-mail addresses: which are well-formed, and which are the same.

use kernel::Violations;

/// The set of addresses that must be unique within a tenant.
pub const EMAILS: &str = "email";

/// What SMTP carries (RFC 5321).
pub(crate) const EMAIL_LONGEST: usize = 254;
const LOCAL_PART_LONGEST: usize = 64;
const LABEL_LONGEST: usize = 63;

/// What makes two addresses the same to a person: neither case nor blanks around them count.
pub fn unique_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether it can be an address is all that its text says; whether it is one, only a message to it does.
pub(crate) fn check_email(violations: &mut Violations, email: &str) {
    violations.line("email", email, EMAIL_LONGEST);
    let email = email.trim();
    violations.require(email.is_empty() || is_well_formed(email), "email", "malformed");
}

/// `local@domain` with a dot in the domain: the addresses that people have, of any script. Quoted local parts and
/// numeric domains are not among them.
fn is_well_formed(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    is_local_part(local) && domain.contains('.') && domain.split('.').all(is_label)
}

fn is_local_part(local: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    local.len() <= LOCAL_PART_LONGEST
        && local.chars().all(allowed)
        && local.split('.').all(|part| !part.is_empty())
}

fn is_label(label: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || c == '-';
    !label.is_empty()
        && label.len() <= LABEL_LONGEST
        && label.chars().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests;
