//! Printing for pipes: `twofold events tail | head` ends quietly when `head` has seen enough.

use std::fmt::Display;
use std::io::{self, Write};

/// Prints a line. Fails when nobody reads any more, where `println!` would panic.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Whether this is only the reader of a pipe that has gone.
pub(crate) fn is_unread(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
