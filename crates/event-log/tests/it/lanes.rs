//! Where tenants live.

use event_log::Options;
use futures::future::join_all;

use crate::support::{CONTEXT, Fixture, recording, some_stream, tenant};

#[tokio::test]
async fn tenants_stay_where_they_are_when_lanes_grow() {
    let fixture = Fixture::with(Options { lanes: 2, ..Options::default() }).await;
    let names: Vec<_> = (0..20).map(|number| tenant(&format!("tenant-{number}"))).collect();
    let mut before = Vec::new();
    for name in &names {
        before.push(fixture.log.lane_of(name).await.unwrap());
    }
    let grown = fixture.another(Options { lanes: 64, ..Options::default() });
    for (name, lane) in names.iter().zip(&before) {
        assert_eq!(grown.lane_of(name).await.unwrap(), *lane);
        assert_eq!(grown.known_lane(name).await.unwrap(), Some(*lane));
    }
    let mut newcomers = Vec::new();
    for number in 0..20 {
        newcomers.push(grown.lane_of(&tenant(&format!("newcomer-{number}"))).await.unwrap());
    }
    assert!(newcomers.iter().any(|lane| lane.number() >= 2), "new tenants use the new lanes");
}

#[tokio::test]
async fn a_tenant_whose_lane_is_chosen_by_two_services_at_once_has_one_lane() {
    let fixture = Fixture::with(Options { lanes: 3, ..Options::default() }).await;
    let other = fixture.another(Options { lanes: 50, ..Options::default() });
    for number in 0..10 {
        let name = tenant(&format!("tenant-{number}"));
        let lanes = join_all([fixture.log.lane_of(&name), other.lane_of(&name)]).await;
        assert_eq!(lanes[0].as_ref().unwrap(), lanes[1].as_ref().unwrap());
    }
}

#[tokio::test]
async fn a_tenant_has_the_same_lane_in_every_context() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    assert_eq!(fixture.log.known_lane(&acme).await.unwrap(), None);
    let catalog = fixture.append(&acme, recording(&some_stream("product"), 0, 1)).await.unwrap();
    let orders = fixture.log.append("orders", &acme, recording(&some_stream("order"), 0, 1)).await.unwrap();
    assert_eq!(catalog.log.lane, orders.log.lane);
    assert_ne!(catalog.log, orders.log);
    assert_eq!(&*catalog.log.context, CONTEXT);
}
