use std::collections::BTreeMap;

use kernel::testing::{DeciderCase, given, given_nothing};

use super::*;
use crate::Group;
use crate::scene::*;

fn submit() -> SubmitExpense {
    SubmitExpense {
        group_id: GROUP,
        expense_id: Some(DINNER),
        paid_by: ANN,
        amount: euro(1000),
        category: " food ".into(),
        split: Split::Equal,
        description: None,
    }
}

fn shares(shares: &[(Uuid, u32)]) -> Split {
    Split::Shares(shares.iter().copied().collect())
}

fn approve(by: Uuid) -> ApproveExpense {
    ApproveExpense { group_id: GROUP, expense_id: DINNER, by }
}

fn reject(by: Uuid) -> RejectExpense {
    RejectExpense { group_id: GROUP, expense_id: DINNER, by, reason: None }
}

fn nothing_yet() -> DeciderCase<Expense> {
    given_nothing::<Expense>().and_stream::<Group, _>(GROUP, three())
}

fn told<E: Into<ExpenseEvent>>(events: impl IntoIterator<Item = E>) -> DeciderCase<Expense> {
    given::<Expense, _>(events).and_stream::<Group, _>(GROUP, three())
}

#[test]
fn an_expense_is_split_among_all_members_to_the_last_unit() {
    let parts =
        [(ANN, 334), (BOB, 333), (CAT, 333)].map(|(user_id, amount)| Part { user_id, amount }).to_vec();
    nothing_yet().when(&submit()).then([ExpenseSubmitted { parts, ..submitted(DINNER, ANN, 1000) }]);
    let unnamed = SubmitExpense { expense_id: None, ..submit() };
    nothing_yet().made_id(DINNER).when(&unnamed).then([submitted(DINNER, ANN, 1000)]);
}

#[test]
fn an_expense_is_split_by_shares_among_those_who_have_some() {
    let parts = vec![Part { user_id: BOB, amount: 333 }, Part { user_id: CAT, amount: 667 }];
    nothing_yet()
        .when(&SubmitExpense { split: shares(&[(BOB, 1), (CAT, 2), (ANN, 0)]), ..submit() })
        .then([ExpenseSubmitted { parts, ..submitted(DINNER, ANN, 1000) }]);
}

#[test]
fn a_split_is_equal_or_by_shares() {
    let read = |json: &str| serde_json::from_str::<Split>(json);
    assert_eq!(read("\"equal\"").unwrap(), Split::Equal);
    assert_eq!(read(&format!("{{\"shares\":{{\"{ANN}\":2}}}}")).unwrap(), shares(&[(ANN, 2)]));
    assert!(read("\"somehow\"").is_err());
}

#[test]
fn shares_are_some_and_not_too_many() {
    for (split, code) in [
        (shares(&[]), "empty"),
        (shares(&[(ANN, 0)]), "empty"),
        (shares(&[(ANN, 1_000_001)]), "too-large"),
        (
            Split::Shares((0..201).map(|user| (Uuid::from_u128(user), 1)).collect::<BTreeMap<_, _>>()),
            "too-many",
        ),
    ] {
        nothing_yet().when(&SubmitExpense { split, ..submit() }).then_invalid("split.shares", code);
    }
}

#[test]
fn an_expense_is_above_zero_and_in_a_category() {
    nothing_yet()
        .when(&SubmitExpense { amount: euro(0), ..submit() })
        .then_invalid("amount.amount", "not-positive");
    nothing_yet().when(&SubmitExpense { category: " ".into(), ..submit() }).then_invalid("category", "empty");
    let novel = Some("x".repeat(1_001));
    nothing_yet()
        .when(&SubmitExpense { description: novel, ..submit() })
        .then_invalid("description", "too-long");
    let novel = Some("x".repeat(1_001));
    nothing_yet().when(&RejectExpense { reason: novel, ..reject(BOB) }).then_invalid("reason", "too-long");
}

