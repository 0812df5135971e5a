//! How long the catalog's texts and numbers may be, and how names are written down.

use kernel::Violations;

pub(crate) const CATEGORY_NAME_LONGEST: usize = 100;
pub(crate) const PRODUCT_NAME_LONGEST: usize = 200;
pub(crate) const DESCRIPTION_LONGEST: usize = 10_000;
pub(crate) const SKU_LONGEST: usize = 64;
pub(crate) const LOCATION_LONGEST: usize = 64;
pub(crate) const REASON_LONGEST: usize = 500;

pub(crate) const ATTRIBUTES_MOST: usize = 32;
pub(crate) const ATTRIBUTE_NAME_LONGEST: usize = 64;
pub(crate) const ATTRIBUTE_VALUE_LONGEST: usize = 500;

/// Far above any price, far below where sums of prices would wrap.
pub(crate) const PRICE_LARGEST: i64 = 1_000_000_000_000;
/// Far above any delivery, far below where sums of deliveries would wrap.
pub(crate) const QUANTITY_LARGEST: i64 = 1_000_000_000;

/// A name as it is written down: without the blanks around it.
pub(crate) fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

pub(crate) fn check_location(violations: &mut Violations, field: &str, location: &str) {
    violations.line(field, location, LOCATION_LONGEST);
}

pub(crate) fn check_quantity(violations: &mut Violations, quantity: i64) {
    violations.positive("quantity", quantity, QUANTITY_LARGEST);
}

pub(crate) fn check_reason(violations: &mut Violations, reason: &str) {
    violations.line("reason", reason, REASON_LONGEST);
}
