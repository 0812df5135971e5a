//! The pipeline: read the body, load, decide, append, and decide again where somebody else was first.

mod case;
mod dry_run;
mod signing_in;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use event_log::{Append, AppendError, EventLog, OnceKey, PasswordHash, Receipt};
use kernel::{Actor, LogId, StreamName, StreamVersion, TenantId, Timestamp};
use uuid::Uuid;

use crate::CommandError;
use crate::command::{Decided, Question};
use crate::inline::InlineViews;
use crate::once::OnceHasher;
use crate::passwords::Passwords;
use crate::queues::Queues;
use crate::registry::{CommandEntry, Commands};
use crate::streams::Streams;
use crate::telemetry::Outcome;
use crate::warm::StreamKey;
use case::{Case, Confirmed};
pub use dry_run::{DryRun, PreviewedEvent};

/// The bounds that commands are carried out within.
#[derive(Debug, Clone)]
pub struct DispatchOptions {
    /// About how many bytes of stream states are kept in memory.
    pub warm_bytes: u64,
    /// How often a command is decided before it is given up as contended.
    pub decisions_max: u32,
    /// How often an append whose outcome is not known is repeated, beyond the log's own repeats.
    pub repeats_max: u32,
    /// The longest pause before deciding again; pauses are random and grow up to it.
    pub pause_max: Duration,
    /// Commands that wait in this process for their turn on one stream.
    pub queue_per_stream_max: usize,
}

impl Default for DispatchOptions {
    fn default() -> Self {
        Self {
            warm_bytes: 32 << 20,
            decisions_max: 24,
            repeats_max: 2,
            pause_max: Duration::from_millis(50),
            queue_per_stream_max: 4096,
        }
    }
}

/// A command as it came in, authorised.
#[derive(Debug, Clone)]
pub struct CommandRequest<'a> {
    /// Whose streams it may touch.
    pub tenant: TenantId,
    /// Who sent it.
    pub actor: Actor,
    /// Its body.
    pub body: &'a [u8],
    /// The key under which a repeat is recognised.
    pub once: Option<Once<'a>>,
    /// What the client knows of the stream's version.
    pub precondition: Option<Precondition>,
    /// Ties together all that began with one request from outside.
    pub correlation_id: Uuid,
    /// The event or command that caused it, where one did.
    pub causation_id: Option<Uuid>,
    /// Its W3C trace context.
    pub traceparent: Option<Arc<str>>,
}

/// A once-only key.
#[derive(Debug, Clone, Copy)]
pub struct Once<'a> {
    /// Unique within tenant and context.
    pub key: &'a str,
    /// Kept for ever, as processes need it, and not only for the log's lifetime of keys.
    pub forever: bool,
}

/// At which versions of its stream a command may be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// The stream has begun.
    Begun,
    /// The stream is at one of these.
    At(Vec<StreamVersion>),
}

impl Precondition {
    fn holds(&self, version: StreamVersion) -> bool {
        match self {
            Self::Begun => version > StreamVersion::ZERO,
            Self::At(versions) => versions.contains(&version),
        }
    }
}

/// A command that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was recorded.
    pub receipt: Receipt,
    /// Whether it was recorded by an earlier command with the same once-only key.
    pub replayed: bool,
}

/// Carries commands out.
pub struct Dispatcher {
    commands: Commands,
    log: EventLog,
    streams: Streams,
    queues: Queues<StreamKey>,
    inline: InlineViews,
    passwords: Passwords,
    once: OnceHasher,
    options: DispatchOptions,
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Dispatcher").field("commands", &self.commands).finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// Commands on this log. `once_secret` keys the hashes of bodies that are kept with once-only keys: the same in
    /// every process of an installation, and for as long as keys are kept.
    pub fn new(commands: Commands, log: EventLog, once_secret: &[u8], options: DispatchOptions) -> Self {
        Self {
            inline: InlineViews::new(log.clone(), &commands.inline, options.queue_per_stream_max),
            passwords: Passwords::default(),
            commands,
            streams: Streams::new(log.clone(), options.warm_bytes),
            log,
            queues: Queues::new(options.queue_per_stream_max),
            once: OnceHasher::new(once_secret),
            options,
        }
    }

