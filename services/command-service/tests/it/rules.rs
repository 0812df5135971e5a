//! Each rule of each context, asked over HTTP: its code, and nothing recorded.

mod accounts;
mod catalog;
mod orders;
mod travel;

use std::collections::BTreeSet;
use std::time::Duration;

use kernel::{LogId, Sequence, TenantId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Reply, Service, TENANT, reply, token};

/// Somebody who may do everything in one context, and what they were refused.
struct Asker {
    service: Service,
    context: &'static str,
    refused: BTreeSet<String>,
}

impl Asker {
    async fn of(context: &'static str) -> Self {
        Self { service: Service::start().await, context, refused: BTreeSet::new() }
    }

    async fn asks(&self, name: &str, body: &Value) -> Reply {
        let context = self.context;
        let scope = format!("{context}:write {context}:fulfil");
        let url = self.service.url(&format!("/v1/{context}/{name}"));
        let token = token(TENANT, &scope, Duration::from_secs(600));
        reply(self.service.client.post(url).bearer_auth(token).json(body)).await
    }

    /// A command that is carried out; the id of its stream.
    async fn does(&self, name: &str, body: Value) -> String {
        let reply = self.asks(name, &body).await;
        assert!(reply.status.is_success(), "{name} was answered {reply:?}");
        reply.id()
    }

    /// The end of the context's log.
    async fn head(&self) -> Sequence {
        let Some(lane) = self.service.log.known_lane(&TenantId::new(TENANT).unwrap()).await.unwrap() else {
            return Sequence::ZERO;
        };
        self.service.log.head(&LogId::new(self.context, lane)).await.unwrap().sequence
    }

    /// A command that this rule refuses, and that records nothing.
    async fn is_refused(&mut self, name: &str, body: Value, code: &str) -> Reply {
        let before = self.head().await;
        let reply = self.asks(name, &body).await;
        assert_eq!(reply.body["code"], code, "{name} {body} was answered {reply:?}");
        reply.is_refused(code);
        assert_eq!(self.head().await, before, "{name} {body} recorded something");
        self.refused.insert(code.to_owned());
        reply
    }

    /// A command whose body makes no sense, for these reasons.
    async fn is_invalid(&self, name: &str, body: Value, errors: &[(&str, &str)]) {
        let before = self.head().await;
        let reply = self.asks(name, &body).await;
        reply.is_problem(422, "invalid-body").has_errors(errors);
        assert_eq!(self.head().await, before, "{name} {body} recorded something");
    }

    /// Every code that the context has was seen, but for bounds that take very many events to reach.
    async fn has_seen_every_rule_but(self, bounds: &[&str]) {
        let list = reply(self.service.request(Method::GET, "/v1/commands")).await;
        let commands = list.body["items"].as_array().unwrap();
        let of_context = commands.iter().filter(|command| command["context"] == self.context);
        let listed = of_context.flat_map(|command| command["rejections"].as_array().unwrap());
        let codes: BTreeSet<_> = listed.map(|rule| rule["code"].as_str().unwrap().to_owned()).collect();
        let seen = bounds.iter().map(|code| (*code).to_owned()).chain(self.refused).collect();
        assert_eq!(codes, seen, "on the left, the rules that are described");
        self.service.stop().await;
    }
}

fn money(amount: i64, currency: &str) -> Value {
    json!({"amount": amount, "currency": currency})
}

fn euro(amount: i64) -> Value {
    money(amount, "EUR")
}

fn dollar(amount: i64) -> Value {
    money(amount, "USD")
}
