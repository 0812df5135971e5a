//! Kafka's published jars, resolved by Maven once and kept.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::child::run;
use crate::error::{Doing, LocalServerError};
use crate::{Home, cache};

const POM: &str = include_str!("../../../../deploy/kafka/pom.xml");

/// The folder that holds them.
pub(crate) async fn resolve(home: &Home) -> Result<PathBuf, LocalServerError> {
    let jars = fetch_once().await?;
    if home.reaches(&jars) {
        return Ok(jars);
    }
    Err(LocalServerError::Data(format!(
        "the account that servers run as cannot reach {}: set TWOFOLD_CACHE to a folder that it can",
        jars.display()
    )))
}

/// The pom is kept beside the jars: another pom resolves anew.
async fn fetch_once() -> Result<PathBuf, LocalServerError> {
    let folder = cache::folder().join(format!("kafka-{}", version()));
    let (jars, pom) = (folder.join("libs"), folder.join("pom.xml"));
    if jars.is_dir() && fs::read_to_string(&pom).is_ok_and(|kept| kept == POM) {
        return Ok(jars);
    }
    fs::create_dir_all(&folder).doing("make", &folder)?;
    // Beside and then moved, so that a kill or a second process never leaves half of them.
    let half = tempfile::Builder::new().prefix("resolving-").tempdir_in(&folder).doing("make", &folder)?;
    let (half_jars, half_pom) = (half.path().join("libs"), half.path().join("pom.xml"));
    fs::write(&half_pom, POM).doing("write", &half_pom)?;
    tracing::info!(version = version(), "fetching Kafka's jars with Maven, once");
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-f"]).arg(&half_pom).arg("dependency:copy-dependencies");
    maven.arg("-DincludeScope=runtime").arg(format!("-DoutputDirectory={}", half_jars.display()));
    run("fetching Kafka's jars (mvn)", maven).await.map_err(explain)?;
    open_up(&folder, &half_jars)?;
    if jars.exists() {
        fs::remove_dir_all(&jars).doing("remove", &jars)?;
    }
    fs::rename(&half_jars, &jars).doing("move into place", &jars)?;
    fs::rename(&half_pom, &pom).doing("move into place", &pom)?;
    Ok(jars)
}

fn version() -> &'static str {
    let after = POM.split_once("<kafka.version>").map_or("", |(_, after)| after);
    after.split_once('<').map_or("unknown", |(version, _)| version)
}

fn explain(error: LocalServerError) -> LocalServerError {
    match error {
        LocalServerError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            LocalServerError::Missing {
                what: "Maven, which fetches Kafka's jars,".to_owned(),
                install: "apt-get install maven".to_owned(),
            }
        }
        other => other,
    }
}

/// Whatever the caller's umask: the account that the broker runs as reads them.
fn open_up(folder: &Path, jars: &Path) -> Result<(), LocalServerError> {
    let readable =
        |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).doing("open up", path);
    for entry in fs::read_dir(jars).doing("list", jars)?.flatten() {
        readable(&entry.path(), 0o644)?;
    }
    readable(jars, 0o755)?;
    readable(folder, 0o755)?;
    folder.parent().map_or(Ok(()), |cache| readable(cache, 0o755))
}