    /// The commands.
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Makes what the rows of inline views live in, and brings the rows up to the log; until then no command of a
    /// context that has such views is carried out. A view whose fold changed while its version did not is built anew
    /// if `rebuild`, and nothing is opened if not. `shape` is SQL that adds indexes to the table `rows` of a view.
    pub async fn open_inline_views(
        &self,
        rebuild: bool,
        shape: fn(&str) -> &'static str,
    ) -> Result<(), CommandError> {
        self.inline.open(rebuild, shape).await
    }

    /// The stream that a body says the command is about; none where it does not, or is no such command's.
    pub fn stream_named_by(&self, command: &CommandEntry, body: &[u8]) -> Option<StreamName> {
        let question = command.reader.read(body).ok()?;
        question.stream_id().map(|id| question.stream(id))
    }

    /// Carries a command out. A caller that goes away before the answer leaves it carried out or not, as a whole.
    pub async fn execute(
        &self,
        command: &CommandEntry,
        request: CommandRequest<'_>,
    ) -> Result<Answer, CommandError> {
        let started = Instant::now();
        let answered = self.carry_out(command, &request).await;
        let outcome = match &answered {
            Ok(Answer { replayed: false, .. }) => Outcome::Accepted,
            Ok(Answer { replayed: true, .. }) => Outcome::Replayed,
            Err(error) => error.outcome(),
        };
        command.meters.ended(outcome, started.elapsed());
        answered
    }

    async fn carry_out(
        &self,
        command: &CommandEntry,
        request: &CommandRequest<'_>,
    ) -> Result<Answer, CommandError> {
        let mut question = command.reader.read(request.body)?;
        let once = self.once_key(command, request)?;
        let mut case = Case::open(self, command, request, &*question);
        let _turn = case.turn().await?;
        case.load_main().await?;
        let mut password = None;
        for decision in 0..self.options.decisions_max {
            if decision > 0 {
                command.meters.retried();
                self.pause(decision).await;
            }
            let decided = match case.decide(&mut *question).await? {
                Ok(decided) => self.hash_password(&case, &*question, decided, &mut password).await?,
                refused => refused,
            };
            let refusal = match decided {
                Ok(decided) => match self.append(&case, &*question, decided, once.as_ref(), &password).await?
                {
                    Appended::Recorded { receipt, bytes } => {
                        case.say(&receipt);
                        case.recorded(&*question, &receipt, bytes);
                        return Ok(Answer { receipt, replayed: false });
                    }
                    Appended::DoneBefore(answer) => return Ok(answer),
                    Appended::Stale { stream, actual } => {
                        command.meters.conflicted();
                        case.moved(&stream, actual).await?;
                        continue;
                    }
                    Appended::FactTaken => {
                        command.meters.conflicted();
                        case.forget_claims();
                        continue;
                    }
                    Appended::RowsMoved => {
                        command.meters.conflicted();
                        continue;
                    }
                },
                Err(refusal) => refusal,
            };
            if case.confirm().await? == Confirmed::No {
                continue;
            }
            // The key is looked for after the state was read: were it the other way round, this command's own twin
            // could be recorded in between, and be the very thing that the refusal is about.
            return match self.done_before(&case, once.as_ref()).await? {
                Some(answer) => Ok(answer),
                None => Err(refusal),
            };
        }
        Err(CommandError::Contended)
    }

    /// Hashes the password that a decision gives its stream, once for all decisions of the command. The inner error is
    /// a refusal: where a value that must be unique is taken, the work of hashing is saved.
    async fn hash_password(
        &self,
        case: &Case<'_>,
        question: &dyn Question,
        decided: Decided,
        hash: &mut Option<PasswordHash>,
    ) -> Result<Result<Decided, CommandError>, CommandError> {
        if let (Some(password), None) = (&decided.password, &hash) {
            if let Some(index) = self.first_taken(case, &decided.claims).await? {
                return Ok(Err(question.claim_refusal(index).into()));
            }
            *hash = Some(self.passwords.hash(password).await?);
        }
        Ok(Ok(decided))
    }

