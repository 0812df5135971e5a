//! What the registry does, apart from how it is asked.

use sha2::{Digest, Sha256};
use sqlx::{Acquire, PgPool};
use wire::compatibility::{Level, Refusal, Rules, may_follow};

use crate::problem::Problem;
use crate::storage::{self, Version};

/// The registry on its database. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Registry(PgPool);

/// A schema's text, checked, and the hash that it is known by.
pub(crate) struct Candidate {
    text: String,
    hash: [u8; 32],
}

/// Which version of a subject is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    Number(i32),
    Latest,
}

impl Candidate {
    pub(crate) fn new(text: String) -> Result<Self, Problem> {
        let normalised =
            wire::normalised(&text).map_err(|error| Problem::InvalidSchema(error.to_string()))?;
        Ok(Self { text, hash: Sha256::digest(normalised.as_bytes()).into() })
    }
}

impl Which {
    /// A number from 1, `latest`, or `-1` for the same.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        if matches!(text, "latest" | "-1") {
            return Ok(Self::Latest);
        }
        match text.parse() {
            Ok(number @ 1..) => Ok(Self::Number(number)),
            _ => Err(Problem::InvalidVersion(text.chars().take(40).collect())),
        }
    }

    fn of(self, versions: Vec<Version>) -> Result<Version, Problem> {
        match self {
            Self::Latest => versions.into_iter().next_back().ok_or(Problem::NoVersion(-1)),
            Self::Number(number) => {
                let found = versions.into_iter().find(|version| version.version == number);
                found.ok_or(Problem::NoVersion(number))
            }
        }
    }
}

