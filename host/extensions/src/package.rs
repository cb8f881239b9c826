//! Packages: one component, one signed manifest, static files, in one archive.
//!
//! A package is a tar archive compressed by zstd, its entries in a fixed order: `plugin.toml`, `component.wasm`, files under
//! `static/` by name, `signature.json` where there is one. Its *listing* is one line per entry but the signature: SHA-256 in
//! hex, length, name. The SHA-256 of the listing is the digest, the identity of the package: however it was compressed, the
//! same content is the same package. The signature is over the listing too, so it covers every byte of every file.
//!
//! **Invariant:** nothing of an archive is trusted before its caps were checked: bytes in, bytes out, ratio, entries, names.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use bytes::Bytes;
use halle_base::limits::PACKAGE_BYTES_MAX;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::check::{self, ManifestError};
use crate::host::StaticFile;
use crate::manifest::Manifest;

/// Name of the manifest in a package.
pub const MANIFEST_NAME: &str = "plugin.toml";
/// Name of the component in a package.
pub const COMPONENT_NAME: &str = "component.wasm";
/// Name of the signature in a package.
pub const SIGNATURE_NAME: &str = "signature.json";
/// Folder of the static files in a package.
pub const STATIC_PREFIX: &str = "static/";
/// Name, below `static/`, of the documentation.
pub const DOCUMENTATION_NAME: &str = "docs.md";
/// Name, below `static/`, of the text of the licence.
pub const LICENCE_NAME: &str = "licence.txt";
/// Name, below `static/`, of the bill of materials.
pub const SBOM_NAME: &str = "sbom.json";

/// Bytes of a component. JavaScript and Python guests bring an interpreter of 12 to 18 MB.
pub const COMPONENT_BYTES_MAX: usize = 48 << 20;
/// Bytes of one static file.
pub const STATIC_FILE_BYTES_MAX: usize = 8 << 20;
/// Bytes of a package, unpacked.
pub const UNPACKED_BYTES_MAX: u64 = 128 << 20;
/// Entries of a package.
pub const ENTRIES_MAX: usize = 1_000;
/// How many times longer a package may be unpacked than packed.
pub const RATIO_MAX: u64 = 200;

const NAME_BYTES_MAX: usize = 100;
const SIGNATURE_BYTES_MAX: usize = 4 * 1024;
/// What a signature is over begins with this, so that it can never be mistaken for one of something else.
const SIGNED_PREFIX: &str = "halle package 1\n";
/// First bytes of every zstd frame.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Level of compression; packages are built once and read often.
const ZSTD_LEVEL: i32 = 19;

/// Why a package is refused.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It is larger than the caps allow.
    #[error("the package is too large: {0}")]
    TooLarge(String),
    /// It is no package, or a damaged one.
    #[error("this is no plugin package: {0}")]
    Malformed(String),
    /// Its manifest is refused.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its signature does not fit its content.
    #[error("the signature of the package is wrong: {0}")]
    Signature(String),
}

/// Who signed a package, and the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Always `ed25519`.
    pub algorithm: String,
    /// Public key, 32 bytes in hex.
    pub key: String,
    /// Signature, 64 bytes in hex.
    pub signature: String,
}

/// Names, below `static/`, of the files of a package that people read before they trust it; `None` where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pages {
    /// What it does and how it is configured: `docs.md`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// The text of its licence: `licence.txt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// What it is made of, as CycloneDX: `sbom.json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sbom: Option<String>,
    /// Its picture: `icon.svg` or `icon.png`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

/// A package, read and checked.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its files by name, the manifest and the component among them, the signature not.
    files: BTreeMap<String, Bytes>,
    /// Its signature, not yet verified.
    pub signature: Option<Signature>,
}

impl Package {
    /// Makes a package. Names of static files start with `static/`.
    pub fn new(
        manifest_toml: &str,
        component: Bytes,
        statics: BTreeMap<String, Bytes>,
    ) -> Result<Self, PackageError> {
        let mut files = statics;
        files.insert(MANIFEST_NAME.to_owned(), Bytes::copy_from_slice(manifest_toml.as_bytes()));
        files.insert(COMPONENT_NAME.to_owned(), component);
        Self::from_files(files, None)
    }

