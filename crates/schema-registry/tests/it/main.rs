//! What a registry with the Confluent REST interface does, asked of ours, and of an existing one where
//! `TWOFOLD_TEST_REGISTRY_URL` names it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics")]

mod contract;
mod interface;
mod own;
