//! Reading: by stream, by sequence, and what is known of keys and claims.
//!
//! Every call is one statement, so that nothing holds a snapshot for longer than a page takes.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use kernel::{
    Actor, ChainHash, Epoch, EventId, EventMetadata, LogId, LoggedEvent, NewEvent, SchemaFingerprint,
    Sequence, Source, StreamFamily, StreamName, StreamVersion, TenantId, Timestamp,
};
use sqlx::postgres::PgRow;
use sqlx::{Row, query};
use uuid::Uuid;

use crate::{EventLog, LogError, Receipt, directory};

/// The end of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last event's place; zero in an empty log.
    pub sequence: Sequence,
    /// The chain up to and with it.
    pub chain: ChainHash,
    /// The identity of the log's history.
    pub epoch: Epoch,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Up to where it is published.
    pub published_through: Sequence,
}

/// What the log says of an append that it has already.
pub(crate) struct Found {
    pub(crate) ids: Vec<EventId>,
    pub(crate) epoch: Epoch,
    pub(crate) recorded_at: Timestamp,
}

impl EventLog {
    /// What came of the command with this once-only key, and its body's hash.
    pub async fn answer_for(
        &self,
        context: &str,
        tenant: &TenantId,
        key: &str,
    ) -> Result<Option<(Receipt, [u8; 32])>, LogError> {
        let Some((log, log_id, place)) = self.directory.known(context, tenant).await? else {
            return Ok(None);
        };
        let row = query(include_str!("../queries/answer_for.sql"))
            .bind(log_id)
            .bind(place.tenant_id)
            .bind(key)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let ids: Vec<Uuid> = row.try_get(6)?;
        let types: Vec<String> = row.try_get(7)?;
        let version = StreamVersion::from_i64(row.try_get(1)?);
        let events: Vec<_> =
            ids.into_iter().zip(types).map(|(id, name)| (EventId(id), Arc::from(name))).collect();
        let receipt = Receipt {
            log,
            epoch: Epoch(row.try_get(3)?),
            stream: stream_name(row.try_get(4)?)?,
            version,
            sequence: Sequence::from_i64(row.try_get(0)?),
            recorded_at: Timestamp::from_micros(row.try_get(2)?),
            began_stream: !events.is_empty() && version.number() == events.len() as u64,
            events,
        };
        let body: &[u8] = row.try_get(5)?;
        let body =
            body.try_into().map_err(|_| LogError::Corrupt("a body's hash of another size".to_owned()))?;
        Ok(Some((receipt, body)))
    }

    /// The events of a stream after a version, in order, at most `limit`, and fewer where they are large: an
    /// empty answer is the end, a short one is not.
    pub async fn read_stream(
        &self,
        context: &str,
        tenant: &TenantId,
        stream: &StreamName,
        after: StreamVersion,
        limit: usize,
    ) -> Result<Vec<LoggedEvent>, LogError> {
        let Some((log, log_id, place)) = self.directory.known(context, tenant).await? else {
            return Ok(Vec::new());
        };
        let rows = query(include_str!("../queries/read_stream.sql"))
            .bind(log_id)
            .bind(place.tenant_id)
            .bind(stream.as_str())
            .bind(after.to_i64())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch(&self.pool);
        let reader = EventReader {
            tenant: Some(tenant.clone()),
            stream: Some(stream.clone()),
            ..EventReader::of(log)
        };
        let events = self.collect(rows, reader).await?;
        let follows = |(event, version): (&LoggedEvent, u64)| event.event.version.number() == version;
        if !events.iter().zip(after.number() + 1..).all(follows) {
            return Err(LogError::Corrupt(format!("the stream {stream} has a hole after version {after}")));
        }
        Ok(events)
    }

