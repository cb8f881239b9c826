//! What can be asked.

use halle_plugin::remote_service::Operation;
use halle_plugin::serde_json::{Map, Value, from_value, to_value};
use halle_plugin::{Field, Kind, Problem, Result};
use serde::{Deserialize, Serialize};

/// What a number is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A place where a company works: SIRET, 14 digits.
    Establishment,
    /// The company: SIREN, 9 digits.
    Company,
}

impl Subject {
    /// Key of the only input.
    pub fn key(self) -> &'static str {
        match self {
            Self::Establishment => "siret",
            Self::Company => "siren",
        }
    }

    /// Why a row is not asked.
    pub fn wrong_number(self) -> Problem {
        let message = match self {
            Self::Establishment => {
                "Ce n'est pas un SIRET : 14 chiffres, dont le dernier est une clé de contrôle."
            }
            Self::Company => "Ce n'est pas un SIREN : 9 chiffres, dont le dernier est une clé de contrôle.",
        };
        Problem::new("company/number", message)
    }
}

/// What is remembered of an operation to make its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Path below the server, as the document writes it.
    pub path: String,
    /// What is looked for.
    pub subject: Subject,
}

impl Details {
    /// The details of an operation this plugin made.
    pub fn of(operation: &Operation) -> Result<Self> {
        from_value(operation.details.clone().unwrap_or_default()).map_err(|error| {
            Problem::new("config/operation", format!("L'action « {} » est à relire : {error}", operation.id))
        })
    }
}

/// Both operations, if the document has the search that they stand on.
pub fn of(document: &Value) -> Result<Vec<Operation>> {
    let none = Map::new();
    let paths = document["paths"].as_object().unwrap_or(&none);
    let search = paths
        .iter()
        .find(|(path, item)| path.trim_end_matches('/').ends_with("/search") && item["get"].is_object());
    let Some((path, _)) = search else {
        let message =
            "Le document ne décrit pas la recherche d'entreprises : il faut GET …/search dans `paths`.";
        return Err(Problem::new("company/no-search", message));
    };
    Ok([Subject::Establishment, Subject::Company].map(|subject| operation(path, subject)).into())
}

fn operation(path: &str, subject: Subject) -> Operation {
    let input = |title: &str, concept: &str| {
        vec![Field::new(subject.key(), Kind::Text).titled(title).about(concept).required()]
    };
    let (id, title, input) = match subject {
        Subject::Establishment => (
            "etablissement",
            "Établissement par SIRET",
            input("SIRET", "http://www.datatourisme.fr/ontology/core/1.0/#siret"),
        ),
        Subject::Company => {
            ("entreprise", "Entreprise par SIREN", input("SIREN", "http://dbpedia.org/ontology/siren"))
        }
    };
    Operation {
        id: id.to_owned(),
        title: title.to_owned(),
        input,
        output: outputs(subject),
        max_rows_per_request: 1,
        details: to_value(Details { path: path.to_owned(), subject }).ok(),
    }
}

/// Outputs. Of a company, the place is that of its head office.
fn outputs(subject: Subject) -> Vec<Field> {
    let text = |key: &str, title: &str| Field::new(key, Kind::Text).titled(title);
    let mut outputs = vec![
        text("nom", "Nom de l'entreprise"),
        text("enseigne", "Enseigne"),
        text("ape", "Code APE").about("http://www.datatourisme.fr/ontology/core/1.0#apeNaf"),
        text("categorie_juridique", "Catégorie juridique")
            .about("http://id.insee.fr/concepts/cj/cjNiveauIII"),
        text("adresse", "Adresse").about("http://schema.org/address"),
        text("code_postal", "Code postal").about("http://schema.org/postalCode"),
        text("code_commune", "Code commune").about("http://rdf.insee.fr/def/geo#codeCommune"),
        text("commune", "Commune").about("http://schema.org/City"),
        Field::new("lat", Kind::Number).titled("Latitude").about("http://schema.org/latitude"),
        Field::new("lon", Kind::Number).titled("Longitude").about("http://schema.org/longitude"),
        Field::new("actif", Kind::Boolean).titled("En activité"),
        Field::new("date_creation", Kind::Date).titled("Date de création"),
        Field::new("date_fermeture", Kind::Date).titled("Date de fermeture"),
        text("effectif", "Tranche d'effectif (code)"),
    ];
    outputs.push(match subject {
        Subject::Establishment => text("siren", "SIREN").about("http://dbpedia.org/ontology/siren"),
        Subject::Company => {
            text("siege", "SIRET du siège").about("http://www.datatourisme.fr/ontology/core/1.0/#siret")
        }
    });
    if subject == Subject::Establishment {
        outputs.push(Field::new("est_siege", Kind::Boolean).titled("Est le siège"));
    }
    outputs
}
