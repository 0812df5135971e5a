//! What the relay says about itself.

use service_runtime::telemetry;

use crate::support::{Place, until};

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_are_served_and_draining_is_told() {
    let place = Place::new().await;
    let _telemetry = telemetry::init("relay", &place.config().telemetry).unwrap();
    let log = place.append("one", 42).await;
    let relay = place.relay().await;
    place.published(&log, 42).await;
    relay.is_ready().await;
    assert_eq!(relay.get("/healthz").await.0, 200);
    let names: Vec<_> = {
        let (_, body) = relay.ready().await;
        let dependencies = body["dependencies"].as_array().unwrap().clone();
        dependencies.into_iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names, ["log", "kafka", "registry", "topics"]);
    let labels = format!("{{context=\"things\",lane=\"{}\"}}", log.lane);
    let expected = [
        format!("{}{labels} 42", relay::telemetry::PUBLISHED_THROUGH),
        format!("{}{labels} 1", relay::telemetry::LEASED),
    ];
    let told = async || {
        let (_, metrics) = relay.get("/metrics").await;
        expected.iter().all(|line| metrics.contains(line.as_str()))
            && metrics.contains(relay::telemetry::BACKLOG)
            && metrics.contains(relay::telemetry::PUBLISH_SECONDS)
    };
    until("the metrics say it", told).await;
    relay.stop().await;
}