    /// The events of all streams of a family, stream by stream in the order of their names, after this event of
    /// one of them; at most `limit`, and fewer where they are large: an empty answer is the end, a short one is
    /// not. Streams that grow between two pages are noticed by their guard, whose version counts all events.
    pub async fn read_family(
        &self,
        context: &str,
        tenant: &TenantId,
        family: &StreamFamily,
        after: Option<(&StreamName, StreamVersion)>,
        limit: usize,
    ) -> Result<Vec<LoggedEvent>, LogError> {
        let Some((log, log_id, place)) = self.directory.known(context, tenant).await? else {
            return Ok(Vec::new());
        };
        let first = family.prefix();
        let (stream, version) =
            after.map_or((first, StreamVersion::ZERO), |(stream, version)| (stream.as_str(), version));
        let rows = query(include_str!("../queries/read_family.sql"))
            .bind(log_id)
            .bind(place.tenant_id)
            .bind(first)
            .bind(stream)
            .bind(version.to_i64())
            .bind(follower_of(first))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch(&self.pool);
        let reader = EventReader { tenant: Some(tenant.clone()), ..EventReader::of(log) };
        self.collect(rows, reader).await
    }

    /// The events of these streams and families between two sequences, in the order of the log: after the first, up
    /// to the second. At most `limit`, and fewer where they are large: an empty answer is the end, a short one is
    /// not. Reads what these streams hold, and nothing else of the log.
    pub async fn read_streams(
        &self,
        context: &str,
        tenant: &TenantId,
        sources: &[Source],
        (after, to): (Sequence, Sequence),
        limit: usize,
    ) -> Result<Vec<LoggedEvent>, LogError> {
        let Some((log, log_id, place)) = self.directory.known(context, tenant).await? else {
            return Ok(Vec::new());
        };
        let (first, end): (Vec<_>, Vec<_>) = sources.iter().map(range_of).unzip();
        let naming: Vec<Option<String>> = sources.iter().map(named_in).collect();
        let rows = query(include_str!("../queries/read_streams.sql"))
            .bind(log_id)
            .bind(place.tenant_id)
            .bind(first)
            .bind(end)
            .bind(after.to_i64())
            .bind(to.to_i64())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(naming)
            .fetch(&self.pool);
        let reader = EventReader { tenant: Some(tenant.clone()), ..EventReader::of(log) };
        self.collect(rows, reader).await
    }

