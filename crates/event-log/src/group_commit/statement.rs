//! The one statement of the write path.

mod beside;
mod proposal;

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{ChainHash, Epoch, Sequence, StreamVersion, Timestamp};
use sqlx::postgres::{PgConnection, PgDatabaseError, PgRow};
use sqlx::{Row, query};
use uuid::Uuid;

use super::{Command, Loss};
use crate::{AppendError, Options};
use beside::Beside;
pub(super) use proposal::Head;
use proposal::Proposal;

const APPEND: &str = include_str!("../../queries/append_batch.sql");
const APPEND_BESIDE: &str = include_str!("../../queries/append_batch_beside.sql");

/// What the database answers to a batch.
#[derive(Debug)]
pub(super) struct Answer {
    /// Where the log stood before.
    pub(super) base: Sequence,
    /// Where it stands now.
    pub(super) head: Head,
    pub(super) epoch: Epoch,
    /// The commands that lost, by their index in the batch, in order.
    pub(super) lost: Vec<(usize, Loss)>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was recorded; the same batch may succeed later.
    Unavailable(Arc<sqlx::Error>),
    /// Nothing was recorded; the same batch will not succeed.
    Refused(Arc<sqlx::Error>),
    /// Nothing was recorded; a command of the batch loses, and which one was not looked for.
    Collided(Arc<sqlx::Error>),
    /// It may have been recorded.
    Unknown(Arc<sqlx::Error>),
    /// Nothing was recorded; rows of these commands, by their index in the batch, are not the ones they were.
    RowsMoved(Vec<usize>),
    /// Nothing was recorded; an inline view does not reflect the log up to here.
    ViewsBehind,
}

impl From<Failure> for AppendError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(error) => Self::Unavailable(error),
            Failure::Refused(error) | Failure::Collided(error) => Self::Corrupt(error.to_string()),
            Failure::Unknown(_) => Self::Unknown,
            Failure::RowsMoved(_) => Self::RowsMoved,
            Failure::ViewsBehind => Self::ViewsBehind,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let code = match &error {
            sqlx::Error::Database(database) => database.code().unwrap_or_default().into_owned(),
            sqlx::Error::Encode(_) => return Self::Refused(Arc::new(error)),
            _ => return Self::Unknown(Arc::new(error)),
        };
        match code.as_str() {
            "TW001" => return Self::RowsMoved(moved(&error)),
            "TW002" => return Self::ViewsBehind,
            "TW003" | "23505" => return Self::Collided(Arc::new(error)),
            _ => {}
        }
        let error = Arc::new(error);
        match code.get(..2).unwrap_or_default() {
            // Data, constraints, limits, wrong statement, raised by the function, internal.
            "22" | "23" | "54" | "42" | "P0" | "XX" => Self::Refused(error),
            // The server ended the session: perhaps just after the commit.
            "08" => Self::Unknown(error),
            "57" if code != "57014" => Self::Unknown(error),
            // A lock or statement timeout, too many of something, a standby: rolled back.
            _ => Self::Unavailable(error),
        }
    }
}

/// Whose rows moved, as `append_batch_beside` says it.
fn moved(error: &sqlx::Error) -> Vec<usize> {
    let database = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    let detail = database.and_then(PgDatabaseError::detail).unwrap_or_default();
    detail.split(',').filter_map(|number| number.parse::<usize>().ok()?.checked_sub(1)).collect()
}

