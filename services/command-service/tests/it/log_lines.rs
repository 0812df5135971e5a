//! What the service writes about single commands: nothing, unless it is asked to.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{Service, TENANT, new_id, reply, token};

/// Lines, as JSON. Those of this thread, which all of the service's tasks run on in a test.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn begin(filter: &str) -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(lines.clone())
            .json()
            .flatten_event(true)
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn written(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_line_for_a_command_names_everything_that_others_are_found_by() {
    let (lines, _writes_here) = Lines::begin("dispatch=debug,http_api=debug");
    let service = Service::start().await;
    let correlation = new_id();
    let command = service.command("create-category", &json!({"name": "Books"}));
    let command = command
        .header("x-correlation-id", &correlation)
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    let created = reply(command).await;
    let recorded = service.events("category", &created.id()).await;
    let written = lines.written();
    let line = written.iter().find(|line| line["message"] == "recorded a command").unwrap();
    assert_eq!(line["command"], "catalog/create-category");
    assert_eq!(line["command_id"], recorded[0].event.metadata.command_id.to_string());
    assert_eq!(line["correlation_id"], correlation);
    assert_eq!(line["stream"], format!("category-{}", created.id()));
    assert_eq!(line["sequence"], created.headers["twofold-sequence"].to_str().unwrap());
    assert_eq!(line["trace_id"], "0af7651916cd43dd8448eb211c80319c");

    service.send("create-category", &json!({"name": "Books"})).await.is_refused("category-name-taken");
    let written = lines.written();
    let line = written.iter().find(|line| line["message"] == "refused a request").unwrap();
    assert_eq!((&line["code"], &line["status"]), (&"category-name-taken".into(), &409.into()));
    assert!(line["request_id"].is_string());
    service.stop().await;
}

#[tokio::test]
async fn commands_write_no_lines_by_themselves() {
    let (lines, _writes_here) = Lines::begin("info");
    let service = Service::start().await;
    let before = lines.written().len();
    service.done("create-category", &json!({"name": "Books"})).await;
    service.send("create-category", &json!({"name": "Books"})).await.is_refused("category-name-taken");
    service.send("create-category", &json!({})).await.is_problem(422, "invalid-body");
    let written = lines.written();
    assert_eq!(written.len(), before, "{:?}", &written[before..]);
    service.stop().await;
}

#[tokio::test]
async fn no_line_bears_a_password_however_much_is_written() {
    let (lines, _writes_here) = Lines::begin("trace");
    let service = Service::start().await;
    let send = async |path: &str, body: Value| {
        let token = token(TENANT, "accounts:write", Duration::from_secs(60));
        let request = service.client.post(service.url(&format!("/v1/accounts/{path}"))).bearer_auth(token);
        reply(request.header("idempotency-key", new_id()).json(&body)).await.status.as_u16()
    };
    let user = new_id();
    let registering = |password: &str| json!({"user_id": user, "email": "ann@example.com", "name": "Ann", "password": password});
    let signing_in =
        |password: &str| json!({"tenant": TENANT, "email": "ann@example.com", "password": password});
    assert_eq!(send("register-user", registering("hunter2")).await, 422);
    assert_eq!(send("register-user?dry_run=true", registering("hunter2 hunter2")).await, 200);
    assert_eq!(send("register-user", registering("hunter2 hunter2")).await, 201);
    assert_eq!(send("register-user", registering("hunter2 hunter2")).await, 409);
    let changed = json!({"user_id": user, "password": "hunter2 hunter2 hunter2"});
    assert_eq!(send("change-password", changed).await, 200);
    assert_eq!(send("sign-in", signing_in("hunter2 hunter2")).await, 401);
    assert_eq!(send("sign-in", signing_in("hunter2 hunter2 hunter2")).await, 200);
    service.stop().await;
    let text = lines.text();
    assert!(text.contains("register-user"), "nothing was written at all");
    let line = text.lines().find(|line| line.contains("hunter2") || line.contains("$argon2"));
    assert_eq!(line, None);
}
