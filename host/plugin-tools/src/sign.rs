//! `halle plugin key` and `sign`: an author's key, and their signature on a package.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use halle_base::Dice;
use halle_extensions::package::{Package, SigningKey};

use crate::error::{Result, ToolError, at};

/// First line of the file of a key, so that nobody takes it for something else.
const HEADER: &str = "halle signing key 1";

/// Makes a key in a new file that only its user can read. Returns the public key in hex.
pub fn new_key(path: &Path, dice: &dyn Dice) -> Result<String> {
    let mut seed = [0; 32];
    dice.fill(&mut seed);
    let key = SigningKey::from_seed(&seed)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(at(path))?;
    file.write_all(format!("{HEADER}\n{}\n", key_text(&seed)).as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(at(path))?;
    Ok(key.public_hex())
}

/// Opens the file of a key.
///
/// # Errors
///
/// `Usage` when others than its user can read the file: a key that others have signs nothing any more.
pub fn open_key(path: &Path) -> Result<SigningKey> {
    let mode = std::fs::metadata(path).map_err(at(path))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(ToolError::Usage(format!(
            "{0} can be read by others than you: make a new key, or `chmod 600 {0}` if nobody else ever could",
            path.display()
        )));
    }
    let text = std::fs::read_to_string(path).map_err(at(path))?;
    let mut lines = text.lines();
    let seed = lines.next().filter(|line| *line == HEADER).and_then(|_| lines.next()).and_then(seed);
    let seed = seed.ok_or_else(|| {
        ToolError::Usage(format!(
            "{} holds no signing key: make one with `halle plugin key new`",
            path.display()
        ))
    })?;
    Ok(SigningKey::from_seed(&seed)?)
}

/// Signs a package file, in place of the signature it had. Returns the public key in hex.
pub fn sign(package: &Path, key: &SigningKey) -> Result<String> {
    let archive = std::fs::read(package).map_err(at(package))?;
    let mut signed = Package::read(&archive)?;
    signed.sign(key);
    // The package is whole at every moment, signed or not.
    let part = package.with_extension("part");
    std::fs::write(&part, signed.write()?).map_err(at(&part))?;
    std::fs::rename(&part, package).map_err(at(package))?;
    Ok(key.public_hex())
}

fn key_text(seed: &[u8; 32]) -> String {
    seed.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn seed(text: &str) -> Option<[u8; 32]> {
    let mut seed = [0; 32];
    if text.len() != 2 * seed.len() || !text.is_ascii() {
        return None;
    }
    for (position, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * position..2 * position + 2], 16).ok()?;
    }
    Some(seed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use halle_base::SystemDice;
    use halle_extensions::package::TrustedKey;

    use super::*;

    const MANIFEST: &str = "schema = 1\n[plugin]\nid = \"mine\"\nversion = \"1.0.0\"\nkind = \"enricher\"\n\
                            contract = \"halle:enricher@1\"\ntitle = { fr = \"Mien\" }\nlicence = \"MIT\"\n";

    #[test]
    fn a_key_is_its_users_alone_and_signs_what_others_can_verify() {
        let dir = tempfile::tempdir().unwrap();
        let (path, file) = (dir.path().join("my.key"), dir.path().join("mine.halle-plugin"));
        let public = new_key(&path, &SystemDice).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = new_key(&path, &SystemDice).unwrap_err().to_string();
        assert!(again.contains("my.key"), "a key is never overwritten: {again}");

        let package = Package::new(MANIFEST, Bytes::from_static(b"c"), BTreeMap::new()).unwrap();
        std::fs::write(&file, package.write().unwrap()).unwrap();
        assert_eq!(sign(&file, &open_key(&path).unwrap()).unwrap(), public);
        let signed = Package::read(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(signed.digest(), package.digest(), "a signature is no content");
        let trusted = TrustedKey::parse(&format!("me={public}")).unwrap();
        assert_eq!(signed.verify(&[trusted]).unwrap().unwrap().name.as_deref(), Some("me"));
        let once = std::fs::read(&file).unwrap();
        sign(&file, &open_key(&path).unwrap()).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), once, "the same signature gives the same bytes");
    }

    #[test]
    fn keys_that_others_can_read_and_files_that_are_none_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("my.key");
        new_key(&path, &SystemDice).unwrap();
        let refusal = || open_key(&path).err().unwrap().to_string();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(refusal().contains("chmod 600"), "{}", refusal());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        for text in ["", "halle signing key 1\n", "halle signing key 1\nzz\n", "ssh-ed25519 AAAA\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(refusal().contains("holds no signing key"), "{text:?}");
        }
    }
}
