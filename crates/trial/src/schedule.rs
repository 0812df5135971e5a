//! What goes wrong, and when: chosen by a seed, written down, and the same when it is replayed.

use std::collections::HashMap;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::system::{CLIENTS, Link, PEERS, SERVICES};

/// Nothing goes wrong so soon.
const FIRST_MS: u64 = 2_000;
/// Between two beginnings, at most.
const BETWEEN_MS: std::ops::Range<u64> = 300..3_000;

/// Contexts whose heads are held.
const CONTEXTS: [&str; 4] = ["catalog", "travel", "accounts", "orders"];
/// Views that are built anew.
const VIEWS: [&str; 4] = ["stock", "product-details", "travel-groups", "order-details"];

/// A kind of fault.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// A service is killed, and started again.
    Kill,
    /// A service is stopped and goes on later.
    Freeze,
    /// Postgres is shut down at once, and recovers.
    Postgres,
    /// The broker is killed or stopped.
    Kafka,
    /// Redis is killed or stopped.
    Redis,
    /// Redis is emptied.
    Flush,
    /// The connections of a link are cut.
    Cut,
    /// Everything on a link is late.
    Delay,
    /// Nothing gets through a link.
    Partition,
    /// Projectors come and go.
    Storm,
    /// Somebody holds the head of a log.
    SlowTransaction,
    /// A row that cannot be folded, for a while.
    Poison,
    /// A record that is no event.
    Garbage,
    /// A view is built anew.
    Rebuild,
    /// The beginning of a topic is deleted while projectors sleep that have not read it.
    Trim,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub(crate) enum Fault {
    KillService { service: String },
    FreezeService { service: String },
    CrashPostgres,
    KillServer { server: String },
    FreezeServer { server: String },
    EmptyRedis,
    Cut { link: Link, times: u32 },
    Delay { link: Link, millis: u64 },
    Partition { link: Link },
    Storm { service: String, times: u32 },
    HoldHead { context: String },
    PublishGarbage { lane: u16 },
    SpoilARow { tenant: usize, product: usize },
    Rebuild { view: String },
    TrimTopic { context: String, tenant: usize },
}

/// When it begins, counted from the beginning of the work, and how long it lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) at_ms: u64,
    pub(crate) for_ms: u64,
    #[serde(flatten)]
    pub(crate) fault: Fault,
}

/// All that goes wrong in a run of so long. Each kind comes about as often as the others; what is in trouble is
/// left alone until that is over.
pub(crate) fn schedule(seed: u64, run_ms: u64, kinds: &[Kind]) -> Vec<Step> {
    let mut rng = Rng::with_seed(seed.rotate_left(17));
    let mut steps = Vec::new();
    let mut bag: Vec<Kind> = Vec::new();
    let mut busy: HashMap<String, u64> = HashMap::new();
    let mut at_ms = FIRST_MS;
    while at_ms < run_ms && !kinds.is_empty() {
        if bag.is_empty() {
            bag = kinds.to_vec();
            rng.shuffle(&mut bag);
        }
        if let Some(kind) = bag.pop() {
            let (fault, for_ms) = fault(kind, &mut rng);
            let target = fault.target();
            let ends = at_ms + for_ms;
            let is_free = busy.get(&target).is_none_or(|until| *until <= at_ms);
            if is_free && ends <= run_ms {
                // It is looked after for a while when it comes back.
                busy.insert(target, ends + 2_000);
                steps.push(Step { at_ms, for_ms, fault });
            } else {
                // Its turn comes yet.
                bag.insert(0, kind);
            }
        }
        at_ms += rng.u64(BETWEEN_MS);
    }
    steps
}

fn fault(kind: Kind, rng: &mut Rng) -> (Fault, u64) {
    match kind {
        Kind::Kill => (Fault::KillService { service: service(rng) }, rng.u64(100..2_500)),
        Kind::Freeze => (Fault::FreezeService { service: service(rng) }, rng.u64(500..9_000)),
        Kind::Postgres => (Fault::CrashPostgres, rng.u64(100..2_000)),
        Kind::Kafka if rng.bool() => (Fault::KillServer { server: "kafka".into() }, rng.u64(100..2_000)),
        Kind::Kafka => (Fault::FreezeServer { server: "kafka".into() }, rng.u64(500..6_000)),
        Kind::Redis if rng.bool() => (Fault::KillServer { server: "redis".into() }, rng.u64(100..2_000)),
        Kind::Redis => (Fault::FreezeServer { server: "redis".into() }, rng.u64(500..6_000)),
        Kind::Flush => (Fault::EmptyRedis, 0),
        Kind::Cut => (Fault::Cut { link: link(rng), times: rng.u32(1..6) }, rng.u64(100..2_000)),
        Kind::Delay => (Fault::Delay { link: link(rng), millis: rng.u64(5..300) }, rng.u64(1_000..6_000)),
        Kind::Partition => (Fault::Partition { link: link(rng) }, rng.u64(500..9_000)),
        Kind::Storm => {
            let service = ["projector-postgres", "projector-redis"][rng.usize(..2)].to_owned();
            (Fault::Storm { service, times: rng.u32(1..4) }, rng.u64(3_000..9_000))
        }
        Kind::SlowTransaction => {
            let context = CONTEXTS[rng.usize(..CONTEXTS.len())].to_owned();
            (Fault::HoldHead { context }, rng.u64(200..5_000))
        }
        Kind::Garbage => (Fault::PublishGarbage { lane: rng.u16(..crate::system::LANES) }, 0),
        Kind::Poison => {
            (Fault::SpoilARow { tenant: rng.usize(..3), product: rng.usize(..3) }, rng.u64(4_000..8_000))
        }
        Kind::Trim => {
            let context = CONTEXTS[rng.usize(..CONTEXTS.len())].to_owned();
            (Fault::TrimTopic { context, tenant: rng.usize(..3) }, rng.u64(2_000..5_000))
        }
        Kind::Rebuild => (Fault::Rebuild { view: VIEWS[rng.usize(..VIEWS.len())].to_owned() }, 0),
    }
}

