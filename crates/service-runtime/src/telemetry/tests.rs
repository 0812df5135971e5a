use super::*;

#[test]
fn setting_up_twice_is_harmless_and_numbers_show() {
    let config = TelemetryConfig { filter: "warn".to_owned(), format: LogFormat::Json };
    init("first", &config).unwrap();
    init("second", &config).unwrap();
    metrics::counter!("tests_total").increment(3);
    metrics::histogram!("tests_seconds").record(0.004);
    let text = render_metrics();
    assert!(text.contains("tests_total 3"), "{text}");
    assert!(text.contains("tests_seconds_bucket{le=\"0.005\"} 1"), "{text}");
    assert!(text.contains("service_info{service=\"first\""), "{text}");
}

#[test]
fn a_filter_that_does_not_parse_is_an_error() {
    let config = TelemetryConfig { filter: "a=b=c".to_owned(), format: LogFormat::Text };
    assert!(matches!(init("any", &config), Err(TelemetryError::Filter { .. })));
}

#[test]
fn the_process_shows_its_own_numbers() {
    let text = render_metrics();
    for name in
        ["process_resident_memory_bytes", "process_cpu_seconds_total", "process_threads", "process_open_fds"]
    {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value: f64 = value.unwrap_or_else(|| panic!("{name} is missing in {text}")).parse().unwrap();
        assert!(value >= 0.0, "{name} {value}");
    }
}
