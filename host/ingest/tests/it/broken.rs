//! Broken files: the error says what is wrong and where.

use halle_ingest::{Options, analyze};

use crate::Sample;

#[test]
fn every_refusal_says_what_and_where() {
    for (name, content, text) in [
        ("a.pdf", "%PDF", "application/pdf type is not supported"),
        (
            "a.csv",
            "",
            "Échec de l'analyse du fichier tabulaire, pas de colonne détectée. Le fichier doit commencer par une ligne d'en-tête.",
        ),
        (
            "a.csv",
            "\n \n;;;\n",
            "Échec de l'analyse du fichier tabulaire, pas de colonne détectée. Le fichier doit commencer par une ligne d'en-tête.",
        ),
        (
            "a.csv",
            "a;b\n1;2\n\n1;2;3\n",
            "Échec du traitement de la ligne 4 du fichier. Le format est probablement invalide. Elle contient 3 valeurs pour 2 colonnes.",
        ),
        (
            "a.csv",
            "a;b\n1;\"x\ny\"\n1;2;3\n",
            "Échec du traitement de la ligne 4 du fichier. Le format est probablement invalide. Elle contient 3 valeurs pour 2 colonnes.",
        ),
        (
            "a.csv",
            "a;b\n1;2\n3;\"coup\n4;5\n",
            "Échec du traitement de la ligne 3 du fichier. Le format est probablement invalide. Les guillemets ouverts dans la colonne « b » ne sont jamais fermés.",
        ),
        (
            "a.csv",
            "PK\u{3}\u{4}\0",
            "Le fichier n'est pas un fichier texte (octet nul à la position 4). Exportez-le en CSV avant de le déposer.",
        ),
    ] {
        let error = Sample::new(name, content).refusal();
        assert_eq!(error.to_string(), text, "{content:?}");
        assert!(error.is_about_the_file());
    }
}

#[test]
fn an_error_gives_its_line_and_column_apart() {
    let error = Sample::new("a.csv", "a;nom\n1;2\n3;\"coup").refusal();
    assert_eq!((error.line(), error.column()), (Some(3), Some("nom")));
    let error = Sample::new("a.csv", "a;b\n1;2;3").refusal();
    assert_eq!((error.line(), error.column()), (Some(2), None));
}

#[test]
fn too_many_columns_are_refused() {
    let header: Vec<String> = (0..1_001).map(|n| format!("c{n}")).collect();
    let error = Sample::new("a.csv", header.join(";") + "\n").refusal();
    assert_eq!(error.to_string(), "Le fichier contient 1001 colonnes, la limite est de 1000 colonnes.");
}

#[test]
fn an_endless_cell_is_refused_where_it_begins() {
    let error = Sample::new("a.csv", format!("a;b\n1;2\n3;{}\n", "x".repeat(2 << 20))).refusal();
    assert_eq!((error.line(), error.column()), (Some(3), Some("b")));
}

#[test]
fn an_unknown_encoding_is_refused_with_its_name() {
    let sample = Sample::new("a.csv", "a\n1\n");
    let options = Options { encoding: Some("latin-42"), ..Options::default() };
    let error = analyze(&sample.path(), "a.csv", &options).unwrap_err();
    assert!(error.to_string().contains("« latin-42 »"), "{error}");
}

#[test]
fn a_file_that_changed_is_not_read_as_the_old_one() {
    let sample = Sample::new("a.csv", "a;b\n1;2\n");
    let analysis = sample.analyze().unwrap();
    std::fs::write(sample.path(), "a;c\n1;2\n").unwrap();
    let error = halle_ingest::read(&sample.path(), &analysis, &analysis.columns).err().unwrap();
    assert!(error.to_string().starts_with("Le fichier a changé"), "{error}");
}

#[test]
fn a_missing_file_is_the_machine_at_fault() {
    let error =
        analyze(std::path::Path::new("/nonexistent/upload"), "a.csv", &Options::default()).unwrap_err();
    assert!(!error.is_about_the_file());
}
