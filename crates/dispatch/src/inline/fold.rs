//! An inline view with its types erased: which rows events touch, and what the rows are after them.

use std::collections::HashMap;

use event_log::{InlineCode, KeptRow};
use kernel::{Keys, LoggedEvent, Recorded, RowKey, SchemaFingerprint, Sequence, TenantId, View};
use wire::{Codec, DecodeError, SchemaError, fold_fingerprint};

/// Events on their way into rows of one view.
pub(crate) trait InlineFold: Send + Sync {
    /// The view.
    fn name(&self) -> &'static str;
    /// What its rows are the work of.
    fn code(&self) -> InlineCode;
    /// Makes a schema known that another release wrote events with.
    fn add_writer_schema(&self, json: &str) -> Result<(), SchemaError>;
    /// Reads events, in the order of their sequences.
    fn read(&self, events: &[LoggedEvent]) -> Result<Box<dyn Folding>, InlineError>;
}

/// Events that were read, and the rows that they touch.
pub(crate) trait Folding: Send + Sync {
    /// Those rows, each once.
    fn rows(&self) -> &[(TenantId, RowKey)];
    /// Those of the rows that are others after the events. `kept` are those that there ever were, with their places.
    fn fold(&self, kept: Vec<(usize, KeptRow)>) -> Result<Vec<FoldedRow>, InlineError>;
}

/// A row after events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoldedRow {
    pub(crate) tenant: TenantId,
    pub(crate) key: RowKey,
    /// The stamp that it had.
    pub(crate) before: Sequence,
    /// The last event that it reflects now.
    pub(crate) stamp: Sequence,
    /// It, as JSON.
    pub(crate) row: Option<String>,
}

/// Why events cannot be folded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InlineError {
    /// An event was written by another release with a schema that has to be fetched first.
    #[error("an event was written with a schema that is not known here")]
    UnknownSchema(SchemaFingerprint),
    /// An event is none of the context's.
    #[error(transparent)]
    Event(DecodeError),
    /// A row is not what the view keeps.
    #[error("a row of {0} is not what the view keeps: {1}")]
    Row(&'static str, serde_json::Error),
    /// The fold refuses an event.
    #[error("{0} cannot take the event in: {1}")]
    Unfoldable(&'static str, kernel::Unfoldable),
    /// Its rows are another fold's, though of the same version, and it was told to leave them alone then.
    #[error("the fold of {0} changed while its VERSION did not; raise it, or have such views built anew")]
    Changed(&'static str),
    /// Rows of inline views are found by their keys only: who else has a link could change until the append.
    #[error("{0} is inline, and an event asks for its rows by a link")]
    Linked(&'static str),
}

pub(crate) struct Inline<V: View> {
    codec: Codec<V::Event>,
    code: InlineCode,
}

impl<V: View> Inline<V> {
    pub(crate) fn new() -> Result<Self, SchemaError> {
        let codec = Codec::new()?;
        let fold = fold_fingerprint::<V>(&codec);
        if fold.is_none() {
            let view = V::NAME;
            tracing::warn!(view, "made-up events tell nothing of the fold: a change of it goes unnoticed");
        }
        Ok(Self { codec, code: InlineCode { version: V::VERSION, fold } })
    }

    fn decode(&self, logged: &LoggedEvent) -> Result<Recorded<V::Event>, InlineError> {
        let event = &logged.event;
        let decoded = self.codec.decode(&event.event_type, event.schema, &event.payload);
        let decoded = decoded.map_err(|error| match error {
            DecodeError::UnknownSchema(fingerprint) => InlineError::UnknownSchema(fingerprint),
            error => InlineError::Event(error),
        })?;
        Ok(Recorded {
            id: event.id,
            tenant: logged.tenant.clone(),
            lane: logged.log.lane,
            sequence: logged.sequence,
            stream: event.stream.clone(),
            version: event.version,
            recorded_at: logged.recorded_at,
            metadata: event.metadata.clone(),
            event: decoded,
        })
    }
}

impl<V: View> InlineFold for Inline<V> {
    fn name(&self) -> &'static str {
        V::NAME
    }

    fn code(&self) -> InlineCode {
        self.code
    }

    fn add_writer_schema(&self, json: &str) -> Result<(), SchemaError> {
        self.codec.add_writer_schema(json).map(drop)
    }

    fn read(&self, events: &[LoggedEvent]) -> Result<Box<dyn Folding>, InlineError> {
        let mut read = Read::<V> { events: Vec::with_capacity(events.len()), rows: Vec::new() };
        let mut places = HashMap::new();
        for logged in events {
            let event = self.decode(logged)?;
            let keys = match V::keys(&event) {
                Keys::None => Vec::new(),
                Keys::These(keys) => keys,
                Keys::Linked(_) => return Err(InlineError::Linked(V::NAME)),
            };
            let touched = keys.into_iter().map(|key| {
                let row = (event.tenant.clone(), key);
                *places.entry(row.clone()).or_insert_with(|| {
                    read.rows.push(row);
                    read.rows.len() - 1
                })
            });
            let touched = touched.collect();
            read.events.push((event, touched));
        }
        Ok(Box::new(read))
    }
}

/// Events of a view's context, each with the places of the rows that it touches.
struct Read<V: View> {
    events: Vec<(Recorded<V::Event>, Vec<usize>)>,
    rows: Vec<(TenantId, RowKey)>,
}

impl<V: View> Folding for Read<V> {
    fn rows(&self) -> &[(TenantId, RowKey)] {
        &self.rows
    }

    fn fold(&self, kept: Vec<(usize, KeptRow)>) -> Result<Vec<FoldedRow>, InlineError> {
        let unreadable = |error| InlineError::Row(V::NAME, error);
        let mut befores = vec![Sequence::ZERO; self.rows.len()];
        let mut rows: Vec<(Sequence, Option<V::Row>)> = vec![(Sequence::ZERO, None); self.rows.len()];
        for (place, kept) in kept {
            let Some(row) = rows.get_mut(place) else { continue };
            let body = kept.row.map(|row| serde_json::from_str(&row)).transpose().map_err(unreadable)?;
            *row = (kept.stamp, body);
            befores[place] = kept.stamp;
        }
        for (event, touched) in &self.events {
            for place in touched {
                let (stamp, row) = &mut rows[*place];
                // A row that is ahead reflects the event already.
                if *stamp < event.sequence {
                    let after = V::evolve(&self.rows[*place].1, row.take(), event);
                    *row = after.map_err(|error| InlineError::Unfoldable(V::NAME, error))?;
                    *stamp = event.sequence;
                }
            }
        }
        let changed =
            self.rows.iter().zip(befores).zip(rows).filter(|((_, before), (stamp, _))| before != stamp);
        let changed = changed.map(|(((tenant, key), before), (stamp, row))| {
            let row = row.map(|row| serde_json::to_string(&row)).transpose().map_err(unreadable)?;
            Ok(FoldedRow { tenant: tenant.clone(), key: key.clone(), before, stamp, row })
        });
        changed.collect()
    }
}
