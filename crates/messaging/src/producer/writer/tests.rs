use super::*;

fn after(reports: &[(u64, Result<i64, MessagingError>)]) -> Delivered {
    let route = Route::default();
    for (number, outcome) in reports {
        route.report(*number, outcome.clone());
    }
    route.delivered().clone()
}

#[test]
fn acknowledgements_in_turn_move_the_end_forward() {
    let delivered = after(&[(1, Ok(10)), (2, Ok(11)), (3, Ok(15))]);
    assert_eq!(delivered, Delivered { through: 3, located: Some((3, 15)), failure: None });
}

#[test]
fn nothing_after_the_first_failure_counts() {
    let lost = MessagingError::Unavailable("away".to_owned());
    let delivered = after(&[(1, Ok(10)), (2, Err(lost.clone())), (3, Ok(12))]);
    assert_eq!(delivered.through, 1);
    assert_eq!(delivered.failure, Some(DeliveryFailure::NotAcknowledged(lost)));
}

#[test]
fn a_record_placed_before_an_earlier_one_shows_that_the_partition_is_another() {
    let delivered = after(&[(1, Ok(10)), (2, Ok(0))]);
    assert_eq!(delivered.through, 1);
    assert_eq!(delivered.failure, Some(DeliveryFailure::WentBack { offset: 0, after: 10 }));
}

#[test]
fn an_acknowledgement_without_a_place_counts_and_leaves_the_last_known_place() {
    let delivered = after(&[(1, Ok(10)), (2, Ok(-1001))]);
    assert_eq!(delivered, Delivered { through: 2, located: Some((1, 10)), failure: None });
}

#[test]
fn an_acknowledgement_out_of_turn_is_a_failure() {
    assert_eq!(after(&[(1, Ok(10)), (3, Ok(12))]).failure, Some(DeliveryFailure::OutOfTurn));
}
