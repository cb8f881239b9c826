//! The enrichment of a batch.

use halle_plugin::enricher::Enricher;
use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::{BatchBuilder, Cell, Field, Kind, Rows};
use language_detect::LanguageDetect;

/// Language and confidence of each text, and the rows that have none.
fn detect(config: Value, texts: &[&str]) -> (Vec<(String, f64)>, Vec<u32>) {
    let input = [Field::new("texte", Kind::Text)];
    let mut batch = BatchBuilder::new(&input);
    for text in texts {
        batch.push([Cell::Text(text)]).unwrap();
    }
    let batch = batch.finish();
    let plan = LanguageDetect::plan(&input, &from_value(config.clone()).unwrap()).unwrap();
    let mut session = LanguageDetect::open(&input, from_value(config).unwrap()).unwrap();
    let answer = session.run(&Rows::new(&input, &batch).unwrap()).unwrap();
    let rows = Rows::new(&plan.outputs, &answer.columns).unwrap();
    let found = (0..rows.len()).map(|row| {
        let row = rows.json(row);
        let text = |key: &str| row.get(key).cloned().unwrap_or_default();
        (text("langue").as_str().unwrap_or_default().to_owned(), text("confiance").as_f64().unwrap_or(-1.0))
    });
    (found.collect(), answer.problems.into_iter().map(|(row, _)| row).collect())
}

const FRENCH: &str = "Le conseil municipal se réunit le premier lundi de chaque mois à la mairie.";

#[test]
fn sentences_are_told_apart() {
    let texts = [
        FRENCH,
        "The council meets on the first Monday of every month at the town hall.",
        "Der Gemeinderat tritt jeden ersten Montag des Monats im Rathaus zusammen.",
        "市议会每月第一个星期一开会。",
    ];
    let (found, problems) = detect(json!({ "column": "texte" }), &texts);
    let codes: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["fr", "en", "de", "zh"]);
    assert!(found.iter().all(|(_, confidence)| (0.0..=1.0).contains(confidence)), "{found:?}");
    assert!(problems.is_empty());
}

#[test]
fn a_few_letters_are_not_guessed_at_and_nothing_is_no_problem() {
    let (found, problems) = detect(json!({ "column": "texte" }), &["12", "oui", "", FRENCH]);
    assert_eq!(problems, [0, 1]);
    assert_eq!(found[3].0, "fr");
}

#[test]
fn a_list_of_languages_bounds_the_answer() {
    let short = ["bonjour tout le monde"];
    let (found, _) = detect(json!({ "column": "texte", "languages": ["fr", "eng"] }), &short);
    assert_eq!(found[0].0, "fr");
    let (found, _) = detect(json!({ "column": "texte", "languages": ["de", "en"] }), &[FRENCH]);
    assert!(["de", "en"].contains(&found[0].0.as_str()), "{found:?}");
}

#[test]
fn only_the_beginning_of_a_text_counts() {
    let english = "The council meets on the first Monday of every month. ".repeat(200);
    let (found, _) = detect(json!({ "column": "texte" }), &[&format!("{}{english}", FRENCH.repeat(40))]);
    assert_eq!(found[0].0, "fr");
}

#[test]
fn what_cannot_be_read_is_told_at_its_place() {
    let fields = [Field::new("n", Kind::Integer), Field::new("texte", Kind::Text)];
    let plan = |config: Value| LanguageDetect::plan(&fields, &from_value(config).unwrap()).unwrap_err().field;
    assert_eq!(plan(json!({ "column": "n" })).as_deref(), Some("/column"));
    assert_eq!(plan(json!({ "column": "x" })).as_deref(), Some("/column"));
    let unknown = json!({ "column": "texte", "languages": ["fr", "zz"] });
    assert_eq!(plan(unknown).as_deref(), Some("/languages/1"));
}
