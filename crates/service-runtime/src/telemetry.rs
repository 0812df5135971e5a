//! What a process says about itself: log lines on standard error, numbers for Prometheus, spans for a collector.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, TelemetryConfig};

mod names;
mod process;
mod spans;

/// Upper bounds of the buckets of every metric whose name ends in `_seconds`.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0,
    2.0, 5.0, 10.0, 30.0, 60.0,
];
/// Upper bounds of the buckets of every metric whose name ends in `_commands` or `_events`: sizes of batches.
const COUNTS: &[f64] =
    &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0];
/// How often samples are folded into buckets; what arrives between two folds is held in memory.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Why a process cannot say anything about itself.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter does not parse.
    #[error("the log filter {filter:?} does not parse: {source}")]
    Filter {
        /// What was asked for.
        filter: String,
        /// Why not.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The recorder could not be built.
    #[error("cannot set up metrics: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// The upkeep thread could not be started.
    #[error("cannot start the metrics upkeep: {0}")]
    Thread(#[from] io::Error),
    /// Spans cannot be sent.
    #[error("cannot send spans: {0}")]
    Spans(String),
}

/// Whatever has to be brought to an end with the process.
#[derive(Debug)]
#[must_use = "spans are sent until it is dropped"]
pub struct Telemetry(Option<SdkTracerProvider>);

/// Sends what spans are left, for two seconds at most.
impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take() {
            spans::end(&provider);
        }
    }
}

/// Sets up log lines, metrics and spans for the process. `service` names it in the metrics and in traces. Where they
/// were set up before (several services in one process, several tests), the first set-up stays.
pub fn init(service: &'static str, config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter)
        .map_err(|source| TelemetryError::Filter { filter: config.filter.clone(), source })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    // An error says that somebody else has set it up already, which is what is wanted.
    let _ = match config.format {
        LogFormat::Text => lines.finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
    };
    install_recorder(service)?;
    Ok(Telemetry(spans::begin(service, &config.traces)?))
}

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
static INSTALLING: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn install_recorder(service: &'static str) -> Result<(), TelemetryError> {
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if RECORDER.get().is_some() {
        return Ok(());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_commands".to_owned()), COUNTS)?
        .set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), COUNTS)?
        .install_recorder()?;
    metrics::gauge!(names::INFO, "service" => service, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let upkeep = handle.clone();
    // A thread, not a task: it must outlive any one runtime, and needs none.
    std::thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(UPKEEP_EVERY);
            upkeep.run_upkeep();
        }
    })?;
    let _ = RECORDER.set(handle);
    Ok(())
}

/// The process's metrics in Prometheus' text form; only those of the process itself where [`init`] was not
/// called.
pub fn render_metrics() -> String {
    let mut text = RECORDER.get().map(PrometheusHandle::render).unwrap_or_default();
    for number in process::numbers() {
        let (name, kind, help) = (number.name, number.kind, number.help);
        // Writing to a string does not fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {}\n", number.value);
    }
    text
}

#[cfg(test)]
mod tests;
