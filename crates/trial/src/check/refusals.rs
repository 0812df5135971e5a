//! Refusals: at some moment between the question and its answer, the rule did stand in the way.

use super::times::Known;
use super::{Calls, Model};
use crate::history::{CommandCall, Micros, Outcome};
use crate::verdict::{Findings, Rule};

/// The log's clock and the clients' are one; reading it takes a moment.
const SLACK: Micros = 100_000;

pub(super) fn check(calls: &Calls<'_>, model: &Model, findings: &mut Findings) {
    let known = Known::of(calls);
    for call in calls.commands.iter().filter(|call| !call.misuse) {
        let Outcome::Refused { code, .. } = &call.outcome else { continue };
        match code.as_str() {
            "insufficient-stock" => {
                lacking(call, "catalog", call.body["quantity"].as_i64(), &known, model, findings)
            }
            "insufficient-funds" => {
                lacking(call, "travel", call.body["amount"]["amount"].as_i64(), &known, model, findings);
            }
            "sku-taken" => {
                let by = call.returned + SLACK;
                let taken = model.skus.get(&(call.tenant.clone(), call.about.clone()));
                let is_right = taken.is_some_and(|taken| {
                    taken.iter().any(|(recorded, operation)| *recorded <= by && *operation != call.operation)
                });
                findings.look(Rule::Refusal, is_right, || {
                    format!("the SKU {} of {} was said to be taken and was not", call.about, call.tenant)
                });
            }
            "unknown-product" if call.about == "foreign" => findings.look(Rule::Refusal, true, String::new),
            _ if call.about == "foreign" || is_passing(code) => {}
            // The workloads give no reason for any other.
            _ => findings.look(Rule::Refusal, false, || {
                format!("{} of {} was refused: {code}", call.command, call.tenant)
            }),
        }
    }
}

/// Says nothing of the business.
fn is_passing(code: &str) -> bool {
    matches!(code, "unavailable" | "overloaded" | "conflict" | "internal" | "not-an-answer" | "")
}

/// There was less than was asked for, at some moment in between.
fn lacking(
    call: &CommandCall,
    context: &str,
    wanted: Option<i64>,
    known: &Known,
    model: &Model,
    findings: &mut Findings,
) {
    let Some(lane) = model.lane_of(&call.tenant) else { return };
    let since = known.before(context, lane, call.invoked);
    let levels = model.levels.get(&call.about).map(Vec::as_slice).unwrap_or_default();
    let by = call.returned + SLACK;
    let first = levels.partition_point(|level| level.sequence <= since).saturating_sub(1);
    let mut between =
        levels[first..].iter().take_while(|level| level.sequence <= since || level.recorded <= by);
    let wanted = wanted.unwrap_or_default();
    let is_right = levels.first().is_none_or(|level| level.sequence > since)
        || between.any(|level| level.available < wanted);
    findings.look(Rule::Refusal, is_right, || {
        format!(
            "{} of {wanted} for {} was refused, and there was enough all the while",
            call.command, call.about
        )
    });
}
