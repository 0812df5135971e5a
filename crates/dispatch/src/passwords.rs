//! Passwords: hashed and checked with argon2id, on threads that nothing else waits for.
//!
//! A hash takes tens of milliseconds and 19 MiB on purpose. So only as many are made at a time as there are
//! processors, on blocking threads, and only so many more may wait; the next is told to come back.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use event_log::PasswordHash;
use kernel::Secret;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;

use crate::CommandError;

/// Hashes that may wait: at 50 ms each on two processors, the last waits for some six seconds.
const WAITING_MAX: usize = 256;

/// Hashes and checks passwords. Clones share the bounds.
#[derive(Clone)]
pub struct Passwords {
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// The hash of a password that nobody has, for checks where there is none to check against.
    nobodys: Arc<OnceCell<PasswordHash>>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Passwords")
    }
}

impl Default for Passwords {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            working: Arc::new(Semaphore::new(processors)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            nobodys: Arc::default(),
        }
    }
}

impl Passwords {
    /// The argon2id hash of a password, with a salt of its own and the parameters that OWASP names first.
    pub async fn hash(&self, password: &Secret) -> Result<PasswordHash, CommandError> {
        let password = password.clone();
        self.work(move || {
            let hash = Argon2::default().hash_password(password.expose().as_bytes());
            hash.map(|hash| PasswordHash::new(hash.to_string()))
        })
        .await?
        .map_err(|error| CommandError::Failed(error.to_string().into()))
    }

    /// Whether a password is the one that was hashed. Without a hash it is not, and that takes as long to find out.
    pub async fn check(&self, password: &Secret, hash: Option<&PasswordHash>) -> Result<bool, CommandError> {
        let nobodys = self.nobodys.get_or_try_init(|| self.hash_of_nobodys()).await?;
        let (password, known) = (password.clone(), hash.is_some());
        let hash = hash.unwrap_or(nobodys).clone();
        let matches = self
            .work(move || {
                let hash = phc::PasswordHash::new(hash.as_str())?;
                match Argon2::default().verify_password(password.expose().as_bytes(), &hash) {
                    Ok(()) => Ok(true),
                    Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(error) => Err(error),
                }
            })
            .await?
            .map_err(|error: argon2::password_hash::Error| CommandError::Failed(error.to_string().into()))?;
        Ok(matches && known)
    }

    async fn hash_of_nobodys(&self) -> Result<PasswordHash, CommandError> {
        self.hash(&Secret::new(uuid::Uuid::new_v4().to_string())).await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, CommandError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| CommandError::Busy)?;
        // Never closed.
        let working = Arc::clone(&self.working).acquire_owned().await.map_err(|_| CommandError::Busy)?;
        let done = spawn_blocking(move || {
            let done = work();
            drop(working);
            done
        });
        done.await.map_err(|error| CommandError::Failed(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let passwords = Passwords::default();
        let password = Secret::new("correct horse battery");
        let hash = passwords.hash(&password).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.check(&password, Some(&hash)).await.unwrap());
        assert!(!passwords.check(&Secret::new("correct horse battery "), Some(&hash)).await.unwrap());
        assert!(!passwords.check(&password, None).await.unwrap());
        assert_ne!(passwords.hash(&password).await.unwrap(), hash, "each has a salt of its own");
    }

    #[tokio::test]
    async fn beyond_the_bound_nobody_waits() {
        let passwords = Passwords { waiting: Arc::new(Semaphore::new(0)), ..Passwords::default() };
        let refused = passwords.hash(&Secret::new("correct horse battery")).await;
        assert!(matches!(refused, Err(CommandError::Busy)));
    }
}
