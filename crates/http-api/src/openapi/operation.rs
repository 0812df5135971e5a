//! One operation of a service.

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::components::Components;
use super::own::{self, Header};
use super::parameter::{Parameter, Schema};
use super::problem_answers;
use crate::ProblemType;

/// What an operation takes and answers. The problems that every operation of its kind can have are added by
/// themselves: those of tokens with a scope, of bodies with a body, of overload and deadlines always.
#[derive(Debug)]
pub struct Operation {
    id: String,
    summary: String,
    description: String,
    tag: Option<String>,
    token: bool,
    scope: Option<String>,
    parameters: Vec<Parameter>,
    body: Option<(String, Schema, Option<Value>)>,
    answers: Vec<Answer>,
    success_headers: Vec<Header>,
    problems: Vec<ProblemType>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    description: String,
    content: Option<(&'static str, Schema)>,
}

impl Operation {
    /// An operation that needs no token. `id` is its name in generated clients: `getProduct`.
    pub fn new(id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            summary: summary.into(),
            description: String::new(),
            tag: None,
            token: false,
            scope: None,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            success_headers: vec![Header::RequestId],
            problems: vec![ProblemType::Internal, ProblemType::Overloaded, ProblemType::Timeout],
        }
    }

    /// What it does, in Markdown.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Where it is listed.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// It needs a token, whatever its scopes are.
    #[must_use]
    pub fn token(mut self) -> Self {
        self.token = true;
        self.problems(&[
            ProblemType::Unauthenticated,
            ProblemType::InvalidToken,
            ProblemType::TooManyRequests,
        ])
    }

