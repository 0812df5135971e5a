use std::time::Instant;

use super::*;
use crate::config::{SamplerName, TracesConfig};

#[test]
fn setting_up_twice_is_harmless_and_numbers_show() {
    let config = TelemetryConfig { filter: "warn".to_owned(), format: LogFormat::Json, ..Default::default() };
    let _first = init("first", &config).unwrap();
    let _second = init("second", &config).unwrap();
    metrics::counter!("tests_total").increment(3);
    metrics::histogram!("tests_seconds").record(0.004);
    let text = render_metrics();
    assert!(text.contains("tests_total 3"), "{text}");
    assert!(text.contains("tests_seconds_bucket{le=\"0.005\"} 1"), "{text}");
    assert!(text.contains("service_info{service=\""), "{text}");
}

#[test]
fn a_filter_that_does_not_parse_is_an_error() {
    let config = TelemetryConfig { filter: "a=b=c".to_owned(), ..Default::default() };
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

#[test]
fn a_collector_that_is_away_costs_its_spans_and_nothing_else() {
    let traces = TracesConfig {
        // Nobody listens there: the port is of a service that has been history for long.
        endpoint: Some("http://127.0.0.1:9".into()),
        traces_sampler: SamplerName::AlwaysOn,
        ..TracesConfig::default()
    };
    let telemetry = init("any", &TelemetryConfig { traces, ..Default::default() }).unwrap();
    // More than may wait: the rest is dropped.
    for _ in 0..10_000 {
        let span = ::traces::arrive("test", || "GET /".to_owned(), None);
        assert!(span.is_some());
    }
    let lost = || {
        let text = render_metrics();
        let counted =
            text.lines().find_map(|line| line.strip_prefix("twofold_trace_spans_total{outcome=\"lost\"} "));
        counted.is_some_and(|count| count.parse::<f64>().unwrap() > 0.0)
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while !lost() {
        assert!(Instant::now() < deadline, "nothing was lost: {}", render_metrics());
        std::thread::park_timeout(Duration::from_millis(20));
    }
    drop(telemetry);
    assert!(!::traces::are_recorded());
    assert!(::traces::arrive("test", || "GET /".to_owned(), None).is_none());
}
