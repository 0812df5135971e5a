//! What a lane does, as spans: of batches that were written, and of events that were parked. Bulk tells none: what is built
//! anew was told when it happened.

use std::time::Instant;

use read_store::RowStore;
use traces::{Batch, KeyValue, Member, SpanKind, attributes};

use super::LaneTask;
use crate::intake::Next;

const SCOPE: &str = "projection";

impl<S: RowStore> LaneTask<S> {
    /// These were applied together.
    pub(super) fn tell_applied(&self, events: &[Next], began: Instant) {
        if traces::are_recorded() {
            self.tell_events(events, began, None);
        }
    }

    /// This one was parked.
    pub(crate) fn tell_parked(&self, event: &Next, reason: &'static str) {
        if traces::are_recorded() {
            self.tell_events(std::slice::from_ref(event), Instant::now(), Some(reason));
        }
    }

    fn tell_events(&self, events: &[Next], began: Instant, failed: Option<&'static str>) {
        let about = || {
            vec![
                KeyValue::new(attributes::VIEW, self.view),
                KeyValue::new(attributes::STORE, S::NAME),
                KeyValue::new(attributes::LOG, self.intake.log().to_string()),
            ]
        };
        let mut whole = about();
        let size = i64::try_from(events.len()).unwrap_or(i64::MAX);
        whole.push(KeyValue::new(attributes::BATCH_SIZE, size));
        let batch = Batch {
            scope: SCOPE,
            name: format!("project batch {}", self.view).into(),
            member: format!("project {}", self.view).into(),
            kind: SpanKind::Consumer,
            began,
            ended: Instant::now(),
            attributes: whole,
        };
        batch.tell(events.iter().map(|next| {
            let event = &next.event;
            let member = Member::of(event.metadata().traceparent.as_deref(), || {
                let mut said = about();
                said.push(KeyValue::new(attributes::STREAM, event.stream().to_string()));
                said.push(KeyValue::new(attributes::SEQUENCE, event.sequence().to_i64()));
                said.push(KeyValue::new(attributes::COMMAND_ID, event.metadata().command_id.to_string()));
                said
            });
            member.map(|member| member.failed(failed))
        }));
    }
}
