//! What clients asked and were told: a line of JSON for each call, kept in memory for the checker.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Microseconds since 1970, by the clock that the log's database reads too: everything runs on one machine.
pub(crate) type Micros = i64;

/// Now.
pub(crate) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// A place in a log, as tokens tell it: `catalog/3=1042`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) context: String,
    pub(crate) lane: u16,
    pub(crate) sequence: u64,
}

impl Token {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (log, sequence) = text.trim().split_once('=')?;
        let (context, lane) = log.split_once('/')?;
        Some(Self { context: context.to_owned(), lane: lane.parse().ok()?, sequence: sequence.parse().ok()? })
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}={}", self.context, self.lane, self.sequence)
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub(crate) enum Entry {
    Command(CommandCall),
    Query(QueryCall),
    Fault(FaultTold),
}

/// One attempt at a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CommandCall {
    /// Who asked.
    pub(crate) process: u32,
    /// All attempts at one thing have one number; it is the correlation id of what comes of it, and its key.
    pub(crate) operation: Uuid,
    pub(crate) tenant: String,
    /// `catalog/reserve-stock`.
    pub(crate) command: String,
    /// The id that the rules are about: the product, the group, the SKU.
    pub(crate) about: String,
    pub(crate) body: Value,
    /// The key was sent again with another body, which must be refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) misuse: bool,
    pub(crate) invoked: Micros,
    pub(crate) returned: Micros,
    pub(crate) outcome: Outcome,
}

/// What a client may believe after an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// It was carried out.
    Ok { place: Token, stream: String, version: u64, events: Vec<Uuid> },
    /// It was not, and this attempt had no effect: a rule's code, or the problem's type.
    Refused { status: u16, code: String },
    /// Nobody knows.
    Unknown { why: String },
}

/// A query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueryCall {
    pub(crate) process: u32,
    pub(crate) tenant: String,
    pub(crate) path: String,
    /// What is asked for; none where the answer is a refusal in any case.
    pub(crate) about: About,
    pub(crate) id: String,
    /// `Twofold-After`.
    pub(crate) after: Option<Token>,
    pub(crate) invoked: Micros,
    pub(crate) returned: Micros,
    pub(crate) answer: Answer,
}

/// What a query asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum About {
    /// A product's stock, from the view of products.
    Product,
    /// A product's stock, from the view of stock.
    Stock,
    /// A group's wallets and balances.
    Group,
    /// A user, from the inline view.
    User,
    /// An order.
    Order,
    /// All products of the tenant.
    Products,
    /// Something of another tenant.
    Foreign,
    /// Anything, without a token.
    Nobody,
}

/// What a query was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// 200, or 404 with `seen` null.
    Seen { reflects: Option<Token>, parked: Option<u64>, seen: Value },
    /// Another status.
    Refused { status: u16, code: String },
    /// None.
    Unknown { why: String },
}

/// What was done to the system, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FaultTold {
    pub(crate) at: Micros,
    pub(crate) what: String,
}

/// The beginning of which topic's partition the trial deleted; told as a fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trimmed {
    /// The context.
    pub(crate) trimmed: String,
    pub(crate) lane: u16,
}

/// Keeps what is told, in memory and in a file.
#[derive(Debug)]
pub(crate) struct History {
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    entries: Vec<Entry>,
    file: BufWriter<File>,
}

impl History {
    pub(crate) fn in_file(path: &Path) -> anyhow::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        Ok(Self { kept: Mutex::new(Kept { entries: Vec::new(), file }) })
    }

    pub(crate) fn tell(&self, entry: Entry) {
        let mut kept = self.lock();
        if let Ok(line) = serde_json::to_string(&entry) {
            // A disk that is full must not end the trial: the entry is in memory.
            let _ = writeln!(kept.file, "{line}");
        }
        kept.entries.push(entry);
    }

    pub(crate) fn fault(&self, what: impl Into<String>) {
        self.tell(Entry::Fault(FaultTold { at: now(), what: what.into() }));
    }

    /// Everything that was told so far; the file has it too.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut kept = self.lock();
        let _ = kept.file.flush();
        kept.entries.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
