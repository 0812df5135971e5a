//! What can be said of a URL before anything is asked there. The sentences repeat nothing of it: it may hold a password.

use secrecy::SecretString;

/// The URL of a Postgres database.
pub fn postgres(text: &str) -> Result<SecretString, &'static str> {
    of(text, &["postgres", "postgresql"]).ok_or("expected postgres://user:password@host:port/database")
}

/// The URL of a Redis.
pub fn redis(text: &str) -> Result<SecretString, &'static str> {
    of(text, &["redis", "rediss", "unix", "redis+unix"])
        .ok_or("expected redis(s)://[user:password@]host:port[/database]")
}

/// The URL of an HTTP service.
pub fn http(text: &str) -> Result<SecretString, &'static str> {
    of(text, &["http", "https"]).ok_or("expected http(s)://[user:password@]host:port")
}

fn of(text: &str, schemes: &[&str]) -> Option<SecretString> {
    let (scheme, rest) = text.split_once("://")?;
    (schemes.contains(&scheme) && !rest.is_empty()).then(|| text.into())
}
