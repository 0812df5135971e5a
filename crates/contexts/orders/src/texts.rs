//! How long texts and how large numbers may be.

use kernel::Violations;

pub(crate) const REASON_LONGEST: usize = 500;
pub(crate) const CARRIER_LONGEST: usize = 100;
pub(crate) const TRACKING_CODE_LONGEST: usize = 100;
pub(crate) const RECEIVED_BY_LONGEST: usize = 200;

/// Far above any order, far below where sums of orders would wrap.
pub(crate) const QUANTITY_LARGEST: i64 = 1_000_000_000;
/// Far above any price, and any order; far below where a day's orders would wrap.
pub(crate) const PRICE_LARGEST: i64 = 1_000_000_000_000;
pub(crate) const TOTAL_LARGEST: i64 = PRICE_LARGEST;

/// A text as it is written down: without the blanks around it.
pub(crate) fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

pub(crate) fn check_reason(violations: &mut Violations, reason: &str) {
    violations.line("reason", reason, REASON_LONGEST);
}

/// A line of text that may be left out.
pub(crate) fn check_line(violations: &mut Violations, field: &str, text: Option<&String>, longest: usize) {
    if let Some(text) = text {
        violations.line(field, text, longest);
    }
}
