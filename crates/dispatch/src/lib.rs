#![doc = include_str!("../README.md")]

mod body;
mod command;
mod dispatcher;
mod error;
mod inline;
mod kind;
mod once;
mod passwords;
mod queues;
mod registry;
mod streams;
pub mod telemetry;
mod warm;

pub use body::{BodyError, SchemaError};
pub use command::Refusal;
pub use dispatcher::{
    Answer, CommandRequest, DispatchOptions, Dispatcher, DryRun, Once, Precondition, PreviewedEvent,
};
pub use error::CommandError;
pub use passwords::Passwords;
pub use registry::{CommandEntry, Commands, CommandsBuilder, RegistryError};
