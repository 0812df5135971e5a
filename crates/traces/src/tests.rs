//! In one process there is one switch: what needs it on is one test.

use std::time::{Duration, Instant};

use opentelemetry::global;
use opentelemetry::trace::TraceId;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

use super::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NOT_SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const HEARS: Sampling = Sampling { sampler: Sampler::Ratio, hears_caller: true, ratio: 0.0 };

#[test]
fn a_traceparent_reads_and_is_written_as_it_was() {
    for text in [SAMPLED, NOT_SAMPLED] {
        assert_eq!(TraceContext::parse(text).unwrap().to_string(), text);
    }
    assert!(TraceContext::parse(SAMPLED).unwrap().is_sampled());
    assert!(!TraceContext::parse(NOT_SAMPLED).unwrap().is_sampled());
    assert_eq!(TraceContext::parse(SAMPLED).unwrap().trace_id(), TRACE);
    assert_eq!(trace_id(Some(SAMPLED)), Some(TRACE));
}

#[test]
fn what_is_no_traceparent_is_none() {
    let zeros = "0".repeat(32);
    for text in [
        "",
        "rubbish",
        &SAMPLED[1..],
        &format!("{SAMPLED}0"),
        &format!("{SAMPLED}-more"),
        &SAMPLED.to_uppercase(),
        &SAMPLED.replace('-', "_"),
        &format!("ff{}", &SAMPLED[2..]),
        &SAMPLED.replace(TRACE, &zeros),
        &SAMPLED.replace("b7ad6b7169203331", &zeros[..16]),
        &SAMPLED.replace("0af7", "0ág"),
        &SAMPLED.replace("01", "0x"),
    ] {
        assert_eq!(TraceContext::parse(text), None, "{text}");
    }
}

#[test]
fn a_caller_decides_for_itself_where_it_is_heard() {
    let (sampled, not) = (TraceContext::parse(SAMPLED), TraceContext::parse(NOT_SAMPLED));
    for sampler in [Sampler::Always, Sampler::Never, Sampler::Ratio] {
        let hears = Sampling { sampler, hears_caller: true, ratio: 0.5 };
        assert!(hears.takes(sampled.as_ref()), "{sampler:?}");
        assert!(!hears.takes(not.as_ref()), "{sampler:?}");
    }
    let deaf = |sampler| Sampling { sampler, hears_caller: false, ratio: 0.5 };
    assert!(deaf(Sampler::Always).takes(not.as_ref()));
    assert!(!deaf(Sampler::Never).takes(sampled.as_ref()));
}

#[test]
fn a_share_of_new_traces_is_taken() {
    let taken = |ratio| {
        let sampling = Sampling { ratio, ..HEARS };
        (0..10_000).filter(|_| sampling.takes(None)).count()
    };
    assert_eq!((taken(0.0), taken(1.0)), (0, 10_000));
    let tenth = taken(0.1);
    assert!((800..1_200).contains(&tenth), "{tenth} of 10000");
}

#[test]
fn everybody_takes_the_same_ids_for_the_same_share() {
    let deaf = Sampling { sampler: Sampler::Ratio, hears_caller: false, ratio: 0.5 };
    let with = |low: &str| TraceContext::parse(&SAMPLED.replace("8448eb211c80319c", low));
    assert!(deaf.takes(with("7fffffffffffffff").as_ref()));
    assert!(!deaf.takes(with("8000000000000001").as_ref()));
}

/// Off first: nothing is made. Then on: a request, what follows it, and a batch with two that are sampled and two that
/// are not.
#[test]
fn spans_are_made_where_they_are_recorded_and_sampled_and_batches_are_linked() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    global::set_tracer_provider(provider);
    let asked = std::cell::Cell::new(false);
    let name = || {
        asked.set(true);
        "POST /".to_owned()
    };
    let parent = TraceContext::parse(SAMPLED);
    assert!(arrive("test", name, parent.as_ref()).is_none());
    assert!(follow("test", name, SpanKind::Client, Some(SAMPLED)).is_none());
    let untold = || -> Vec<KeyValue> { unreachable!("nobody asks what is not told") };
    assert!(Member::of(Some(SAMPLED), untold).is_none());
    assert!(!asked.get(), "no name is made for a span that is none");

    record(HEARS);
    assert!(arrive("test", name, None).is_none(), "a share of none");
    assert!(arrive("test", name, TraceContext::parse(NOT_SAMPLED).as_ref()).is_none());
    assert!(follow("test", name, SpanKind::Client, None).is_none());
    assert!(!asked.get(), "no name is made for a span that is none");
    let mut request = arrive("test", name, parent.as_ref()).unwrap();
    request.set(attributes::STREAM, "product-1");
    request.failed("unavailable");
    let own = request.context().to_string();
    let child = follow("test", || "send".to_owned(), SpanKind::Client, Some(&own)).unwrap();
    drop(child);
    drop(request);
    let began = Instant::now() - Duration::from_secs(2);
    let members = [Some(own.as_str()), Some(NOT_SAMPLED), None, Some(SAMPLED)];
    let batch = Batch {
        scope: "test",
        name: "append batch".into(),
        member: "append".into(),
        kind: SpanKind::Internal,
        began,
        ended: began + Duration::from_secs(1),
        attributes: Vec::new(),
    };
    batch.tell(members.map(|member| Member::of(member, Vec::new)));
    stop();

    let spans = exporter.get_finished_spans().unwrap();
    let named = |name: &str| -> Vec<&SpanData> { spans.iter().filter(|span| span.name == name).collect() };
    let (request, child) = (named("POST /")[0], named("send")[0]);
    assert_eq!(request.span_context.trace_id().to_string(), TRACE);
    assert_eq!(request.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(child.parent_span_id, request.span_context.span_id());
    assert_eq!(child.span_context.trace_id(), request.span_context.trace_id());
    let (whole, appends) = (named("append batch")[0], named("append"));
    assert_eq!(appends.len(), 2, "those that are sampled");
    assert_eq!(appends[0].parent_span_id, request.span_context.span_id());
    assert_ne!(whole.span_context.trace_id(), request.span_context.trace_id());
    assert_ne!(whole.span_context.trace_id(), TraceId::INVALID);
    let linked: Vec<_> = whole.links.iter().map(|link| link.span_context.span_id()).collect();
    assert_eq!(linked, appends.iter().map(|span| span.span_context.span_id()).collect::<Vec<_>>());
    for append in appends {
        assert_eq!(append.links[0].span_context, whole.span_context);
        let took = append.end_time.duration_since(append.start_time).unwrap();
        assert!(took.abs_diff(Duration::from_secs(1)) < Duration::from_millis(1), "{took:?}");
    }
    assert_eq!(spans.len(), 5);
}
