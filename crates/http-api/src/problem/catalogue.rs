//! The list of problem types. `docs/problems.md` has a section for each; a test compares the two.

use axum::http::StatusCode;

macro_rules! problem_types {
    ($($(#[$doc:meta])* $variant:ident = $slug:literal, $status:ident, $title:literal;)+) => {
        /// What kind of problem it is. Clients switch on its `type`, `/problems/<slug>`, which never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemType { $($(#[$doc])* $variant),+ }

        impl ProblemType {
            /// All of them, in the order of their statuses.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its `type`: a reference to the page that documents it, served by both services.
            pub const fn uri(self) -> &'static str {
                match self { $(Self::$variant => concat!("/problems/", $slug)),+ }
            }

            /// The last part of its `type`.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug),+ }
            }

            /// The status that it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// Its `title`.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

problem_types! {
    /// The body is not JSON, or has a value of another type than was expected.
    MalformedBody = "malformed-body", BAD_REQUEST, "The body is not the JSON that was expected";
    /// A part of the path or of the query string does not parse or is out of range.
    InvalidParameter = "invalid-parameter", BAD_REQUEST, "A parameter is not valid";
    /// A header does not parse.
    InvalidHeader = "invalid-header", BAD_REQUEST, "A header is not valid";
    /// `after` is not a cursor that this list gave.
    InvalidCursor = "invalid-cursor", BAD_REQUEST, "The cursor is not valid";
    /// No bearer token came with the request.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A token is needed";
    /// The bearer token is not accepted.
    InvalidToken = "invalid-token", UNAUTHORIZED, "The token is not accepted";
    /// No user of the tenant has this e-mail address and password.
    WrongCredentials = "wrong-credentials", UNAUTHORIZED, "E-mail address or password is wrong";
    /// The token does not carry the scope that the request needs.
    MissingScope = "missing-scope", FORBIDDEN, "The token lacks a scope";
    /// Nothing is served at this path.
    NoSuchPath = "no-such-path", NOT_FOUND, "Nothing is served at this path";
    /// The path is right, but the tenant has no such thing.
    NotFound = "not-found", NOT_FOUND, "There is no such thing";
    /// The path does not take this method.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The path does not take this method";
    /// A rule of the business said no; `code` names it.
    Rejected = "rejected", CONFLICT, "A rule refused the command";
    /// Others changed the same thing so often that the command could not be decided.
    Conflict = "conflict", CONFLICT, "Too many concurrent changes";
    /// The version named by `If-Match` is not the current one.
    StaleVersion = "stale-version", PRECONDITION_FAILED, "The version is stale";
    /// The body is longer than the limit.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body's `Content-Type` is not JSON.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body must be JSON";
    /// The body is well-formed but does not make sense; `errors` says where.
    InvalidBody = "invalid-body", UNPROCESSABLE_ENTITY, "The body is not valid";
    /// The idempotency key was used before with another body.
    KeyReused = "key-reused", UNPROCESSABLE_ENTITY, "The idempotency key belongs to another request";
    /// The same was asked too often.
    TooManyRequests = "too-many-requests", TOO_MANY_REQUESTS, "Too many requests";
    /// The service made a mistake.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong in the service";
    /// The service has no key to sign tokens with.
    NoSigningKey = "no-signing-key", NOT_IMPLEMENTED, "The service signs no tokens";
    /// Something that the service needs is away.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service cannot do this at the moment";
    /// More requests are running than the service takes on.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "The service is overloaded";
    /// Whether the command took effect is not known.
    OutcomeUnknown = "outcome-unknown", SERVICE_UNAVAILABLE, "Whether the command took effect is not known";
    /// The read model has not reached what the query named.
    ReadModelBehind = "read-model-behind", SERVICE_UNAVAILABLE, "The read model has not caught up";
    /// The read model's store is away.
    ReadModelAway = "read-model-away", SERVICE_UNAVAILABLE, "The read model is away";
    /// What the query named could not be applied to the row, and waits for an operator.
    ViewParked = "view-parked", SERVICE_UNAVAILABLE, "The row could not be brought up to date";
    /// The answer was not there in time.
    Timeout = "timeout", GATEWAY_TIMEOUT, "The answer did not come in time";
}
