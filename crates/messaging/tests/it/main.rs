//! Messaging on a real Kafka.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics")]

mod consumer;
mod producer;
mod reader;
mod security;
mod support;
mod topics;