/// Appends a batch in a transaction of its own, in one round trip. Locks the log's head until the commit: the
/// statement is sent whole and its answer is small, so that a client that freezes cannot stop the server between
/// the lock and the commit. `head` is where this appender left the log: the links of the chain are then made here.
/// `careful` is for a batch that may well have losers; without it, a loser may make the batch fail as
/// [`Failure::Collided`].
pub(super) async fn append_batch(
    connection: &mut PgConnection,
    log_id: i32,
    batch: &[Command],
    head: Option<&Head>,
    careful: bool,
    options: &Options,
) -> Result<Answer, Failure> {
    let arrays = Arrays::of(batch);
    let proposal = head.map(|head| Proposal::at(head, batch));
    let beside = batch.iter().any(|command| !command.append.beside.is_nothing());
    let appending = query(if beside { APPEND_BESIDE } else { APPEND })
        .bind(log_id)
        .bind(format!("{}ms", options.head_wait_max.as_millis()))
        .bind(i64::try_from(options.once_lifetime.as_micros()).unwrap_or(i64::MAX / 2))
        .bind(careful)
        .bind(&arrays.tenants)
        .bind(&arrays.streams)
        .bind(&arrays.versions)
        .bind(&arrays.event_counts)
        .bind(&arrays.first_ids)
        .bind(&arrays.guard_tenants)
        .bind(&arrays.guard_streams)
        .bind(&arrays.guard_versions)
        .bind(&arrays.guards_begin)
        .bind(&arrays.pair_commands)
        .bind(&arrays.pair_guards)
        .bind(&arrays.claim_commands)
        .bind(&arrays.claim_sets)
        .bind(&arrays.claim_values)
        .bind(&arrays.claims_checked)
        .bind(&arrays.claims_held)
        .bind(&arrays.key_commands)
        .bind(&arrays.keys)
        .bind(&arrays.key_bodies)
        .bind(&arrays.keys_forever)
        .bind(&arrays.event_commands)
        .bind(&arrays.event_versions)
        .bind(&arrays.ids)
        .bind(&arrays.types)
        .bind(&arrays.schemas)
        .bind(&arrays.payloads)
        .bind(&arrays.correlations)
        .bind(&arrays.causations)
        .bind(&arrays.command_ids)
        .bind(&arrays.actors)
        .bind(&arrays.traceparents)
        .bind(&arrays.digests)
        .bind(proposal.as_ref().map(|proposal| &proposal.head[..]))
        .bind(proposal.as_ref().map(|proposal| proposal.recorded_at.micros()))
        .bind(proposal.as_ref().map(Proposal::links).unwrap_or_default());
    let appending = if beside { Beside::of(batch).bind_to(appending) } else { appending };
    let row = appending.fetch_one(connection).await?;
    Ok(arrays.answer(&row)?)
}

/// The batch as the function takes it: see `0002_append_batch.sql` for what goes where.
#[derive(Default)]
struct Arrays<'a> {
    tenants: Vec<i32>,
    streams: Vec<&'a str>,
    versions: Vec<i64>,
    event_counts: Vec<i32>,
    first_ids: Vec<Option<Uuid>>,
    guard_tenants: Vec<i32>,
    guard_streams: Vec<&'a str>,
    guard_versions: Vec<i64>,
    guards_begin: Vec<bool>,
    /// Where a guard stands that several commands may share.
    guards: HashMap<(i32, &'a str, i64), i32>,
    pair_commands: Vec<i32>,
    pair_guards: Vec<i32>,
    /// The place of each pair's guard among its command's own.
    pair_indices: Vec<usize>,
    claim_commands: Vec<i32>,
    claim_sets: Vec<&'a str>,
    claim_values: Vec<&'a str>,
    claims_checked: Vec<bool>,
    claims_held: Vec<bool>,
    claim_indices: Vec<usize>,
    key_commands: Vec<i32>,
    keys: Vec<&'a str>,
    key_bodies: Vec<&'a [u8]>,
    keys_forever: Vec<bool>,
    event_commands: Vec<i32>,
    event_versions: Vec<i64>,
    ids: Vec<Uuid>,
    types: Vec<&'a str>,
    schemas: Vec<i64>,
    payloads: Vec<&'a [u8]>,
    correlations: Vec<Uuid>,
    causations: Vec<Option<Uuid>>,
    command_ids: Vec<Uuid>,
    actors: Vec<&'a str>,
    traceparents: Vec<Option<&'a str>>,
    digests: Vec<&'a [u8]>,
}

impl<'a> Arrays<'a> {
    fn of(batch: &'a [Command]) -> Self {
        let mut arrays = Self::default();
        for (command, number) in batch.iter().zip(1..) {
            arrays.add(number, command);
        }
        arrays
    }

