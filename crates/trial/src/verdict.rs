//! What came of a trial, on a page.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::history::{Answer, Entry, Outcome};

/// Violations of one rule that are printed.
const PRINTED: usize = 6;
/// Violations of one rule that are kept.
const KEPT: usize = 200;

/// A rule, as the page names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// What was acknowledged is in the log, once; what was not is whole or not there.
    Once,
    /// Sequences, versions, times, chains.
    Log,
    /// A topic holds its log, in its order.
    Topic,
    /// No event breaks a rule of the business.
    Legal,
    /// A refusal was right at a moment between its question and its answer.
    Refusal,
    /// What was acknowledged before something was asked comes before it.
    RealTime,
    /// An answer is the fold of the log up to where it says.
    Prefix,
    /// An answer is never from before what was named.
    After,
    /// Nothing is answered with a mistake of the service's own, or refused without a reason.
    Answers,
    /// Nobody reads or writes what is another's.
    Tenants,
    /// In the end every view is the fold of the log, and nothing is parked.
    Views,
    /// Every order has come to an end, and its stock and money with it.
    Orders,
    /// All of it has come about soon after the faults were over.
    Converged,
}

impl Rule {
    const ALL: [Self; 13] = [
        Self::Once,
        Self::Log,
        Self::Topic,
        Self::Legal,
        Self::Refusal,
        Self::RealTime,
        Self::Prefix,
        Self::After,
        Self::Answers,
        Self::Tenants,
        Self::Views,
        Self::Orders,
        Self::Converged,
    ];

    fn sentence(self) -> &'static str {
        match self {
            Self::Once => "acknowledged: once; refused: nothing; unknown: whole or nothing",
            Self::Log => "logs are dense, streams have versions 1..n, time does not run backwards",
            Self::Topic => "topics hold their logs, in order, byte for byte",
            Self::Legal => "no event breaks a rule of the business",
            Self::Refusal => "refusals were right when they were given",
            Self::RealTime => "what was acknowledged first comes first",
            Self::Prefix => "every answer is the fold of the log up to where it says",
            Self::After => "no answer is from before what was named",
            Self::Answers => "no answer is a service's own mistake",
            Self::Tenants => "nobody sees or changes what is another's",
            Self::Views => "in the end every view is the fold of its log",
            Self::Orders => "every order ended, with its stock and its money",
            Self::Converged => "everything was even again after the faults",
        }
    }
}

/// What was found of each rule.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Findings {
    checked: BTreeMap<Rule, u64>,
    broken: BTreeMap<Rule, Vec<String>>,
    more: BTreeMap<Rule, u64>,
}

impl Findings {
    /// Looks at one thing more; `broken` says how it breaks the rule.
    pub(crate) fn look(&mut self, rule: Rule, holds: bool, broken: impl FnOnce() -> String) {
        *self.checked.entry(rule).or_default() += 1;
        if holds {
            return;
        }
        let known = self.broken.entry(rule).or_default();
        if known.len() < KEPT {
            known.push(broken());
        } else {
            *self.more.entry(rule).or_default() += 1;
        }
    }

    pub(crate) fn hold(&self) -> bool {
        self.broken.is_empty()
    }

    /// The rules that are broken.
    pub(crate) fn broken(&self) -> Vec<Rule> {
        self.broken.keys().copied().collect()
    }
}

/// A trial and what came of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verdict {
    pub(crate) seed: u64,
    pub(crate) clients: u32,
    pub(crate) seconds: u64,
    pub(crate) bug: Option<String>,
    pub(crate) events: usize,
    /// From the end of the faults until everything was even, in seconds.
    pub(crate) converged_after: Option<f64>,
    pub(crate) counts: Counts,
    pub(crate) findings: Findings,
}

/// How much was asked and how it was answered.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Counts {
    attempts: BTreeMap<String, u64>,
    refusals: BTreeMap<String, u64>,
    queries: BTreeMap<String, u64>,
    faults: BTreeMap<String, u64>,
}

impl Counts {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut counts = Self::default();
        let add = |to: &mut BTreeMap<String, u64>, what: &str| *to.entry(what.to_owned()).or_default() += 1;
        for entry in entries {
            match entry {
                Entry::Command(call) => match &call.outcome {
                    Outcome::Ok { .. } => add(&mut counts.attempts, "ok"),
                    Outcome::Refused { code, .. } => {
                        add(&mut counts.attempts, "refused");
                        add(&mut counts.refusals, code);
                    }
                    Outcome::Unknown { .. } => add(&mut counts.attempts, "unknown"),
                },
                Entry::Query(call) => match &call.answer {
                    Answer::Seen { .. } => add(&mut counts.queries, "answered"),
                    Answer::Refused { code, .. } => add(&mut counts.queries, code),
                    Answer::Unknown { .. } => add(&mut counts.queries, "unknown"),
                },
                Entry::Fault(told) => {
                    let kind = serde_json::from_str::<serde_json::Value>(&told.what).ok();
                    if let Some(kind) = kind.as_ref().and_then(|step| step["fault"].as_str()) {
                        add(&mut counts.faults, kind);
                    }
                }
            }
        }
        counts
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bug = self.bug.as_deref().map(|bug| format!(", with the seeded bug {bug}")).unwrap_or_default();
        writeln!(
            out,
            "Trial of seed {}: {} clients, {} s of work{bug}\n",
            self.seed, self.clients, self.seconds
        )?;
        let Counts { attempts, refusals, queries, faults } = &self.counts;
        for (what, counts) in
            [("commands", attempts), ("refusals", refusals), ("queries", queries), ("faults", faults)]
        {
            let mut line = String::new();
            for (name, count) in counts {
                write!(line, "{}{count} {name}", if line.is_empty() { "" } else { ", " })?;
            }
            writeln!(out, "{what:>10}: {}", if line.is_empty() { "none" } else { &line })?;
        }
        let after =
            self.converged_after.map_or("never".to_owned(), |seconds| format!("after {seconds:.1} s"));
        writeln!(out, "{:>10}: {}\n{:>10}: {after}\n", "events", self.events, "converged")?;
        for rule in Rule::ALL {
            let checked = self.findings.checked.get(&rule).copied().unwrap_or_default();
            let broken = self.findings.broken.get(&rule);
            let mark = if broken.is_some() { "BROKEN" } else { "holds" };
            writeln!(out, "{mark:>7}  {} ({checked} checked)", rule.sentence())?;
            let Some(broken) = broken else { continue };
            for one in broken.iter().take(PRINTED) {
                writeln!(out, "           - {one}")?;
            }
            let more = broken.len().saturating_sub(PRINTED) as u64
                + self.findings.more.get(&rule).copied().unwrap_or_default();
            if more > 0 {
                writeln!(out, "           and {more} more")?;
            }
        }
        let verdict = if self.findings.hold() { "Everything holds." } else { "It does not hold." };
        writeln!(out, "\n{verdict}")
    }
}
