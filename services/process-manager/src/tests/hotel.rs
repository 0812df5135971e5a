//! A command side that remembers once-only keys for ever, and whose answers can be lost.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_api::{AuthConfig, Authenticator, PROCESS};
use kernel::json;
use serde_json::Value;
use tokio::net::TcpListener;
use uuid::Uuid;

/// What happens to requests for one city, or for `confirm`, in turn; when there is nothing left, all is well.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mishap {
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// It is not carried out, and nobody can tell.
    RequestLost,
    /// A rule refuses it.
    Refused(&'static str),
    /// The service has no place for it now.
    Busy,
    /// It makes no sense.
    Nonsense,
}

#[derive(Default)]
struct Books {
    mishaps: HashMap<String, Vec<Mishap>>,
    /// By tenant and once-only key.
    answered: HashMap<(String, String), Value>,
    /// How often what was carried out: by tenant, command and what it is about.
    effects: BTreeMap<(String, String, String), u32>,
    /// Who and what caused each, by once-only key.
    causes: HashMap<String, (String, Option<String>, Option<String>)>,
}

#[derive(Clone)]
pub(super) struct Hotel {
    books: Arc<Mutex<Books>>,
    authenticator: Authenticator,
    pub(super) address: SocketAddr,
}

impl Hotel {
    pub(super) async fn open(auth: &AuthConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hotel = Self {
            books: Arc::default(),
            authenticator: Authenticator::new(auth).unwrap(),
            address: listener.local_addr().unwrap(),
        };
        let router = Router::new().route("/v1/hotels/{command}", post(command)).with_state(hotel.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hotel
    }

    /// What goes wrong with requests about this, in turn.
    pub(super) fn mishaps(&self, about: &str, mishaps: impl IntoIterator<Item = Mishap>) {
        self.books().mishaps.entry(about.to_owned()).or_default().extend(mishaps);
    }

    /// From now on nothing goes wrong any more.
    pub(super) fn mend(&self) {
        self.books().mishaps.clear();
    }

    /// What was carried out for a tenant, and how often.
    pub(super) fn effects(&self, tenant: &str) -> Vec<(String, String, u32)> {
        let of_tenant = |((whose, command, about), count): (&(String, String, String), &u32)| {
            (whose == tenant).then(|| (command.clone(), about.clone(), *count))
        };
        self.books().effects.iter().filter_map(of_tenant).collect()
    }

    /// Correlation id, causation id and trace context of the command with this once-only key.
    pub(super) fn cause(&self, key: &str) -> (String, Option<String>, Option<String>) {
        self.books().causes[key].clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}

async fn command(
    State(hotel): State<Hotel>,
    Path(command): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let caller = hotel.authenticator.authenticate(&headers).await.unwrap();
    caller.require(PROCESS).unwrap();
    let tenant = caller.tenant.as_str().to_owned();
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let key = text("idempotency-key").unwrap();
    let instance = key.split('/').nth(2).unwrap().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let city = body["city"].as_str().unwrap_or(&command).to_owned();
    let about = if command == "release-room" { format!("{city}/undo") } else { city.clone() };
    let mut books = hotel.books();
    let cause = (text("x-correlation-id").unwrap(), text("x-causation-id"), text("traceparent"));
    books.causes.insert(key.clone(), cause);
    let mishaps = books.mishaps.get_mut(&about).filter(|mishaps| !mishaps.is_empty());
    let mishap = mishaps.map(|mishaps| mishaps.remove(0));
    match mishap {
        Some(Mishap::RequestLost) => return StatusCode::BAD_GATEWAY.into_response(),
        Some(Mishap::Busy) => return problem(503, "/problems/overloaded", None),
        Some(Mishap::Nonsense) => return problem(422, "/problems/invalid-body", None),
        Some(Mishap::Refused(code)) => return problem(409, "/problems/rejected", Some(code)),
        Some(Mishap::AnswerLost) | None => {}
    }
    let known = books.answered.get(&(tenant.clone(), key.clone())).cloned();
    let answer = known.unwrap_or_else(|| {
        *books.effects.entry((tenant.clone(), command, format!("{instance}/{city}"))).or_default() += 1;
        let answer = json!({ "events": [{ "id": Uuid::now_v7(), "type": "Done" }] });
        books.answered.insert((tenant, key), answer.clone());
        answer
    });
    if mishap == Some(Mishap::AnswerLost) {
        return StatusCode::GATEWAY_TIMEOUT.into_response();
    }
    axum::Json(answer).into_response()
}

fn problem(status: u16, kind: &str, code: Option<&str>) -> Response {
    let body = json!({ "type": kind, "title": "no", "detail": "no", "code": code });
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}
