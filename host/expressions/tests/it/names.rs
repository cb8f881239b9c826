//! Columns and other names.

use halle_expressions::Program;
use serde_json::json;

use crate::check;

#[test]
fn keys_with_dots_are_columns_and_their_prefixes_objects() {
    let line = json!({ "_coords.lat": 48.5, "_coords.match.level": "ok", "a": 1, "max": 9 });
    check("_coords.lat + a", &line, "49.5");
    check("_coords.match.level", &line, "\"ok\"");
    check("_coords", &line, r#"{"lat":48.5,"match.level":"ok"}"#);
    check("GET(_coords, 'lat')", &line, "48.5");
    check("_coords.other", &line, "null");
    check("max(1, 2)", &line, "2");
}

#[test]
fn a_program_tells_what_it_reads_and_what_it_does_not_know() {
    let program = Program::compile("f(v) = v + a; w = 2; f(c) + w + z.b", &["a", "b", "c"]).unwrap();
    assert_eq!(program.columns(), [0, 2]);
    assert_eq!(program.unknown(), ["z"]);
    assert_eq!(program.text(), "f(v) = v + a; w = 2; f(c) + w + z.b");
}
