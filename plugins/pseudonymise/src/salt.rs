//! The salt, and the pseudonyms that it gives.

use halle_plugin::{Problem, Result, Rows, host};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The slot of the manifest that the salt is in.
const SLOT: &str = "salt";
/// Keys of its column.
const COLUMNS: [&str; 2] = ["sel", "salt"];
/// Characters of the shortest salt: with fewer, all could be tried.
const CHARS_MIN: usize = 16;
/// Bytes of the longest.
const BYTES_MAX: usize = 1024;

/// A salt, ready to hash. It has no `Debug`, so that it cannot be logged.
pub struct Salt(Hmac<Sha256>);

impl Salt {
    /// Reads it from its slot: one line, one text.
    pub fn read() -> Result<Self> {
        let table = host::reference::open(SLOT)?;
        let fields = table.schema();
        let Some(key) = COLUMNS.iter().find(|key| fields.iter().any(|field| field.key == **key)) else {
            return Err(refused("n'a pas de colonne « sel »"));
        };
        let mut found: Option<String> = None;
        // A host may give a batch without rows before the end.
        while let Some(batch) = table.next(2)? {
            let rows = Rows::new(&fields, &batch)?;
            let values = rows.column(key)?;
            for row in 0..rows.len() {
                let text =
                    values.text(row).ok_or_else(|| refused("n'a pas de texte dans sa colonne « sel »"))?;
                if found.replace(text.to_owned()).is_some() {
                    return Err(refused("a plusieurs lignes, il en faut une seule"));
                }
            }
        }
        Self::new(&found.ok_or_else(|| refused("est vide"))?)
    }

    /// A salt of 16 characters to 1,024 bytes.
    pub fn new(text: &str) -> Result<Self> {
        if text.chars().count() < CHARS_MIN {
            return Err(refused("a un sel de moins de 16 caractères"));
        }
        if text.len() > BYTES_MAX {
            return Err(refused("a un sel de plus de 1 024 octets"));
        }
        let keyed = Hmac::<Sha256>::new_from_slice(text.as_bytes());
        keyed.map(Self).map_err(|_| refused("a un sel inutilisable"))
    }

    /// The first `length` hexadecimal characters of HMAC-SHA-256(salt, value), 64 at most.
    pub fn pseudonym(&self, value: &str, length: usize) -> String {
        let mut mac = self.0.clone();
        mac.update(value.as_bytes());
        let bytes = mac.finalize().into_bytes();
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.take(length).filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
    }
}

fn refused(what: &str) -> Problem {
    let message = format!("Le jeu de données du sel (emplacement « {SLOT} » de l'extension) {what}.");
    Problem::new("pseudonymise/salt", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_are_those_of_hmac_sha_256() {
        // Computed with the module hmac of Python.
        let salt = Salt::new("0123456789abcdef").unwrap();
        let whole = salt.pseudonym("Jean Dupont", 64);
        assert_eq!(whole, "2fbde1564eb2a4d7572ade7173fdb23933c8c4a4a73cba25407f5ad896ed6b5f");
        assert_eq!(salt.pseudonym("Jean Dupont", 8), whole[..8]);
        assert_ne!(salt.pseudonym("jean Dupont", 64), whole);
        assert_ne!(Salt::new("0123456789abcdeg").unwrap().pseudonym("Jean Dupont", 64), whole);
    }

    #[test]
    fn a_salt_that_could_be_guessed_is_refused_without_being_told() {
        for salt in ["", "azerty", "ééééééééééééééé"] {
            let problem = Salt::new(salt).err().unwrap();
            assert_eq!(problem.code, "pseudonymise/salt");
            assert!(salt.is_empty() || !problem.message.contains(salt));
        }
        assert!(Salt::new(&"s".repeat(1025)).is_err());
    }
}