    fn add(&mut self, number: i32, command: &'a Command) {
        let append = &command.append;
        self.tenants.push(command.tenant_id);
        self.streams.push(append.stream.as_str());
        self.versions.push(append.version_before().to_i64());
        self.event_counts.push(i32::try_from(append.events.len()).unwrap_or(i32::MAX));
        self.first_ids.push(append.events.first().map(|event| event.id.0));
        for (index, guard) in append.guards.iter().enumerate() {
            let begins = !append.events.is_empty()
                && guard.stream == append.stream
                && guard.version == StreamVersion::ZERO;
            let guard = (guard.stream.as_str(), guard.version.to_i64());
            let guard = self.guard(command.tenant_id, guard, begins);
            self.pair_commands.push(number);
            self.pair_guards.push(guard);
            self.pair_indices.push(index);
        }
        #[cfg(feature = "seeded-bugs")]
        let unenforced = crate::seeded_bugs::has("claim-not-enforced");
        for claim in &command.claims {
            #[cfg(feature = "seeded-bugs")]
            if unenforced {
                break;
            }
            let (set, value) = append.claims[claim.named_at].claim();
            self.claim_commands.push(number);
            self.claim_sets.push(set);
            self.claim_values.push(value);
            self.claims_checked.push(claim.taken_at.is_some());
            self.claims_held.push(claim.held);
            self.claim_indices.push(claim.taken_at.unwrap_or(claim.named_at));
        }
        let once = append.once.as_ref();
        #[cfg(feature = "seeded-bugs")]
        let once = once.filter(|_| !crate::seeded_bugs::has("once-only-off"));
        if let Some(once) = once {
            self.key_commands.push(number);
            self.keys.push(&once.key);
            self.key_bodies.push(&once.body);
            self.keys_forever.push(once.forever);
        }
        for (event, digest) in append.events.iter().zip(&command.digests) {
            self.event_commands.push(number);
            self.event_versions.push(event.version.to_i64());
            self.ids.push(event.id.0);
            self.types.push(&event.event_type);
            self.schemas.push(event.schema.0);
            self.payloads.push(&event.payload);
            self.correlations.push(event.metadata.correlation_id);
            self.causations.push(event.metadata.causation_id);
            self.command_ids.push(event.metadata.command_id);
            self.actors.push(event.metadata.actor.as_str());
            self.traceparents.push(event.metadata.traceparent.as_deref());
            self.digests.push(digest.as_bytes());
        }
    }

    /// The number of a guard, from 1.
    fn guard(&mut self, tenant_id: i32, (stream, version): (&'a str, i64), begins: bool) -> i32 {
        let next = i32::try_from(self.guard_streams.len() + 1).unwrap_or(i32::MAX);
        let number = *self.guards.entry((tenant_id, stream, version)).or_insert(next);
        if number == next {
            self.guard_tenants.push(tenant_id);
            self.guard_streams.push(stream);
            self.guard_versions.push(version);
            self.guards_begin.push(begins);
        }
        number
    }

    fn answer(&self, row: &PgRow) -> Result<Answer, sqlx::Error> {
        let commands: Option<Vec<i32>> = row.try_get(4)?;
        let whys: Option<Vec<i32>> = row.try_get(5)?;
        let places: Option<Vec<i32>> = row.try_get(6)?;
        let numbers: Option<Vec<i64>> = row.try_get(7)?;
        let places = places.unwrap_or_default();
        let numbers = numbers.unwrap_or_default();
        let whys = whys.unwrap_or_default();
        let mut lost = Vec::new();
        for (index, number) in commands.unwrap_or_default().into_iter().enumerate() {
            let loss = self.loss(whys[index], places[index], numbers[index])?;
            lost.push((usize::try_from(number - 1).unwrap_or_default(), loss));
        }
        lost.sort_by_key(|(index, _)| *index);
        let base = Sequence::from_i64(row.try_get(0)?);
        let recorded_at = Timestamp::from_micros(row.try_get(1)?);
        let chain = ChainHash::from_bytes(row.try_get(3)?)
            .ok_or_else(|| sqlx::Error::Decode("append_batch answered a chain of another length".into()))?;
        let recorded = self
            .event_counts
            .iter()
            .enumerate()
            .filter(|(index, _)| lost.binary_search_by_key(index, |(loser, _)| *loser).is_err());
        let sequence = base.plus(recorded.map(|(_, events)| *events as u64).sum());
        Ok(Answer { base, head: Head { sequence, recorded_at, chain }, epoch: Epoch(row.try_get(2)?), lost })
    }

    fn loss(&self, why: i32, place: i32, number: i64) -> Result<Loss, sqlx::Error> {
        let unheard_of = || sqlx::Error::Decode(format!("append_batch answered {why} at {place}").into());
        let place = usize::try_from(place - 1).map_err(|_| unheard_of())?;
        let index = |indices: &[usize]| indices.get(place).copied().ok_or_else(unheard_of);
        match why {
            1 => Ok(Loss::KeyUsed),
            2 => Ok(Loss::Recorded(Sequence::from_i64(number))),
            3 => Ok(Loss::Stale(index(&self.pair_indices)?, StreamVersion::from_i64(number))),
            4 => Ok(Loss::ClaimTaken(index(&self.claim_indices)?)),
            _ => Err(unheard_of()),
        }
    }
}
