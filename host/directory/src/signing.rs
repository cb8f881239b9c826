//! The RSA keys that sign tokens: made at first start, kept in a private file, rotated with the previous one published.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use halle_base::{Clock, Dice, Timestamp, new_id};
use halle_http::jwks::JwksSource;
use halle_http::{ApiError, ApiResult};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use tokio::sync::RwLock;

use crate::error::DirectoryError;

/// Age at which the key is replaced, in days (services reference §1.4).
const KEY_AGE_DAYS_MAX: i64 = 30;

/// The current key and the one before it. Tokens of older keys are refused.
pub struct SigningKeys {
    path: PathBuf,
    dice: Arc<dyn Dice>,
    ring: RwLock<Ring>,
}

/// The file.
#[derive(Clone, Serialize, Deserialize)]
struct Ring {
    current: KeyFile,
    #[serde(default)]
    previous: Option<KeyFile>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyFile {
    kid: String,
    /// PKCS#8 in PEM.
    private_key: String,
    created_at: Timestamp,
}

impl SigningKeys {
    /// Reads the keys in the file `path`, or makes the first one there, readable by this user only. Processes that
    /// serve one site share the file.
    pub async fn open(path: &Path, clock: &dyn Clock, dice: Arc<dyn Dice>) -> Result<Self, DirectoryError> {
        let failed = |source| DirectoryError::KeyFile { path: path.to_owned(), source };
        let ring = match tokio::fs::read(path).await {
            Ok(bytes) => serde_json::from_slice::<Ring>(&bytes)
                .map_err(|error| error.to_string())
                .and_then(|ring| ring.current.encoding().map(|_| ring))
                .map_err(|reason| DirectoryError::BrokenKeys { path: path.to_owned(), reason })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let current = KeyFile::generate(clock.now(), &*dice).await.map_err(failed)?;
                let ring = Ring { current, previous: None };
                write_private(path, &ring).await.map_err(failed)?;
                ring
            }
            Err(error) => return Err(failed(error)),
        };
        Ok(Self { path: path.to_owned(), dice, ring: RwLock::new(ring) })
    }

    /// Signs claims with the current key.
    pub async fn sign<T: Serialize>(&self, claims: &T) -> ApiResult<String> {
        let ring = self.ring.read().await;
        let key = ring.current.encoding().map_err(ApiError::internal)?;
        let header = Header { kid: Some(ring.current.kid.clone()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &key).map_err(ApiError::internal)
    }

    /// Replaces the current key; the previous one is published until the next rotation.
    pub async fn rotate(&self, clock: &dyn Clock) -> ApiResult<()> {
        let current = KeyFile::generate(clock.now(), &*self.dice).await.map_err(ApiError::internal)?;
        let mut ring = self.ring.write().await;
        let next = Ring { current, previous: Some(ring.current.clone()) };
        write_private(&self.path, &next).await.map_err(ApiError::internal)?;
        tracing::info!(target: "halle::audit", code = "sd.keys.rotated", kid = next.current.kid, "rotated the signing key");
        *ring = next;
        Ok(())
    }

    /// Rotates when the current key is older than 30 days.
    pub async fn rotate_if_due(&self, clock: &dyn Clock) -> ApiResult<()> {
        let age_s = clock.now().as_second() - self.ring.read().await.current.created_at.as_second();
        if age_s > KEY_AGE_DAYS_MAX * 86_400 { self.rotate(clock).await } else { Ok(()) }
    }
}

#[async_trait]
impl JwksSource for SigningKeys {
    async fn jwks(&self) -> ApiResult<JwkSet> {
        let ring = self.ring.read().await;
        let keys = std::iter::once(&ring.current).chain(&ring.previous).map(KeyFile::jwk);
        Ok(JwkSet { keys: keys.collect::<Result<_, _>>().map_err(ApiError::internal)? })
    }

    fn is_local(&self) -> bool {
        true
    }
}

impl KeyFile {
    /// A new key, made off the async threads: finding primes takes a while.
    async fn generate(now: Timestamp, dice: &dyn Dice) -> std::io::Result<Self> {
        let kid = format!("halle-{}", new_id(dice));
        let der = tokio::task::spawn_blocking(|| {
            let pair = KeyPair::generate(KeySize::Rsa2048)?;
            AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair)
        });
        let der = der.await?.map_err(std::io::Error::other)?;
        let body = BASE64_STANDARD.encode(der.as_ref());
        let private_key = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        Ok(Self { kid, private_key, created_at: now })
    }

    fn encoding(&self) -> Result<EncodingKey, String> {
        EncodingKey::from_rsa_pem(self.private_key.as_bytes()).map_err(|error| error.to_string())
    }

    fn jwk(&self) -> Result<Jwk, String> {
        let mut jwk =
            Jwk::from_encoding_key(&self.encoding()?, Algorithm::RS256).map_err(|error| error.to_string())?;
        jwk.common.key_id = Some(self.kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(jwk)
    }
}

/// Writes the file beside and renames it, so that a crash leaves the old one; mode 0600 from the first byte.
async fn write_private(path: &Path, ring: &Ring) -> std::io::Result<()> {
    let bytes = serde_json::to_vec_pretty(ring)?;
    let path = path.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let aside = path.with_extension("new");
        match std::fs::remove_file(&aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&aside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&aside, &path)
    });
    written.await?
}
