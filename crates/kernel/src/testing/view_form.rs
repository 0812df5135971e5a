//! Given events of a log, then these rows; and the same rows whatever way the events are batched.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::{
    EventId, Keys, Lane, Recorded, RowKey, Sequence, StreamName, StreamVersion, TenantId, Timestamp, View,
};

/// A log being told, event by event.
#[derive(Debug, Clone)]
pub struct ViewCase<V: View> {
    events: Vec<Recorded<V::Event>>,
    tenant: TenantId,
    now: Timestamp,
}

/// A log with no event yet; events belong to the tenant `acme` until [`ViewCase::tenant`] says otherwise.
pub fn history<V: View>() -> ViewCase<V> {
    ViewCase { events: Vec::new(), tenant: tenant("acme"), now: Timestamp::from_micros(0) }
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap_or_else(|error| panic!("{error}"))
}

type Rows<V> = BTreeMap<(TenantId, RowKey), <V as View>::Row>;

impl<V: View> ViewCase<V> {
    /// What follows happens to this tenant.
    #[must_use]
    pub fn tenant(mut self, name: &str) -> Self {
        self.tenant = tenant(name);
        self
    }

    /// What follows happens at this time.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// This happens to the stream of `kind` with this id.
    #[must_use]
    pub fn event(self, kind: &'static str, id: Uuid, event: impl Into<V::Event>) -> Self {
        self.happens(StreamName::of(kind, id), event)
    }

    /// This happens to the stream of `kind` with this id that belongs to `owner`.
    #[must_use]
    pub fn event_within(self, kind: &'static str, owner: Uuid, id: Uuid, event: impl Into<V::Event>) -> Self {
        self.happens(StreamName::within(kind, owner, id), event)
    }

    fn happens(mut self, stream: StreamName, event: impl Into<V::Event>) -> Self {
        let earlier = self.events.iter().filter(|e| e.stream == stream && e.tenant == self.tenant).count();
        let sequence = Sequence::new(self.events.len() as u64 + 1);
        self.events.push(Recorded {
            id: EventId(Uuid::from_u128(u128::from(sequence.number()))),
            tenant: self.tenant.clone(),
            lane: Lane::new(0),
            sequence,
            stream,
            version: StreamVersion::new(earlier as u64 + 1),
            recorded_at: self.now,
            metadata: super::metadata(sequence),
            event: event.into(),
        });
        self
    }

    /// The tenant's row with this key says this.
    #[track_caller]
    pub fn then_row(self, key: impl Into<RowKey>, expected: &V::Row) -> Self {
        let row = self.rows().remove(&(self.tenant.clone(), key.into()));
        assert_eq!(row.as_ref(), Some(expected));
        self
    }

    /// The tenant has no row with this key.
    #[track_caller]
    pub fn then_no_row(self, key: impl Into<RowKey>) -> Self {
        assert_eq!(self.rows().remove(&(self.tenant.clone(), key.into())), None);
        self
    }

    /// The tenant's row with this key, for a closer look.
    #[track_caller]
    pub fn row(&self, key: impl Into<RowKey>) -> V::Row {
        let key = key.into();
        match self.rows().remove(&(self.tenant.clone(), key.clone())) {
            Some(row) => row,
            None => panic!("{} has no row {}", self.tenant, key.as_str()),
        }
    }

