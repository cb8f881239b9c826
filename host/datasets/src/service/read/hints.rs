//! Advice about a question, in English as the reference gives it: `meta.hints`.

use halle_search::params::{LinesParams, Params};
use jiff::SignedDuration;

/// Time after which a question is worth advice on how to ask it better.
const SLOW: SignedDuration = SignedDuration::from_secs(1);

/// Columns of an answer beyond which naming those that are needed helps.
const MANY_COLUMNS: usize = 20;

/// Page beyond which following `next` is better.
const DEEP_PAGE: usize = 10;

/// What can be said of the question. `hint=false` silences everything; `hint=true` gives the advice for slow questions to
/// quick ones too.
pub(super) fn of(params: &Params, asked: &LinesParams, took: SignedDuration) -> Vec<String> {
    let wanted = params.get("hint");
    if wanted == Some("false") {
        return Vec::new();
    }
    let mut hints = Vec::new();
    let ignored = params.ignored(LinesParams::KNOWN);
    if !ignored.is_empty() {
        hints.push(format!("These query parameters are not known and were ignored: {}.", ignored.join(", ")));
    }
    if wanted == Some("true") || took >= SLOW {
        hints.extend(performance(asked));
    }
    hints
}

fn performance(asked: &LinesParams) -> Vec<String> {
    let mut hints = Vec::new();
    if asked.selected.is_none() && asked.select.len() > MANY_COLUMNS {
        let columns = asked.select.len();
        hints.push(format!("Each line has {columns} columns: name those that you need with \"select\"."));
    }
    if asked.count {
        hints.push("Counting takes time: send \"count=false\" if you do not need the total.".to_owned());
    }
    if asked.after.is_none() && asked.page > DEEP_PAGE {
        hints.push("Deep pages cost more and more: follow \"next\" instead of counting pages.".to_owned());
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use halle_model::{Column, ColumnKind};
    use halle_search::params::Fields;

    fn hints(pairs: &[(&str, &str)], seconds: i64) -> Vec<String> {
        let columns: Vec<Column> =
            (0..30).map(|number| Column::new(format!("c{number}"), ColumnKind::Text)).collect();
        let params = Params::new(pairs.iter().copied()).unwrap();
        let asked = LinesParams::parse(&params, &Fields::new(&columns, false)).unwrap();
        of(&params, &asked, SignedDuration::from_secs(seconds))
    }

    #[test]
    fn slow_questions_get_advice_and_quick_ones_when_they_ask() {
        assert!(hints(&[], 0).is_empty());
        let advice = [
            "Each line has 30 columns: name those that you need with \"select\".",
            "Counting takes time: send \"count=false\" if you do not need the total.",
        ];
        assert_eq!(hints(&[], 2), advice);
        assert_eq!(hints(&[("hint", "true")], 0), advice);
        assert!(hints(&[("hint", "false"), ("rows", "1")], 2).is_empty());
        let deep = hints(&[("page", "11"), ("select", "c1"), ("count", "false")], 2);
        assert_eq!(deep, ["Deep pages cost more and more: follow \"next\" instead of counting pages."]);
    }

    #[test]
    fn what_was_ignored_is_always_told() {
        let expect = ["These query parameters are not known and were ignored: rows."];
        assert_eq!(hints(&[("rows", "1"), ("size", "2")], 0), expect);
    }
}
