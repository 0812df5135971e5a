//! A collector of spans, as far as OTLP over HTTP needs one.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

/// A span that came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The process that sent it.
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) span: String,
    pub(crate) parent: String,
    /// The traces and spans that it is linked to.
    pub(crate) links: Vec<(String, String)>,
    pub(crate) said: BTreeMap<String, String>,
}

/// Takes in whatever is sent to it.
#[derive(Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Vec<Seen>>>);

impl Collector {
    /// Starts it, and says where it listens.
    pub(crate) async fn start() -> (Self, String) {
        let collector = Self::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (collector, format!("http://{address}"))
    }

    /// The spans of a trace that have come in.
    pub(crate) fn of(&self, trace: &str) -> Vec<Seen> {
        self.0.lock().unwrap().iter().filter(|seen| seen.trace == trace).cloned().collect()
    }

    /// The span with this id.
    pub(crate) fn span(&self, trace: &str, span: &str) -> Option<Seen> {
        self.of(trace).into_iter().find(|seen| seen.span == span)
    }
}

async fn take(State(collector): State<Collector>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    let mut seen = collector.0.lock().unwrap();
    for resource in request.resource_spans {
        let about = said(resource.resource.map(|resource| resource.attributes).unwrap_or_default());
        let service = about.get("service.name").cloned().unwrap_or_default();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            seen.push(Seen::of(&service, span));
        }
    }
    StatusCode::OK
}

impl Seen {
    fn of(service: &str, span: Span) -> Self {
        let links = span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id)));
        Self {
            service: service.to_owned(),
            trace: hex(&span.trace_id),
            span: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            links: links.collect(),
            said: said(span.attributes),
            name: span.name,
        }
    }
}

fn said(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
