//! What steps came to, for those who watch: spans, and a line for each instance that is stuck.

use std::time::Instant;

use traces::{Batch, KeyValue, Member, SpanKind, TraceContext, attributes};
use uuid::Uuid;

const SCOPE: &str = "process-manager";

/// Steps of one transaction, to be told once it is committed.
pub(super) struct Told {
    process: &'static str,
    began: Instant,
    steps: Vec<(Uuid, String)>,
    size: usize,
}

impl Told {
    /// Of these instances, with the trace that each is in.
    pub(super) fn of(
        process: &'static str,
        began: Instant,
        instances: &[Uuid],
        traces: &[Option<String>],
    ) -> Option<Self> {
        if !traces::are_recorded() {
            return None;
        }
        let sampled = instances.iter().zip(traces).filter_map(|(instance, trace)| {
            TraceContext::sampled(trace.as_deref())?;
            Some((*instance, trace.clone()?))
        });
        Some(Self { process, began, steps: sampled.collect(), size: instances.len() })
    }

    pub(super) fn tell(self) {
        let Self { process, began, steps, size } = self;
        let batch = Batch {
            scope: SCOPE,
            name: format!("step batch {process}").into(),
            member: format!("step {process}").into(),
            kind: SpanKind::Internal,
            began,
            ended: Instant::now(),
            attributes: vec![
                KeyValue::new(attributes::PROCESS, process),
                KeyValue::new(attributes::BATCH_SIZE, i64::try_from(size).unwrap_or(i64::MAX)),
            ],
        };
        batch.tell(steps.iter().map(|(instance, traceparent)| {
            Member::of(Some(traceparent), || {
                vec![
                    KeyValue::new(attributes::PROCESS, process),
                    KeyValue::new(attributes::INSTANCE, instance.to_string()),
                ]
            })
        }));
    }
}

/// An instance that an operator has to look at.
pub(super) struct Stuck {
    pub(super) tenant: String,
    pub(super) instance: Uuid,
    pub(super) correlation_id: Uuid,
    pub(super) traceparent: Option<String>,
    pub(super) why: String,
}

impl Stuck {
    pub(super) fn say(&self, process: &str) {
        tracing::warn!(
            process,
            tenant = self.tenant,
            instance = %self.instance,
            correlation_id = %self.correlation_id,
            trace_id = traces::trace_id(self.traceparent.as_deref()),
            why = self.why,
            "an instance is stuck"
        );
    }
}
