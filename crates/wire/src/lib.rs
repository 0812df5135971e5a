//! What a record looks like on a topic: Avro bodies, headers, framing, names, and the registry that explains
//! them to other tools.
//!
//! * [`Codec`] turns a context's events into Avro bodies and back, whatever version of a schema they were written
//!   with. The log keeps those bytes; the relay moves the same bytes to the topic behind a [`frame`].
//! * [`headers::encode`] and [`Received::parse`] carry everything of a [`kernel::LoggedEvent`], so that a consumer
//!   can check the chain of history and fold, with no look at the log.
//! * [`RegistryClient`] speaks to a schema registry with the Confluent REST interface.
//! * [`compatibility`] says whether a schema may follow another.
//!
//! Whatever comes from outside may be garbage: every decoder here answers with a typed error and never panics,
//! and none allocates more than a small multiple of what it was given.

mod codec;
pub mod compatibility;
mod fold;
mod framing;
pub mod headers;
mod listed;
mod names;
mod received;
mod registry;
mod schema;

pub use codec::{Codec, DecodeError, EncodeError, Encoded, Examples, KnownSchema};
pub use fold::fold_fingerprint;
pub use framing::{FRAME_LENGTH, FrameError, frame, unframe};
pub use listed::{ListedRecord, ListedRecords};
pub use names::{record_key, subject, topic};
pub use received::{BadRecord, Received};
pub use registry::{MEDIA_TYPE, RegisteredSchema, RegistryClient, RegistryError, RegistryOptions};
pub use schema::{SchemaError, canonical_form, fingerprint, normalised, record_name};