    /// Reads a package.
    pub fn read(archive: &[u8]) -> Result<Self, PackageError> {
        if archive.len() > PACKAGE_BYTES_MAX {
            return Err(too_large("packed", PACKAGE_BYTES_MAX as u64));
        }
        if !archive.starts_with(&ZSTD_MAGIC) {
            return Err(PackageError::Malformed("it is not compressed by zstd".to_owned()));
        }
        let decoder = zstd::stream::read::Decoder::with_buffer(archive)
            .map_err(|error| PackageError::Malformed(error.to_string()))?;
        // Small packages compress their tar padding very well, so the ratio counts from 64 KiB.
        let by_ratio = (archive.len() as u64).max(64 * 1024).saturating_mul(RATIO_MAX);
        let budget = by_ratio.min(UNPACKED_BYTES_MAX);
        let mut tar = tar::Archive::new(Capped { inner: decoder, left: budget, is_over: false });
        let unpacked = unpack(&mut tar);
        if tar.into_inner().is_over {
            return Err(too_large("unpacked", budget));
        }
        let (files, signature) = unpacked?;
        Self::from_files(files, signature)
    }

    fn from_files(
        files: BTreeMap<String, Bytes>,
        signature: Option<Signature>,
    ) -> Result<Self, PackageError> {
        if files.len() > ENTRIES_MAX {
            return Err(PackageError::TooLarge(format!("more than {ENTRIES_MAX} files")));
        }
        for (name, body) in &files {
            check_name(name)?;
            let cap = size_cap(name);
            if body.len() > cap {
                return Err(too_large(name, cap as u64));
            }
        }
        let missing = |name: &str| PackageError::Malformed(format!("`{name}` is missing"));
        let manifest = files.get(MANIFEST_NAME).ok_or_else(|| missing(MANIFEST_NAME))?;
        let manifest = std::str::from_utf8(manifest)
            .map_err(|_| PackageError::Malformed(format!("`{MANIFEST_NAME}` is not UTF-8")))?;
        let manifest = check::parse(manifest)?;
        if !files.contains_key(COMPONENT_NAME) {
            return Err(missing(COMPONENT_NAME));
        }
        Ok(Self { manifest, files, signature })
    }

    /// The component.
    pub fn component(&self) -> &Bytes {
        // `from_files` refuses a package without one.
        &self.files[COMPONENT_NAME]
    }

    /// A static file by its name below `static/`, or `None`.
    pub fn static_file(&self, name: &str) -> Option<StaticFile> {
        let body = self.files.get(&format!("{STATIC_PREFIX}{name}"))?;
        Some(StaticFile { media_type: media_type(name).to_owned(), body: body.clone() })
    }

