//! How many requests callers may send.

use std::time::Duration;

use http_api::{Claims, RateConfig, mint};
use kernel::TenantId;
use secrecy::SecretString;

use crate::support::{Answer, SECRET, Service, start_rated};

/// However slow the machine is, this many requests come faster than one a second.
const MANY: usize = 1_000;

fn token(tenant: &str, subject: &str, scope: &str) -> String {
    let tenant = TenantId::new(tenant).unwrap();
    let claims = Claims::new(&tenant, subject, scope, Duration::from_secs(600));
    mint(&SecretString::from(SECRET), &claims).unwrap()
}

/// Asks until it is refused, and says how often it was not.
async fn until_refused(service: &Service, token: &str) -> (usize, Answer) {
    for served in 0..MANY {
        let answer = service.get_as("/v1/who", token).await;
        match answer.status {
            200 => {}
            _ => return (served, answer),
        }
    }
    panic!("{MANY} requests were served");
}

#[tokio::test]
async fn a_subject_that_asks_too_much_is_told_when_to_come_back_and_all_others_are_served() {
    let rates = RateConfig { rate_per_subject: 1, rate_burst: 3, ..RateConfig::default() };
    let service = start_rated(rates).await;
    let (served, refused) = until_refused(&service, &token("acme", "ada", "catalog:read")).await;
    assert!(served >= 3, "{served}");
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), "1");
    let problem = refused.problem();
    assert_eq!(problem["type"], "/problems/too-many-requests");
    assert_eq!(problem["of"], "subject");
    // Another token of hers is no way around it, and it is of her tenant only that she has had her share.
    let (again, _) = until_refused(&service, &token("acme", "ada", "orders:read")).await;
    assert!(again < 3, "{again}");
    for (tenant, subject) in [("acme", "bob"), ("globex", "ada")] {
        let answer = service.get_as("/v1/who", &token(tenant, subject, "catalog:read")).await;
        assert_eq!(answer.status, 200, "{tenant} {subject}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_tenant_has_its_share_whoever_asks_and_other_tenants_have_theirs() {
    let rates = RateConfig { rate_per_tenant: 1, rate_burst: 3, ..RateConfig::default() };
    let service = start_rated(rates).await;
    let (_, refused) = until_refused(&service, &token("acme", "ada", "catalog:read")).await;
    assert_eq!(refused.problem()["of"], "tenant");
    let (served, _) = until_refused(&service, &token("acme", "bob", "catalog:read")).await;
    assert!(served < 3, "{served}");
    let answer = service.get_as("/v1/who", &token("globex", "ada", "catalog:read")).await;
    assert_eq!(answer.status, 200);
    service.stop().await;
}

#[tokio::test]
async fn processes_and_operators_and_whoever_has_no_token_are_not_counted() {
    let rates = RateConfig { rate_per_subject: 1, rate_per_tenant: 1, rate_burst: 1 };
    let service = start_rated(rates).await;
    for scope in ["process", "ops"] {
        for _ in 0..20 {
            assert_eq!(service.get_as("/v1/who", &token("acme", "twofold", scope)).await.status, 200);
        }
    }
    for _ in 0..20 {
        assert_eq!(service.get("/v1/who").await.status, 401);
    }
    assert_eq!(service.get_as("/v1/who", &token("acme", "ada", "catalog:read")).await.status, 200);
    service.stop().await;
}

#[tokio::test]
async fn nobody_is_counted_unless_that_was_said() {
    let service = start_rated(RateConfig::default()).await;
    for _ in 0..100 {
        assert_eq!(service.get_as("/v1/who", &token("acme", "ada", "catalog:read")).await.status, 200);
    }
    service.stop().await;
}

#[tokio::test]
async fn what_needs_a_token_is_described_as_limited() {
    let service = start_rated(RateConfig::default()).await;
    let document = service.get("/openapi.json").await.json();
    let answer = &document["paths"]["/v1/who"]["get"]["responses"]["429"];
    assert!(answer["headers"]["Retry-After"].is_object(), "{answer}");
    service.stop().await;
}