    /// The last event of a log that was recorded at this time or before; zero where none was. Time never runs
    /// backwards within a log, so a few events are looked at, and not all.
    pub async fn sequence_at(&self, log: &LogId, time: Timestamp) -> Result<Sequence, LogError> {
        let row = query(include_str!("../queries/sequence_at.sql"))
            .bind(&*log.context)
            .bind(i32::from(log.lane.number()))
            .bind(time.micros())
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| LogError::UnknownLog(log.clone()))?;
        Ok(Sequence::from_i64(row.try_get(0)?))
    }

    /// The values of a set that are claimed and begin with `prefix`, in order, at most `limit`.
    pub async fn claims_beginning(
        &self,
        context: &str,
        tenant: &TenantId,
        set: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<String>, LogError> {
        let Some((_, log_id, place)) = self.directory.known(context, tenant).await? else {
            return Ok(Vec::new());
        };
        let rows = query(
            "SELECT claims.value FROM claims
             WHERE claims.log_id = $1 AND claims.tenant_id = $2 AND claims.set_name = $3
               AND claims.value >= $4 AND starts_with(claims.value, $4)
               AND claims.value < $4 || E'\\U0010FFFF'
             ORDER BY claims.value
             LIMIT $5",
        )
        .bind(log_id)
        .bind(place.tenant_id)
        .bind(set)
        .bind(prefix)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The events of a log after a sequence, in order, at most `limit`, and fewer where they are large: an empty
    /// answer is the end, a short one is not.
    ///
    /// A reader never passes an event that may still commit: sequences are dense and in commit order, because they
    /// are taken under the lock of the head that the commit releases.
    pub async fn read_log(
        &self,
        log: &LogId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<LoggedEvent>, LogError> {
        let Some(log_id) = self.directory.known_log(log).await? else { return Ok(Vec::new()) };
        let rows = query(include_str!("../queries/read_log.sql"))
            .bind(log_id)
            .bind(after.to_i64())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch(&self.pool);
        self.collect(rows, EventReader::of(log.clone())).await
    }

    /// Where a log ends.
    pub async fn head(&self, log: &LogId) -> Result<Head, LogError> {
        let row = query(
            "SELECT logs.sequence, logs.chain, logs.epoch, logs.recorded_at, cursors.published_through
             FROM logs JOIN cursors ON cursors.log_id = logs.log_id
             WHERE logs.context = $1 AND logs.lane = $2",
        )
        .bind(&*log.context)
        .bind(i32::from(log.lane.number()))
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| LogError::UnknownLog(log.clone()))?;
        head(&row)
    }

    /// Where every log that was ever begun ends, by context and lane.
    pub async fn heads(&self) -> Result<Vec<(LogId, Head)>, LogError> {
        let rows = query(
            "SELECT logs.sequence, logs.chain, logs.epoch, logs.recorded_at, cursors.published_through,
                    logs.context, logs.lane
             FROM logs JOIN cursors ON cursors.log_id = logs.log_id
             ORDER BY logs.context, logs.lane",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let log = LogId::new(row.try_get::<&str, _>(5)?, directory::lane(row.try_get(6)?)?);
                Ok((log, head(row)?))
            })
            .collect()
    }

    /// Every log that was ever begun.
    pub async fn logs(&self) -> Result<Vec<LogId>, LogError> {
        let rows =
            query("SELECT context, lane FROM logs ORDER BY context, lane").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| Ok(LogId::new(row.try_get::<&str, _>(0)?, directory::lane(row.try_get(1)?)?)))
            .collect()
    }

    /// Which stream holds each of these values, in their order.
    pub async fn claims_held(
        &self,
        context: &str,
        tenant: &TenantId,
        claims: &[(&str, &str)],
    ) -> Result<Vec<Option<StreamName>>, LogError> {
        let Some((_, log_id, place)) = self.directory.known(context, tenant).await? else {
            return Ok(vec![None; claims.len()]);
        };
        let (sets, values): (Vec<&str>, Vec<&str>) = claims.iter().copied().unzip();
        let rows = query(
            "SELECT claims.stream
             FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS asked (set_name, value, place)
             LEFT JOIN claims ON claims.log_id = $1 AND claims.tenant_id = $2
                 AND claims.set_name = asked.set_name AND claims.value = asked.value
             ORDER BY asked.place",
        )
        .bind(log_id)
        .bind(place.tenant_id)
        .bind(sets)
        .bind(values)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| row.try_get::<Option<&str>, _>(0)?.map(stream_name).transpose()).collect()
    }

    /// The `count` events of a log from `first` on, as far as a receipt needs them.
    pub(crate) async fn recorded(
        &self,
        log: &LogId,
        first: Sequence,
        count: usize,
    ) -> Result<Found, LogError> {
        let rows = query(
            "SELECT events.id, events.recorded_at, logs.epoch
             FROM logs JOIN events ON events.log_id = logs.log_id
             WHERE logs.context = $1 AND logs.lane = $2 AND events.sequence >= $3 AND events.sequence < $3 + $4
             ORDER BY events.sequence",
        )
        .bind(&*log.context)
        .bind(i32::from(log.lane.number()))
        .bind(first.to_i64())
        .bind(i64::try_from(count).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        let row = rows.first().ok_or_else(|| LogError::Corrupt(format!("the event {first} is gone")))?;
        Ok(Found {
            epoch: Epoch(row.try_get(2)?),
            recorded_at: Timestamp::from_micros(row.try_get(1)?),
            ids: rows.iter().map(|row| row.try_get(0).map(EventId)).collect::<Result<_, _>>()?,
        })
    }

    /// Takes rows until they are all there or enough bytes are.
    async fn collect(
        &self,
        mut rows: impl futures::Stream<Item = Result<PgRow, sqlx::Error>> + Unpin,
        mut reader: EventReader,
    ) -> Result<Vec<LoggedEvent>, LogError> {
        let mut events = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.try_next().await? {
            let event = reader.read(&row)?;
            bytes += event.event.payload.len();
            events.push(event);
            if bytes >= self.options.read_bytes_max {
                break;
            }
        }
        Ok(events)
    }
}

/// Reads events from rows, and shares between them what they have in common.
struct EventReader {
    log: LogId,
    tenant: Option<TenantId>,
    stream: Option<StreamName>,
    actor: Option<Actor>,
    types: Vec<Arc<str>>,
}

/// Types that are looked for one by one before a name is kept separately.
const SHARED_TYPES_MAX: usize = 32;

impl EventReader {
    fn of(log: LogId) -> Self {
        Self { log, tenant: None, stream: None, actor: None, types: Vec::new() }
    }

