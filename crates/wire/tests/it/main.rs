//! What holds of every schema of every context that is shipped.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod history;
mod samples;
mod shipped;
