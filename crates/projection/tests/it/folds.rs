//! The folds of every view that is shipped: none changes while its version does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use catalog::CategoryEvent;
use kernel::{Context, ContextVisitor, EventSet, FoldTrace, Keys, Registry, RowKey, View};
use projection::AnyView;
use wire::Codec;

/// View, version, fingerprint.
const FOLDS: &str = include_str!("folds.txt");

/// Does something with every view of every context.
struct EachView<F>(F);

trait OnView {
    fn view<V: View>(&mut self);
}

impl<F: OnView> ContextVisitor for EachView<F> {
    fn context<C: Context>(&mut self) {
        C::register(self);
    }
}

impl<F: OnView> Registry for EachView<F> {
    fn command<C: kernel::Command>(&mut self) {}

    fn view<V: View>(&mut self) {
        self.0.view::<V>();
    }
}

fn each<F: OnView>(on_view: F) -> F {
    let mut each = EachView(on_view);
    shipped_contexts::visit(&mut each);
    each.0
}

#[test]
fn no_fold_changes_while_its_version_does_not() {
    struct Lines(BTreeSet<String>);
    impl OnView for Lines {
        fn view<V: View>(&mut self) {
            let fold = projection::fingerprint(&AnyView::of::<V>().unwrap());
            let inline = wire::fold_fingerprint::<V>(&Codec::new().unwrap());
            assert_eq!(inline, fold, "{} is known by one fingerprint on both sides", V::NAME);
            let fold = fold.map_or_else(|| "none".to_owned(), |fold| fold.to_string());
            self.0.insert(format!("{} {} {fold}", V::NAME, V::VERSION));
        }
    }
    let now = each(Lines(BTreeSet::new())).0.into_iter().fold(String::new(), |mut lines, line| {
        let _ = writeln!(lines, "{line}");
        lines
    });
    assert_eq!(now, FOLDS, "raise the VERSION of a view whose fold changed, and have folds.txt say\n{now}");
}

#[test]
fn made_up_events_are_of_every_type_and_each_that_a_view_touches_comes_to_a_row() {
    struct Touches(Vec<String>);
    impl OnView for Touches {
        fn view<V: View>(&mut self) {
            let examples = Codec::<V::Event>::new().unwrap().examples();
            assert_eq!(examples.none_of, Vec::<&str>::new(), "{}", V::NAME);
            let mut rows: BTreeMap<RowKey, V::Row> = BTreeMap::new();
            let (mut touch, mut fold) = (BTreeSet::new(), BTreeSet::new());
            for event in &examples.events {
                let keys = match V::keys(event) {
                    Keys::None => continue,
                    Keys::These(keys) => keys,
                    Keys::Linked(link) => {
                        let linked = rows.iter().filter(|(_, row)| V::links(row).contains(&link));
                        linked.map(|(key, _)| key.clone()).collect()
                    }
                };
                touch.insert(event.event.event_type());
                for key in keys {
                    if let Ok(after) = V::evolve(&key, rows.get(&key).cloned(), event) {
                        fold.insert(event.event.event_type());
                        match after {
                            Some(row) => drop(rows.insert(key, row)),
                            None => drop(rows.remove(&key)),
                        }
                    }
                }
            }
            assert!(!rows.is_empty(), "{} has no row", V::NAME);
            let unfolded = touch.difference(&fold);
            self.0.extend(unfolded.map(|event_type| format!("{} never folds {event_type}", V::NAME)));
        }
    }
    assert_eq!(each(Touches(Vec::new())).0, Vec::<String>::new());
}

#[test]
fn made_up_events_are_what_they_have_always_been() {
    let examples = Codec::<CategoryEvent>::new().unwrap().examples();
    let mut trace = FoldTrace::new();
    for recorded in &examples.events {
        trace.text(&format!("{} {} {:?}", recorded.sequence, recorded.recorded_at, recorded.event));
    }
    assert_eq!(trace.finish().to_string(), "034f34e671fa8c51", "every view would be built anew");
    assert_eq!(examples, Codec::<CategoryEvent>::new().unwrap().examples());
}