    fn read(&mut self, row: &PgRow) -> Result<LoggedEvent, LogError> {
        let traceparent: Option<&str> = row.try_get(11)?;
        let payload: &[u8] = row.try_get(13)?;
        let event = NewEvent {
            id: EventId(row.try_get(4)?),
            event_type: self.event_type(row.try_get(9)?),
            stream: self.stream(row.try_get(8)?)?,
            version: StreamVersion::from_i64(row.try_get(1)?),
            schema: SchemaFingerprint(row.try_get(3)?),
            payload: Bytes::copy_from_slice(payload),
            metadata: EventMetadata {
                correlation_id: row.try_get(5)?,
                causation_id: row.try_get(7)?,
                command_id: row.try_get(6)?,
                actor: self.actor(row.try_get(10)?),
                traceparent: traceparent.map(Arc::from),
            },
        };
        Ok(LoggedEvent {
            log: self.log.clone(),
            sequence: Sequence::from_i64(row.try_get(0)?),
            recorded_at: Timestamp::from_micros(row.try_get(2)?),
            chain: chain_hash(row.try_get(12)?)?,
            tenant: self.tenant(row.try_get(14)?)?,
            event,
        })
    }

    fn event_type(&mut self, name: &str) -> Arc<str> {
        if let Some(shared) = self.types.iter().find(|shared| ***shared == *name) {
            return shared.clone();
        }
        let shared: Arc<str> = name.into();
        if self.types.len() < SHARED_TYPES_MAX {
            self.types.push(shared.clone());
        }
        shared
    }

    fn stream(&mut self, name: &str) -> Result<StreamName, LogError> {
        match &self.stream {
            Some(stream) if stream.as_str() == name => Ok(stream.clone()),
            _ => Ok(self.stream.insert(stream_name(name)?).clone()),
        }
    }

    fn tenant(&mut self, name: &str) -> Result<TenantId, LogError> {
        match &self.tenant {
            Some(tenant) if tenant.as_str() == name => Ok(tenant.clone()),
            _ => {
                let tenant = TenantId::new(name).map_err(|error| LogError::Corrupt(error.to_string()))?;
                Ok(self.tenant.insert(tenant).clone())
            }
        }
    }

    fn actor(&mut self, name: &str) -> Actor {
        match &self.actor {
            Some(actor) if actor.as_str() == name => actor.clone(),
            _ => self.actor.insert(Actor::new(name)).clone(),
        }
    }
}

fn head(row: &PgRow) -> Result<Head, LogError> {
    Ok(Head {
        sequence: Sequence::from_i64(row.try_get(0)?),
        chain: chain_hash(row.try_get(1)?)?,
        epoch: Epoch(row.try_get(2)?),
        recorded_at: Timestamp::from_micros(row.try_get(3)?),
        published_through: Sequence::from_i64(row.try_get(4)?),
    })
}

/// The names that a source reads: from the first, before the end.
fn range_of(source: &Source) -> (String, String) {
    match source {
        // No name has a control character: nothing lies between a name and itself with one more.
        Source::Stream(stream) => (stream.to_string(), format!("{stream}\u{1}")),
        Source::Family(family) => (family.prefix().to_owned(), follower_of(family.prefix())),
        // A point follows the hyphen.
        Source::Naming { kind, .. } => (format!("{kind}-"), format!("{kind}.")),
    }
}

/// What the payload of an event has to hold: ids are text in Avro.
fn named_in(source: &Source) -> Option<String> {
    match source {
        Source::Stream(_) | Source::Family(_) => None,
        Source::Naming { id, .. } => Some(id.hyphenated().to_string()),
    }
}

/// The least text that is greater than all that begin with this one, whose last character is a point.
fn follower_of(prefix: &str) -> String {
    format!("{}/", prefix.strip_suffix('.').unwrap_or(prefix))
}

pub(crate) fn stream_name(name: &str) -> Result<StreamName, LogError> {
    StreamName::parse(name).map_err(|error| LogError::Corrupt(error.to_string()))
}

pub(crate) fn chain_hash(bytes: &[u8]) -> Result<ChainHash, LogError> {
    ChainHash::from_bytes(bytes).ok_or_else(|| LogError::Corrupt("a chain of another size".to_owned()))
}