fn service(rng: &mut Rng) -> String {
    SERVICES[rng.usize(..SERVICES.len())].to_owned()
}

/// Of one that asks to one that answers; what a service never asks is no link of it.
fn link(rng: &mut Rng) -> Link {
    loop {
        let from = rng.usize(..=SERVICES.len());
        let Some(from) = SERVICES.get(from) else {
            let to = ["command-service", "query-service"][rng.usize(..2)];
            return (CLIENTS.to_owned(), to.to_owned());
        };
        let to = PEERS[rng.usize(..PEERS.len())];
        let asks = match *from {
            "schema-registry" => to == "postgres",
            "command-service" => to == "postgres",
            "query-service" => matches!(to, "postgres" | "redis" | "command-service"),
            "relay" => matches!(to, "postgres" | "kafka" | "schema-registry"),
            "projector-postgres" => {
                matches!(to, "postgres" | "kafka" | "schema-registry" | "command-service")
            }
            "projector-redis" => matches!(to, "redis" | "kafka" | "schema-registry" | "command-service"),
            _ => matches!(to, "postgres" | "kafka" | "command-service"),
        };
        if asks {
            return ((*from).to_owned(), to.to_owned());
        }
    }
}

impl Fault {
    /// What is in trouble meanwhile.
    fn target(&self) -> String {
        match self {
            Self::KillService { service } | Self::FreezeService { service } => service.clone(),
            Self::CrashPostgres => "postgres".to_owned(),
            Self::KillServer { server } | Self::FreezeServer { server } => server.clone(),
            Self::EmptyRedis => "redis".to_owned(),
            Self::Cut { link, .. } | Self::Delay { link, .. } | Self::Partition { link } => {
                format!("{} to {}", link.0, link.1)
            }
            Self::Storm { .. } => "more projectors".to_owned(),
            Self::HoldHead { .. } => "the log's head".to_owned(),
            Self::PublishGarbage { .. } => "topic".to_owned(),
            Self::SpoilARow { .. } => "a row".to_owned(),
            Self::TrimTopic { .. } => "projectors".to_owned(),
            Self::Rebuild { .. } => "a build".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    fn all() -> &'static [Kind] {
        Kind::value_variants()
    }

    #[test]
    fn a_seed_is_a_schedule() {
        assert_eq!(schedule(1, 60_000, all()), schedule(1, 60_000, all()));
        assert_ne!(schedule(1, 60_000, all()), schedule(2, 60_000, all()));
    }

    #[test]
    fn everything_that_goes_wrong_ends_within_the_run() {
        let steps = schedule(3, 60_000, all());
        assert!(steps.len() > 10);
        assert!(steps.iter().all(|step| step.at_ms >= FIRST_MS && step.at_ms + step.for_ms <= 60_000));
    }

    #[test]
    fn what_is_in_trouble_is_left_alone() {
        let steps = schedule(4, 600_000, all());
        for (place, step) in steps.iter().enumerate() {
            let next = steps[place + 1..].iter().find(|next| next.fault.target() == step.fault.target());
            assert!(next.is_none_or(|next| next.at_ms >= step.at_ms + step.for_ms));
        }
    }

    #[test]
    fn every_kind_comes_and_no_other() {
        let steps = schedule(5, 600_000, &[Kind::Flush, Kind::Rebuild]);
        let is_asked_for = |step: &Step| matches!(step.fault, Fault::EmptyRedis | Fault::Rebuild { .. });
        assert!(steps.iter().all(is_asked_for));
        assert_eq!(schedule(5, 600_000, &[]), []);
    }

    #[test]
    fn a_schedule_is_read_as_it_was_written() {
        let steps = schedule(6, 120_000, all());
        let text = serde_json::to_string(&steps).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Step>>(&text).unwrap(), steps);
    }
}
