//! How long texts may be, how large numbers, and how many of each thing there may be.

use kernel::{Money, Violations};

pub(crate) const NAME_LONGEST: usize = 100;
pub(crate) const TITLE_LONGEST: usize = 200;
pub(crate) const PLACE_LONGEST: usize = 200;
pub(crate) const CATEGORY_LONGEST: usize = 64;
pub(crate) const ROOM_TYPE_LONGEST: usize = 64;
pub(crate) const DESCRIPTION_LONGEST: usize = 1_000;

/// So that everything that is owed in a group can be told in one event.
pub(crate) const MEMBERS_MOST: usize = 200;
pub(crate) const CATEGORIES_MOST: usize = 200;
pub(crate) const ROOM_TYPES_MOST: usize = 100;
pub(crate) const ROOMS_MOST: i64 = 5_000;
pub(crate) const NIGHTS_MOST: i32 = 60;
pub(crate) const TRIP_DAYS_MOST: i32 = 3_660;
pub(crate) const SHARES_LARGEST: u32 = 1_000_000;

/// Far above any amount, far below where sums of amounts would wrap.
pub(crate) const AMOUNT_LARGEST: i64 = 1_000_000_000_000;

/// A text as it is written down: without the blanks around it.
pub(crate) fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

pub(crate) fn check_amount(violations: &mut Violations, field: &str, money: &Money) {
    violations.positive(&format!("{field}.amount"), money.amount, AMOUNT_LARGEST);
}
