//! What a server offers, from its document.

use halle_plugin::remote_service::Operation;
use halle_plugin::serde_json::{Value, from_value, to_value};
use halle_plugin::{Field, Kind, Problem, Result};
use serde::{Deserialize, Serialize};

/// Rows of one file: enough to be quick, few enough for an answer within the ten seconds that the host waits.
const ROWS_PER_FILE: u32 = 250;

/// Actions: end of the path, method, identifier, title.
const KNOWN: [(&str, &str, &str, &str); 4] = [
    ("search/csv", "post", "geocode", "Géocoder des adresses"),
    ("reverse/csv", "post", "reverse", "Trouver l'adresse de coordonnées"),
    ("search", "get", "geocode_one", "Géocoder une adresse à la fois"),
    ("reverse", "get", "reverse_one", "Trouver l'adresse de coordonnées, une à la fois"),
];

/// What is remembered of an operation to make its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Path below the server, as the document writes it.
    pub path: String,
    /// Whether a request carries a file of rows.
    pub bulk: bool,
    /// Whether coordinates are given and an address is wanted.
    pub reverse: bool,
}

impl Details {
    /// The details of an operation this plugin made.
    pub fn of(operation: &Operation) -> Result<Self> {
        from_value(operation.details.clone().unwrap_or_default()).map_err(|error| {
            Problem::new("config/operation", format!("L'action « {} » est à relire : {error}", operation.id))
        })
    }

    /// Why a row is not asked.
    pub fn too_little(&self) -> Problem {
        if self.reverse {
            return Problem::new("ban/coordinates", "Il manque une latitude et une longitude en degrés.");
        }
        Problem::new("ban/address", "Il manque une adresse d'au moins trois caractères.")
    }
}

/// The actions of a document that this plugin knows.
pub fn of(document: &Value) -> Result<Vec<Operation>> {
    let none = halle_plugin::serde_json::Map::new();
    let paths = document["paths"].as_object().unwrap_or(&none);
    let operations = KNOWN.iter().filter_map(|(end, method, id, title)| {
        let (path, item) =
            paths.iter().find(|(path, item)| ends_with(path, end) && item[*method].is_object())?;
        let (bulk, reverse) = (*method == "post", end.starts_with("reverse"));
        let title = item[*method]["summary"].as_str().unwrap_or(title);
        Some(operation(id, title, &Details { path: path.clone(), bulk, reverse }))
    });
    let operations: Vec<Operation> = operations.collect();
    if operations.is_empty() {
        let message = "Le document ne décrit aucune action de géocodage : il faut, dans `paths`, POST …/search/csv, \
                       POST …/reverse/csv, GET …/search ou GET …/reverse.";
        return Err(Problem::new("ban/no-action", message));
    }
    Ok(operations)
}

/// Whether a path ends with whole segments, with or without a slash after them.
fn ends_with(path: &str, end: &str) -> bool {
    path.trim_end_matches('/').strip_suffix(end).is_some_and(|before| before.ends_with('/'))
}

fn operation(id: &str, title: &str, details: &Details) -> Operation {
    Operation {
        id: id.to_owned(),
        title: title.to_owned(),
        input: if details.reverse { coordinates() } else { address() },
        output: outputs(details.reverse),
        max_rows_per_request: if details.bulk { ROWS_PER_FILE } else { 1 },
        details: to_value(details).ok(),
    }
}

fn text(key: &str, title: &str) -> Field {
    Field::new(key, Kind::Text).titled(title)
}

/// Parts of an address: any of them will do, those that are there are put together.
fn address() -> Vec<Field> {
    vec![
        text("address", "Adresse").about("http://schema.org/address"),
        text("number", "Numéro de rue").about("http://www.ontotext.com/proton/protonext#StreetNumber"),
        text("street", "Rue ou lieu-dit").about("http://schema.org/streetAddress"),
        text("postcode", "Code postal").about("http://schema.org/postalCode"),
        text("city", "Commune").about("http://schema.org/City"),
        text("citycode", "Code commune").about("http://rdf.insee.fr/def/geo#codeCommune"),
    ]
}

/// A point, as two columns or as one.
fn coordinates() -> Vec<Field> {
    vec![
        Field::new("lat", Kind::Number).titled("Latitude").about("http://schema.org/latitude"),
        Field::new("lon", Kind::Number).titled("Longitude").about("http://schema.org/longitude"),
        text("latlon", "Latitude / Longitude").about("http://www.w3.org/2003/01/geo/wgs84_pos#lat_long"),
    ]
}

fn outputs(reverse: bool) -> Vec<Field> {
    let mut outputs = Vec::new();
    if reverse {
        outputs.push(Field::new("distance", Kind::Number).titled("Distance de l'adresse trouvée (m)"));
    } else {
        outputs.push(Field::new("lat", Kind::Number).titled("Latitude").about("http://schema.org/latitude"));
        outputs
            .push(Field::new("lon", Kind::Number).titled("Longitude").about("http://schema.org/longitude"));
        outputs.push(Field::new("score", Kind::Number).titled("Confiance (0 à 1)"));
    }
    outputs.extend([
        text("label", "Adresse trouvée"),
        text("type", "Précision (housenumber, street, locality, municipality)"),
        text("housenumber", "Numéro"),
        text("name", "Numéro et rue, ou lieu-dit"),
        text("postcode", "Code postal").about("http://schema.org/postalCode"),
        text("city", "Commune").about("http://schema.org/City"),
        text("citycode", "Code commune").about("http://rdf.insee.fr/def/geo#codeCommune"),
        text("context", "Département, région"),
        text("id", "Identifiant de l'adresse").about("http://www.w3.org/ns/locn#addressId"),
    ]);
    outputs
}
