//! The HTTP edge over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod key_sets;
mod limits;
mod problems;
mod rates;
mod support;
mod surface;
mod tokens;
