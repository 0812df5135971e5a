//! Views kept in a real store: what projectors do, without the topic between.

use std::collections::BTreeMap;

use kernel::{Keys, Lane, Recorded, RowKey, Sequence, TenantId, View};
use read_store::{Advance, Checkpoint, DeadRecord, Letter, Reason, RowAddress, RowChange, RowStore, Subject};

type Rows<V> = BTreeMap<(TenantId, RowKey), (Sequence, Option<<V as View>::Row>)>;

/// One lane of one view in one store.
pub(crate) struct Projection<V: View, S> {
    store: S,
    lane: Lane,
    rows: Rows<V>,
    at: Checkpoint,
}

impl<V: View, S: RowStore> Projection<V, S> {
    pub(crate) async fn begin(store: S, lane: Lane) -> Self {
        store.prepare().await.unwrap();
        let (at, _) = store.begin(lane).await.unwrap();
        store.caught_up(lane, &at).await.unwrap();
        Self { store, lane, rows: BTreeMap::new(), at }
    }

    /// Folds what of the lane's log is not in the rows yet, and writes it.
    pub(crate) async fn follow(&mut self, log: &[Recorded<V::Event>]) {
        let start = usize::try_from(self.at.sequence.number()).unwrap();
        if start == log.len() {
            return;
        }
        let mut touched = BTreeMap::new();
        for event in &log[start..] {
            for key in self.keys(event) {
                let before = self.rows.remove(&key).and_then(|(_, row)| row);
                let links = before.as_ref().map(V::links).unwrap_or_default();
                touched.entry(key.clone()).or_insert(links);
                let after = V::evolve(&key.1, before, event).unwrap();
                self.rows.insert(key, (event.sequence, after));
            }
        }
        let changes: Vec<_> =
            touched.into_iter().map(|(key, links_before)| self.change(key, links_before)).collect();
        let tenants: Vec<_> = log[start..].iter().map(|event| event.tenant.clone()).collect();
        self.store.settle(self.lane, &tenants).await.unwrap();
        let to = Checkpoint { sequence: Sequence::new(log.len() as u64), ..self.at };
        self.store.write(self.lane, &Advance { from: self.at, to }, &changes, &[]).await.unwrap();
        self.at = to;
    }

    /// The lane's last event did not get into the subject.
    pub(crate) async fn parks(&mut self, subject: Subject) {
        let letter = Letter {
            lane: self.lane,
            subject,
            sequence: self.at.sequence,
            reason: Reason::Unfoldable,
            why: "a test".to_owned(),
            record: DeadRecord::default(),
            attempts: 1,
            parked_at: kernel::Timestamp::from_micros(1),
        };
        let stay = Advance { from: self.at, to: self.at };
        self.store.write(self.lane, &stay, &[], &[letter]).await.unwrap();
    }

    fn keys(&self, event: &Recorded<V::Event>) -> Vec<(TenantId, RowKey)> {
        let keys = match V::keys(event) {
            Keys::None => Vec::new(),
            Keys::These(keys) => keys,
            Keys::Linked(link) => self
                .rows
                .iter()
                .filter(|((tenant, _), (_, row))| {
                    *tenant == event.tenant && row.as_ref().is_some_and(|row| V::links(row).contains(&link))
                })
                .map(|((_, key), _)| key.clone())
                .collect(),
        };
        keys.into_iter().map(|key| (event.tenant.clone(), key)).collect()
    }

    fn change(&self, (tenant, key): (TenantId, RowKey), links_before: Vec<kernel::Link>) -> RowChange {
        let (stamp, row) = &self.rows[&(tenant.clone(), key.clone())];
        RowChange {
            stamp: *stamp,
            body: row.as_ref().map(|row| serde_json::to_string(row).unwrap()),
            links: row.as_ref().map(V::links).unwrap_or_default(),
            links_before,
            at: RowAddress { tenant, key },
        }
    }
}