impl Registry {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self(pool)
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.0
    }

    /// The schema's id, registered under the subject unless it already is. A schema that is known elsewhere keeps
    /// its id.
    pub(crate) async fn register(&self, subject: &str, schema: &Candidate) -> Result<i32, Problem> {
        let mut connection = self.0.acquire().await?;
        let versions = storage::versions(&mut connection, subject).await?;
        if let Some(known) = self.find(&mut connection, &versions, schema).await? {
            return Ok(known.schema_id);
        }
        let mut transaction = connection.begin().await?;
        storage::lock_registrations(&mut transaction).await?;
        // Read again: what was waited for may have registered this, or what this must be compatible with.
        let versions = storage::versions(&mut transaction, subject).await?;
        if let Some(known) = self.find(&mut transaction, &versions, schema).await? {
            return Ok(known.schema_id);
        }
        let level = self.effective_level(&mut transaction, subject).await?;
        compatible(&schema.text, &versions, level)
            .map_err(|why| Problem::Incompatible { subject: subject.to_owned(), why: why.to_string() })?;
        let id = match storage::id_of(&mut transaction, &schema.hash).await? {
            Some(id) => id,
            None => storage::insert_schema(&mut transaction, &schema.hash, &schema.text).await?,
        };
        storage::insert_version(&mut transaction, subject, id).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// The version under which a subject has this schema.
    pub(crate) async fn look_up(&self, subject: &str, schema: &Candidate) -> Result<Version, Problem> {
        let mut connection = self.0.acquire().await?;
        let versions = storage::versions(&mut connection, subject).await?;
        if versions.is_empty() {
            return Err(Problem::NoSubject(subject.to_owned()));
        }
        self.find(&mut connection, &versions, schema).await?.ok_or(Problem::NoSchema)
    }

    async fn find(
        &self,
        connection: &mut sqlx::PgConnection,
        versions: &[Version],
        schema: &Candidate,
    ) -> Result<Option<Version>, Problem> {
        let Some(id) = storage::id_of(connection, &schema.hash).await? else { return Ok(None) };
        Ok(versions.iter().find(|version| version.schema_id == id).cloned())
    }

    pub(crate) async fn text(&self, id: i32) -> Result<String, Problem> {
        let mut connection = self.0.acquire().await?;
        storage::text_of(&mut connection, id).await?.ok_or(Problem::NoSchema)
    }

    pub(crate) async fn uses(&self, id: i32) -> Result<Vec<(String, i32)>, Problem> {
        self.text(id).await?;
        let mut connection = self.0.acquire().await?;
        Ok(storage::uses_of(&mut connection, id).await?)
    }

    pub(crate) async fn subjects(&self, prefix: &str) -> Result<Vec<String>, Problem> {
        let mut connection = self.0.acquire().await?;
        Ok(storage::subjects(&mut connection, prefix).await?)
    }

    /// The versions of a subject that exists.
    pub(crate) async fn versions(&self, subject: &str) -> Result<Vec<Version>, Problem> {
        let mut connection = self.0.acquire().await?;
        let versions = storage::versions(&mut connection, subject).await?;
        if versions.is_empty() { Err(Problem::NoSubject(subject.to_owned())) } else { Ok(versions) }
    }

    pub(crate) async fn version(&self, subject: &str, which: Which) -> Result<Version, Problem> {
        which.of(self.versions(subject).await?)
    }

    /// Why the schema could not follow one version of the subject, or those that the subject's level names where
    /// none is given; `None` where it could.
    pub(crate) async fn check(
        &self,
        subject: &str,
        which: Option<Which>,
        schema: &Candidate,
    ) -> Result<Option<String>, Problem> {
        let mut connection = self.0.acquire().await?;
        let mut versions = storage::versions(&mut connection, subject).await?;
        if let Some(which) = which {
            if versions.is_empty() {
                return Err(Problem::NoSubject(subject.to_owned()));
            }
            versions = vec![which.of(versions)?];
        }
        let level = self.effective_level(&mut connection, subject).await?;
        Ok(compatible(&schema.text, &versions, level).err().map(|why| why.to_string()))
    }

    /// The level that counts for a subject: its own, else everybody's.
    pub(crate) async fn level(&self, subject: &str) -> Result<Level, Problem> {
        let mut connection = self.0.acquire().await?;
        self.effective_level(&mut connection, subject).await
    }

    /// The level that a subject has of its own.
    pub(crate) async fn own_level(&self, subject: &str) -> Result<Level, Problem> {
        let mut connection = self.0.acquire().await?;
        let level = storage::level_of(&mut connection, subject).await?;
        level.map(|name| known(&name)).ok_or_else(|| Problem::NoLevel(subject.to_owned()))
    }

    pub(crate) async fn set_level(&self, subject: &str, level: Level) -> Result<(), Problem> {
        let mut connection = self.0.acquire().await?;
        Ok(storage::set_level(&mut connection, subject, level.name()).await?)
    }

    pub(crate) async fn clear_level(&self, subject: &str) -> Result<Level, Problem> {
        let mut connection = self.0.acquire().await?;
        let level = storage::clear_level(&mut connection, subject).await?;
        level.map(|name| known(&name)).ok_or_else(|| Problem::NoSubject(subject.to_owned()))
    }

    async fn effective_level(
        &self,
        connection: &mut sqlx::PgConnection,
        subject: &str,
    ) -> Result<Level, Problem> {
        let own = storage::level_of(connection, subject).await?;
        let name = match own {
            Some(own) => Some(own),
            None => storage::level_of(connection, EVERYBODY).await?,
        };
        Ok(name.map_or(Level::default(), |name| known(&name)))
    }
}

/// Stands for all subjects that have no level of their own.
pub(crate) const EVERYBODY: &str = "";

/// What was written by a newer release and is not known here is held to be the strictest.
fn known(name: &str) -> Level {
    name.parse().unwrap_or(Level::FullTransitive)
}

fn compatible(new: &str, versions: &[Version], level: Level) -> Result<(), Refusal> {
    let earlier: Vec<&str> = versions.iter().map(|version| version.text.as_str()).collect();
    may_follow(new, &earlier, level, Rules::Avro)
}
