//! Whatever is written in a known way is read back as it was.

use proptest::prelude::*;

use crate::{Sample, kinds};

/// Cells with everything that is hard: separators, quotes, line breaks, accents. A letter in front keeps them text.
fn cell() -> impl Strategy<Value = String> {
    "x[a-zéèÉ€ ,;|'\"\n\t0-9]{0,12}[a-z]"
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quoted_cells_survive_any_dialect(
        rows in prop::collection::vec(prop::collection::vec(cell(), 3), 1..20),
        separator in prop::sample::select(vec![',', ';', '\t', '|']),
        end in prop::sample::select(vec!["\n", "\r\n"]),
        has_mark in any::<bool>(),
    ) {
        let join = |cells: Vec<String>| cells.join(&separator.to_string()) + end;
        let header = join(["a", "b", "c"].map(quoted).to_vec());
        let body: String = rows.iter().map(|row| join(row.iter().map(|cell| quoted(cell)).collect())).collect();
        let mark = if has_mark { "\u{feff}" } else { "" };
        let sample = Sample::new("a.csv", format!("{mark}{header}{body}"));
        let analysis = sample.analyze().unwrap();
        prop_assert_eq!(analysis.dialect.as_ref().unwrap().fields_delimiter, separator);
        prop_assert_eq!(kinds(&analysis.columns), "a:text b:text c:text");
        let expected: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
        prop_assert_eq!(sample.rows(&analysis, &analysis.columns).0, expected.join("\n"));
    }

    #[test]
    fn whole_numbers_survive_however_they_are_spaced(numbers in prop::collection::vec(2..1_000_000_000_i64, 1..30)) {
        let spaced = |n: &i64| {
            let digits = n.to_string();
            let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap()).collect();
            groups.join("\u{202f}")
        };
        let body: Vec<String> = numbers.iter().map(spaced).collect();
        let sample = Sample::new("a.csv", format!("nom;n\nx;{}\n", body.join("\nx;")));
        let analysis = sample.analyze().unwrap();
        prop_assert_eq!(kinds(&analysis.columns), "nom:text n:integer");
        let expected: Vec<String> = numbers.iter().map(|n| format!("x | {n}")).collect();
        prop_assert_eq!(sample.rows(&analysis, &analysis.columns).0, expected.join("\n"));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), name in "a\\.(csv|csv\\.gz|zip)") {
        let sample = Sample::new(&name, bytes);
        if let Ok(analysis) = sample.analyze() {
            let (_, problems) = sample.rows(&analysis, &analysis.columns);
            prop_assert_eq!(problems, [], "what the analysis decided fits every value");
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "([ab;,\"'\n\r 0-9/:]|é){0,200}") {
        let sample = Sample::new("a.csv", text);
        if let Ok(analysis) = sample.analyze() {
            let (_, problems) = sample.rows(&analysis, &analysis.columns);
            prop_assert_eq!(problems, [], "what the analysis decided fits every value");
        }
    }
}
