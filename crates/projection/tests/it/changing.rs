//! A fold that changed while its version did not is told by its fingerprint.

use std::time::Duration;

use kernel::{FoldFingerprint, Lane, View};
use projection::{AnyView, Building, OnChangedView, Source, fingerprint};
use read_store::{BuildOptions, BuildState, Builds, RowStore};

use crate::on_both_stores;
use crate::support::history::reference;
use crate::support::labels::Forgotten;
use crate::support::world::{until_at_head, version_of};
use crate::support::{Bench, History, Story, World, until, until_rows};

on_both_stores!(
    a_changed_fold_is_built_anew_by_itself_and_two_releases_side_by_side_do_not_fight,
    a_changed_fold_is_refused_where_that_is_wanted_until_a_build_is_asked_for,
    builds_from_before_there_were_fingerprints_are_taken_to_be_ours,
);

const LANES: [Lane; 1] = [Lane::new(0)];
const LONG: Duration = Duration::from_secs(3600);

fn fold_of<V: View>() -> FoldFingerprint {
    fingerprint(&AnyView::of::<V>().unwrap()).unwrap()
}

async fn states(store: &impl RowStore) -> Vec<(u32, Option<FoldFingerprint>, BuildState)> {
    // Before its first start a store has nothing to ask.
    let tracked = store.tracked(&LANES).await.unwrap_or_default();
    tracked.into_iter().map(|build| (build.build, build.code.fold, build.state)).collect()
}

async fn until_states(store: &impl RowStore, expected: &[(u32, Option<FoldFingerprint>, BuildState)]) {
    until(&format!("builds are {expected:?}"), async || states(store).await == expected).await;
}

async fn world_with_history(seed: u64) -> (World, History, Story) {
    let world = World::new(1).await;
    let (mut history, mut story) = (History::new(0), Story::of(seed, &["acme", "other"]));
    story.go_on(&mut history, 200);
    world.publish_from(&history, 0).await;
    (world, history, story)
}

async fn a_changed_fold_is_built_anew_by_itself_and_two_releases_side_by_side_do_not_fight(
    bench: impl Bench,
) {
    let (world, mut history, mut story) = world_with_history(61).await;
    let (before, after) = (Some(fold_of::<Forgotten<1>>()), Some(fold_of::<Forgotten<2>>()));
    let store = bench.rows(version_of::<Forgotten<1>>());
    let old = world.keep::<Forgotten<1>>(store.clone(), LONG);
    until_states(&store, &[(1, before, BuildState::Serving)]).await;
    until_at_head(&store, &history).await;

    let new = world.keep::<Forgotten<2>>(store.clone(), LONG);
    let switched = [(1, before, BuildState::Retained), (2, after, BuildState::Serving)];
    until_states(&store, &switched).await;
    let from = history.records.len();
    story.go_on(&mut history, 100);
    world.publish_from(&history, from).await;
    // Each release feeds its own, and only that.
    let second = store.of_build(2);
    until_at_head(&store, &history).await;
    until_at_head(&second, &history).await;
    until_rows(&bench, "forgotten", 1, &reference::<Forgotten<1>>(&[&history])).await;
    until_rows(&bench, "forgotten", 2, &reference::<Forgotten<2>>(&[&history])).await;

    // Whoever starts anew finds its own build, and begins no other; the earlier release does not take the name back.
    old.stop().await;
    new.stop().await;
    let (old, new) =
        (world.keep::<Forgotten<1>>(store.clone(), LONG), world.keep::<Forgotten<2>>(store.clone(), LONG));
    let from = history.records.len();
    story.go_on(&mut history, 20);
    world.publish_from(&history, from).await;
    until_at_head(&store, &history).await;
    until_at_head(&second, &history).await;
    assert_eq!(states(&store).await, switched);
    assert!(store.serve_again(&LANES).await.unwrap(), "it is gone back to when that is asked for");
    until_states(&store, &[(1, before, BuildState::Serving), (2, after, BuildState::Retained)]).await;
    old.stop().await;
    new.stop().await;
}

async fn a_changed_fold_is_refused_where_that_is_wanted_until_a_build_is_asked_for(bench: impl Bench) {
    let (world, history, _) = world_with_history(63).await;
    let (before, after) = (Some(fold_of::<Forgotten<1>>()), Some(fold_of::<Forgotten<2>>()));
    let store = bench.rows(version_of::<Forgotten<1>>());
    let old = world.keep::<Forgotten<1>>(store.clone(), LONG);
    until_at_head(&store, &history).await;
    until_states(&store, &[(1, before, BuildState::Serving)]).await;
    old.stop().await;

    let building = Building { on_changed_view: OnChangedView::Refuse, ..world.source().building };
    let refusing = Source { building, ..world.source() };
    let new = world.keep_with::<Forgotten<2>>(refusing.clone(), store.clone(), LONG);
    new.until_troubled("raise its VERSION, or build it anew as it is with `twofold rebuild forgotten`").await;
    assert_eq!(states(&store).await, [(1, before, BuildState::Serving)]);
    assert_eq!(
        bench.all_rows("forgotten", 1).await,
        reference::<Forgotten<1>>(&[&history]),
        "what is there is left as it is"
    );
    // The one whose fold it is may go on.
    let old = world.keep_with::<Forgotten<1>>(refusing, store.clone(), LONG);
    old.until_ready().await;
    old.stop().await;

    let asked = store.clone().with_fold(after).begin_build(&LANES, BuildOptions::default()).await.unwrap();
    assert_eq!(asked, 2);
    new.until_ready().await;
    until_states(&store, &[(1, before, BuildState::Retained), (2, after, BuildState::Serving)]).await;
    until_rows(&bench, "forgotten", 2, &reference::<Forgotten<2>>(&[&history])).await;
    new.stop().await;
}

async fn builds_from_before_there_were_fingerprints_are_taken_to_be_ours(bench: impl Bench) {
    let (world, history, _) = world_with_history(65).await;
    let store = bench.rows(version_of::<Forgotten<1>>());
    let before = world.project::<Forgotten<1>>(store.clone());
    until_at_head(&store, &history).await;
    until_states(&store, &[(1, None, BuildState::Serving)]).await;
    before.stop().await;
    let after = world.keep::<Forgotten<1>>(store.clone(), LONG);
    until_states(&store, &[(1, Some(fold_of::<Forgotten<1>>()), BuildState::Serving)]).await;
    after.stop().await;
}
