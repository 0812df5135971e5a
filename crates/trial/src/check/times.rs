//! Real time: what was acknowledged before something was asked for has a smaller place in the log.

use std::collections::HashMap;

use uuid::Uuid;

use super::Calls;
use crate::history::{Micros, Outcome, Token};
use crate::verdict::{Findings, Rule};

/// How far each log was known to be at each moment.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By when an answer came, the highest place that had been answered by then.
    logs: HashMap<(String, u16), Vec<(Micros, u64)>>,
}

impl Known {
    pub(super) fn of(calls: &Calls<'_>) -> Self {
        let mut logs: HashMap<(String, u16), Vec<(Micros, u64)>> = HashMap::new();
        for call in &calls.commands {
            if let Outcome::Ok { place, events, .. } = &call.outcome
                && !events.is_empty()
            {
                let log = (place.context.clone(), place.lane);
                logs.entry(log).or_default().push((call.returned, place.sequence));
            }
        }
        for answers in logs.values_mut() {
            answers.sort_unstable();
            let mut highest = 0;
            for (_, sequence) in answers {
                highest = highest.max(*sequence);
                *sequence = highest;
            }
        }
        Self { logs }
    }

    /// The highest place that had been answered before then.
    pub(super) fn before(&self, context: &str, lane: u16, then: Micros) -> u64 {
        let Some(answers) = self.logs.get(&(context.to_owned(), lane)) else { return 0 };
        let count = answers.partition_point(|(returned, _)| *returned < then);
        count.checked_sub(1).map_or(0, |last| answers[last].1)
    }
}

/// When it was first asked for, and where it came to be.
struct Operation<'a> {
    invoked: Micros,
    command: &'a str,
    answer: Option<(&'a Token, usize)>,
}

pub(super) fn check(calls: &Calls<'_>, findings: &mut Findings) {
    let known = Known::of(calls);
    let mut operations: HashMap<Uuid, Operation<'_>> = HashMap::new();
    for call in calls.commands.iter().filter(|call| !call.misuse) {
        let new = Operation { invoked: call.invoked, command: &call.command, answer: None };
        let operation = operations.entry(call.operation).or_insert(new);
        operation.invoked = operation.invoked.min(call.invoked);
        if let Outcome::Ok { place, events, .. } = &call.outcome {
            operation.answer = Some((place, events.len()));
        }
    }
    for Operation { invoked, command, answer } in operations.into_values() {
        let Some((place, count @ 1..)) = answer else { continue };
        let before = known.before(&place.context, place.lane, invoked);
        let first = (place.sequence + 1).saturating_sub(count as u64);
        findings.look(Rule::RealTime, first > before, || {
            format!("{command} at {place} was asked for after {before} was acknowledged")
        });
    }
}
