//! Keys that this installation made for itself, in files of the data folder that only its user can read.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use halle_base::{Dice, Secret};
use halle_extensions::vault::KEY_BYTES;

/// Name of the file with the key of the vault.
const VAULT_KEY: &str = "vault.key";

/// The key with which secrets are sealed, made at the first start. Back it up with the database: without it the sealed
/// secrets are lost.
pub fn vault_key(data_dir: &Path, dice: &dyn Dice) -> Result<Secret<[u8; KEY_BYTES]>> {
    let path = data_dir.join(VAULT_KEY);
    let mut key = [0; KEY_BYTES];
    dice.fill(&mut key);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(&path) {
        Ok(mut file) => {
            file.write_all(&key).and_then(|()| file.sync_all()).context("the vault key cannot be written")?;
            Ok(Secret::new(key))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let stored = std::fs::read(&path).context("the vault key cannot be read")?;
            ensure!(
                stored.len() == KEY_BYTES,
                "{} has {} bytes, a vault key has {KEY_BYTES}: restore it from a backup",
                path.display(),
                stored.len()
            );
            key.copy_from_slice(&stored);
            Ok(Secret::new(key))
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be made", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use halle_base::SystemDice;

    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_user_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("halle-keys-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let first = vault_key(&folder, &SystemDice).unwrap();
        assert_eq!(first.reveal(), vault_key(&folder, &SystemDice).unwrap().reveal());
        let mode = std::fs::metadata(folder.join(VAULT_KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(folder.join(VAULT_KEY), b"short").unwrap();
        assert!(vault_key(&folder, &SystemDice).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