    /// It needs a token with this scope.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self.token().problem(ProblemType::MissingScope)
    }

    /// A part of its path.
    #[must_use]
    pub fn path_parameter<T: JsonSchema>(self, name: &str, description: &str) -> Self {
        self.parameter::<T>("path", name, description, true).problem(ProblemType::InvalidParameter)
    }

    /// A parameter in its query string.
    #[must_use]
    pub fn query_parameter<T: JsonSchema>(self, name: &str, description: &str) -> Self {
        self.parameter::<T>("query", name, description, false).problem(ProblemType::InvalidParameter)
    }

    /// Parameters in its query string: the members of a struct, with their descriptions.
    #[must_use]
    pub fn query_parameters<T: JsonSchema>(mut self) -> Self {
        self.parameters.push(Parameter::Members(Schema::Typed(Components::add_members::<T>)));
        self.problem(ProblemType::InvalidParameter)
    }

    /// A header that it looks at.
    #[must_use]
    pub fn header_parameter<T: JsonSchema>(self, name: &str, description: &str) -> Self {
        self.parameter::<T>("header", name, description, false).problem(ProblemType::InvalidHeader)
    }

    fn parameter<T: JsonSchema>(
        mut self,
        place: &'static str,
        name: &str,
        description: &str,
        required: bool,
    ) -> Self {
        self.parameters.push(Parameter::One {
            place,
            name: name.to_owned(),
            description: description.to_owned(),
            required,
            schema: Schema::Typed(Components::add_request::<T>),
        });
        self
    }

    /// Its JSON body.
    #[must_use]
    pub fn body<T: JsonSchema>(self, description: impl Into<String>) -> Self {
        self.with_body(description.into(), Schema::Typed(Components::add_request::<T>), None)
    }

    /// Its JSON body by a whole JSON Schema document (2020-12) that becomes the component `name`, with an example.
    #[must_use]
    pub fn body_schema(
        self,
        description: impl Into<String>,
        name: impl Into<String>,
        schema: Value,
        example: Option<Value>,
    ) -> Self {
        self.with_body(description.into(), Schema::Given(schema, Some(name.into())), example)
    }

    fn with_body(mut self, description: String, schema: Schema, example: Option<Value>) -> Self {
        self.body = Some((description, schema, example));
        self.problems(&[
            ProblemType::MalformedBody,
            ProblemType::TooLarge,
            ProblemType::UnsupportedMediaType,
            ProblemType::InvalidBody,
        ])
    }

    /// An answer with a JSON body.
    #[must_use]
    pub fn answer<T: JsonSchema>(self, status: u16, description: &str) -> Self {
        self.with_answer(
            status,
            description,
            Some(("application/json", Schema::Typed(Components::add_answer::<T>))),
        )
    }

    /// An answer that streams server-sent events whose data is of this type.
    #[must_use]
    pub fn answer_events<T: JsonSchema>(self, status: u16, description: &str) -> Self {
        self.with_answer(
            status,
            description,
            Some(("text/event-stream", Schema::Typed(Components::add_answer::<T>))),
        )
    }

    /// An answer in another form, as text.
    #[must_use]
    pub fn answer_text(self, status: u16, description: &str, media_type: &'static str) -> Self {
        let schema = Schema::Given(json!({ "type": "string" }), None);
        self.with_answer(status, description, Some((media_type, schema)))
    }

    /// An answer without a body.
    #[must_use]
    pub fn answer_empty(self, status: u16, description: &str) -> Self {
        self.with_answer(status, description, None)
    }

    fn with_answer(
        mut self,
        status: u16,
        description: &str,
        content: Option<(&'static str, Schema)>,
    ) -> Self {
        self.answers.push(Answer { status, description: description.to_owned(), content });
        self
    }

    /// A problem that it can answer.
    #[must_use]
    pub fn problem(self, kind: ProblemType) -> Self {
        self.problems(&[kind])
    }

    /// Problems that it can answer.
    #[must_use]
    pub fn problems(mut self, kinds: &[ProblemType]) -> Self {
        self.problems.extend(kinds);
        self
    }

    /// It changes something: it may be repeated under an `Idempotency-Key`, be made to depend on a version with
    /// `If-Match`, be asked as a question with `?dry_run=true`, and answers `Twofold-Sequence` and `ETag`.
    #[must_use]
    pub fn writes(mut self) -> Self {
        self.parameters.extend(own::write_parameters());
        self.success_headers.extend([Header::Sequence, Header::ETag, Header::Replayed]);
        self.problems(&[
            ProblemType::InvalidParameter,
            ProblemType::InvalidHeader,
            ProblemType::Rejected,
            ProblemType::Conflict,
            ProblemType::KeyReused,
            ProblemType::StaleVersion,
            ProblemType::Unavailable,
            ProblemType::OutcomeUnknown,
        ])
    }

    /// It reads a view: it honours `Twofold-After`, `Prefer: wait=N` and `If-None-Match`, and answers
    /// `Twofold-Sequence` and `ETag`.
    #[must_use]
    pub fn reads(mut self) -> Self {
        self.parameters.extend(own::read_parameters());
        self.success_headers.extend([Header::Sequence, Header::Parked, Header::ETag]);
        self.answer_empty(304, "The client has this answer already (`If-None-Match`).").problems(&[
            ProblemType::InvalidHeader,
            ProblemType::ReadModelBehind,
            ProblemType::ReadModelAway,
            ProblemType::ViewParked,
        ])
    }

    /// As it stands in the description.
    pub(super) fn describe(mut self, components: &mut Components) -> Value {
        self.problems.sort_unstable();
        self.problems.dedup();
        let mut answers = problem_answers(&self.problems);
        for answer in self.answers {
            let mut described = json!({
                "description": answer.description,
                "headers": own::header_references(&self.success_headers),
            });
            if let Some((media_type, schema)) = answer.content {
                described["content"] = json!({ (media_type): { "schema": schema.make(components) } });
            }
            answers.insert(answer.status.to_string(), described);
        }
        let mut parameters = vec![own::request_id_parameter()];
        for parameter in self.parameters {
            parameter.describe(components, &mut parameters);
        }
        let security =
            if self.token { json!([{ "bearer": Vec::from_iter(&self.scope) }]) } else { json!([]) };
        let mut described = json!({
            "operationId": self.id,
            "summary": self.summary,
            "description": describe_scope(self.description, self.scope.as_deref()),
            "parameters": parameters,
            "responses": answers,
            "security": security,
        });
        if let Some(tag) = self.tag {
            described["tags"] = json!([tag]);
        }
        if let Some((description, schema, example)) = self.body {
            let mut content = json!({ "schema": schema.make(components) });
            if let Some(example) = example {
                content["example"] = example;
            }
            described["requestBody"] = json!({ "description": description, "required": true, "content": { "application/json": content } });
        }
        described
    }
}

fn describe_scope(description: String, scope: Option<&str>) -> String {
    match scope {
        None => description,
        Some(scope) if description.is_empty() => format!("Needs the scope `{scope}`."),
        Some(scope) => format!("{description}\n\nNeeds the scope `{scope}`."),
    }
}
