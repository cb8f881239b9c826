//! The vault: secrets at rest, sealed with a key that only the process has.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use halle_base::{Dice, Secret};

/// Marks the format, so that a later one can be told apart.
const PREFIX: &str = "v1:";

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Why something sealed could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a stored secret cannot be opened: it was sealed with another key, for something else, or it is damaged"
)]
pub struct VaultError;

/// Seals and opens secrets. A sealed secret is bound to what it is for: moved elsewhere, it does not open.
#[derive(Debug)]
pub struct Vault {
    key: LessSafeKey,
}

impl Vault {
    /// A vault with this key; losing the key loses the secrets.
    pub fn new(key: &Secret<[u8; KEY_BYTES]>) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key.reveal()).expect("AES-256 takes keys of 32 bytes");
        Self { key: LessSafeKey::new(key) }
    }

    /// Seals a secret for `purpose`, such as `processings/{id}/apiKey`.
    pub fn seal(&self, dice: &dyn Dice, purpose: &str, secret: &Secret<String>) -> String {
        let mut nonce = [0; NONCE_LEN];
        dice.fill(&mut nonce);
        let mut sealed = secret.reveal().clone().into_bytes();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(unique, Aad::from(purpose.as_bytes()), &mut sealed)
            .expect("a secret is far shorter than what one nonce may seal");
        let bytes = [&nonce[..], &sealed].concat();
        format!("{PREFIX}{}", STANDARD_NO_PAD.encode(bytes))
    }

    /// Opens what was sealed for the same purpose.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Secret<String>, VaultError> {
        let encoded = sealed.strip_prefix(PREFIX).ok_or(VaultError)?;
        let mut bytes = STANDARD_NO_PAD.decode(encoded).map_err(|_| VaultError)?;
        if bytes.len() < NONCE_LEN {
            return Err(VaultError);
        }
        let mut content = bytes.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&bytes).map_err(|_| VaultError)?;
        let plain = self.key.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut content);
        let plain = plain.map_err(|_| VaultError)?.to_vec();
        String::from_utf8(plain).map(Secret::new).map_err(|_| VaultError)
    }
}

#[cfg(test)]
mod tests {
    use halle_base::SeededDice;

    use super::*;

    #[test]
    fn a_secret_opens_for_its_purpose_and_with_its_key_only() {
        let dice = SeededDice::new(1);
        let vault = Vault::new(&Secret::new([7; KEY_BYTES]));
        let sealed = vault.seal(&dice, "processings/p1/key", &Secret::new("hunter2".to_owned()));
        assert!(!sealed.contains("hunter2"));
        assert_eq!(vault.open("processings/p1/key", &sealed).unwrap().reveal(), "hunter2");
        assert!(vault.open("processings/p2/key", &sealed).is_err());
        assert!(Vault::new(&Secret::new([8; KEY_BYTES])).open("processings/p1/key", &sealed).is_err());
        assert!(vault.open("processings/p1/key", "v1:AAAA").is_err());
    }
}