    /// Names of the static files, below `static/`.
    pub fn static_names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().filter_map(|name| name.strip_prefix(STATIC_PREFIX))
    }

    /// Its pages for people.
    pub fn pages(&self) -> Pages {
        let first = |names: &[&str]| {
            let found = names.iter().find(|name| self.files.contains_key(&format!("{STATIC_PREFIX}{name}")));
            found.map(|&name| name.to_owned())
        };
        Pages {
            documentation: first(&[DOCUMENTATION_NAME]),
            licence: first(&[LICENCE_NAME]),
            sbom: first(&[SBOM_NAME]),
            icon: first(&["icon.svg", "icon.png"]),
        }
    }

    /// One line per file: SHA-256, length, name.
    pub fn listing(&self) -> String {
        let lines = self
            .in_order()
            .into_iter()
            .map(|(name, body)| format!("{} {} {name}\n", hex::encode(Sha256::digest(body)), body.len()));
        lines.collect()
    }

    /// Hex SHA-256 of the listing: the identity of the package.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.listing().as_bytes()))
    }

    /// Signs the package.
    pub fn sign(&mut self, key: &SigningKey) {
        let message = format!("{SIGNED_PREFIX}{}", self.listing());
        self.signature = Some(Signature {
            algorithm: "ed25519".to_owned(),
            key: key.public_hex(),
            signature: hex::encode(key.0.sign(message.as_bytes()).as_ref()),
        });
    }

    /// Who signed the package, or `None` when nobody did. A signature that does not fit is an error; that its key is trusted
    /// is for the caller to demand.
    pub fn verify(&self, trusted: &[TrustedKey]) -> Result<Option<Signer>, PackageError> {
        let Some(signature) = &self.signature else { return Ok(None) };
        if signature.algorithm != "ed25519" {
            return Err(PackageError::Signature(format!("`{}` is not ed25519", signature.algorithm)));
        }
        let bytes =
            |text: &str| hex::decode(text).map_err(|_| PackageError::Signature("not in hex".to_owned()));
        let public = bytes(&signature.key)?;
        let message = format!("{SIGNED_PREFIX}{}", self.listing());
        aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, &public)
            .verify(message.as_bytes(), &bytes(&signature.signature)?)
            .map_err(|_| PackageError::Signature("the content was changed after it was signed".to_owned()))?;
        let known = trusted.iter().find(|key| key.public.as_slice() == public);
        Ok(Some(Signer { key: hex::encode(&public), name: known.map(|key| key.name.clone()) }))
    }

    /// The archive. The same content always gives the same bytes.
    pub fn write(&self) -> Result<Vec<u8>, PackageError> {
        let failed = |error: std::io::Error| PackageError::Malformed(format!("cannot be written: {error}"));
        let mut tar = tar::Builder::new(Vec::new());
        let signature = self.signature.as_ref().map(|signature| {
            serde_json::to_vec(signature).map_err(|error| PackageError::Malformed(error.to_string()))
        });
        let signature = signature.transpose()?.map(Bytes::from);
        let signature = signature.iter().map(|body| (SIGNATURE_NAME, body));
        for (name, body) in self.in_order().into_iter().chain(signature) {
            let mut header = tar::Header::new_ustar();
            header.set_path(name).map_err(failed)?;
            header.set_size(body.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(0);
            header.set_cksum();
            tar.append(&header, body.as_ref()).map_err(failed)?;
        }
        let plain = tar.into_inner().map_err(failed)?;
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(failed)?;
        encoder.write_all(&plain).map_err(failed)?;
        encoder.finish().map_err(failed)
    }

    /// Files in the order of the archive.
    fn in_order(&self) -> Vec<(&str, &Bytes)> {
        let mut files: Vec<(&str, &Bytes)> =
            self.files.iter().map(|(name, body)| (name.as_str(), body)).collect();
        files.sort_by_key(|(name, _)| rank(name));
        files
    }
}

/// Position of a file; the sort is stable, so that static files stay ordered by name.
fn rank(name: &str) -> u8 {
    match name {
        MANIFEST_NAME => 0,
        COMPONENT_NAME => 1,
        SIGNATURE_NAME => 3,
        _ => 2,
    }
}

fn size_cap(name: &str) -> usize {
    match name {
        MANIFEST_NAME => check::MANIFEST_BYTES_MAX,
        COMPONENT_NAME => COMPONENT_BYTES_MAX,
        SIGNATURE_NAME => SIGNATURE_BYTES_MAX,
        _ => STATIC_FILE_BYTES_MAX,
    }
}

fn too_large(what: &str, bytes_max: u64) -> PackageError {
    PackageError::TooLarge(format!("`{what}` has more than {} KiB", bytes_max / 1024))
}

fn check_name(name: &str) -> Result<(), PackageError> {
    let is_sound = |segment: &str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && segment.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
    };
    let is_known =
        matches!(name, MANIFEST_NAME | COMPONENT_NAME | SIGNATURE_NAME) || name.starts_with(STATIC_PREFIX);
    if is_known && name.len() <= NAME_BYTES_MAX && name.split('/').all(is_sound) {
        return Ok(());
    }
    let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
    Err(PackageError::Malformed(format!(
        "`{}` is no name for a file: use `{STATIC_PREFIX}` and lower-case letters, digits, `.`, `_`, `-`",
        shown.escape_debug()
    )))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "md" => "text/markdown; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        _ => "application/octet-stream",
    }
}

