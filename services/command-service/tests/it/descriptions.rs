//! What the service says of itself.

use reqwest::Method;
use serde_json::{Value, json};
use service_runtime::config::TelemetryConfig;

use crate::harness::{Service, reply};

#[tokio::test]
async fn every_command_is_listed_with_its_schema() {
    let service = Service::start().await;
    let list = reply(service.request(Method::GET, "/v1/commands")).await;
    assert_eq!(list.status.as_u16(), 200);
    let items = list.body["items"].as_array().unwrap();
    let of_catalog = items.iter().filter(|item| item["context"] == "catalog");
    let names: Vec<&str> = of_catalog.map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "adjust-stock",
            "change-price",
            "create-category",
            "create-product",
            "describe-product",
            "discontinue-product",
            "recategorise-product",
            "receive-stock",
            "release-stock",
            "rename-category",
            "reserve-stock",
            "ship-stock",
            "transfer-stock",
        ]
    );
    for item in items {
        let context = item["context"].as_str().unwrap();
        assert_eq!(item["path"], format!("/v1/{context}/{}", item["name"].as_str().unwrap()));
        assert!(item["scope"].as_str().unwrap().starts_with(&format!("{context}:")), "{item}");
        assert!(!item["description"].as_str().unwrap().is_empty());
        assert_eq!(item["schema"]["type"], "object");
        assert_eq!(item["schema"]["additionalProperties"], false);
        assert!(!item["rejections"].as_array().unwrap().is_empty());
    }
    let create = items.iter().find(|item| item["name"] == "create-product").unwrap();
    assert!(create["schema"]["required"].as_array().unwrap().contains(&json!("sku")));
    let scope = |name: &str| &items.iter().find(|item| item["name"] == name).unwrap()["scope"];
    assert_eq!(
        (scope("create-product"), scope("create-order")),
        (&json!("catalog:write"), &json!("orders:write"))
    );
    assert_eq!(scope("confirm-order"), "orders:fulfil", "what only the fulfilment may send");
    let without_token = reply(service.client.get(service.url("/v1/commands"))).await;
    without_token.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn commands_are_counted_by_what_came_of_them() {
    let quiet = TelemetryConfig { filter: "off".to_owned(), ..TelemetryConfig::default() };
    let _telemetry = service_runtime::telemetry::init("command-service", &quiet).unwrap();
    let service = Service::start().await;
    service.done("create-category", &json!({"name": "Books"})).await;
    service.send("create-category", &json!({"name": "Books"})).await.is_refused("category-name-taken");
    service.send("create-category", &json!({})).await.is_problem(422, "invalid-body");
    let metrics = service.client.get(service.url("/metrics")).send().await.unwrap().text().await.unwrap();
    for outcome in ["accepted", "refused", "invalid"] {
        let counted = format!(
            "twofold_commands_total{{context=\"catalog\",command=\"create-category\",outcome=\"{outcome}\"}}"
        );
        assert!(metrics.contains(&counted), "{counted} is missing");
    }
    for name in ["command_duration_seconds_bucket", "command_conflicts_total", "command_retries_total"] {
        assert!(metrics.contains(&format!("twofold_{name}{{")), "{name} is missing");
    }
}

#[tokio::test]
async fn the_description_covers_every_command_header_and_problem() {
    let service = Service::start().await;
    let answer = reply(service.client.get(service.url("/openapi.json"))).await;
    let api = &answer.body;
    assert_eq!(api["openapi"], "3.1.0");
    let create = &api["paths"]["/v1/catalog/create-product"]["post"];
    assert_eq!(create["operationId"], "catalogCreateProduct");
    assert_eq!(create["requestBody"]["required"], true);
    let statuses: Vec<&String> = create["responses"].as_object().unwrap().keys().collect();
    for status in ["200", "201", "400", "401", "403", "409", "412", "413", "415", "422", "500", "503", "504"]
    {
        assert!(statuses.iter().any(|known| *known == status), "{status} is not described");
    }
    let parameters: Vec<String> = create["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| parameter["name"].as_str().unwrap().to_ascii_lowercase())
        .collect();
    for name in ["idempotency-key", "if-match", "dry_run", "traceparent", "x-correlation-id"] {
        assert!(parameters.contains(&name.to_owned()), "{name} is not described");
    }
    assert!(create["description"].as_str().unwrap().contains("`sku-taken`"));
    let paths = api["paths"].as_object().unwrap();
    assert_eq!(paths.keys().filter(|path| path.starts_with("/v1/catalog/")).count(), 13);
    every_reference_leads_somewhere(api, api);
}

fn every_reference_leads_somewhere(api: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                assert!(
                    api.pointer(reference.trim_start_matches('#')).is_some(),
                    "{reference} leads nowhere"
                );
            }
            members.values().for_each(|member| every_reference_leads_somewhere(api, member));
        }
        Value::Array(items) => items.iter().for_each(|item| every_reference_leads_somewhere(api, item)),
        _ => {}
    }
}
