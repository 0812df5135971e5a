use super::*;
use crate::scene::*;

fn debts(net: &[(Uuid, i64)]) -> Debts {
    Debts { net: net.iter().copied().collect() }
}

#[test]
fn whoever_owes_most_pays_whom_most_is_owed() {
    let payments = debts(&[(ANN, 700), (BOB, -500), (CAT, -300), (ZOE, 100)]).payments();
    let expected = [
        Payment { from: BOB, to: ANN, amount: 500 },
        Payment { from: CAT, to: ANN, amount: 200 },
        Payment { from: CAT, to: ZOE, amount: 100 },
    ];
    assert_eq!(payments, expected);
}

#[test]
fn nobody_pays_where_nothing_is_owed() {
    assert_eq!(debts(&[]).payments(), []);
    assert_eq!(debts(&[(ANN, 0), (BOB, 0)]).payments(), []);
}
