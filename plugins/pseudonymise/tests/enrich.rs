//! The enrichment of a batch, with a salt in its slot.

use halle_plugin::enricher::Enricher;
use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::testing::FakeHost;
use halle_plugin::{Batch, BatchBuilder, Cell, Field, Kind, Problem, Rows};
use pseudonymise::Pseudonymise;

const SALT: &str = "un sel assez long";

fn fields() -> Vec<Field> {
    vec![
        Field::new("nom", Kind::Text),
        Field::new("naissance", Kind::Date),
        Field::new("cp", Kind::Text),
        Field::new("sexe", Kind::Text),
    ]
}

/// A host whose slot holds these salts, a line each.
fn host(salts: &[&str]) -> FakeHost {
    let field = Field::new("sel", Kind::Text);
    let mut lines = BatchBuilder::new(std::slice::from_ref(&field));
    for salt in salts {
        lines.push([Cell::Text(salt)]).unwrap();
    }
    let mut host = FakeHost::default();
    host.tables.insert("salt".to_owned(), (vec![field], lines.finish()));
    host
}

fn batch(rows: &[[Cell<'_>; 4]]) -> Batch {
    let mut batch = BatchBuilder::new(&fields());
    for row in rows {
        batch.push(*row).unwrap();
    }
    batch.finish()
}

/// Problems by row.
type Problems = Vec<(u32, Problem)>;

/// The outputs of `rows`, and their problems; every column of [`fields`] must be asked for, in that order.
fn enrich(host: FakeHost, config: &Value, rows: &Batch) -> Result<(Vec<Value>, Problems), Problem> {
    let (answer, host) = host.run(|| {
        let plan = Pseudonymise::plan(&fields(), &from_value(config.clone()).unwrap())?;
        assert_eq!(plan.inputs, ["nom", "naissance", "cp", "sexe"]);
        let mut session = Pseudonymise::open(&fields(), from_value(config.clone()).unwrap())?;
        let answer = session.run(&Rows::new(&fields(), rows)?)?;
        let outputs = Rows::new(&plan.outputs, &answer.columns)?;
        Ok(((0..outputs.len()).map(|row| json!(outputs.json(row))).collect(), answer.problems))
    });
    assert!(host.log.is_empty(), "nothing is logged");
    answer
}

fn config() -> Value {
    json!({ "length": 16, "columns": [
        { "column": "nom", "action": "hash" },
        { "column": "naissance", "action": "year" },
        { "column": "cp", "action": "departement" },
        { "column": "sexe", "action": "keep" },
    ] })
}

#[test]
fn identifiers_are_hashed_and_groups_are_made_of_the_rest() {
    let rows = batch(&[
        [Cell::Text("Jean"), Cell::Date(0), Cell::Text("35000"), Cell::Text("H")],
        [Cell::Text("Jean"), Cell::Date(100), Cell::Text("35200"), Cell::Text("H")],
        [Cell::Text("Anne"), Cell::Null, Cell::Text("97400"), Cell::Text("-")],
    ]);
    let (found, problems) = enrich(host(&[SALT]), &config(), &rows).unwrap();
    assert_eq!(problems, []);
    let pseudonym = found[0]["nom_pseudonyme"].as_str().unwrap();
    assert_eq!(pseudonym.len(), 16);
    assert_eq!(found[1]["nom_pseudonyme"], pseudonym);
    assert_ne!(found[2]["nom_pseudonyme"], pseudonym);
    assert_eq!((&found[0]["naissance_annee"], &found[0]["cp_departement"]), (&json!(1970), &json!("35")));
    assert_eq!(found[0].get("sexe"), None, "it counts in the group, and is not copied");
    assert_eq!(
        (&found[0]["groupe"], &found[1]["groupe"]),
        (&json!("1970 | 35 | H"), &json!("1970 | 35 | H"))
    );
    assert_eq!(found[2]["groupe"], "- | 974 | \\-", "a missing value is not the text that stands for it");
}

#[test]
fn a_row_with_an_unreadable_value_has_no_output_and_a_reason_without_the_value() {
    let rows = batch(&[[Cell::Text("Jean"), Cell::Date(0), Cell::Text("secret-3"), Cell::Text("H")]]);
    let (found, problems) = enrich(host(&[SALT]), &config(), &rows).unwrap();
    assert_eq!(found, [json!({})]);
    assert_eq!(problems[0].1.message, "cp : un code postal a cinq chiffres");
}

#[test]
fn different_values_never_share_a_group() {
    let config = json!({ "columns": [
        { "column": "nom", "action": "keep" },
        { "column": "naissance", "action": "year" },
        { "column": "cp", "action": "keep" },
        { "column": "sexe", "action": "keep" },
    ] });
    let row = |nom, cp| [Cell::Text(nom), Cell::Null, Cell::Text(cp), Cell::Null];
    let rows = batch(&[row("a | - | b", "c"), row("a", "b | - | c"), row("a\\", "b")]);
    let (found, _) =
        enrich(FakeHost::default(), &config, &rows).expect("nothing is hashed: no salt is needed");
    assert_ne!(found[0]["groupe"], found[1]["groupe"]);
    assert_eq!(found[2]["groupe"], "a\\\\ | - | b | -");
}

#[test]
fn nothing_is_hashed_without_one_good_salt() {
    let rows = batch(&[]);
    for (host, told) in [
        (FakeHost::default(), ""),
        (host(&[]), "est vide"),
        (host(&["court"]), "moins de 16 caractères"),
        (host(&[SALT, SALT]), "plusieurs lignes"),
    ] {
        let problem = enrich(host, &config(), &rows).unwrap_err();
        assert!(problem.message.contains(told) && !problem.message.contains(SALT), "{problem}");
    }
}

#[test]
fn wrong_columns_are_told_at_their_place() {
    let plan = |columns: Value| {
        let config = from_value(json!({ "columns": columns })).unwrap();
        Pseudonymise::plan(&fields(), &config).unwrap_err().field
    };
    let missing = json!([{ "column": "nom", "action": "hash" }, { "column": "prenom", "action": "hash" }]);
    assert_eq!(plan(missing).as_deref(), Some("/columns/1/column"));
    let twice = json!([{ "column": "nom", "action": "hash" }, { "column": "nom", "action": "hash" }]);
    assert_eq!(plan(twice).as_deref(), Some("/columns/1/column"));
}
