//! Kafka as bytes and headers: topics, producer, consumer loop.
//!
//! The crate knows neither Avro nor the kernel. What it adds to the client library is order and bounds:
//!
//! - [`Producer`]: idempotent, `acks=all`; records of a partition are acknowledged in the order they were sent,
//!   or the writer stops at the first that was not. In flight is bounded, and a full producer says so.
//! - [`Consumer`]: rebalances, records, ends of partitions and errors become [`ConsumerEvent`]s on one bounded
//!   channel, in one order. Positions come from the receiver's own store, never from Kafka; offsets are committed
//!   for lag tools only. A slow receiver makes it fetch less; it never stops polling.
//! - [`Topics`] creates and describes topics; [`PartitionReader`] reads what a partition really holds.
//!
//! Delivery is at least once: a record that was sent again, or read again after a rebalance, is a repeat that
//! the receiver recognises by what the record says.

mod connection;
mod consumer;
mod error;
mod producer;
mod reader;
mod record;
pub mod telemetry;
mod topics;
mod trouble;

pub use connection::Connection;
pub use consumer::{Consumer, ConsumerEvent, ConsumerHandle, ConsumerOptions, Position};
pub use error::MessagingError;
pub use producer::{
    Delivered, Deliveries, DeliveryFailure, PartitionWriter, Producer, ProducerOptions, SendError,
};
pub use reader::{PartitionReader, read_at, read_last};
pub use record::{Headers, IncomingRecord, OutgoingRecord};
pub use topics::{OffsetRange, TopicDescription, TopicSpec, Topics};
