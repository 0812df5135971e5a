//! Where spans go: to a collector, by OTLP over HTTP.
//!
//! They wait for it in a queue that is bounded; what finds it full is dropped, and whoever made it does not notice. A
//! thread of its own sends them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tracing::{info, warn};

use super::TelemetryError;
use super::names::SPANS;
use crate::config::TracesConfig;

/// How long the end of a process waits for its last spans to be taken.
const FLUSH_MOST: Duration = Duration::from_secs(2);

/// Only the first that asks for it sends this process's spans.
static SENDING: OnceLock<()> = OnceLock::new();

/// Begins to make spans and to send them, where there is a collector to send them to.
pub(super) fn begin(
    service: &'static str,
    config: &TracesConfig,
) -> Result<Option<SdkTracerProvider>, TelemetryError> {
    let Some(url) = config.url() else { return Ok(None) };
    if SENDING.set(()).is_err() {
        return Ok(None);
    }
    let otlp = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .build()
        .map_err(|error| TelemetryError::Spans(error.to_string()))?;
    let told = Told { otlp, is_away: AtomicBool::new(false) };
    let name = config.otel_service_name.clone().filter(|name| !name.is_empty());
    let resource = Resource::builder()
        .with_service_name(name.unwrap_or_else(|| service.to_owned()))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        // What is sampled was decided before a span is made.
        .with_sampler(Sampler::AlwaysOn)
        .with_span_processor(BatchSpanProcessor::builder(told).build())
        .build();
    opentelemetry::global::set_tracer_provider(provider.clone());
    traces::record(config.sampling());
    Ok(Some(provider))
}

/// Makes no more spans, and sends those that wait if that is quick.
pub(super) fn end(provider: &SdkTracerProvider) {
    traces::stop();
    if let Err(error) = provider.shutdown_with_timeout(FLUSH_MOST) {
        info!(%error, "the last spans were not all sent");
    }
}

/// Sends spans, counts them, and says once when they are not taken any more, and once when they are again.
#[derive(Debug)]
struct Told {
    otlp: opentelemetry_otlp::SpanExporter,
    is_away: AtomicBool,
}

impl SpanExporter for Told {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let count = spans.len() as u64;
        let sent = self.otlp.export(spans).await;
        match &sent {
            Ok(()) => {
                metrics::counter!(SPANS, "outcome" => "sent").increment(count);
                if self.is_away.swap(false, Ordering::Relaxed) {
                    info!("the collector takes spans again");
                }
            }
            Err(error) => {
                metrics::counter!(SPANS, "outcome" => "lost").increment(count);
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    warn!(%error, "the collector does not take spans; they are dropped until it does");
                }
            }
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.otlp.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.otlp.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}
