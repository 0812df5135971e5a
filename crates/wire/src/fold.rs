//! What a view's fold is known by: a hash over the rows that made-up events fold to, after each of them.
//!
//! An event that the view does not touch leaves no trace in it, so it changes only with what the view says.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kernel::{FoldFingerprint, FoldTrace, Keys, Link, Recorded, RowKey, View};

use crate::Codec;

/// None where the fold does not come to the same rows twice, or to none: it cannot be told apart from others then.
pub fn fold_fingerprint<V: View>(codec: &Codec<V::Event>) -> Option<FoldFingerprint> {
    let events = codec.examples().events;
    let fingerprint = Rows::<V>::fold(&events)?;
    (Rows::<V>::fold(&events) == Some(fingerprint)).then_some(fingerprint)
}

struct Rows<V: View> {
    rows: BTreeMap<RowKey, (V::Row, Vec<Link>)>,
    trace: FoldTrace,
    /// Whether there ever was a row.
    any: bool,
}

/// A row and its links, where there is one; none of it where the view refuses the event, or panics on it.
type Evolved<Row> = Option<Option<(Row, Vec<Link>)>>;

impl<V: View> Rows<V> {
    fn fold(events: &[Recorded<V::Event>]) -> Option<FoldFingerprint> {
        let mut rows = Self { rows: BTreeMap::new(), trace: FoldTrace::new(), any: false };
        events.iter().for_each(|event| rows.apply(event));
        rows.any.then(|| rows.trace.finish())
    }

    fn apply(&mut self, event: &Recorded<V::Event>) {
        let keys = match catch_unwind(AssertUnwindSafe(|| V::keys(event))) {
            Ok(Keys::None) => return,
            Ok(Keys::These(keys)) => keys,
            Ok(Keys::Linked(link)) => {
                let linked = self.rows.iter().filter(|(_, (_, links))| links.contains(&link));
                linked.map(|(key, _)| key.clone()).collect()
            }
            Err(_) => return self.trace.text("unknown keys"),
        };
        for key in keys {
            let before = self.rows.remove(&key);
            let row = before.as_ref().map(|(row, _)| row.clone());
            self.trace.text(key.as_str());
            match evolved::<V>(&key, row, event) {
                Some(Some((row, links))) => {
                    self.any = true;
                    self.trace.json(&row);
                    links.iter().for_each(|link| self.trace.text(link.as_str()));
                    self.rows.insert(key, (row, links));
                }
                Some(None) => self.trace.text("no row"),
                None => {
                    self.trace.text("refused");
                    self.rows.extend(before.map(|before| (key, before)));
                }
            }
        }
    }
}

fn evolved<V: View>(key: &RowKey, row: Option<V::Row>, event: &Recorded<V::Event>) -> Evolved<V::Row> {
    let evolved = catch_unwind(AssertUnwindSafe(|| {
        let row = V::evolve(key, row, event).ok()?;
        Some(row.map(|row| {
            let links = V::links(&row);
            (row, links)
        }))
    }));
    evolved.unwrap_or_default()
}
