//! What Postgres' errors mean for a projector and for a query.

use sqlx::Error;

use crate::{ReadError, StoreError};

/// The text of a statement's error may hold a row's values, so only its code and the constraint's name are told,
/// except where the statement itself is wrong.
pub(super) fn store_error(error: Error) -> StoreError {
    match error {
        Error::Database(database) => {
            let code = database.code().unwrap_or_default().into_owned();
            let constraint = database.constraint().map(|name| format!(", {name}")).unwrap_or_default();
            match (code.get(..2).unwrap_or_default(), code.as_str()) {
                (_, "42P01" | "3F000") => StoreError::Emptied("a table is missing".to_owned()),
                ("08" | "40" | "53" | "57" | "58" | "28" | "3D", _) | (_, "25006" | "25P03" | "55P03") => {
                    StoreError::Unavailable(format!("{} ({code})", database.message()))
                }
                ("42", _) => StoreError::Refused(format!("{} ({code})", database.message())),
                _ => StoreError::Refused(format!("sqlstate {code}{constraint}")),
            }
        }
        Error::Configuration(_) => {
            StoreError::Misconfigured("the url of the views' database was not accepted".to_owned())
        }
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed => StoreError::Unavailable(error.to_string()),
        Error::Migrate(migrate) => match *migrate {
            sqlx::migrate::MigrateError::Execute(error)
            | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => store_error(error),
            other => StoreError::Misconfigured(format!("the views' database cannot be migrated: {other}")),
        },
        other => corrupt(other),
    }
}

pub(super) fn corrupt(error: Error) -> StoreError {
    match error {
        Error::ColumnDecode { index, .. } => StoreError::Corrupt(format!("column {index}")),
        other => StoreError::Corrupt(other.to_string()),
    }
}

impl From<Error> for ReadError {
    /// For statements over `serving.*`: a view that no projector has made yet is away, not a mistake.
    fn from(error: Error) -> Self {
        match store_error(error) {
            StoreError::Unavailable(why) | StoreError::Emptied(why) | StoreError::Misconfigured(why) => {
                Self::Away(why)
            }
            StoreError::Moved => Self::Away("moved".to_owned()),
            StoreError::Refused(why) | StoreError::Corrupt(why) | StoreError::Unfoldable(why) => {
                Self::Corrupt(why)
            }
        }
    }
}
