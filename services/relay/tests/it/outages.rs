//! Postgres, Kafka and the registry, each away at the start and in the middle.

use relay::RelayConfig;
use test_servers::Proxy;

use crate::support::{Place, Running, applied, through, until, without_holes};

#[tokio::test(flavor = "multi_thread")]
async fn kafka_may_be_away_at_the_start_and_go_away_midway() {
    let place = Place::new().await;
    let log = place.append("one", 500).await;
    let proxy = Proxy::before_kafka(&place.kafka.brokers).await;
    proxy.close();
    let mut config = place.config();
    config.kafka.brokers = proxy.address();
    config.relay = RelayConfig { page_events: 50, in_flight: 60, kafka_timeout_ms: 2000, ..config.relay };
    let relay = Running::start(config).await;
    relay.misses("kafka").await;
    proxy.open();
    place.published(&log, 500).await;
    relay.is_ready().await;

    proxy.close();
    place.append("one", 1500).await;
    let why = relay.misses("kafka").await;
    assert!(!why.is_empty());
    proxy.open();
    until("it has gone on", async || place.count(&log).await > 700).await;
    proxy.cut();
    place.published(&log, 2000).await;
    let sequences = place.sequences(&log).await;
    assert!(without_holes(&sequences), "{sequences:?}");
    assert_eq!(applied(&sequences), 2000);
    relay.is_ready().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_may_be_away_at_the_start_and_go_away_midway() {
    let place = Place::new().await;
    let log = place.append("one", 1000).await;
    let address = place.database.url().split(['@', '/']).nth(3).unwrap().to_owned();
    let proxy = Proxy::before(&address).await;
    let mut config = place.config();
    config.log.url = place.database.url().replace(&address, &proxy.address()).into();
    config.relay = RelayConfig { page_events: 20, in_flight: 20, ..config.relay };
    proxy.close();
    let relay = Running::start(config).await;
    relay.misses("log").await;
    proxy.open();
    until("some of it is sent", async || place.count(&log).await > 100).await;
    proxy.cut();
    until("more of it is sent", async || place.count(&log).await > 300).await;
    proxy.close();
    relay.misses("log").await;
    proxy.open();
    place.published(&log, 1000).await;
    let sequences = place.sequences(&log).await;
    assert!(without_holes(&sequences), "{sequences:?}");
    assert_eq!(applied(&sequences), 1000);
    relay.is_ready().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_may_be_away() {
    let place = Place::new().await;
    let log = place.append("one", 5).await;
    place.registry.away(true);
    let relay = place.relay().await;
    let why = relay.misses("registry").await;
    assert!(why.contains("502"), "{why}");
    assert_eq!(place.count(&log).await, 0, "no record goes out without its frame");
    place.registry.away(false);
    place.published(&log, 5).await;
    relay.is_ready().await;
    // Known schemas need it no more.
    place.registry.away(true);
    place.append("one", 5).await;
    place.published(&log, 10).await;
    assert_eq!(place.sequences(&log).await, through(10));
    relay.stop().await;
}
