use super::*;

#[test]
fn durations_are_a_number_and_a_unit() {
    assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
    assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
    assert_eq!(duration("12h"), Ok(Duration::from_secs(43_200)));
    assert_eq!(duration("30d"), Ok(Duration::from_secs(2_592_000)));
    assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
}

#[test]
fn nonsense_durations_are_refused() {
    for text in ["", "h", "0s", "-1h", "1w", "1.5h", "99999999999999999999d", "99999999999999d"] {
        assert!(duration(text).is_err(), "{text}");
    }
}
