//! The reference: the log of a context folded to the rows of a view, in memory, by the book.

use std::collections::{BTreeSet, HashMap};

use kernel::{Keys, Link, LoggedEvent, Recorded, RowKey, TenantId, View};
use wire::Codec;

/// A row's place.
pub(super) type Place = (TenantId, RowKey);

/// The rows of a view, and by which links each is found.
pub(super) struct Fold<V: View> {
    pub(super) rows: HashMap<Place, V::Row>,
    links: HashMap<(TenantId, Link), BTreeSet<RowKey>>,
}

impl<V: View> Fold<V> {
    /// Of one log.
    pub(super) fn of(events: &[LoggedEvent]) -> Self {
        let codec = Codec::<V::Event>::new().unwrap();
        let mut fold = Self { rows: HashMap::new(), links: HashMap::new() };
        for logged in events {
            let event = &logged.event;
            let body = codec.decode(&event.event_type, event.schema, &event.payload).unwrap();
            fold.apply(&Recorded {
                id: event.id,
                tenant: logged.tenant.clone(),
                lane: logged.log.lane,
                sequence: logged.sequence,
                stream: event.stream.clone(),
                version: event.version,
                recorded_at: logged.recorded_at,
                metadata: event.metadata.clone(),
                event: body,
            });
        }
        fold
    }

    fn apply(&mut self, event: &Recorded<V::Event>) {
        for key in self.keys(event) {
            let place = (event.tenant.clone(), key.clone());
            let before = self.rows.remove(&place);
            for link in before.iter().flat_map(V::links) {
                if let Some(keys) = self.links.get_mut(&(event.tenant.clone(), link)) {
                    keys.remove(&key);
                }
            }
            let Some(after) = V::evolve(&key, before, event).unwrap() else { continue };
            for link in V::links(&after) {
                self.links.entry((event.tenant.clone(), link)).or_default().insert(key.clone());
            }
            self.rows.insert(place, after);
        }
    }

    fn keys(&self, event: &Recorded<V::Event>) -> Vec<RowKey> {
        match V::keys(event) {
            Keys::None => Vec::new(),
            Keys::These(keys) => keys,
            Keys::Linked(link) => {
                let found = self.links.get(&(event.tenant.clone(), link));
                found.map(|keys| keys.iter().cloned().collect()).unwrap_or_default()
            }
        }
    }
}