    async fn append(
        &self,
        case: &Case<'_>,
        question: &dyn Question,
        decided: Decided,
        once: Option<&OnceKey>,
        password: &Option<PasswordHash>,
    ) -> Result<Appended, CommandError> {
        let bytes = decided.events.iter().map(|event| event.payload.len() as u64).sum();
        let password = decided.password.is_some().then(|| password.clone()).flatten();
        let mut append = case.append_of(decided, once.cloned());
        let (context, tenant) = (case.command.context(), case.tenant());
        let prepared = self.inline.prepare(context, tenant, &append, password).await?;
        append.beside = prepared.beside;
        let _turns_on_rows = prepared.turns;
        let stood_on: Vec<bool> = append.claims.iter().map(|change| case.read_as_fact(change)).collect();
        match self.append_repeating(case, append).await {
            Ok(receipt) => Ok(Appended::Recorded { receipt, bytes }),
            Err(AppendError::AlreadyDone(receipt, body)) => {
                replay(*receipt, body, once).map(Appended::DoneBefore)
            }
            Err(AppendError::Stale { stream, actual }) => Ok(Appended::Stale { stream, actual }),
            Err(AppendError::ClaimTaken { index }) if stood_on.get(index) == Some(&true) => {
                Ok(Appended::FactTaken)
            }
            Err(AppendError::RowsMoved) => Ok(Appended::RowsMoved),
            Err(AppendError::ViewsBehind) => {
                let lane = self.log.lane_of(tenant).await?;
                self.inline.catch_up(&LogId::new(context, lane)).await?;
                Ok(Appended::RowsMoved)
            }
            Err(AppendError::ClaimTaken { index }) => Err(question.claim_refusal(index).into()),
            Err(AppendError::Busy) => Err(CommandError::Busy),
            Err(AppendError::Unavailable(error)) => Err(CommandError::Unavailable(error.into())),
            Err(AppendError::Unknown) => Err(CommandError::Unknown),
            Err(error @ (AppendError::Malformed(_) | AppendError::Corrupt(_))) => {
                Err(CommandError::Failed(error.into()))
            }
        }
    }

    /// Appends, and repeats the very same append while its outcome is not known: the log recognises the ids of
    /// events that it has.
    async fn append_repeating(&self, case: &Case<'_>, append: Append) -> Result<Receipt, AppendError> {
        let (context, tenant) = (case.command.context(), case.tenant());
        let mut outcome = self.log.append(context, tenant, append.clone()).await;
        for repeat in 1..=self.options.repeats_max {
            if !matches!(outcome, Err(AppendError::Unknown)) {
                break;
            }
            case.command.meters.retried();
            self.pause(repeat).await;
            outcome = match self.log.append(context, tenant, append.clone()).await {
                // The first time it may have been recorded: that this time it was not says nothing about that.
                Err(AppendError::Unavailable(_) | AppendError::Busy) => Err(AppendError::Unknown),
                outcome => outcome,
            };
        }
        outcome
    }

    /// The answer of an earlier command with the same once-only key.
    async fn done_before(
        &self,
        case: &Case<'_>,
        once: Option<&OnceKey>,
    ) -> Result<Option<Answer>, CommandError> {
        let Some(key) = once else { return Ok(None) };
        let found = self.log.answer_for(case.command.context(), case.tenant(), &key.key).await?;
        found.map(|(receipt, body)| replay(receipt, body, once)).transpose()
    }

    fn once_key(
        &self,
        command: &CommandEntry,
        request: &CommandRequest<'_>,
    ) -> Result<Option<OnceKey>, CommandError> {
        let Some(Once { key, forever }) = request.once else { return Ok(None) };
        let body = self
            .once
            .hash(command.full_name(), request.body, command.secrets)
            .map_err(|error| CommandError::Failed(error.into()))?;
        Ok(Some(OnceKey { key: key.to_owned(), body, forever }))
    }

    /// Random, so that two that met once do not meet again; the first retry is not kept waiting.
    async fn pause(&self, retries: u32) {
        if retries < 2 {
            return;
        }
        let longest = Duration::from_millis(1 << retries.min(10)).min(self.options.pause_max);
        tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
    }
}

/// What came of an append.
enum Appended {
    Recorded {
        receipt: Receipt,
        bytes: u64,
    },
    DoneBefore(Answer),
    Stale {
        stream: StreamName,
        actual: StreamVersion,
    },
    /// A value that had been read as free.
    FactTaken,
    /// Rows of inline views were not where they were read.
    RowsMoved,
}

fn replay(receipt: Receipt, body: [u8; 32], once: Option<&OnceKey>) -> Result<Answer, CommandError> {
    match once {
        Some(once) if once.body == body => Ok(Answer { receipt, replayed: true }),
        _ => Err(CommandError::KeyReused),
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
