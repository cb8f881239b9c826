//! Passwords: what is a good one, and argon2id hashes made off the async threads.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use halle_base::{Dice, Secret};
use halle_http::{ApiError, ApiResult};
use tokio::sync::Semaphore;

/// Shortest password, in characters.
const PASSWORD_CHARS_MIN: usize = 9;

/// Longest password, in bytes: hashing is paid by us.
const PASSWORD_BYTES_MAX: usize = 256;

/// Least entropy, in bits (services reference §1.6).
const PASSWORD_BITS_MIN: f64 = 50.0;

/// Kinds of characters, of four, that a password must mix.
const PASSWORD_CLASSES_MIN: usize = 3;

/// Hashes computed at once: each takes a core and 19 MiB for some 20 ms.
const HASHES_AT_ONCE_MAX: usize = 2;

/// Hash of nobody's password, in the parameters of [`Argon2::default`], so that an unknown address costs as much as a
/// wrong password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$w4w7Jmzn3bIUHpWmRqXh1e2WAvxm1hHXw2hwlSF2yvA";

/// Hashes and checks passwords.
#[derive(Debug)]
pub struct Passwords {
    dice: Arc<dyn Dice>,
    turns: Arc<Semaphore>,
}

impl Passwords {
    /// Salts come from `dice`.
    pub fn new(dice: Arc<dyn Dice>) -> Self {
        Self { dice, turns: Arc::new(Semaphore::new(HASHES_AT_ONCE_MAX)) }
    }

    /// The argon2id hash of a password, in PHC form, under a new salt.
    pub async fn hash(&self, password: &Secret<String>) -> ApiResult<String> {
        let mut salt = [0; 16];
        self.dice.fill(&mut salt);
        let password = password.clone();
        let hash = self.off_thread(move || {
            Argon2::default()
                .hash_password_with_salt(password.reveal().as_bytes(), &salt)
                .map(|hash: PasswordHash| hash.to_string())
        });
        hash.await?.map_err(ApiError::internal)
    }

    /// Whether the password belongs to the hash. Without a hash the same work is done, and the answer is no.
    pub async fn matches(&self, password: &Secret<String>, hash: Option<&str>) -> ApiResult<bool> {
        if password.reveal().len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        let (password, known) = (password.clone(), hash.is_some());
        let hash = hash.unwrap_or(NOBODY).to_owned();
        let matches = self.off_thread(move || {
            PasswordHash::new(&hash).is_ok_and(|hash| {
                Argon2::default().verify_password(password.reveal().as_bytes(), &hash).is_ok()
            })
        });
        Ok(matches.await? && known)
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
        let _turn = self.turns.acquire().await.map_err(ApiError::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
    }
}

/// A class of characters, and how many it has for the estimate of chance.
type CharClass = (fn(char) -> bool, f64);

/// Checks a new password; 400 that says what is missing.
pub fn check_policy(password: &Secret<String>) -> ApiResult<()> {
    let text = password.reveal();
    let length = text.chars().count();
    let classes: [CharClass; 4] = [
        (|c| c.is_lowercase(), 26.0),
        (|c| c.is_uppercase(), 26.0),
        (|c| c.is_numeric(), 10.0),
        (|c| !c.is_lowercase() && !c.is_uppercase() && !c.is_numeric(), 40.0),
    ];
    let used: Vec<f64> =
        classes.iter().filter(|(is, _)| text.chars().any(is)).map(|(_, size)| *size).collect();
    let alphabet: f64 = used.iter().sum();
    let bits = (length as f64 * alphabet.max(1.0).log2()).floor();
    let sound = length >= PASSWORD_CHARS_MIN
        && text.len() <= PASSWORD_BYTES_MAX
        && used.len() >= PASSWORD_CLASSES_MIN
        && bits >= PASSWORD_BITS_MIN;
    if sound {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "Mot de passe trop simple : au moins {PASSWORD_CHARS_MIN} caractères (au plus {PASSWORD_BYTES_MAX} octets), \
         de {PASSWORD_CLASSES_MIN} sortes parmi minuscules, majuscules, chiffres et signes. Password too simple: at \
         least {PASSWORD_CHARS_MIN} characters of {PASSWORD_CLASSES_MIN} kinds."
    )))
}

#[cfg(test)]
mod tests {
    use halle_base::SeededDice;

    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_password_must_be_long_and_mixed() {
        assert!(check_policy(&secret("TestPasswd01")).is_ok());
        assert!(check_policy(&secret("éléphant-Bleu")).is_ok());
        for weak in ["", "Short1!", "onlylowercaseletters", "lower12345", &"aA1".repeat(100)] {
            assert_eq!(check_policy(&secret(weak)).unwrap_err().status.as_u16(), 400, "{weak:?}");
        }
    }

    #[tokio::test]
    async fn a_hash_knows_its_password_and_nobody_has_none() {
        let passwords = Passwords::new(Arc::new(SeededDice::new(1)));
        let hash = passwords.hash(&secret("TestPasswd01")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.matches(&secret("TestPasswd01"), Some(&hash)).await.unwrap());
        assert!(!passwords.matches(&secret("TestPasswd02"), Some(&hash)).await.unwrap());
        assert!(!passwords.matches(&secret("TestPasswd01"), None).await.unwrap());
        assert!(PasswordHash::new(NOBODY).is_ok(), "the work for nobody is real");
    }
}
