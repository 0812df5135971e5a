//! What a batch writes beside its events, as the function takes it: see `0003_beside.sql` for what goes where.

use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;

use super::Command;

#[derive(Default)]
pub(super) struct Beside {
    views: Vec<i32>,
    row_commands: Vec<i32>,
    row_views: Vec<i32>,
    keys: Vec<String>,
    befores: Vec<i64>,
    events: Vec<i32>,
    marks: Vec<String>,
    rows: Vec<Option<String>>,
    password_commands: Vec<i32>,
    hashes: Vec<String>,
}

impl Beside {
    /// All commands of a batch have the same views.
    pub(super) fn of(batch: &[Command]) -> Self {
        let views = batch.first().map(|command| command.append.beside.views.iter().map(|view| view.0));
        let mut beside = Self { views: views.into_iter().flatten().collect(), ..Self::default() };
        for (command, number) in batch.iter().zip(1..) {
            let given = &command.append.beside;
            for row in &given.rows {
                beside.row_commands.push(number);
                beside.row_views.push(row.view.0);
                beside.keys.push(row.key.as_str().to_owned());
                beside.befores.push(row.before.to_i64());
                beside.events.push(i32::try_from(row.event).unwrap_or(i32::MAX));
                beside.marks.push(row.mark.to_string());
                beside.rows.push(row.row.clone());
            }
            if let Some(hash) = &given.password {
                beside.password_commands.push(number);
                beside.hashes.push(hash.as_str().to_owned());
            }
        }
        beside
    }

    pub(super) fn bind_to(
        self,
        statement: Query<'_, Postgres, PgArguments>,
    ) -> Query<'_, Postgres, PgArguments> {
        statement
            .bind(self.views)
            .bind(self.row_commands)
            .bind(self.row_views)
            .bind(self.keys)
            .bind(self.befores)
            .bind(self.events)
            .bind(self.marks)
            .bind(self.rows)
            .bind(self.password_commands)
            .bind(self.hashes)
    }
}
