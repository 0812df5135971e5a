//! The log as it is, for operators.

use std::time::Duration;

use catalog::views::ProductDetails;
use http_api::{AuthConfig, OperatorConfig, OperatorTokens};
use kernel::{ChainHash, Lane, LogId, Sequence};
use projection::{AnyView, LogSource, LogSourceError};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Reply, Service, TENANT, product, reply, token};

fn source(service: &Service) -> LogSource {
    let token = token("nobody-in-particular", "ops", Duration::from_secs(60));
    let operator = OperatorConfig { ops_token: Some(token.into()), ops_token_file: None };
    let tokens = OperatorTokens::new(&operator, &AuthConfig::default()).unwrap();
    LogSource::new(&service.url(""), tokens).unwrap()
}

async fn get(service: &Service, path: &str) -> Reply {
    let token = token("nobody-in-particular", "ops", Duration::from_secs(60));
    reply(service.client.request(Method::GET, service.url(path)).bearer_auth(token)).await
}

/// Two tenants in logs of their own, and the log of the first.
async fn told(service: &Service) -> LogId {
    service.product("sku-1").await;
    service.product("sku-2").await;
    let other = token("zebra", "catalog:write", Duration::from_secs(60));
    let create = service.client.post(service.url("/v1/catalog/create-category")).bearer_auth(other);
    assert_eq!(reply(create.json(&json!({"name": "theirs"}))).await.status.as_u16(), 201);
    let lane = service.log.known_lane(&kernel::TenantId::new(TENANT).unwrap()).await.unwrap().unwrap();
    LogId::new("catalog", lane)
}

#[tokio::test]
async fn every_log_is_listed_with_its_end() {
    let service = Service::start().await;
    told(&service).await;
    let heads = source(&service).heads().await.unwrap();
    assert_eq!(heads.len(), 2, "the tenants live in different lanes: {heads:?}");
    for (log, head) in heads {
        let expected = service.log.head(&log).await.unwrap();
        assert_eq!(
            (head.sequence, head.chain, head.epoch),
            (expected.sequence, expected.chain, expected.epoch)
        );
        assert_eq!(head.published_through, Sequence::ZERO);
    }
}

#[tokio::test]
async fn records_are_read_page_by_page_as_they_are_on_the_topic() {
    let service = Service::start().await;
    let log = told(&service).await;
    let (source, view) = (source(&service), AnyView::of::<ProductDetails>().unwrap());
    let expected = service.log.read_log(&log, Sequence::ZERO, 100).await.unwrap();
    let head = service.log.head(&log).await.unwrap();
    let (mut after, mut chain) = (Sequence::ZERO, ChainHash::GENESIS);
    let mut found = Vec::new();
    loop {
        let page = source.records(&log, after, 3, &view).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.received.event.sequence;
        found.extend(page);
    }
    assert_eq!(found.len(), expected.len());
    for (record, expected) in found.iter().zip(&expected) {
        assert_eq!(record.received.event, *expected);
        assert_eq!(record.received.epoch, head.epoch);
        assert_eq!(record.received.event.expected_chain(&chain), expected.chain);
        chain = expected.chain;
        let event = record.event.as_ref().unwrap();
        assert_eq!((event.sequence(), event.tenant()), (expected.sequence, &expected.tenant));
    }
    assert_eq!(chain, head.chain);
}

#[tokio::test]
async fn a_page_is_bounded_in_bytes_and_the_next_goes_on_behind_it() {
    let service = Service::start().await;
    let category = service.category("large").await;
    for number in 0..8 {
        let mut body = product(&format!("sku-{number}"), &category);
        let large = (0..32).map(|place| (format!("a{place}"), json!("\u{1d11e}".repeat(500))));
        body["attributes"] = large.collect::<serde_json::Map<_, _>>().into();
        body["description"] = "\u{1d11e}".repeat(10_000).into();
        service.done("create-product", &body).await;
    }
    let lane = service.log.known_lane(&kernel::TenantId::new(TENANT).unwrap()).await.unwrap().unwrap();
    let log = LogId::new("catalog", lane);
    let (source, view) = (source(&service), AnyView::of::<ProductDetails>().unwrap());
    let first = source.records(&log, Sequence::ZERO, 500, &view).await.unwrap();
    assert!((2..9).contains(&first.len()), "{} records in a page", first.len());
    let bytes: usize = first.iter().map(|record| record.received.event.event.payload.len()).sum();
    assert!(bytes < 700 << 10, "{bytes} bytes in a page");
    let rest = source.records(&log, Sequence::new(first.len() as u64), 500, &view).await.unwrap();
    assert_eq!(first.len() + rest.len(), 9);
}

#[tokio::test]
async fn an_operator_needs_the_scope_and_no_particular_tenant() {
    let service = Service::start().await;
    let log = told(&service).await;
    for path in ["/v1/ops/logs".to_owned(), format!("/v1/ops/logs/{log}/records")] {
        reply(service.request(Method::GET, &path)).await.is_problem(403, "missing-scope");
        reply(service.client.get(service.url(&path))).await.is_problem(401, "unauthenticated");
        assert_eq!(get(&service, &path).await.status.as_u16(), 200);
    }
}

#[tokio::test]
async fn what_is_not_there_or_makes_no_sense_is_a_problem() {
    let service = Service::start().await;
    let log = told(&service).await;
    get(&service, "/v1/ops/logs/orders/0/records").await.is_problem(404, "not-found");
    get(&service, "/v1/ops/logs/catalog/x/records").await.is_problem(400, "invalid-parameter");
    for query in ["limit=0", "limit=501", "after=-1", "after=18446744073709551615", "offset=1"] {
        let reply = get(&service, &format!("/v1/ops/logs/{log}/records?{query}")).await;
        reply.is_problem(400, "invalid-parameter");
    }
    let nowhere = LogId::new("catalog", Lane::new(999));
    let view = AnyView::of::<ProductDetails>().unwrap();
    let error = source(&service).records(&nowhere, Sequence::ZERO, 1, &view).await.unwrap_err();
    assert_eq!(error, LogSourceError::UnknownLog(nowhere));
    let beyond = source(&service).records(&log, Sequence::new(999), 1, &view).await.unwrap();
    assert!(beyond.is_empty());
}
