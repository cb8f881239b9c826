//! Compiled components: made once, kept on disk.
//!
//! Compiled code is native code: loading it is as trusted as loading a library. A file is named by the hash of its source and
//! the engine's fingerprint, and begins with a keyed hash over both and its content; the key is in the same private folder.
//! A file whose hash does not fit is compiled again.
//!
//! **Invariant:** a file is never rewritten in place: it appears whole, by a rename.

use std::io::Write;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use halle_base::Dice;
use halle_extensions::metering::Measure;
use halle_extensions::{PluginError, PluginResult};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::admit::{Lap, invalid};
use crate::compiler::Compiler;
use crate::engine::fingerprint;

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 32;

/// The cache of one engine.
pub struct Cache {
    engine: Engine,
    folder: PathBuf,
    fingerprint: String,
    key: hmac::Key,
    compiler: Compiler,
    /// Compiling takes whole cores: one at a time.
    turn: Semaphore,
}

impl Cache {
    /// Opens or creates the cache in `folder`, which becomes private to this user.
    pub fn open(
        engine: &Engine,
        folder: &Path,
        compiler: Compiler,
        dice: &dyn Dice,
    ) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        make_private(folder)?;
        let key = read_or_make_key(folder, dice)?;
        Ok(Self {
            engine: engine.clone(),
            folder: folder.to_owned(),
            fingerprint: fingerprint(engine),
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            compiler,
            turn: Semaphore::new(1),
        })
    }

    /// The compiled form of a component, from disk or from the compiler.
    pub async fn component(&self, source: &[u8]) -> PluginResult<Component> {
        self.measured(source, &mut Measure::default()).await
    }

    /// The same, with the time and the memory of the compiler, if it is needed, in `measure`.
    pub async fn measured(&self, source: &[u8], measure: &mut Measure) -> PluginResult<Component> {
        let name = format!("{}-{}", hex::encode(Sha256::digest(source)), &self.fingerprint[..16]);
        if let Some(component) = self.load(&name).await {
            return Ok(component);
        }
        let _turn = self.turn.acquire().await.map_err(|error| unusable(&error))?;
        // Somebody may have compiled it while this call waited for its turn.
        if let Some(component) = self.load(&name).await {
            return Ok(component);
        }
        let lap = Lap::new(measure);
        let compiled = self.compiler.compile(&self.engine, source).await;
        drop(lap);
        let compiled = compiled?;
        measure.memory_peak_bytes = measure.memory_peak_bytes.max(compiled.memory_peak_bytes);
        self.store(&name, &compiled.code).map_err(|error| unusable(&error))?;
        // It was just made here: if it is sound, no guest may have as much as it takes.
        self.deserialize(compiled.code).await.map_err(|error| {
            let is_ours = error.is::<std::io::Error>() || error.is::<tokio::task::JoinError>();
            if is_ours { unusable(&error) } else { too_large(&error) }
        })
    }

    async fn load(&self, name: &str) -> Option<Component> {
        let file = tokio::fs::read(self.folder.join(name)).await.ok()?;
        let (tag, compiled) = file.split_at_checked(TAG_BYTES)?;
        if hmac::verify(&self.key, &self.signed(name, compiled), tag).is_err() {
            tracing::warn!(file = name, "a compiled plugin was changed on disk: it is compiled again");
            return None;
        }
        match self.deserialize(compiled.to_vec()).await {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(file = name, %error, "a compiled plugin cannot be loaded: it is compiled again");
                None
            }
        }
    }

    /// What the keyed hash is over. The name is in it, so that no file can stand in for another.
    fn signed(&self, name: &str, compiled: &[u8]) -> Vec<u8> {
        let mut signed = Vec::with_capacity(name.len() + self.fingerprint.len() + 64);
        signed.extend_from_slice(name.as_bytes());
        signed.extend_from_slice(self.fingerprint.as_bytes());
        signed.extend_from_slice(&Sha256::digest(compiled));
        signed
    }

    fn store(&self, name: &str, compiled: &[u8]) -> std::io::Result<()> {
        let tag = hmac::sign(&self.key, &self.signed(name, compiled));
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(tag.as_ref())?;
        file.write_all(compiled)?;
        file.as_file().sync_all()?;
        file.persist(self.folder.join(name)).map_err(|error| error.error)?;
        Ok(())
    }

    async fn deserialize(&self, compiled: Vec<u8>) -> wasmtime::Result<Component> {
        let engine = self.engine.clone();
        let load = move || {
            #[expect(unsafe_code, reason = "the bytes come from our own compiler, or carry our keyed hash")]
            // SAFETY: `compiled` was made by `Engine::precompile_component` of an engine with this configuration: either just
            // now, or earlier and then authenticated by `load` on these very bytes, in memory.
            unsafe {
                Component::deserialize(&engine, &compiled)
            }
        };
        tokio::task::spawn_blocking(load).await.map_err(wasmtime::Error::new)?
    }
}

fn too_large(error: &wasmtime::Error) -> PluginError {
    let error = format!("{error:#}");
    invalid(
        &format!("Le composant demande plus qu'une extension ne peut avoir : {error}."),
        &format!("The component takes more than a plugin may have: {error}."),
    )
}

fn unusable(error: &dyn std::fmt::Display) -> PluginError {
    PluginError::Unavailable(format!("the cache of compiled plugins cannot be used: {error}"))
}

fn read_or_make_key(folder: &Path, dice: &dyn Dice) -> std::io::Result<Vec<u8>> {
    let path = folder.join("key");
    match std::fs::read(&path) {
        Ok(key) if key.len() == KEY_BYTES => return Ok(key),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut key = vec![0; KEY_BYTES];
    dice.fill(&mut key);
    // Temporary files are made readable by this user alone.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&key)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    // Another process may have been faster or slower: what is on disk now is the key.
    std::fs::read(&path)
}

#[cfg(unix)]
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_private(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}
