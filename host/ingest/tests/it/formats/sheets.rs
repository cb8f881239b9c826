//! Spreadsheets.

use halle_ingest::{NormalizeOptions, Options, analyze};

use super::{refused, zipped};
use crate::{Sample, fixture, kinds};

pub(super) const FODS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body><office:spreadsheet>
<table:table table:name="Communes"><table:shapes><text:p>dessin</text:p></table:shapes>
<table:table-header-rows><table:table-row>
<table:table-cell office:value-type="string"><text:p>code</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>nom</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>pop</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>maj</text:p></table:table-cell>
<table:table-cell table:number-columns-repeated="16380"/></table:table-row></table:table-header-rows>
<table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
<table:table-row>
<table:table-cell office:value-type="string"><text:p>01004</text:p></table:table-cell>
<table:table-cell office:value-type="string"><office:annotation><text:p>note</text:p></office:annotation><text:p>Ambérieu<text:s text:c="2"/>en<text:line-break/>Bugey</text:p></table:table-cell>
<table:table-cell office:value-type="float" office:value="14134"><text:p>14 134</text:p></table:table-cell>
<table:table-cell office:value-type="date" office:date-value="2021-02-23"><text:p>23/02/21</text:p></table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="2"><table:table-cell office:value-type="string"><text:p>2A004</text:p></table:table-cell>
<table:table-cell/><table:table-cell office:value-type="percentage" office:value="0.5"/></table:table-row>
<table:table-row table:number-rows-repeated="1048500"><table:table-cell/></table:table-row>
</table:table>
<table:table table:name="Autre"/></office:spreadsheet></office:body></office:document>"#;

const COMMUNES: &str = "01004 | Ambérieu-en-Bugey | 14134 | 24.6 | 2021-02-23T00:00:00.000Z | true\n\
                        2A004 | Ajaccio | 71361 | 82.03 | 1999-12-31T00:00:00.000Z | false\n\
                        97105 | Basse-Terre | 9861 | 5.78 | 2024-02-29T00:00:00.000Z | true";

/// The parts of a workbook around the rows of its sheet.
fn workbook(rows: &str) -> Vec<u8> {
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let relations = r#"<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/s.xml"/>
        <Relationship Id="r2" Type="x/sharedStrings" Target="/xl/texts.xml"/><Relationship Id="r3" Type="x/styles" Target="styles.xml"/></Relationships>"#;
    let styles = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="00000"/></numFmts>
        <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="22"/></cellXfs></styleSheet>"#;
    zipped(&[
        (
            "xl/workbook.xml",
            br#"<workbook xmlns:r="r"><sheets><sheet name="Feuille" r:id="r1"/></sheets></workbook>"#,
        ),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        (
            "xl/texts.xml",
            "<sst><si><t>cp</t></si><si><r><t>da</t></r><r><t>te</t></r><rPh><t>x</t></rPh></si></sst>"
                .as_bytes(),
        ),
        ("xl/worksheets/s.xml", sheet.as_bytes()),
    ])
}

#[test]
fn workbooks_of_every_age_are_the_same_table() {
    for name in ["communes.xlsx", "communes.xls"] {
        let (columns, rows) = Sample::fixture(name).table();
        assert_eq!(
            columns,
            "code:text nom_de_la_commune:text population:integer surface:number maj:date-time prefecture:boolean",
            "{name}"
        );
        assert_eq!(rows, COMMUNES, "{name}");
    }
    // Names lie.
    assert_eq!(Sample::new("a.xls", fixture("communes.xlsx")).table().1, COMMUNES);
    assert_eq!(Sample::new("a.xlsx", fixture("communes.xls")).table().1, COMMUNES);
    let wrapped = Sample::new("a.zip", zipped(&[("communes.xlsx", &fixture("communes.xlsx"))]));
    assert_eq!(wrapped.table().1, COMMUNES);
}

#[test]
fn the_producer_chooses_sheet_header_and_first_column() {
    let normalize = NormalizeOptions {
        spreadsheet_worksheet_index: Some(2),
        spreadsheet_header_line: Some(3),
        spreadsheet_start_col: Some(2),
    };
    let options = Options { normalize: Some(&normalize), ..Options::default() };
    for name in ["communes.xlsx", "communes.xls"] {
        let sample = Sample::fixture(name);
        let analysis = analyze(&sample.path(), name, &options).unwrap();
        assert_eq!(kinds(&analysis.columns), "cle:text valeur:integer");
        assert_eq!(sample.rows(&analysis, &analysis.columns).0, "a | 12");
    }
    let third = NormalizeOptions { spreadsheet_worksheet_index: Some(3), ..NormalizeOptions::default() };
    let options = Options { normalize: Some(&third), ..Options::default() };
    for name in ["communes.xlsx", "communes.xls"] {
        let error = analyze(&Sample::fixture(name).path(), name, &options).unwrap_err().to_string();
        assert!(error.contains("feuille 3") && error.contains("« Communes », « Décalée »"), "{error}");
    }
}

