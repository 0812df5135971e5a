//! The service's OpenAPI description, made from the commands that it serves.

use axum::http::Method;
use dispatch::{CommandEntry, Commands};
use http_api::{OpenApi, Operation};
use uuid::Uuid;

use crate::answer::{Recorded, Tried};
use crate::commands::CommandList;
use http_api::headers::X_CORRELATION_ID;

const ABOUT: &str = "Sends commands. A command answers what it recorded and no business data; read that from the \
    query service, with the answer's `Twofold-Sequence` as `Twofold-After` to be sure to see it.";

pub(crate) fn describe(commands: &Commands) -> OpenApi {
    let mut api = OpenApi::new("Twofold commands", ABOUT);
    let entries = commands.all();
    let mut contexts: Vec<&str> = entries.iter().map(|entry| entry.context()).collect();
    contexts.dedup();
    for context in contexts {
        api.tag(context, &format!("Commands of the context `{context}`."));
    }
    api.tag("commands", "What can be sent.");
    for entry in entries {
        api.operation(&Method::POST, &format!("/v1/{}", entry.full_name()), operation(entry));
    }
    api.operation(
        &Method::GET,
        "/v1/commands",
        Operation::new("listCommands", "Every command with its JSON Schema")
            .tag("commands")
            .token()
            .answer::<CommandList<'_>>(200, "The commands."),
    );
    crate::sign_in::describe(&mut api);
    crate::logs::describe(&mut api);
    crate::audit::describe(&mut api);
    api
}

fn operation(entry: &CommandEntry) -> Operation {
    let id = camel_case(&format!("{}-{}", entry.context(), entry.name()));
    let name = pascal_case(entry.name());
    Operation::new(id, first_sentence(entry.description()))
        .description(description(entry))
        .tag(entry.context())
        .scope(entry.scope())
        .writes()
        .header_parameter::<Uuid>(
            X_CORRELATION_ID.as_str(),
            "Ties together everything that began with one request from outside; made where it is absent, and kept \
             with the events.",
        )
        .body_schema("The command.", name, entry.schema().clone(), None)
        .answer::<Recorded<'_>>(201, "It was carried out, and its stream began with it.")
        .answer::<OkAnswer<'_>>(200, "It was carried out, or with `dry_run=true` decided only.")
}

/// What 200 carries: the same as 201, or a dry run's answer.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "CommandOrDryRunAnswer")]
#[expect(dead_code, reason = "it is there for its schema")]
enum OkAnswer<'a> {
    /// The command was carried out.
    Recorded(Recorded<'a>),
    /// It was decided only.
    Tried(Tried<'a>),
}

/// What it does, and which rules can refuse it.
fn description(entry: &CommandEntry) -> String {
    let mut text = entry.description().to_owned();
    text.push_str("\n\nRefused with 409 `rejected`, where a rule says no, with one of these codes:\n");
    for (code, sentence) in entry.rejections() {
        text.push_str(&format!("\n- `{code}`: {sentence}"));
    }
    text
}

fn first_sentence(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split_once(". ").map_or(line, |(sentence, _)| sentence).trim_end_matches('.')
}

fn pascal_case(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(capital).collect()
}

fn camel_case(name: &str) -> String {
    let pascal = pascal_case(name);
    let mut letters = pascal.chars();
    letters.next().map(|letter| letter.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
