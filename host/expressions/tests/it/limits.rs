//! No expression can loop, blow the stack or fill the memory.

use halle_expressions::EXPRESSION_BYTES_MAX;
use proptest::prelude::*;
use serde_json::json;

use crate::evaluate;

fn refused(text: &str, expected: &str) {
    let line = json!({ "s": "x".repeat(1 << 20), "a": 1 });
    let error = evaluate(text, &line).unwrap_err();
    assert!(error.contains(expected), "{}: {error}", &text[..text.len().min(80)]);
}

#[test]
fn texts_and_nesting_are_bounded() {
    refused(&"1+".repeat(EXPRESSION_BYTES_MAX), "l'expression dépasse 20000 octets");
    for (open, close) in
        [("(", ")"), ("[", "]"), ("-", ""), ("2^", ""), ("max(", ")"), ("a ? a ? 1 : ", ": 1"), ("a = ", "")]
    {
        let text = format!("{}1{}", open.repeat(1_000), close.repeat(1_000));
        refused(&text, "plus de 48 niveaux imbriqués");
    }
    refused(&format!("3{}", "!".repeat(5_000)), "plus de 48 factorielles de suite");
}

#[test]
fn long_chains_are_not_deep() {
    let line = json!({ "a": 1 });
    for text in [
        format!("1{}", "+1".repeat(5_000)),
        format!("{}5", "a==2 ? 3 : ".repeat(1_500)),
        format!("a{}", " and a".repeat(2_000)),
        format!("a{}", "; a".repeat(5_000)),
        format!("[[1]]{}", "[0]".repeat(5_000)),
        format!("[1{}]", ",1".repeat(5_000)),
    ] {
        let result = evaluate(&text, &line);
        assert!(
            result.as_ref().is_ok_and(|_| true) || text.starts_with("[[1]]"),
            "{}: {result:?}",
            &text[..20]
        );
    }
}

#[test]
fn evaluations_end() {
    refused("f(v) = f(v); f(1)", "calculs imbriqués");
    refused("f(v) = v > 0 ? f(v - 1) : 0; f(1000)", "calculs imbriqués");
    let items = vec!["1"; 600].join(",");
    refused(&format!("l = [{items}]; map(f(v) = map(g(w) = w + v, l), l)"), "étapes de calcul");
    refused("l = SPLIT(s, ''); map(f(v) = v, l)", "Mo");
}

#[test]
fn values_are_bounded() {
    refused("t = s || s; t = t || t; t = t || t; t = t || t; t", "Mo");
    refused("PAD_LEFT('a', 1e9, 'b')", "Mo");
    refused("REPLACE(s, 'x', s)", "Mo");
    refused(&format!("l = [1,1]; {} l || ''", "l = [l,l,l,l];".repeat(40)), "Mo");
    refused(&format!("l = [1]; {} MD5(l)", "l = [l,l];".repeat(60)), "Mo");
    refused(&format!("l = 1; {} l", "l = [l];".repeat(100)), "plus de 64 niveaux");
    refused(&format!("JSON_PARSE('{}')", "[".repeat(200)), "JSON");
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "s",
        "n",
        "1",
        "2.5",
        "\"x\"",
        "'é'",
        "(",
        ")",
        "[",
        "]",
        ",",
        ";",
        "+",
        "-",
        "*",
        "/",
        "^",
        "!",
        "?",
        ":",
        ".",
        "=",
        "==",
        "<",
        "||",
        " and ",
        " or ",
        " not ",
        " in ",
        " sqrt ",
        " length ",
        "f(v)=",
        "f(",
        "map(",
        "fold(",
        "join(",
        "CONCAT(",
        "SUBSTRING(",
        "TRANSFORM_DATE(",
        "JSON_PARSE(",
        "PAD_LEFT(",
        "\\",
        "\"",
        "'",
        "é",
        "$",
        "0x",
        "1e",
        "/*",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        let _ = evaluate(&text, &json!({ "a": 1 }));
    }

    #[test]
    fn no_pieces_make_it_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        let _ = evaluate(&pieces.concat(), &json!({ "a": 1, "s": "héllo", "n": null }));
    }

    #[test]
    fn what_is_evaluated_twice_is_the_same(pieces in prop::collection::vec(piece(), 0..12)) {
        let line = json!({ "a": 1, "s": "héllo", "n": null });
        let (first, second) = (evaluate(&pieces.concat(), &line), evaluate(&pieces.concat(), &line));
        prop_assert_eq!(first.map(|value| value.to_json()), second.map(|value| value.to_json()));
    }
}
