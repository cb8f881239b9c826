//! The demo data, read as an upload would be.

use std::path::PathBuf;

use halle_ingest::{Analysis, IngestResult, Options, analyze, read};

use crate::{kinds, lines_of};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/demo").join(name)
}

fn analysis(name: &str) -> IngestResult<Analysis> {
    analyze(&path(name), name, &Options::default())
}

/// Every row as text; fails when a value does not fit its column.
fn rows(name: &str, analysis: &Analysis) -> Vec<String> {
    let batches = read(&path(name), analysis, &analysis.columns).unwrap().map(Result::unwrap);
    let checked = batches.inspect(|batch| assert_eq!(batch.problems, []));
    checked.flat_map(|batch| lines_of(&batch.rows)).collect()
}

#[test]
fn the_communes_keep_their_codes() {
    let analysis = analysis("communes.csv.gz").unwrap();
    assert_eq!(analysis.rows, 34_969);
    assert_eq!(analysis.warnings, []);
    assert_eq!(
        kinds(&analysis.columns),
        "code_commune:text commune:text code_departement:text departement:text code_region:text region:text \
         code_epci:integer epci:text codes_postaux:text population:integer chef_lieu_de_departement:boolean"
    );
    let rows = rows("communes.csv.gz", &analysis);
    assert_eq!(
        rows[2],
        "01004 | Ambérieu-en-Bugey | 01 | Ain | 84 | Auvergne-Rhône-Alpes | 240100883 | CC de la Plaine de l'Ain | 01500 | 15934 | false"
    );
}

#[test]
fn the_messy_export_is_read_whole() {
    let analysis = analysis("subventions.csv").unwrap();
    assert_eq!(
        (analysis.encoding.as_str(), analysis.dialect.as_ref().unwrap().fields_delimiter, analysis.rows),
        ("windows-1252", ';', 2_000)
    );
    assert_eq!(
        kinds(&analysis.columns),
        "n_dossier:text code_commune:text beneficiaire:text montant_euro:number date_dattribution:date objet:text \
         montant_euro_2:number solde:boolean"
    );
    let codes: Vec<&str> = analysis.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["empty-columns", "duplicate-headers"]);
    assert_eq!(
        rows("subventions.csv", &analysis)[1],
        "S00002 | 31421 | Pins-Justaret | 17471.25 | 2019-02-17 | Travaux d'accessibilité\r\n(2e tranche) | 17471.25 | false"
    );
}

#[test]
fn the_other_files_are_what_their_readme_says() {
    let utf_8 = analysis("subventions-utf8.csv").unwrap();
    assert_eq!(
        (utf_8.encoding.as_str(), utf_8.rows, rows("subventions-utf8.csv", &utf_8).len()),
        ("UTF-8", 60, 60)
    );
    let points = analysis("bornes.csv").unwrap();
    assert_eq!(
        kinds(&points.columns),
        "identifiant:text nom:text code_commune:text commune:text latitude:number longitude:number \
         puissance_kw:number mise_en_service:date gratuit:boolean"
    );
    assert_eq!(analysis("territory.csv.gz").unwrap().rows, 35_014);
    assert_eq!(analysis("casse.csv").unwrap_err().line(), Some(7));
}