    /// Folds every prefix twice, as a projector does that crashed before its checkpoint, and shuffles events
    /// across keys that share none: the rows are the same. Every row survives its way through JSON.
    #[track_caller]
    pub fn holds_however_delivered(self) -> Self {
        let straight = self.rows();
        for cut in 0..=self.events.len() {
            let mut repeated = Fold::<V>::default();
            repeated.apply_all(&self.events[..cut]);
            repeated.apply_all(&self.events);
            assert_eq!(repeated.into_rows(), straight, "after repeating the first {cut} events");
        }
        for seed in 0..16 {
            let mut shuffled = Fold::<V>::default();
            for event in shuffle_across_keys::<V>(&self.events, seed) {
                shuffled.apply(event);
            }
            assert_eq!(shuffled.into_rows(), straight, "after shuffling across keys with seed {seed}");
        }
        for row in straight.values() {
            let json =
                serde_json::to_string(row).unwrap_or_else(|error| panic!("a row has no JSON: {error}"));
            let back: V::Row =
                serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error} in {json}"));
            assert_eq!(&back, row, "after its way through JSON");
        }
        self
    }

    /// Every row of this tenant, folded from nothing but what [`View::sources`] and [`View::leads_to`] name, is the
    /// row: it can be told as it was.
    #[track_caller]
    pub fn is_told_by_its_sources(self) -> Self {
        for ((tenant, key), row) in self.rows().into_iter().filter(|((tenant, _), _)| *tenant == self.tenant)
        {
            let mut sources = V::sources(&key, Some(&row));
            assert!(!sources.is_empty(), "{} names no sources of {key:?}", V::NAME);
            let mut known = 0;
            let mut told: Vec<&Recorded<V::Event>> = Vec::new();
            while sources.len() > known {
                known = sources.len();
                told = self.events.iter().filter(|it| it.tenant == tenant && it.is_in(&sources)).collect();
                let further = told.iter().flat_map(|event| V::leads_to(&event.event));
                let further: Vec<_> = further.filter(|source| !sources.contains(source)).collect();
                sources.extend(further);
                sources.sort();
                sources.dedup();
            }
            let mut fold = Fold::<V>::default();
            told.iter().for_each(|event| fold.apply_to(event, |touched| *touched == key));
            let found = fold.into_rows().remove(&(tenant, key.clone()));
            assert_eq!(found.as_ref(), Some(&row), "{} {key:?} by its sources", V::NAME);
        }
        self
    }

    /// Folds the same events with other sequences and at other times, as an inline view's runner must: the rows differ
    /// in nothing but those times, and no event asks for rows by a link.
    #[track_caller]
    pub fn holds_inline(self) -> Self {
        let linked = self.events.iter().find(|event| matches!(V::keys(event), Keys::Linked(_)));
        assert!(linked.is_none(), "{linked:?} asks for rows by a link");
        let later = |time: Timestamp| Timestamp::from_micros(time.micros() + 123_456_789_012_345_678);
        let mut elsewhere = Self { events: self.events.clone(), tenant: self.tenant.clone(), now: self.now };
        for event in &mut elsewhere.events {
            event.sequence = Sequence::new(event.sequence.number() + (1 << 62));
            event.recorded_at = later(event.recorded_at);
        }
        let json = |row: &V::Row| serde_json::to_string(row).unwrap_or_else(|error| panic!("{error}"));
        let found = elsewhere.rows();
        assert!(self.rows().keys().eq(found.keys()), "the keys depend on time or sequence");
        for (key, row) in self.rows() {
            let mut text = json(&found[&key]);
            for event in &self.events {
                let (real, mark) = (event.recorded_at, later(event.recorded_at));
                text = text.replace(&format!("\"{mark}\""), &format!("\"{real}\""));
            }
            assert_eq!(text, json(&row), "the row of {} calculates with time or sequence", key.1.as_str());
        }
        self
    }

    #[track_caller]
    fn rows(&self) -> Rows<V> {
        let mut fold = Fold::<V>::default();
        fold.apply_all(&self.events);
        fold.into_rows()
    }
}

/// The reference fold: rows stamped with the sequence they reflect, so that a repeat changes nothing.
struct Fold<V: View>(BTreeMap<(TenantId, RowKey), Stamped<V::Row>>);

type Stamped<Row> = (Sequence, Option<Row>);

impl<V: View> Default for Fold<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V: View> Fold<V> {
    #[track_caller]
    fn apply_all(&mut self, events: &[Recorded<V::Event>]) {
        for event in events {
            self.apply(event);
        }
    }

    #[track_caller]
    fn apply(&mut self, event: &Recorded<V::Event>) {
        self.apply_to(event, |_| true);
    }

    #[track_caller]
    fn apply_to(&mut self, event: &Recorded<V::Event>, wanted: impl Fn(&RowKey) -> bool) {
        for key in self.keys(event).into_iter().filter(wanted) {
            let slot = self.0.entry((event.tenant.clone(), key.clone())).or_insert((Sequence::ZERO, None));
            if slot.0 >= event.sequence {
                continue;
            }
            match V::evolve(&key, slot.1.take(), event) {
                Ok(row) => *slot = (event.sequence, row),
                Err(error) => panic!("{} cannot fold {:?}: {error}", V::NAME, event.event),
            }
        }
    }

    fn keys(&self, event: &Recorded<V::Event>) -> Vec<RowKey> {
        match V::keys(event) {
            Keys::None => Vec::new(),
            Keys::These(keys) => keys,
            Keys::Linked(link) => self
                .0
                .iter()
                .filter(|((tenant, _), (_, row))| {
                    *tenant == event.tenant && row.as_ref().is_some_and(|row| V::links(row).contains(&link))
                })
                .map(|((_, key), _)| key.clone())
                .collect(),
        }
    }

    fn into_rows(self) -> Rows<V> {
        self.0.into_iter().filter_map(|(key, (_, row))| row.map(|row| (key, row))).collect()
    }
}

/// Another order of the same events in which those that may touch a common row keep theirs.
fn shuffle_across_keys<V: View>(
    events: &[Recorded<V::Event>],
    seed: u64,
) -> impl Iterator<Item = &Recorded<V::Event>> {
    let touched: Vec<Option<BTreeSet<RowKey>>> = events
        .iter()
        .map(|event| match V::keys(event) {
            Keys::None => Some(BTreeSet::new()),
            Keys::These(keys) => Some(keys.into_iter().collect()),
            Keys::Linked(_) => None,
        })
        .collect();
    let independent = |a: usize, b: usize| {
        events[a].tenant != events[b].tenant
            || matches!((&touched[a], &touched[b]), (Some(a), Some(b)) if a.is_disjoint(b))
    };
    let mut order: Vec<usize> = (0..events.len()).collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for _ in 0..events.len() * events.len() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let Some(pairs) = order.len().checked_sub(1).filter(|pairs| *pairs > 0) else { break };
        let at = usize::try_from(state % pairs as u64).unwrap_or(0);
        if independent(order[at], order[at + 1]) {
            order.swap(at, at + 1);
        }
    }
    order.into_iter().map(|index| &events[index])
}