#[test]
fn open_documents_are_read_with_their_repetitions() {
    let flat = Sample::new("a.fods", FODS).table();
    assert_eq!(flat.0, "code:text nom:text pop:number maj:date");
    assert_eq!(
        flat.1,
        "01004 | Ambérieu  en\nBugey | 14134.0 | 2021-02-23\n2A004 | - | 0.5 | -\n2A004 | - | 0.5 | -"
    );
    assert_eq!(Sample::new("a.ods", zipped(&[("content.xml", FODS.as_bytes())])).table(), flat);
    let latin: Vec<u8> = FODS.chars().map(|c| u8::try_from(c).unwrap()).collect();
    assert_eq!(Sample::new("a.fods", latin).table(), flat, "whatever the encoding");
    let sample = Sample::new("a.fods", FODS);
    let analysis = sample.analyze().unwrap();
    let lines: Vec<u64> = halle_ingest::read(&sample.path(), &analysis, &analysis.columns)
        .unwrap()
        .map(|batch| batch.unwrap().first_line)
        .collect();
    assert_eq!(lines, [4], "rows have the number that the spreadsheet shows");
}

#[test]
fn cells_are_what_the_sheet_shows() {
    let rows = r#"<row r="2"><c t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c><c t="inlineStr"><is><t>texte</t></is></c></row>
        <row r="9"><c r="A9" s="1"><v>1004</v></c><c r="B9" t="str"><f>A1</f><v>hors en-tête</v></c><c r="C9" s="2"><v>44250.4359953704</v></c><c t="str"><v>a_x000A_b</v></c></row>
        <row><c s="1"><v>75056</v></c><c/><c t="e"><v>#N/A</v></c><c t="b"><v>1</v></c></row>"#;
    let sample = Sample::new("a.xlsx", workbook(rows));
    let analysis = sample.analyze().unwrap();
    assert_eq!(analysis.warnings[0].code, "missing-headers");
    let (columns, rows) = sample.table();
    assert_eq!(columns, "cp:text date:date-time texte:text");
    assert_eq!(rows, "01004 | 2021-02-23T10:27:50.000Z | a\nb\n75056 | - | true");
}

#[test]
fn broken_workbooks_are_refused_at_their_cell() {
    let row = |cell: &str| workbook(&format!("<row><c t=\"s\"><v>0</v></c></row><row>{cell}</row>"));
    refused("a.xlsx", row("<c r=\"A2\" t=\"s\"><v>9</v></c>"), &["feuille « Feuille », cellule A2", "n° 9"]);
    refused("a.xlsx", row("<c r=\"C2\"><v>douze</v></c>"), &["cellule C2", "« douze »"]);
    refused("a.xlsx", row("<c r=\"ZZZZ2\"><v>1</v></c>"), &["« Feuille »", "16384 colonnes"]);
    refused("a.xlsx", workbook("<row><c>"), &["« xl/worksheets/s.xml », octet"]);
    refused("a.xlsx", workbook(""), &["pas de colonne détectée"]);
    refused("a.xlsx", zipped(&[("a.txt", b"x")]), &["ce n'est pas un classeur Excel"]);
    refused("a.xlsx", b"code;nom", &["compressé est endommagé"]);
    refused("a.xls", b"code;nom", &["Excel 97"]);
    let cut = fixture("communes.xls");
    refused("a.xls", &cut[..1_500], &["classeur"]);
    refused("a.ods", zipped(&[("a.txt", b"x")]), &["aucune feuille"]);
    refused("a.fods", "<a></a>", &["aucune feuille"]);
    refused("a.fods", "<a><b></a>", &["le document, octet", "XML est incorrect"]);
}

#[test]
fn small_files_that_would_become_large_are_refused() {
    let cell =
        format!("<table-cell number-columns-repeated=\"9000\"><p>{}</p></table-cell>", "x".repeat(40_000));
    refused(
        "a.fods",
        format!("<a><table><table-row>{cell}</table-row></table></a>"),
        &["répétées dépassent 256 Mo"],
    );
    let row = format!(
        "<table-row number-rows-repeated=\"900000\"><table-cell><p>{}</p></table-cell></table-row>",
        "x".repeat(400)
    );
    refused("a.fods", format!("<a><table>{row}</table></a>"), &["répétées dépassent 256 Mo"]);
    let many = "<row><c t=\"inlineStr\"><is><t>".to_owned() + &"x".repeat(40 << 20) + "</t></is></c></row>";
    refused("a.xlsx", workbook(&many), &["décompressé"]);
}
