//! The checker: holds what clients were told against the logs, and the logs against the topics and the views. It knows
//! nothing of the system but its contract.

mod log;
mod model;
mod once;
mod orders;
mod queries;
mod refusals;
mod times;
mod topic;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::history::{CommandCall, Entry, QueryCall, Trimmed};
use crate::observed::{LogName, Observed};
use crate::verdict::{Findings, Rule};

pub(crate) use model::Model;

/// Who asked for the last time, when everything should be even.
pub(crate) const LAST_LOOK: u32 = 10_000;
/// The actor of what clients do.
pub(crate) const ACTOR: &str = "trial";

/// The calls of a history.
pub(crate) struct Calls<'a> {
    pub(crate) commands: Vec<&'a CommandCall>,
    pub(crate) queries: Vec<&'a QueryCall>,
}

impl<'a> Calls<'a> {
    pub(crate) fn of(entries: &'a [Entry]) -> Self {
        let mut calls = Self { commands: Vec::new(), queries: Vec::new() };
        for entry in entries {
            match entry {
                Entry::Command(call) => calls.commands.push(call),
                Entry::Query(call) => calls.queries.push(call),
                Entry::Fault(_) => {}
            }
        }
        calls
    }
}

/// Everything that can be told from these.
pub(crate) fn everything(entries: &[Entry], observed: &Observed) -> Findings {
    let mut findings = Findings::default();
    let calls = Calls::of(entries);
    log::check(observed, &mut findings);
    topic::check(observed, &trimmed(entries), &mut findings);
    let model = Model::of(observed, &mut findings);
    once::check(&calls, observed, &mut findings);
    times::check(&calls, &mut findings);
    refusals::check(&calls, &model, &mut findings);
    queries::check(&calls, &model, &mut findings);
    orders::check(observed, &model, &mut findings);
    for (what, succeeded, told) in &observed.verified {
        let is_whole = *succeeded && !told.contains("not begun yet");
        findings.look(Rule::Views, is_whole, || format!("twofold {what}: {}", bad_lines(told)));
    }
    findings.look(Rule::Views, observed.parked.is_empty(), || {
        format!("still parked: {}", observed.parked.iter().take(3).cloned().collect::<Vec<_>>().join("; "))
    });
    findings
}

/// Of which topics the trial itself deleted the beginning.
fn trimmed(entries: &[Entry]) -> HashSet<LogName> {
    let trimmed = |entry: &Entry| match entry {
        Entry::Fault(told) => serde_json::from_str::<Trimmed>(&told.what).ok(),
        _ => None,
    };
    entries.iter().filter_map(trimmed).map(|Trimmed { trimmed, lane }| (trimmed, lane)).collect()
}

/// What is to be read of what a verification told.
fn bad_lines(told: &str) -> String {
    let is_bad = |line: &&str| !line.ends_with("rows compared") && !line.contains(" events, whole, ");
    let bad: Vec<&str> = told.lines().filter(is_bad).take(3).collect();
    bad.join("; ")
}
