//! The configuration: which kind of values, and which column holds them.

use halle_plugin::{Field, Kind, Problem, Result};
use serde::Deserialize;

use crate::phone::Country;

/// The configuration, as the manifest describes it.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// What the values are.
    pub kind: Shape,
    /// Key of their column.
    #[serde(default)]
    pub column: String,
    /// Concept of their column, when no key is given.
    #[serde(default)]
    pub concept: String,
    /// Country of telephone numbers without a calling code.
    #[serde(default)]
    pub country: Country,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Telephone numbers.
    Phone,
    /// SIRET: numbers of establishments.
    Siret,
    /// SIREN: numbers of companies.
    Siren,
    /// E-mail addresses.
    Email,
    /// Dates.
    Date,
    /// Postal addresses: number and street, on one line.
    Address,
}

/// What is known of a kind.
struct Facts {
    name: &'static str,
    title: &'static str,
    concept: &'static str,
    /// Usual keys of columns; the first is the key of the output.
    keys: &'static [&'static str],
}

impl Shape {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Phone, Self::Siret, Self::Siren, Self::Email, Self::Date, Self::Address];

    fn facts(self) -> Facts {
        let facts = |name, title, concept, keys| Facts { name, title, concept, keys };
        match self {
            Self::Phone => facts(
                "phone",
                "Téléphone",
                "https://www.w3.org/2006/vcard/ns#tel",
                &["telephone", "tel", "phone", "mobile", "portable"],
            ),
            Self::Siret => facts(
                "siret",
                "SIRET",
                "http://www.datatourisme.fr/ontology/core/1.0/#siret",
                &["siret", "numero_siret", "num_siret"],
            ),
            Self::Siren => facts(
                "siren",
                "SIREN",
                "http://dbpedia.org/ontology/siren",
                &["siren", "numero_siren", "num_siren"],
            ),
            Self::Email => facts(
                "email",
                "Adresse électronique",
                "https://www.w3.org/2006/vcard/ns#email",
                &["courriel", "email", "e-mail", "mail", "adresse_mail"],
            ),
            Self::Date => facts("date", "Date", "http://schema.org/Date", &["date", "jour"]),
            Self::Address => facts(
                "address",
                "Adresse",
                "http://schema.org/address",
                &["adresse", "address", "adresse_postale", "voie"],
            ),
        }
    }

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The column it is read from.
    pub fn input(self) -> Field {
        let Facts { title, concept, keys, .. } = self.facts();
        Field::new(keys[0], Kind::Text).titled(title).about(concept)
    }

    /// The column that is added.
    pub fn output(self) -> Field {
        let kind = if self == Self::Date { Kind::Date } else { Kind::Text };
        let Facts { title, keys, .. } = self.facts();
        Field::new(keys[0], kind).titled(format!("{title} (forme normalisée)"))
    }
}

impl Config {
    /// The column to read: the one with the key, else with the concept, else the usual one of the kind.
    pub fn find<'a>(&self, input: &'a [Field]) -> Result<&'a Field> {
        if !self.column.is_empty() {
            return input.iter().find(|field| field.key == self.column).ok_or_else(|| {
                Problem::config("/column", format!("Il n'y a pas de colonne « {} ».", self.column))
            });
        }
        let about = |concept: &str| input.iter().find(|field| field.concept.as_deref() == Some(concept));
        if !self.concept.is_empty() {
            return about(&self.concept).ok_or_else(|| {
                Problem::config("/concept", format!("Aucune colonne n'a le concept « {} ».", self.concept))
            });
        }
        let Facts { title, concept, keys, .. } = self.kind.facts();
        let usual = || input.iter().find(|field| keys.contains(&field.key.as_str()));
        about(concept).or_else(usual).ok_or_else(|| {
            let message = format!("Il manque une colonne « {title} » : donnez sa clé dans la configuration.");
            Problem::new("input/missing", message)
        })
    }
}