type Unpacked = (BTreeMap<String, Bytes>, Option<Signature>);

fn unpack<R: Read>(tar: &mut tar::Archive<R>) -> Result<Unpacked, PackageError> {
    let malformed = |error: std::io::Error| PackageError::Malformed(error.to_string());
    let mut files = BTreeMap::new();
    let mut signature = None;
    let mut last = (0, String::new());
    for entry in tar.entries().map_err(malformed)?.raw(true) {
        let entry = entry.map_err(malformed)?;
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| PackageError::Malformed("a name is not UTF-8".to_owned()))?;
        check_name(&name)?;
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(PackageError::Malformed(format!("`{name}` is no plain file")));
        }
        let position = (rank(&name), name.clone());
        if position <= last && !last.1.is_empty() {
            return Err(PackageError::Malformed(format!("`{name}` is there twice, or not in its place")));
        }
        last = position;
        let cap = size_cap(&name);
        if entry.size() > cap as u64 {
            return Err(too_large(&name, cap as u64));
        }
        if files.len() >= ENTRIES_MAX {
            return Err(PackageError::TooLarge(format!("more than {ENTRIES_MAX} files")));
        }
        let mut body = Vec::new();
        entry.take(cap as u64).read_to_end(&mut body).map_err(malformed)?;
        if name == SIGNATURE_NAME {
            let read = serde_json::from_slice(&body).map_err(|error| {
                PackageError::Signature(format!("`{SIGNATURE_NAME}` cannot be read: {error}"))
            })?;
            signature = Some(read);
        } else {
            files.insert(name, Bytes::from(body));
        }
    }
    Ok((files, signature))
}

/// A reader that ends once its budget is used up, and remembers that it had to.
struct Capped<R> {
    inner: R,
    left: u64,
    is_over: bool,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if room == 0 && !buffer.is_empty() {
            self.is_over = true;
            return Err(std::io::Error::other("too large"));
        }
        let count = self.inner.read(&mut buffer[..room])?;
        self.left -= count as u64;
        Ok(count)
    }
}

/// Who signed a package, their signature being right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Public key, 32 bytes in hex.
    pub key: String,
    /// Name of the key among the trusted ones; `None` when it is not trusted.
    pub name: Option<String>,
}

/// What people compare when they compare keys: the first eight bytes of a public key in hex.
pub fn key_id(key: &str) -> &str {
    key.get(..16).unwrap_or(key)
}

/// A key whose signatures are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// Name for people.
    pub name: String,
    /// Public key.
    pub public: [u8; 32],
}

impl TrustedKey {
    /// Reads `name=hex`, or the hex alone, which is then also the name.
    pub fn parse(text: &str) -> Result<Self, PackageError> {
        let (name, key) = text.split_once('=').unwrap_or((text, text));
        let public = hex::decode(key.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        let public = public.ok_or_else(|| {
            PackageError::Signature(format!(
                "`{text}` is no trusted key: write `name=` and 64 hexadecimal digits"
            ))
        })?;
        Ok(Self { name: name.trim().to_owned(), public })
    }
}

/// A key that signs packages.
pub struct SigningKey(aws_lc_rs::signature::Ed25519KeyPair);

impl SigningKey {
    /// The key of a seed: 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, PackageError> {
        aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(seed)
            .map(Self)
            .map_err(|_| PackageError::Signature("this seed makes no key".to_owned()))
    }

    /// The public key in hex, as [`TrustedKey::parse`] reads it.
    pub fn public_hex(&self) -> String {
        use aws_lc_rs::signature::KeyPair;
        hex::encode(self.0.public_key().as_ref())
    }
}

#[cfg(test)]
mod tests;
