//! Batches as spans: one for the batch, and one for each command whose trace is sampled.

use std::time::Instant;

use kernel::LogId;
use traces::{Batch, KeyValue, Member, SpanKind, attributes};

use super::{Command, Done, Loss};
use crate::AppendError;

const SCOPE: &str = "event-log";

/// What came of a batch that was committed.
pub(super) fn committed(done: &Done) {
    if !traces::are_recorded() {
        return;
    }
    let Done { log, batch, answer, began, ended } = done;
    let mut sequence = answer.base;
    let mut lost = answer.lost.iter().peekable();
    let members = batch.iter().enumerate().map(|(index, command)| {
        let loss = lost.next_if(|(loser, _)| *loser == index).map(|(_, loss)| loss);
        if loss.is_none() {
            sequence = sequence.plus(command.append.events.len() as u64);
        }
        let member = Member::of(command.traceparent(), || {
            let mut said = said(log, command);
            match loss {
                Some(loss) => said.push(KeyValue::new(attributes::OUTCOME, outcome(loss))),
                None => said.push(KeyValue::new(attributes::SEQUENCE, sequence.to_i64())),
            }
            said
        });
        member.map(|member| member.since(command.queued))
    });
    batch_of(log, batch, (*began, *ended)).tell(members);
}

/// A batch that was not.
pub(super) fn failed(log: &LogId, batch: &[Command], began: Instant, error: &AppendError) {
    if !traces::are_recorded() {
        return;
    }
    let why = match error {
        AppendError::Unknown => "unknown",
        AppendError::Unavailable(_) => "unavailable",
        _ => "refused",
    };
    let members = batch.iter().map(|command| {
        let member = Member::of(command.traceparent(), || said(log, command));
        member.map(|member| member.since(command.queued).failed(Some(why)))
    });
    batch_of(log, batch, (began, Instant::now())).tell(members);
}

fn batch_of(log: &LogId, batch: &[Command], (began, ended): (Instant, Instant)) -> Batch {
    let size = i64::try_from(batch.len()).unwrap_or(i64::MAX);
    Batch {
        scope: SCOPE,
        name: "append batch".into(),
        member: "append".into(),
        kind: SpanKind::Client,
        began,
        ended,
        attributes: vec![
            KeyValue::new(attributes::LOG, log.to_string()),
            KeyValue::new(attributes::BATCH_SIZE, size),
        ],
    }
}

fn said(log: &LogId, command: &Command) -> Vec<KeyValue> {
    let mut said = vec![
        KeyValue::new(attributes::LOG, log.to_string()),
        KeyValue::new(attributes::STREAM, command.append.stream.to_string()),
    ];
    if let Some(event) = command.append.events.first() {
        said.push(KeyValue::new(attributes::EVENT_TYPE, event.event_type.to_string()));
        said.push(KeyValue::new(attributes::COMMAND_ID, event.metadata.command_id.to_string()));
        said.push(KeyValue::new(attributes::CORRELATION_ID, event.metadata.correlation_id.to_string()));
    }
    said
}

fn outcome(loss: &Loss) -> &'static str {
    match loss {
        Loss::KeyUsed => "key-used",
        Loss::Recorded(_) => "recorded-before",
        Loss::Stale(..) => "stale",
        Loss::ClaimTaken(_) => "claim-taken",
        Loss::RowsMoved => "rows-moved",
    }
}
