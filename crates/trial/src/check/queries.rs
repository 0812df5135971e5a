//! Queries: every answer is the fold of the log up to where it says, and not from before what was named.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Calls, LAST_LOOK, Model};
use crate::history::{About, Answer, Outcome, QueryCall, Token};
use crate::verdict::{Findings, Rule};

pub(super) fn check(calls: &Calls<'_>, model: &Model, findings: &mut Findings) {
    for call in &calls.commands {
        let code = match &call.outcome {
            Outcome::Ok { .. } => "",
            Outcome::Refused { code, .. } => code,
            Outcome::Unknown { why } => why,
        };
        let mistaken = code.contains("internal") || code == "not-an-answer";
        findings.look(Rule::Answers, !mistaken, || format!("{} was answered {code}", call.command));
        let meddled = call.about == "foreign" && matches!(call.outcome, Outcome::Ok { .. });
        findings.look(Rule::Tenants, !meddled, || format!("{} changed what is another's", call.tenant));
    }
    for call in &calls.queries {
        match call.about {
            About::Foreign => foreign(call, findings),
            About::Nobody => nobody(call, findings),
            _ => of_own(call, model, findings),
        }
    }
}

/// Nothing to be seen of what is another's.
fn foreign(call: &QueryCall, findings: &mut Findings) {
    let shown = matches!(&call.answer, Answer::Seen { seen, .. } if !seen.is_null());
    findings.look(Rule::Tenants, !shown, || format!("{} saw {}, which is another's", call.tenant, call.path));
}

/// Nothing without a token.
fn nobody(call: &QueryCall, findings: &mut Findings) {
    let refused = match &call.answer {
        Answer::Seen { .. } => false,
        Answer::Refused { status, .. } => *status == 401,
        Answer::Unknown { .. } => true,
    };
    findings.look(Rule::Tenants, refused, || format!("{} was served without a token", call.path));
}

fn of_own(call: &QueryCall, model: &Model, findings: &mut Findings) {
    let (reflects, parked, seen) = match &call.answer {
        Answer::Seen { reflects, parked, seen } => (reflects, parked, seen),
        Answer::Refused { status, code } => {
            let is_passing = matches!(status, 503 | 504);
            findings
                .look(Rule::Answers, is_passing, || format!("{} was answered {status} {code}", call.path));
            findings.look(Rule::Views, call.process != LAST_LOOK, || {
                format!("{} was answered {status} {code} when all was even", call.path)
            });
            return;
        }
        Answer::Unknown { why } => {
            findings.look(Rule::Views, call.process != LAST_LOOK, || format!("{}: {why}", call.path));
            return;
        }
    };
    let Some(reflects) = reflects else {
        findings.look(Rule::Prefix, false, || format!("{} does not say what it reflects", call.path));
        return;
    };
    if let Some(after) = &call.after {
        let is_as_new = after.lane == reflects.lane && after.sequence <= reflects.sequence;
        findings.look(Rule::After, is_as_new, || {
            format!("{} named {after} and was answered from {reflects}", call.path)
        });
    }
    if call.about == About::Products {
        return products(call, reflects, seen, model, findings);
    }
    let thing = (call.about, call.tenant.clone(), call.id.clone());
    let expected = model.at(&thing, reflects.sequence);
    // Where rows of the view lack events, this may be one of them: then it is as it was at some place since.
    let is_right = seen == expected
        || parked.is_some_and(|parked| {
            let before = parked.saturating_sub(1);
            let mut states = model.between(&thing, before, reflects.sequence);
            states.any(|state| is_same_row(state, seen)) || is_same_row(model.at(&thing, before), seen)
        });
    findings.look(Rule::Prefix, is_right, || {
        format!("{} of {} at {reflects} was {seen}, and should be {expected}", call.path, call.tenant)
    });
}

/// Reservations are rows of their own, which need not lack what the product's lacks.
fn is_same_row(one: &Value, other: &Value) -> bool {
    let row = |value: &Value| {
        let mut row = value.clone();
        if let Some(fields) = row.as_object_mut() {
            fields.remove("reservations");
        }
        row
    };
    row(one) == row(other)
}

fn products(call: &QueryCall, reflects: &Token, seen: &Value, model: &Model, findings: &mut Findings) {
    let ids = seen["ids"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ids: BTreeSet<&str> = ids.iter().filter_map(Value::as_str).collect();
    let anothers = ids.iter().find(|id| model.is_anothers(&call.tenant, id));
    findings.look(Rule::Tenants, anothers.is_none(), || format!("{} lists another's product", call.path));
    let expected = model.products_at(&call.tenant, reflects.sequence);
    let is_right = if seen["whole"] == true { ids == expected } else { ids.is_subset(&expected) };
    findings.look(Rule::Prefix, is_right, || {
        let differing: Vec<_> = ids.symmetric_difference(&expected).take(3).collect();
        format!("{} of {} at {reflects} differs in {differing:?}", call.path, call.tenant)
    });
}
