//! The names of what spans say, the same in every service; beside these, OpenTelemetry's own conventions.

/// Which request: the answer's `X-Request-Id`.
pub const REQUEST_ID: &str = "twofold.request_id";
/// `catalog/3`: context and lane.
pub const LOG: &str = "twofold.log";
/// The stream of an event, by kind and id.
pub const STREAM: &str = "twofold.stream";
/// Where an event is in its log.
pub const SEQUENCE: &str = "twofold.sequence";
/// An event's type.
pub const EVENT_TYPE: &str = "twofold.event_type";
/// The command that recorded an event.
pub const COMMAND_ID: &str = "twofold.command_id";
/// What ties together everything that began with one request from outside.
pub const CORRELATION_ID: &str = "twofold.correlation_id";
/// What came of it, where that is not an error.
pub const OUTCOME: &str = "twofold.outcome";
/// A view, or a process that hears events.
pub const VIEW: &str = "twofold.view";
/// Which build of it.
pub const BUILD: &str = "twofold.build";
/// Where its rows live: `postgres` or `redis`.
pub const STORE: &str = "twofold.store";
/// A process.
pub const PROCESS: &str = "twofold.process";
/// One run of a process.
pub const INSTANCE: &str = "twofold.instance";
/// A process's name for a command that it sends.
pub const STEP: &str = "twofold.step";
/// How many were done at once, sampled or not.
pub const BATCH_SIZE: &str = "twofold.batch_size";

/// OpenTelemetry: a request's method.
pub const HTTP_METHOD: &str = "http.request.method";
/// OpenTelemetry: the pattern of the path that answered it.
pub const HTTP_ROUTE: &str = "http.route";
/// OpenTelemetry: an answer's status.
pub const HTTP_STATUS: &str = "http.response.status_code";
/// OpenTelemetry: why it failed, in few words.
pub const ERROR_TYPE: &str = "error.type";
/// OpenTelemetry: always `kafka`.
pub const MESSAGING_SYSTEM: &str = "messaging.system";
/// OpenTelemetry: the topic.
pub const MESSAGING_DESTINATION: &str = "messaging.destination.name";
/// OpenTelemetry: the partition.
pub const MESSAGING_PARTITION: &str = "messaging.destination.partition.id";
