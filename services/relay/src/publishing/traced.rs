//! Publishing as spans.

use std::sync::Arc;
use std::time::Instant;

use kernel::{LogId, LoggedEvent, Sequence, StreamName};
use traces::{Batch, KeyValue, Member, SpanKind, TraceContext, attributes};

use super::Sent;

const SCOPE: &str = "relay";

/// What is remembered of a record whose trace is sampled until its acknowledgement.
pub(super) struct Traced {
    traceparent: Option<Arc<str>>,
    sequence: Sequence,
    stream: StreamName,
    event_type: Arc<str>,
    sent_at: Instant,
}

impl Traced {
    pub(super) fn of(event: &LoggedEvent) -> Option<Box<Self>> {
        let traceparent = &event.event.metadata.traceparent;
        TraceContext::sampled(traceparent.as_deref())?;
        Some(Box::new(Self {
            traceparent: traceparent.clone(),
            sequence: event.sequence,
            stream: event.event.stream.clone(),
            event_type: event.event.event_type.clone(),
            sent_at: Instant::now(),
        }))
    }
}

/// Those of the records that are traced, and when the first of them was sent; none where spans are not made.
pub(super) fn all_of(others: impl Iterator<Item = Sent>, last: &mut Sent) -> Option<Vec<Traced>> {
    if !traces::are_recorded() {
        return None;
    }
    let mut traced: Vec<_> = others.filter_map(|sent| sent.traced).map(|traced| *traced).collect();
    traced.extend(last.traced.take().map(|traced| *traced));
    (!traced.is_empty()).then_some(traced)
}

/// So many records were acknowledged, these among them.
pub(super) fn tell(log: &LogId, topic: &str, acknowledged: u64, traced: &[Traced]) {
    let Some(first) = traced.first() else { return };
    let about = || {
        vec![
            KeyValue::new(attributes::MESSAGING_SYSTEM, "kafka"),
            KeyValue::new(attributes::MESSAGING_DESTINATION, topic.to_owned()),
            KeyValue::new(attributes::MESSAGING_PARTITION, log.lane.to_string()),
            KeyValue::new(attributes::LOG, log.to_string()),
        ]
    };
    let mut whole = about();
    let size = i64::try_from(acknowledged).unwrap_or(i64::MAX);
    whole.push(KeyValue::new(attributes::BATCH_SIZE, size));
    let batch = Batch {
        scope: SCOPE,
        name: "publish batch".into(),
        member: "publish".into(),
        kind: SpanKind::Producer,
        began: first.sent_at,
        ended: Instant::now(),
        attributes: whole,
    };
    batch.tell(traced.iter().map(|traced| {
        let member = Member::of(traced.traceparent.as_deref(), || {
            let mut said = about();
            said.push(KeyValue::new(attributes::STREAM, traced.stream.to_string()));
            said.push(KeyValue::new(attributes::EVENT_TYPE, traced.event_type.to_string()));
            said.push(KeyValue::new(attributes::SEQUENCE, traced.sequence.to_i64()));
            said
        });
        member.map(|member| member.since(Some(traced.sent_at)))
    }));
}
