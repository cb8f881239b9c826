//! Reading what the register says.

use halle_plugin::serde_json::{Map, Value};

use crate::operations::Subject;

/// What stands in the place of what a company keeps to itself.
const WITHHELD: &str = "[NON-DIFFUSIBLE]";

/// What an answer to a search says of a number; `None` when it says nothing of it.
pub fn find(subject: Subject, number: &str, answer: &Value) -> Option<Map<String, Value>> {
    let siren = number.get(..9)?;
    let company = answer["results"].as_array()?.iter().find(|company| company["siren"] == siren)?;
    let seat = &company["siege"];
    let place = match subject {
        Subject::Company => seat,
        Subject::Establishment => {
            let places = company["matching_etablissements"].as_array().into_iter().flatten();
            places.chain([seat]).find(|place| place["siret"] == number)?
        }
    };
    // The dates and the state of a company are its own, those of a place are the place's.
    let own = if subject == Subject::Company { company } else { place };
    let mut values = Map::new();
    let mut put = |key: &str, value: &Value| {
        let is_told = !matches!(value, Value::Null) && value != WITHHELD && value != "";
        if is_told {
            values.insert(key.to_owned(), value.clone());
        }
    };
    put("nom", &company["nom_complet"]);
    put("enseigne", &sign(place));
    for (key, name) in [
        ("ape", "activite_principale"),
        ("date_creation", "date_creation"),
        ("date_fermeture", "date_fermeture"),
        ("effectif", "tranche_effectif_salarie"),
    ] {
        put(key, &own[name]);
    }
    put("actif", &own["etat_administratif"].as_str().map(|state| state == "A").into());
    put("categorie_juridique", &company["nature_juridique"]);
    for (key, name) in [
        ("adresse", "adresse"),
        ("code_postal", "code_postal"),
        ("code_commune", "commune"),
        ("commune", "libelle_commune"),
        ("lat", "latitude"),
        ("lon", "longitude"),
    ] {
        put(key, &place[name]);
    }
    match subject {
        Subject::Company => put("siege", &seat["siret"]),
        Subject::Establishment => {
            put("siren", &company["siren"]);
            put("est_siege", &place["est_siege"]);
        }
    }
    Some(values)
}

/// The name over the door: commercial name, else the first sign.
fn sign(place: &Value) -> Value {
    let signs = ["liste_enseignes", "enseignes"].into_iter().find_map(|name| place[name][0].as_str());
    place["nom_commercial"].as_str().or(signs).into()
}
