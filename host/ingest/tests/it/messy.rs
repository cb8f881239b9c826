//! Files in the state real ones are in.

use halle_model::{Column, ColumnKind};

use crate::{Sample, kinds};

/// Bytes of windows-1252 text: Latin-1, and the euro sign.
fn windows_1252(text: &str) -> Vec<u8> {
    text.chars().map(|c| if c == '€' { 0x80 } else { u8::try_from(u32::from(c)).unwrap() }).collect()
}

#[test]
fn a_windows_1252_export_of_an_old_system_simply_works() {
    let file = windows_1252(
        "Bénéficiaire;Code commune;Montant (€);Date;Objet;Vide;Montant (€);Réglé;\r\n\
         \"Association \"\"Les Amis\"\"\";01004;1\u{a0}250,50;03/02/2021;\"Fête\r\nd'été\";;10;oui;\r\n\
         ;;;;;;;;\r\n\
         L'Haÿ & Fils;94038;300;12/11/2020;Théâtre;;20;non\r\n",
    );
    let sample = Sample::new("export.csv", file);
    let analysis = sample.analyze().unwrap();
    assert_eq!(analysis.encoding, "windows-1252");
    let dialect = analysis.dialect.as_ref().unwrap();
    assert_eq!(
        (dialect.fields_delimiter, dialect.quote, dialect.lines_delimiter.as_str()),
        (';', '"', "\r\n")
    );
    assert_eq!((dialect.num_lines, analysis.rows), (5, 2));
    assert_eq!(
        kinds(&analysis.columns),
        "beneficiaire:text code_commune:text montant_euro:number date:date objet:text montant_euro_2:integer regle:boolean"
    );
    let warnings: Vec<&str> = analysis.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "le fichier contient une ou plusieurs colonnes vides qui seront ignorées : Vide",
            "le fichier contient plusieurs colonnes de même en-tête, elles reçoivent une clé numérotée : Montant (€) (montant_euro_2)",
        ]
    );
    let (rows, problems) = sample.rows(&analysis, &analysis.columns);
    assert_eq!(
        rows,
        "Association \"Les Amis\" | 01004 | 1250.5 | 2021-02-03 | Fête\r\nd'été | 10 | true\n\
         L'Haÿ & Fils | 94038 | 300.0 | 2020-11-12 | Théâtre | 20 | false"
    );
    assert_eq!(problems, []);
}

#[test]
fn an_utf_8_file_with_marks_in_odd_places_works() {
    let sample = Sample::new("a.csv", "\u{feff}\"code\",nom\n1,Évry\n\u{feff}2,Orsay\n");
    let analysis = sample.analyze().unwrap();
    assert_eq!(
        (analysis.encoding.as_str(), kinds(&analysis.columns).as_str()),
        ("UTF-8", "code:integer nom:text")
    );
    assert_eq!(sample.rows(&analysis, &analysis.columns).0, "1 | Évry\n2 | Orsay");
}

#[test]
fn utf_16_from_a_spreadsheet_works() {
    let text = "\u{feff}code\tnom\r\n2\tÉvry\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let sample = Sample::new("a.txt", bytes);
    let analysis = sample.analyze().unwrap();
    assert_eq!(
        (analysis.encoding.as_str(), analysis.dialect.as_ref().unwrap().fields_delimiter),
        ("UTF-16LE", '\t')
    );
    assert_eq!(sample.rows(&analysis, &analysis.columns).0, "2 | Évry");
}

#[test]
fn columns_are_described_as_the_reference_says() {
    let sample = Sample::new("a.csv", "Début,Jour,Code\n23/2/2021 10:27,1/2/2021,A-1\n");
    let analysis = sample.analyze().unwrap();
    let wire = serde_json::to_value(&analysis.columns).unwrap();
    assert_eq!(
        wire,
        serde_json::json!([
            {"key": "debut", "type": "string", "format": "date-time", "x-originalName": "Début", "dateTimeFormat": "D/M/YYYY H:m"},
            {"key": "jour", "type": "string", "format": "date", "x-originalName": "Jour", "dateFormat": "D/M/YYYY"},
            {"key": "code", "type": "string", "x-originalName": "Code", "x-capabilities": {"text": false, "insensitive": false}},
        ])
    );
    // The dataset's own schema has no input formats: those of the analysis serve.
    let mut columns = analysis.columns.clone();
    for column in &mut columns {
        column.date_format = None;
        column.date_time_format = None;
    }
    let (rows, problems) = sample.rows(&analysis, &columns);
    assert_eq!((rows.as_str(), problems.len()), ("2021-02-23T10:27:00+01:00 | 2021-02-01 | A-1", 0));
}

#[test]
fn an_analysis_survives_being_stored() {
    let sample = Sample::new("a.csv", "Début,Vide\n23/2/2021 10:27,\n");
    let analysis = sample.analyze().unwrap();
    let stored = serde_json::to_string(&analysis).unwrap();
    assert_eq!(serde_json::from_str::<halle_ingest::Analysis>(&stored).unwrap(), analysis);
}

#[test]
fn a_header_without_a_name_drops_its_values_and_says_so() {
    let sample = Sample::new("a.csv", "a;;b\n1;secret;2\n");
    let analysis = sample.analyze().unwrap();
    assert_eq!(kinds(&analysis.columns), "a:boolean b:integer");
    assert_eq!(analysis.warnings[0].code, "missing-headers");
    assert!(analysis.warnings[0].message.ends_with(": 2"), "{}", analysis.warnings[0].message);
}

#[test]
fn a_file_of_a_header_alone_has_columns_and_no_rows() {
    let sample = Sample::new("a.csv", "a;b\n");
    let analysis = sample.analyze().unwrap();
    assert_eq!((kinds(&analysis.columns).as_str(), analysis.rows), ("a:text b:text", 0));
    assert_eq!(sample.rows(&analysis, &analysis.columns).0, "");
}

#[test]
fn the_next_version_keeps_what_the_producer_decided() {
    let first = Sample::new("a.csv", "code;montant;jour\n01;5;1/2/2021\n").analyze().unwrap();
    let mut previous = first.columns;
    previous[1].title = Some("Montant versé".to_owned());
    previous[2].time_zone = Some("Indian/Reunion".to_owned());
    let next =
        Sample::new("b.csv", "jour,nouveau,code,montant\n2021-02-01,x,02,5.5\n").analyze_after(&previous);
    assert_eq!(kinds(&next.columns), "code:text montant:number jour:date nouveau:text");
    assert_eq!(next.columns[1].title.as_deref(), Some("Montant versé"));
    assert_eq!(next.columns[2].time_zone.as_deref(), Some("Indian/Reunion"));
    assert_eq!(next.columns[2].date_format, None);
}

#[test]
fn values_that_do_not_fit_are_absent_and_told() {
    let sample = Sample::new("a.csv", "code;n\nA;1\nB;\"deux\"\n\nC;3\n");
    let analysis = sample.analyze().unwrap();
    let columns = [
        Column::new("n", ColumnKind::Integer),
        Column::new("autre", ColumnKind::Text),
        Column::new("code", ColumnKind::Text),
    ];
    let (rows, problems) = sample.rows(&analysis, &columns);
    assert_eq!(rows, "1 | - | A\n- | - | B\n3 | - | C");
    assert_eq!(
        problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["ligne 3, colonne « n » : un nombre entier est attendu (« deux »)"]
    );
    assert_eq!(problems[0].row, 1);
}
