//! Each log by itself: dense, in time, its streams without holes, each tenant in one lane.

use std::collections::{HashMap, HashSet};

use crate::observed::Observed;
use crate::verdict::{Findings, Rule};

pub(super) fn check(observed: &Observed, findings: &mut Findings) {
    let mut ids = HashSet::new();
    let mut lanes: HashMap<&str, u16> = HashMap::new();
    for ((context, lane), events) in &observed.logs {
        let mut versions: HashMap<(&str, &str), u64> = HashMap::new();
        let mut recorded = i64::MIN;
        for (index, event) in events.iter().enumerate() {
            let at = || format!("{context}/{lane}={}", event.sequence);
            findings.look(Rule::Log, event.sequence == index as u64 + 1, || {
                format!("{}: it is the event number {}", at(), index + 1)
            });
            let version = versions.entry((&event.tenant, &event.stream)).or_default();
            *version += 1;
            findings.look(Rule::Log, event.version == *version, || {
                format!("{}: {} has version {} after {}", at(), event.stream, event.version, *version - 1)
            });
            findings.look(Rule::Log, event.recorded >= recorded, || format!("{}: time runs backwards", at()));
            recorded = event.recorded;
            findings
                .look(Rule::Log, ids.insert(event.id), || format!("{}: {} is there twice", at(), event.id));
            let of_tenant = *lanes.entry(&event.tenant).or_insert(*lane);
            findings.look(Rule::Log, of_tenant == *lane, || {
                format!("{}: {} lives in lane {of_tenant} elsewhere", at(), event.tenant)
            });
        }
        let head = observed.heads.get(&(context.clone(), *lane)).copied().unwrap_or_default();
        findings.look(Rule::Log, head == events.len() as u64, || {
            format!("{context}/{lane} has {} events, and its head says {head}", events.len())
        });
    }
}
