//! From the code of a French commune to the names of its département, région and intercommunality.
//!
//! **Invariant:** the same code gives the same names: the table is part of the component, its edition part of its version.

mod table;

use halle_plugin::enricher::{Answer, Described, Enricher, Planned};
use halle_plugin::{Batch, Cell, Column, Field, Kind, Problem, Result, Rows};
use serde::Deserialize;
use table::Place;

/// Concept of the input.
const COMMUNE: &str = "http://rdf.insee.fr/def/geo#codeCommune";
/// Keys by which the input is recognised when the column has no concept.
const COMMUNE_KEYS: [&str; 4] = ["code_commune", "codecommune", "code_insee", "insee_com"];

/// The configuration.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Whether codes are added beside names.
    codes: bool,
}

/// The enricher.
pub struct Territories {
    outputs: Vec<Field>,
}

fn outputs(config: Config) -> Vec<Field> {
    let text = |key: &str, title: &str| Field::new(key, Kind::Text).titled(title);
    let mut outputs = vec![
        text("departement", "Département").about("http://rdf.insee.fr/def/geo#Departement"),
        text("region", "Région").about("https://schema.org/addressRegion"),
        text("epci", "Intercommunalité"),
    ];
    if config.codes {
        outputs.extend([
            text("departement_code", "Code département").about("http://rdf.insee.fr/def/geo#codeDepartement"),
            text("region_code", "Code région").about("http://rdf.insee.fr/def/geo#codeRegion"),
            text("epci_code", "SIREN de l'intercommunalité")
                .about("http://rdf.insee.fr/def/geo#EtablissementPublicDeCooperationIntercommunale"),
        ]);
    }
    outputs
}

impl Enricher for Territories {
    type Config = Config;

    fn describe() -> Described {
        let code = Field::new("code_commune", Kind::Text).titled("Code commune").about(COMMUNE).required();
        Described { title: "Territoires d'une commune".to_owned(), inputs: vec![code] }
    }

    fn plan(input: &[Field], config: &Config) -> Result<Planned> {
        let by_concept = input.iter().find(|field| field.concept.as_deref() == Some(COMMUNE));
        let by_key = || input.iter().find(|field| COMMUNE_KEYS.contains(&field.key.as_str()));
        let column = by_concept.or_else(by_key).ok_or_else(|| {
            let message = "Il manque une colonne de codes communes : donnez-lui le concept « Code commune ».";
            Problem::new("input/missing", message)
        })?;
        Ok(Planned { inputs: vec![column.key.clone()], outputs: outputs(*config) })
    }

    fn open(_input: &[Field], config: Config) -> Result<Self> {
        Ok(Self { outputs: outputs(config) })
    }

    fn run(&mut self, rows: &Rows<'_>) -> Result<Answer> {
        let codes = rows
            .column_at(0)
            .ok_or_else(|| Problem::new("input/missing", "Il manque la colonne des codes communes."))?;
        let mut problems = Vec::new();
        let places: Vec<Option<Place>> = (0..rows.len())
            .map(|row| {
                let code = codes.cell(row);
                let place = table::find(code);
                if place.is_none() && !code.is_missing() {
                    problems.push((row as u32, unknown(code)));
                }
                place
            })
            .collect();
        let outputs = self.outputs.iter();
        let columns = outputs.map(|output| column(output, &places)).collect::<Result<Vec<_>>>()?;
        Ok(Answer { columns: Batch::of_columns(rows.len(), columns)?, problems })
    }
}

/// The column of an output.
fn column(output: &Field, places: &[Option<Place>]) -> Result<Column> {
    match output.key.as_str() {
        "departement" => filled(output, places, |place| Some(place.departement())),
        "region" => filled(output, places, |place| Some(place.region())),
        "epci" => filled(output, places, Place::epci),
        "departement_code" => filled(output, places, |place| Some(place.departement_code())),
        "region_code" => filled(output, places, |place| Some(place.region_code())),
        _ => filled(output, places, Place::epci_code),
    }
}

fn filled(
    output: &Field,
    places: &[Option<Place>],
    text: impl Fn(Place) -> Option<&'static str>,
) -> Result<Column> {
    Column::of(output, places.iter().map(|place| place.and_then(&text).into()))
}

fn unknown(code: Cell<'_>) -> Problem {
    let code = code.to_json();
    let code = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
    let code: String = code.chars().take(40).collect();
    Problem::new("territory/unknown-commune", format!("« {code} » n'est pas un code de commune de 2026."))
}

halle_plugin::export_enricher!(Territories);
