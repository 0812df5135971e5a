#![doc = include_str!("../README.md")]

pub mod auth;
mod cursor;
mod docs;
mod edge;
mod extract;
pub mod headers;
pub mod openapi;
mod problem;
mod surface;
mod telemetry;
mod turns;

pub use auth::{
    AuthConfig, Authenticator, Caller, Claims, OPS, OperatorConfig, OperatorTokens, PROCESS, RateConfig,
    Scopes, mint,
};
pub use cursor::Cursor;
pub use edge::{Limits, RequestId};
pub use extract::{Json, JsonBody, Path, Query, malformed_body};
pub use headers::{ETag, IdempotencyKey, IfMatch, IfNoneMatch, Prefer, TwofoldAfter};
pub use openapi::{OpenApi, Operation};
pub use problem::{CONTENT_TYPE as PROBLEM_CONTENT_TYPE, Problem, ProblemType};
pub use surface::surface;
pub use turns::Turns;
