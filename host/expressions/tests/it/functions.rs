//! Data Fair's own functions (reference §6.3).

use serde_json::json;

use crate::check;

#[test]
fn texts_are_transformed() {
    let line = json!({ "s": "l'Été  À la-mer", "n": null, "i": 12, "u": "_Abc dEf!!" });
    for (text, expected) in [
        ("CONCAT(s, n, i, true)", r#""l'Été  À la-mer12true""#),
        ("CONCATENATE('a', [1, 2])", r#""a1,2""#),
        ("UPPER(s)", r#""L'ÉTÉ  À LA-MER""#),
        ("LOWER(u)", r#""_abc def!!""#),
        ("TITLE(s)", r#""L'été  À La-Mer""#),
        ("PHRASE('ÉTÉ INDIEN')", r#""Été indien""#),
        ("UPPER(i)", "12"),
        ("UPPER(n)", "null"),
        ("TRIM('  déjà  vu--ok! ')", r#""d j vu ok ""#),
        ("SLUG(s)", r#""lete-a-la-mer""#),
        ("SLUG('L\\'Été à  la mer & co', '_')", r#""lete_a_la_mer_and_co""#),
        ("SUBSTRING(u, 1, 3)", r#""Abc""#),
        ("SUBSTRING('été', 1)", r#""té""#),
        ("SUBSTRING('abc', 5, 2)", r#""""#),
        ("EXTRACT('a (b) c', '(', ')')", r#""b""#),
        ("EXTRACT('a (b) c', '', ' ')", r#""a""#),
        ("EXTRACT('a (b) c', ') ', '')", r#""c""#),
        ("EXTRACT('abc', '(', ')')", "null"),
        ("REPLACE('a-b-c', '-', '+')", r#""a+b+c""#),
        ("PAD_LEFT('7', 3, '0')", r#""007""#),
        ("PAD_RIGHT('ab', 5, 'xy')", r#""abxyx""#),
        ("PAD_LEFT('1234', 3, '0')", r#""1234""#),
        ("STRPOS('héllo', 'l')", "2"),
        ("STRPOS('abc', 'z')", "-1"),
        ("MD5('abc')", r#""900150983cd24fb0d6963f7d28e17f72""#),
        ("MD5('a', 1) == MD5('a', 1)", "true"),
        ("MD5(1)", r#""c4ca4238a0b923820dcc509a6f75849b""#),
        ("MD5('a', 1)", r#""c91077de7bbbad450e29378b949f291c""#),
    ] {
        check(text, &line, expected);
    }
}

#[test]
fn lists_and_objects_are_looked_into() {
    let line = json!({ "n": null, "i": 12 });
    for (text, expected) in [
        ("SPLIT('a;b;;c', ';')", r#"["a","b","","c"]"#),
        ("SPLIT(n, ';')", "[]"),
        ("SPLIT('héo', '')", r#"["h","é","o"]"#),
        ("JOIN([1, n, 'x'])", r#""1,,x""#),
        ("JOIN(['a', 'b'], ' - ')", r#""a - b""#),
        ("SUM(1, n, '3', 2.5)", "3.5"),
        ("SUM()", "0"),
        ("AVG(1, n, 2)", "1.5"),
        ("AVERAGE(n, 'x')", "null"),
        ("[TRUTHY(0), TRUTHY('a'), DEFINED(n), DEFINED('')]", "[false,true,false,true]"),
        ("GET(JSON_PARSE('{\"a\": {\"b\": [1, 2]}}'), 'a')", r#"{"b":[1,2]}"#),
        ("GET(GET(JSON_PARSE('{\"a\": [1, 2]}'), 'a'), 1)", "2"),
        ("GET(n, 'a', 'rien')", r#""rien""#),
        ("GET(JSON_PARSE('{}'), 'a')", "null"),
    ] {
        check(text, &line, expected);
    }
}

#[test]
fn dates_are_transformed() {
    let line = json!({ "d": "31/12/2024", "vide": "", "n": null });
    for (text, expected) in [
        ("TRANSFORM_DATE(d, 'DD/MM/YYYY', 'YYYY-MM-DD')", r#""2024-12-31""#),
        ("TRANSFORM_DATE(d, 'DD/MM/YYYY')", r#""2024-12-31T00:00:00+01:00""#),
        ("TRANSFORM_DATE(d, 'DD/MM/YYYY', 'x', 'UTC')", "1735603200000"),
        ("TRANSFORM_DATE(1614034800, 'X', '', '', 'UTC')", r#""2021-02-22T23:00:00+00:00""#),
        ("TRANSFORM_DATE('2021-02-23T10:27:50Z', '', 'HH:mm')", r#""11:27""#),
        ("TRANSFORM_DATE(vide, 'DD', 'DD')", r#""""#),
        ("TRANSFORM_DATE(n)", "null"),
        (
            "TRANSFORM_DATE('demain', 'DD/MM/YYYY')",
            "TRANSFORM_DATE : \"demain\" n'est pas une date au format DD/MM/YYYY [1:15]",
        ),
        (
            "TRANSFORM_DATE(d, 'DD/MM/YYYY', '', 'Lune')",
            "TRANSFORM_DATE : le fuseau horaire \"Lune\" n'existe pas [1:15]",
        ),
    ] {
        check(text, &line, expected);
    }
}
