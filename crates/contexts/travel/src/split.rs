//! Splitting amounts to the last minor unit.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One member's part of an amount, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Part {
    /// Whose.
    pub user_id: Uuid,
    /// How much, in minor units of the group's currency.
    pub amount: i64,
}

/// Splits an amount by shares, so that the parts sum to it exactly.
///
/// The remainder rule: everybody gets the whole minor units of what is due to them, rounded down. What is left, less
/// than one unit for each, is given out one unit at a time: first to whom the largest fraction was cut off, and of
/// equal fractions to the smaller user id. In equal parts, the members with the smallest ids so pay one unit more.
pub(crate) fn by_shares(amount: i64, shares: &[(Uuid, u32)]) -> Vec<Part> {
    let whole: i128 = shares.iter().map(|(_, share)| i128::from(*share)).sum();
    if whole == 0 {
        return Vec::new();
    }
    let mut dues: Vec<(Uuid, i64, i128)> = shares
        .iter()
        .map(|(user, share)| {
            let due = i128::from(amount) * i128::from(*share);
            // A part of an amount is no larger than the amount.
            (*user, i64::try_from(due.div_euclid(whole)).unwrap_or(amount), due.rem_euclid(whole))
        })
        .collect();
    let left = amount - dues.iter().map(|(_, part, _)| part).sum::<i64>();
    dues.sort_by(|(user, _, cut), (other, _, other_cut)| other_cut.cmp(cut).then(user.cmp(other)));
    for (_, part, _) in dues.iter_mut().take(usize::try_from(left).unwrap_or(0)) {
        *part += 1;
    }
    dues.sort_by_key(|(user, _, _)| *user);
    dues.into_iter().map(|(user_id, amount, _)| Part { user_id, amount }).collect()
}

/// Splits an amount into equal parts.
pub(crate) fn equally(amount: i64, among: impl IntoIterator<Item = Uuid>) -> Vec<Part> {
    let shares: Vec<_> = among.into_iter().map(|user| (user, 1)).collect();
    by_shares(amount, &shares)
}

#[cfg(test)]
mod tests;