#[test]
fn it_is_submitted_by_the_member_who_asks_or_in_the_name_of_who_paid() {
    nothing_yet()
        .asked_by(&BOB.to_string())
        .when(&submit())
        .then([ExpenseSubmitted { submitted_by: BOB, ..submitted(DINNER, ANN, 1000) }]);
    for actor in ["an agent", &ZOE.to_string()] {
        nothing_yet().asked_by(actor).when(&submit()).then([submitted(DINNER, ANN, 1000)]);
    }
}

#[test]
fn only_members_pay_and_are_paid_for() {
    let refused = &ExpenseRejection::NotAMember;
    nothing_yet().when(&SubmitExpense { paid_by: ZOE, ..submit() }).then_refused(refused);
    let split = shares(&[(ANN, 1), (ZOE, 1)]);
    nothing_yet().when(&SubmitExpense { split, ..submit() }).then_refused(refused);
    told([submitted(DINNER, ANN, 1000)]).when(&approve(ZOE)).then_refused(refused);
    told([submitted(DINNER, ANN, 1000)]).when(&reject(ZOE)).then_refused(refused);
}

#[test]
fn an_expense_is_in_the_groups_currency() {
    let foreign = SubmitExpense { amount: dollar(1000), ..submit() };
    nothing_yet().when(&foreign).then_refused(&ExpenseRejection::CurrencyMismatch);
}

#[test]
fn an_id_that_is_in_use_makes_no_second_expense() {
    told([submitted(DINNER, ANN, 1)]).when(&submit()).then_refused(&ExpenseRejection::ExpenseExists);
}

#[test]
fn another_member_decides() {
    told([submitted(DINNER, ANN, 1000)]).when(&approve(BOB)).then([approved(DINNER, ANN, 1000, BOB)]);
    told([submitted(DINNER, ANN, 1000)]).when(&reject(BOB)).then([rejected(DINNER, 1000, BOB)]);
}

#[test]
fn whoever_submitted_it_does_not_decide() {
    let by_bob = ExpenseSubmitted { submitted_by: BOB, ..submitted(DINNER, ANN, 1000) };
    told([by_bob.clone()]).when(&approve(BOB)).then_refused(&ExpenseRejection::SelfApproval);
    told([by_bob]).when(&reject(BOB)).then_refused(&ExpenseRejection::SelfApproval);
    told([submitted(DINNER, ANN, 1000)]).when(&approve(ANN)).then_refused(&ExpenseRejection::SelfApproval);
}

#[test]
fn it_is_decided_once() {
    let rejected: [ExpenseEvent; 2] = [submitted(DINNER, ANN, 9).into(), rejected(DINNER, 9, BOB).into()];
    for decided in [counted(DINNER, ANN, 9), rejected.to_vec()] {
        told(decided.clone()).when(&approve(CAT)).then_refused(&ExpenseRejection::AlreadyDecided);
        told(decided).when(&reject(CAT)).then_refused(&ExpenseRejection::AlreadyDecided);
    }
    nothing_yet().when(&approve(CAT)).then_refused(&ExpenseRejection::UnknownExpense);
    nothing_yet().when(&reject(CAT)).then_refused(&ExpenseRejection::UnknownExpense);
}

#[test]
fn a_group_that_has_settled_up_has_no_more_expenses() {
    let after =
        |events: Vec<ExpenseEvent>| given::<Expense, _>(events).and_stream::<Group, _>(GROUP, closed());
    after(Vec::new()).when(&submit()).then_refused(&ExpenseRejection::GroupClosed);
    after(vec![submitted(DINNER, ANN, 9).into()])
        .when(&approve(BOB))
        .then_refused(&ExpenseRejection::GroupClosed);
    after(vec![submitted(DINNER, ANN, 9).into()])
        .when(&reject(BOB))
        .then_refused(&ExpenseRejection::GroupClosed);
    given_nothing::<Expense>().when(&submit()).then_refused(&ExpenseRejection::UnknownGroup);
}
