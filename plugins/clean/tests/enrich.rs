//! The enrichment of a batch.

use clean::Clean;
use halle_plugin::enricher::Enricher;
use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::{BatchBuilder, Cell, Field, Kind, Rows};

/// What `cells` become, and the reasons by row.
fn clean(config: Value, kind: Kind, cells: &[Cell<'_>]) -> (Vec<Value>, Vec<(u32, String)>) {
    let input = [Field::new("valeur", kind)];
    let mut batch = BatchBuilder::new(&input);
    for cell in cells {
        batch.push([*cell]).unwrap();
    }
    let batch = batch.finish();
    let plan = Clean::plan(&input, &from_value(config.clone()).unwrap()).unwrap();
    assert_eq!(plan.inputs, ["valeur"]);
    let mut session = Clean::open(&input, from_value(config).unwrap()).unwrap();
    let answer = session.run(&Rows::new(&input, &batch).unwrap()).unwrap();
    let rows = Rows::new(&plan.outputs, &answer.columns).unwrap();
    let key = plan.outputs[0].key.as_str();
    let found = (0..rows.len()).map(|row| rows.json(row).remove(key).unwrap_or_default()).collect();
    (found, answer.problems.into_iter().map(|(row, problem)| (row, problem.message)).collect())
}

#[test]
fn reasons_never_repeat_the_value() {
    let secret = "jean.dupont.exemple.fr";
    let (found, reasons) = clean(
        json!({ "kind": "email", "column": "valeur" }),
        Kind::Text,
        &[Cell::Text(secret), Cell::Text("  "), Cell::Null],
    );
    assert_eq!(found, [Value::Null, Value::Null, Value::Null]);
    assert_eq!(reasons, [(0, "pas de @".to_owned())], "blank and missing values are no problem");
}

#[test]
fn columns_of_numbers_and_of_dates_are_read_too() {
    let phones = json!({ "kind": "phone", "column": "valeur" });
    assert_eq!(clean(phones, Kind::Integer, &[Cell::Integer(123_456_789)]).0, ["+33123456789"]);
    let sirens = json!({ "kind": "siren", "column": "valeur" });
    assert_eq!(
        clean(sirens, Kind::Number, &[Cell::Number(732_829_320.0), Cell::Number(0.5)]).0[0],
        "732829320"
    );
    let dates = json!({ "kind": "date", "column": "valeur" });
    assert_eq!(clean(dates.clone(), Kind::Date, &[Cell::Date(0)]).0, ["1970-01-01"]);
    assert_eq!(clean(dates, Kind::DateTime, &[Cell::DateTime(-1)]).0, ["1969-12-31"]);
}

#[test]
fn very_long_values_are_refused_before_they_are_read() {
    let long = "rue ".repeat(200);
    let (found, reasons) =
        clean(json!({ "kind": "address", "column": "valeur" }), Kind::Text, &[Cell::Text(&long)]);
    assert_eq!((found, reasons), (vec![Value::Null], vec![(0, "valeur trop longue".to_owned())]));
}

#[test]
fn the_column_is_found_by_key_concept_or_usual_name() {
    let tel = Field::new("contact", Kind::Text).about("https://www.w3.org/2006/vcard/ns#tel");
    let fields = [Field::new("tel", Kind::Text), tel, Field::new("fax", Kind::Text).about("urn:fax")];
    let plan = |config: Value| Clean::plan(&fields, &from_value(config).unwrap()).map(|plan| plan.inputs);
    assert_eq!(plan(json!({ "kind": "phone" })).unwrap(), ["contact"], "its concept, before its name");
    assert_eq!(plan(json!({ "kind": "phone", "column": "tel" })).unwrap(), ["tel"]);
    assert_eq!(plan(json!({ "kind": "phone", "concept": "urn:fax" })).unwrap(), ["fax"]);
    let missing = plan(json!({ "kind": "siret" })).unwrap_err();
    assert_eq!(missing.code, "input/missing");
    assert!(missing.message.contains("SIRET"), "{missing}");
}
