use proptest::prelude::*;

use super::*;

fn parts(amount: i64, shares: &[u32]) -> Vec<i64> {
    let shares: Vec<_> =
        shares.iter().zip(1..).map(|(share, user)| (Uuid::from_u128(user), *share)).collect();
    by_shares(amount, &shares).into_iter().map(|part| part.amount).collect()
}

#[test]
fn what_is_left_of_equal_parts_goes_to_the_smallest_ids() {
    assert_eq!(parts(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(parts(101, &[1, 1, 1]), [34, 34, 33]);
    assert_eq!(parts(2, &[1, 1, 1]), [1, 1, 0]);
}

#[test]
fn what_is_left_of_shares_goes_where_most_was_cut_off() {
    assert_eq!(parts(100, &[1, 2]), [33, 67]);
    assert_eq!(parts(10, &[1, 1, 4]), [2, 2, 6]);
    assert_eq!(parts(7, &[0, 1, 1]), [0, 4, 3]);
}

#[test]
fn nothing_can_be_split_among_nobody() {
    assert_eq!(parts(100, &[]), [0; 0]);
    assert_eq!(parts(100, &[0, 0]), [0; 0]);
}

proptest! {
    #[test]
    fn parts_sum_exactly_and_nobody_is_off_by_a_whole_unit(
        amount in 0..=crate::limits::AMOUNT_LARGEST,
        shares in prop::collection::vec(0..1_000u32, 1..40),
    ) {
        let whole: i128 = shares.iter().map(|share| i128::from(*share)).sum();
        prop_assume!(whole > 0);
        let parts = parts(amount, &shares);
        prop_assert_eq!(parts.iter().sum::<i64>(), amount);
        for (part, share) in parts.iter().zip(&shares) {
            let off = i128::from(*part) * whole - i128::from(amount) * i128::from(*share);
            prop_assert!(off.abs() < whole, "{part} of {amount} for {share}/{whole}");
        }
    }

    #[test]
    fn equal_parts_of_more_are_nowhere_less(amount in 0..100_000i64, more in 0..1_000i64, count in 1..20usize) {
        let shares = vec![1; count];
        for (part, larger) in parts(amount, &shares).iter().zip(parts(amount + more, &shares)) {
            prop_assert!(*part <= larger);
        }
    }
}
