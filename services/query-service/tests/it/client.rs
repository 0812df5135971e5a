//! Somebody who asks.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use uuid::Uuid;

/// How long a test waits for what must come.
pub(crate) const SOON: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, token: Option<String>) -> Self {
        Self { base: format!("http://{address}"), token, http: reqwest::Client::new() }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        let response = self.send(path, headers).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Got { status, headers, body }
    }

    /// The head of an answer, its body still to come.
    pub(crate) async fn send(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let mut request = self.http.get(format!("{}{path}", self.base)).timeout(Duration::from_secs(60));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// All pages of a list, one after the other.
    pub(crate) async fn pages(&self, path: &str) -> Vec<Value> {
        let (mut items, mut next) = (Vec::new(), String::new());
        loop {
            let got = self.get(&format!("{path}{next}")).await.ok();
            items.extend(got.body["items"].as_array().unwrap().iter().cloned());
            match got.body["next"].as_str() {
                Some(after) => next = format!("&after={after}"),
                None => return items,
            }
        }
    }
}

impl Got {
    /// It is an answer.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{:?}", self.body);
        assert_eq!(self.header("content-type"), "application/json");
        self
    }

    /// It is a problem of this status and type.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, kind: &str) -> Self {
        assert_eq!(self.status, status, "{:?}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], format!("/problems/{kind}"));
        self
    }

    /// It is a problem of a parameter.
    #[track_caller]
    pub(crate) fn invalid(self, field: &str, code: &str) {
        let got = self.problem(400, "invalid-parameter");
        assert_eq!(got.body["errors"], serde_json::json!([{ "field": field, "code": code }]));
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }

    /// The names of a page's items.
    #[track_caller]
    pub(crate) fn names(&self) -> Vec<&str> {
        self.items().iter().map(|item| item["name"].as_str().unwrap()).collect()
    }

    #[track_caller]
    pub(crate) fn items(&self) -> &[Value] {
        assert_eq!(self.status, 200, "{:?}", self.body);
        self.body["items"].as_array().unwrap()
    }
}

pub(crate) fn product(id: Uuid) -> String {
    format!("/v1/catalog/products/{id}")
}

pub(crate) fn stock(id: Uuid) -> String {
    format!("/v1/catalog/stock/{id}")
}

/// Asks again and again until the answer is as wanted.
pub(crate) async fn until(client: &Client, path: &str, wanted: impl Fn(&Got) -> bool) -> Got {
    let asking = async {
        loop {
            let got = client.get(path).await;
            if wanted(&got) {
                return got;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, asking).await.unwrap_or_else(|_| panic!("{path} never became as wanted"))
}
