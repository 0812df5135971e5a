//! Clients' answers against the log: acknowledged exactly once, refused without effect, unknown as a whole or not.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{ACTOR, Calls};
use crate::history::{CommandCall, Outcome, Token};
use crate::observed::{Event, LogName, Observed};
use crate::verdict::{Findings, Rule};

/// What the log has of one operation.
type Effect<'a> = Vec<(&'a LogName, &'a Event)>;

pub(super) fn check(calls: &Calls<'_>, observed: &Observed, findings: &mut Findings) {
    let mut effects: HashMap<Uuid, Effect<'_>> = HashMap::new();
    for (log, events) in &observed.logs {
        for event in events.iter().filter(|event| event.actor == ACTOR) {
            effects.entry(event.correlation).or_default().push((log, event));
        }
    }
    let mut operations: HashMap<Uuid, Vec<&CommandCall>> = HashMap::new();
    for call in &calls.commands {
        if call.misuse {
            misused(call, findings);
        } else {
            operations.entry(call.operation).or_default().push(call);
        }
    }
    let usual = usual_sizes(&operations);
    for (id, effect) in &effects {
        findings.look(Rule::Once, operations.contains_key(id), || {
            format!("{}: nobody asked for it", place(&effect[0]))
        });
    }
    for (id, attempts) in &operations {
        let effect = effects.get(id).map(Vec::as_slice).unwrap_or_default();
        of_operation(attempts, effect, &usual, findings);
    }
}

/// A key that is sent again with another body is refused.
fn misused(call: &CommandCall, findings: &mut Findings) {
    let holds = match &call.outcome {
        Outcome::Ok { .. } => false,
        Outcome::Refused { status, code } => *status >= 500 || code == "key-reused",
        Outcome::Unknown { .. } => true,
    };
    findings.look(Rule::Once, holds, || {
        format!("{} with the key of another body was answered {:?}", call.command, call.outcome)
    });
}

/// How many events each command was acknowledged to record.
fn usual_sizes<'a>(operations: &HashMap<Uuid, Vec<&'a CommandCall>>) -> HashMap<&'a str, BTreeSet<usize>> {
    let mut sizes: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for call in operations.values().flatten() {
        if let Outcome::Ok { events, .. } = &call.outcome {
            sizes.entry(&call.command).or_default().insert(events.len());
        }
    }
    sizes
}

fn of_operation(
    attempts: &[&CommandCall],
    effect: &[(&LogName, &Event)],
    usual: &HashMap<&str, BTreeSet<usize>>,
    findings: &mut Findings,
) {
    let Some(first) = attempts.first() else { return };
    let what = || format!("{} {} of {}", first.command, first.operation, first.tenant);
    let found = || effect.iter().map(place).collect::<Vec<_>>().join(", ");
    let mut answers = attempts.iter().filter_map(|call| match &call.outcome {
        Outcome::Ok { place, stream, version, events } => Some((place, stream, *version, events)),
        _ => None,
    });
    let has_tenant = effect.iter().all(|(_, event)| event.tenant == first.tenant);
    findings.look(Rule::Tenants, has_tenant, || format!("{} went to another tenant: {}", what(), found()));
    if let Some(answer) = answers.next() {
        findings.look(Rule::Once, answers.all(|other| other == answer), || {
            format!("{} has more than one answer", what())
        });
        acknowledged(answer, effect, &what, &found, findings);
    } else if attempts.iter().any(|call| matches!(call.outcome, Outcome::Unknown { .. })) {
        let whole = usual.get(first.command.as_str()).is_none_or(|sizes| sizes.contains(&effect.len()));
        findings.look(Rule::Once, effect.is_empty() || whole && is_together(effect), || {
            format!("{} of which nothing is known took effect in part or twice: {}", what(), found())
        });
    } else {
        findings
            .look(Rule::Once, effect.is_empty(), || format!("{} was refused and is in {}", what(), found()));
    }
    // Once there is an effect, the key has one answer, and it is no refusal.
    if let Some((_, last)) = effect.last() {
        for call in attempts.iter().filter(|call| call.invoked > last.recorded) {
            if let Outcome::Refused { status: status @ (409 | 412 | 422), code } = &call.outcome {
                findings.look(Rule::Once, false, || {
                    format!("{} was carried out ({}) and then refused: {status} {code}", what(), found())
                });
            }
        }
    }
}

fn acknowledged(
    (place, stream, version, events): (&Token, &String, u64, &Vec<Uuid>),
    effect: &[(&LogName, &Event)],
    what: &impl Fn() -> String,
    found: &impl Fn() -> String,
    findings: &mut Findings,
) {
    let ids: Vec<Uuid> = effect.iter().map(|(_, event)| event.id).collect();
    findings.look(Rule::Once, ids == *events, || match effect {
        [] => format!("{} was acknowledged at {place} and is lost", what()),
        _ => format!(
            "{} was acknowledged at {place} with {} events; the log has {}",
            what(),
            events.len(),
            found()
        ),
    });
    let Some((log, last)) = effect.last() else { return };
    let is_there = log.0 == place.context
        && log.1 == place.lane
        && last.sequence == place.sequence
        && last.stream == *stream
        && last.version == version
        && is_together(effect);
    findings.look(Rule::Once, is_there || ids != *events, || {
        format!("{} was acknowledged at {place}, and is in {}", what(), found())
    });
}

/// In one log, one after the other.
fn is_together(effect: &[(&LogName, &Event)]) -> bool {
    effect.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1.sequence + 1 == pair[1].1.sequence)
}

fn place((log, event): &(&LogName, &Event)) -> String {
    format!("{}/{}={} ({})", log.0, log.1, event.sequence, event.event_type)
}
