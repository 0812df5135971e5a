//! Streams of changes.

use serde_json::Value;
use tokio::time::timeout;

use crate::client::{Client, SOON, product, stock};
use crate::service;
use crate::shop::*;

/// An open stream.
pub(crate) struct Stream {
    response: reqwest::Response,
    text: String,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

pub(crate) async fn watch(client: &Client, path: &str, headers: &[(&str, &str)]) -> Stream {
    let response = client.send(&format!("{path}/live"), headers).await;
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    Stream { response, text: String::new() }
}

impl Stream {
    /// The next event; none when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        timeout(SOON, async {
            loop {
                if let Some(event) = self.take() {
                    return Some(event);
                }
                let chunk = self.response.chunk().await.unwrap()?;
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await
        .expect("an event comes soon")
    }

    fn take(&mut self) -> Option<Event> {
        while let Some((event, rest)) = self.text.split_once("\n\n") {
            let field = |name: &str| {
                event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
            };
            let found = field("data:").map(|data| Event {
                id: field("id:").unwrap(),
                name: field("event:").unwrap(),
                data: serde_json::from_str(&data).unwrap(),
            });
            self.text = rest.to_owned();
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

async fn shop_with_a_chair() -> Shop {
    let mut shop = Shop::open().await;
    shop.creates_category(FURNITURE, "Furniture").creates_product(CHAIR, "Chair", 1999);
    shop.reaches_the_views().await;
    shop
}

#[tokio::test]
async fn a_stream_begins_with_the_resource_and_follows_its_changes() {
    let mut shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    for path in [product(CHAIR), stock(CHAIR)] {
        let mut stream = watch(&client, &path, &[]).await;
        let first = stream.next().await.unwrap();
        assert_eq!(first.name, "changed");
        assert_eq!(first.data, client.get(&path).await.ok().body);

        shop.receives(CHAIR, "Berlin", 1);
        let token = shop.token();
        shop.creates_product(TABLE, "Table", 1).reaches_the_views().await;
        let second = stream.next().await.unwrap();
        assert_eq!(second.id, token, "an event's id is the change, not what else has happened");
        assert_eq!(second.data, client.get(&path).await.ok().body);
    }
}

#[tokio::test]
async fn who_comes_back_is_sent_what_has_changed_meanwhile_and_nothing_twice() {
    let mut shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    for path in [product(CHAIR), stock(CHAIR)] {
        let first = watch(&client, &path, &[]).await.next().await.unwrap();
        let resume = [("last-event-id", first.id.as_str())];

        let mut nothing_new = watch(&client, &path, &resume).await;
        shop.receives(CHAIR, "Berlin", 1).reaches_the_views().await;
        assert_eq!(nothing_new.next().await.unwrap().id, shop.token());

        let mut missed_one = watch(&client, &path, &resume).await;
        assert_eq!(missed_one.next().await.unwrap().id, shop.token());
    }
}

#[tokio::test]
async fn a_stream_of_what_is_not_there_is_a_problem() {
    let shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    for path in [product(TABLE), stock(TABLE)] {
        client.get(&format!("{path}/live")).await.problem(404, "not-found");
    }
    let malformed = [("last-event-id", "yesterday")];
    let got = client.get_with(&format!("{}/live", product(CHAIR)), &malformed).await;
    got.problem(400, "invalid-header");
}

#[tokio::test]
async fn a_stream_waits_for_what_its_first_event_must_reflect() {
    let mut shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    shop.receives(CHAIR, "Berlin", 1);
    let token = shop.token();
    let behind = [("twofold-after", token.as_str()), ("prefer", "wait=0")];
    for path in [product(CHAIR), stock(CHAIR)] {
        client.get_with(&format!("{path}/live"), &behind).await.problem(503, "read-model-behind");
    }
    shop.reaches_the_views().await;
    for path in [product(CHAIR), stock(CHAIR)] {
        assert_eq!(watch(&client, &path, &behind).await.next().await.unwrap().id, token);
    }
}

#[tokio::test]
async fn a_tenant_has_so_many_streams_and_no_more() {
    let mut shop = shop_with_a_chair().await;
    shop.of("globex").creates_product(CHAIR, "Globex chair", 1).reaches_the_views().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    let path = format!("{}/live", product(CHAIR));
    let first = client.send(&path, &[]).await;
    let _second = client.send(&path, &[]).await;
    client.get(&path).await.problem(503, "overloaded");
    let _others = watch(&service.client("globex"), &product(CHAIR), &[]).await;

    drop(first);
    let freed = async {
        while client.send(&path, &[]).await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, freed).await.expect("a stream that was left makes room for another");
}

#[tokio::test]
async fn streams_end_when_the_service_drains() {
    let shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    let mut stream = watch(&service.client("acme"), &product(CHAIR), &[]).await;
    assert!(stream.next().await.is_some());
    service.stop();
    assert_eq!(stream.next().await, None);
    service.stopped().await.unwrap();
}
