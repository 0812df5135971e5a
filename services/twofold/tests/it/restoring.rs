//! The drill of docs/guide/back-up.md: the log is lost, and restored from a backup that lacks its last events.

use std::process::Stdio;

use test_servers::TestDatabase;
use tokio::process::Command;

use crate::products::{Products, place};

/// All that keep rows, positions or a log open.
const SERVICES: [&str; 6] =
    ["command-service", "query-service", "relay", "projector-postgres", "projector-redis", "process-manager"];

async fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().await.unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_restored_without_its_last_events_goes_on_as_a_new_history_and_every_view_with_it() {
    let mut products = Products::open().await;
    let kept = [products.create("kept-1").await, products.create("kept-2").await];
    products.are_shown(&kept[1], "kept-2").await;
    let backed_up = products.at.clone();

    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("log.backup").display().to_string();
    let log = products.system.log.url().to_owned();
    run("pg_dump", &["--format=custom", "--file", &backup, "--dbname", &log]).await;

    let lost = products.create("lost").await;
    products.are_shown(&lost, "lost").await;
    let early = products.system.twofold_ends(&["begin-anew", "--yes"]).await;
    assert!(!early.0 && early.1.contains("a relay is at work on catalog/"), "{early:?}");
    for service in SERVICES {
        products.system.kill(service).await;
    }

    // The old databases are gone; rows, positions and processes begin with empty ones.
    let (log, views, instances) =
        tokio::join!(TestDatabase::create(), TestDatabase::create(), TestDatabase::create());
    run("pg_restore", &["--no-owner", "--exit-on-error", "--dbname", log.url(), &backup]).await;
    let redis = test_servers::redis();
    products.system.tell_all("TWOFOLD_LOG_URL", log.url());
    products.system.tell_all("TWOFOLD_VIEWS_URL", views.url());
    products.system.tell_all("TWOFOLD_PROCESSES_URL", instances.url());
    products.system.tell_all("TWOFOLD_REDIS_PREFIX", &redis.prefix);
    // The leases of the relay that was killed run out first.
    let anew = products.system.until_twofold(&["begin-anew", "--yes"]).await;
    assert!(anew.contains(": epoch ") && anew.contains(".catalog.events: removed"), "{anew}");
    for service in SERVICES {
        products.system.start_again(service);
    }
    for service in SERVICES {
        products.system.wait_until_ready(service).await;
    }

    // A token of what was lost names a place that the new history has not come to.
    products.at.clone_from(&backed_up);
    for (id, sku) in kept.iter().zip(["kept-1", "kept-2"]) {
        products.are_shown(id, sku).await;
    }
    // What was lost can be done again, under the number that it had.
    let again = products.create("lost").await;
    assert_eq!(products.place().1, place(&backed_up).1 + 1);
    products.are_shown(&again, "lost").await;
    assert!(products.is_missing(&lost).await);
    products.system.twofold(&["verify", "log"]).await;
    products.system.twofold(&["verify", "views", "--all"]).await;
}
