//! The enrichment of a batch.

use halle_plugin::enricher::Enricher;
use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::{BatchBuilder, Field, Kind, Rows};
use territory::Territories;

fn enrich(config: Value, codes: &[Option<&str>]) -> (Vec<Value>, Vec<(u32, String)>) {
    let input = [
        Field::new("insee", Kind::Text).about("http://rdf.insee.fr/def/geo#codeCommune"),
        Field::new("nom", Kind::Text),
    ];
    let plan = Territories::plan(&input, &from_value(config.clone()).unwrap()).unwrap();
    assert_eq!(plan.inputs, ["insee"], "only the code is asked for");
    let mut batch = BatchBuilder::new(&input[..1]);
    for code in codes {
        batch.push([(*code).into()]).unwrap();
    }
    let batch = batch.finish();
    let mut session = Territories::open(&input[..1], from_value(config).unwrap()).unwrap();
    let answer = session.run(&Rows::new(&input[..1], &batch).unwrap()).unwrap();
    let rows = Rows::new(&plan.outputs, &answer.columns).unwrap();
    let found = (0..rows.len()).map(|row| json!(rows.json(row))).collect();
    (found, answer.problems.into_iter().map(|(row, problem)| (row, problem.code)).collect())
}

#[test]
fn names_are_added_and_unknown_codes_told_by_row() {
    let (rows, problems) = enrich(json!({}), &[Some("29019"), None, Some("99999"), Some("97502")]);
    assert_eq!(
        rows[0],
        json!({ "departement": "Finistère", "region": "Bretagne", "epci": "Brest Métropole" })
    );
    assert_eq!((&rows[1], &rows[2]), (&json!({}), &json!({})));
    let overseas = json!({ "departement": "Saint-Pierre-et-Miquelon", "region": "Saint-Pierre-et-Miquelon" });
    assert_eq!(rows[3], overseas, "no intercommunality there");
    assert_eq!(problems, [(2, "territory/unknown-commune".to_owned())]);
}

#[test]
fn codes_are_added_on_demand() {
    let (rows, _) = enrich(json!({ "codes": true }), &[Some("35238")]);
    assert_eq!((&rows[0]["departement_code"], &rows[0]["region_code"]), (&json!("35"), &json!("53")));
    assert_eq!(rows[0]["epci_code"], json!("243500139"));
}

#[test]
fn a_dataset_without_commune_codes_is_refused_before_any_row() {
    let problem =
        Territories::plan(&[Field::new("nom", Kind::Text)], &from_value(json!({})).unwrap()).unwrap_err();
    assert_eq!(problem.code, "input/missing");
    assert!(
        Territories::plan(&[Field::new("code_insee", Kind::Text)], &from_value(json!({})).unwrap()).is_ok()
    );
}
