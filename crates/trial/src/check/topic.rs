//! A topic against its log: everything in order, byte for byte; what comes again has come before.

use std::collections::HashSet;

use crate::observed::{Event, LogName, Observed, Record};
use crate::verdict::{Findings, Rule};

pub(super) fn check(observed: &Observed, trimmed: &HashSet<LogName>, findings: &mut Findings) {
    for (log, events) in &observed.logs {
        let name = format!("{}/{}", log.0, log.1);
        let records = observed.topics.get(log).map(Vec::as_slice).unwrap_or_default();
        // A record that says no sequence is garbage of the trial's own.
        let ours = records.iter().filter_map(|record| Some((record, sequence(record)?)));
        // Where the trial deleted the beginning, it is what is left that has to follow.
        let first = ours.clone().next().map(|(_, sequence)| sequence);
        let mut last = first.filter(|_| trimmed.contains(log)).unwrap_or(1).saturating_sub(1);
        for (record, sequence) in ours {
            let at = || format!("{name}, offset {}", record.offset);
            findings.look(Rule::Topic, (1..=last + 1).contains(&sequence), || {
                format!("{}: {sequence} comes where {} had come before", at(), last)
            });
            last = last.max(sequence);
            let index = usize::try_from(sequence).unwrap_or_default().wrapping_sub(1);
            match events.get(index) {
                Some(event) => {
                    let differs = difference(record, event);
                    findings.look(Rule::Topic, differs.is_none(), || {
                        format!("{}: {sequence} is not the log's: {}", at(), differs.unwrap_or_default())
                    });
                }
                None => findings.look(Rule::Topic, false, || format!("{}: the log has no {sequence}", at())),
            }
        }
        findings.look(Rule::Topic, last == events.len() as u64, || {
            format!("{name}: the topic ends at {last}, the log at {}", events.len())
        });
    }
}

fn sequence(record: &Record) -> Option<u64> {
    record.headers.get("sequence").map(|sequence| sequence.parse().unwrap_or_default())
}

fn difference(record: &Record, event: &Event) -> Option<&'static str> {
    let header = |name: &str| record.headers.get(name).map(String::as_str).unwrap_or_default();
    if record.body != event.payload {
        return Some("the body");
    }
    if record.key != format!("{}/{}", event.tenant, event.stream) {
        return Some("the key");
    }
    let (id, version, chain) = (event.id.to_string(), event.version.to_string(), hex::encode(&event.chain));
    let wanted = [
        ("ce_id", id.as_str()),
        ("ce_type", &event.event_type),
        ("tenant", &event.tenant),
        ("stream", &event.stream),
        ("version", &version),
        ("chain", &chain),
    ];
    wanted.into_iter().find(|(name, value)| header(name) != *value).map(|(name, _)| name)
}
