//! Random texts, random questions: what is kept once answers as two views that are kept apart, and as reading every text.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use halle_base::{Dice as _, SeededDice};
use halle_model::{Column, ColumnKind};
use halle_search::ast::TextView;
use halle_search::engine::WordsRequest;
use halle_search::{IndexId, IndexSpec, Query};

use super::Selection;
use crate::analysis::{self, Placed, View};
use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::part::Part;
use crate::snapshot::{Live, Snapshot};
use crate::{agg, builder};

const PARTS: usize = 5;
const ROWS: usize = 120;
const QUESTIONS: usize = 300;

/// Words whose accents, endings and stems meet in every way.
const WORDS: [&str; 44] = [
    "pêche",
    "péché",
    "pêcher",
    "Peche",
    "pêches",
    "bibliothèque",
    "bibliothèques",
    "BIBLIOTHEQUE",
    "même",
    "meme",
    "le",
    "La",
    "les",
    "à",
    "a",
    "lactée",
    "lacté",
    "lactee",
    "lacte",
    "lact",
    "côté",
    "cote",
    "côtes",
    "coté",
    "ville",
    "villes",
    "vill",
    "vil",
    "Lyon",
    "lyonnais",
    "lyonnaise",
    "l'avion",
    "d’été",
    "été",
    "ete",
    "42",
    "42e",
    "042",
    "e\u{301}cole",
    "école",
    "ecoles",
    "cœur",
    "coeurs",
    "mairie",
];

fn pick(dice: &SeededDice, end: usize) -> usize {
    (dice.roll() % end as u64) as usize
}

fn text(dice: &SeededDice, words_max: usize) -> String {
    let words: Vec<&str> = (0..pick(dice, words_max + 1)).map(|_| WORDS[pick(dice, WORDS.len())]).collect();
    words.join(" ")
}

/// The same texts in a column of both views, and in one of each.
fn spec() -> IndexSpec {
    let mut columns: Vec<Column> =
        ["both", "stems", "plain"].into_iter().map(|key| Column::new(key, ColumnKind::Text)).collect();
    columns[1].capabilities.text_standard = Some(false);
    columns[2].capabilities.text = Some(false);
    IndexSpec { columns, editable: false }
}

/// Parts on disk and in memory, some rows of each removed; and the text of every row.
fn world(dir: &Path, dice: &SeededDice) -> (Snapshot, Vec<Vec<String>>) {
    let spec = Arc::new(spec());
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for at in 0..PARTS {
        let of_part: Vec<String> = (0..ROWS).map(|_| text(dice, 9)).collect();
        let array = || Arc::new(of_part.iter().map(Some).collect::<StringArray>()) as ArrayRef;
        let batch = RecordBatch::try_from_iter(["both", "stems", "plain"].map(|key| (key, array()))).unwrap();
        let part = if at % 2 == 0 {
            builder::write(dir.join(at.to_string()), &spec, &[batch], 1).unwrap()
        } else {
            Part::in_memory(&spec, &[batch]).unwrap()
        };
        let deleted = (at > 0).then(|| Arc::new(Bits::of(ROWS, |_| pick(dice, 5) == 0)));
        parts.push(Live { part: Arc::new(part), deleted });
        texts.push(of_part);
    }
    (Snapshot::new(&IndexId("words".to_owned()), spec, parts), texts)
}

/// A question in the columns that are named.
type Asked = Box<dyn Fn(&[&str]) -> Query>;

/// Whether a text answers a question.
type Read = Box<dyn Fn(&str) -> bool>;

fn question(dice: &SeededDice) -> (Asked, Option<Read>) {
    let view = [TextView::Stemmed, TextView::Standard][pick(dice, 2)];
    let named = |columns: &[&str]| columns.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    let word = WORDS[pick(dice, WORDS.len())].to_owned();
    match pick(dice, 8) {
        0..3 => {
            let asked = word.clone();
            let ask =
                move |columns: &[&str]| Query::Word { columns: named(columns), word: asked.clone(), view };
            (Box::new(ask), Some(Box::new(move |text| has_phrase(text, &word, view))))
        }
        3 => {
            let distance = 1 + pick(dice, 2) as u8;
            (
                Box::new(move |columns| Query::FuzzyWord {
                    columns: named(columns),
                    word: word.clone(),
                    distance,
                }),
                None,
            )
        }
        4 => {
            let beginning: String = word.chars().take(1 + pick(dice, 4)).collect();
            let prefix = format!("{} {beginning}", text(dice, 1));
            let ask =
                move |columns: &[&str]| Query::WordPrefix { columns: named(columns), prefix: prefix.clone() };
            (Box::new(ask), None)
        }
        kind => {
            // Of three words and more, what tantivy calls near depends on which of them is rare.
            let slop = if kind == 5 { 1 + pick(dice, 3) as u32 } else { 0 };
            let words = format!("{word} {}", text(dice, if slop == 0 { 3 } else { 1 }));
            let asked = words.clone();
            let ask = move |columns: &[&str]| Query::Phrase {
                columns: named(columns),
                words: asked.clone(),
                slop,
                view,
            };
            let read = move |text: &str| has_phrase(text, &words, view);
            (Box::new(ask), (slop == 0).then(|| Box::new(read) as Read))
        }
    }
}

/// Whether a text has the words one after the other, found by reading it.
fn has_phrase(text: &str, phrase: &str, view: TextView) -> bool {
    let in_view = |view| {
        let (wanted, words) = (analysis::words(view, phrase), analysis::words(view, text));
        let Some((origin, _)) = wanted.first() else { return false };
        let has =
            |start: usize, (place, word): &Placed| words.contains(&(start + place - origin, word.clone()));
        words.iter().any(|(start, _)| wanted.iter().all(|word| has(*start, word)))
    };
    if view == TextView::Standard {
        return in_view(View::Standard);
    }
    // A stop word is asked nothing.
    !analysis::words(View::Stemmed, phrase).is_empty() && (in_view(View::Stemmed) || in_view(View::Standard))
}

fn hits(snapshot: &Snapshot, query: &Query, texts: &[Vec<String>]) -> Vec<(usize, usize)> {
    let (deadline, _waiting) = Deadline::start(None);
    let selection = Selection::new(snapshot, query, &deadline).unwrap();
    let mut found = Vec::new();
    for part in 0..texts.len() {
        let rows = selection.hits(part, false).unwrap().rows;
        let scored = selection.hits(part, true).unwrap();
        assert_eq!(scored.rows, rows, "{query:?}");
        let rows: Vec<u32> = rows.iter().map(|row| row as u32).collect();
        if let Some(scores) = scored.scores {
            let of_rows: Vec<f32> = rows.iter().map(|row| scores[*row as usize]).collect();
            assert!(of_rows.iter().all(|score| *score > 0.0), "{query:?}: {of_rows:?}");
            assert_eq!(selection.scores_of(part, &rows).unwrap(), of_rows, "{query:?}");
        }
        found.extend(rows.into_iter().map(|row| (part, row as usize)));
    }
    found
}

#[test]
fn words_that_are_kept_once_answer_as_two_views() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..2 {
        let dice = SeededDice::new(seed);
        let (snapshot, texts) = world(&dir.path().join(seed.to_string()), &dice);
        let mut matched = 0;
        for _ in 0..QUESTIONS {
            let (ask, read) = question(&dice);
            let found = hits(&snapshot, &ask(&["both"]), &texts);
            matched += found.len();
            assert_eq!(found, hits(&snapshot, &ask(&["stems", "plain"]), &texts), "{:?}", ask(&["both"]));
            let Some(read) = read else { continue };
            let is_left = |part: usize, row: usize| {
                snapshot.parts[part].deleted.as_ref().is_none_or(|deleted| !deleted.get(row))
            };
            let all = (0..PARTS).flat_map(|part| (0..ROWS).map(move |row| (part, row)));
            let expected: Vec<_> =
                all.filter(|(part, row)| is_left(*part, *row) && read(&texts[*part][*row])).collect();
            assert_eq!(found, expected, "{:?}", ask(&["both"]));
        }
        assert!(matched > 10 * QUESTIONS, "{matched} matches: the questions ask for nothing");
    }
}

#[test]
fn a_column_without_a_view_is_not_asked_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let (snapshot, texts) = world(dir.path(), &SeededDice::new(7));
    let word = |column: &str, word: &str, view| {
        let query = Query::Word { columns: vec![column.to_owned()], word: word.to_owned(), view };
        hits(&snapshot, &query, &texts).len()
    };
    assert_eq!(word("stems", "ville", TextView::Standard), 0);
    assert!(word("plain", "villes", TextView::Stemmed) < word("stems", "villes", TextView::Stemmed));
    assert_eq!(word("plain", "villes", TextView::Standard), word("both", "villes", TextView::Standard));
}

#[test]
fn stems_are_counted_as_where_they_are_kept_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (snapshot, _) = world(dir.path(), &SeededDice::new(11));
    let (deadline, _waiting) = Deadline::start(None);
    for (query, significant) in [(Query::All, false), (word_of("lyon"), false), (word_of("pêche"), true)] {
        let words = |column: &str| {
            let query = query.clone();
            let request = WordsRequest { query, column: column.to_owned(), size: 100, significant };
            let words = agg::words(&snapshot, &request, &deadline).unwrap().words;
            words.into_iter().map(|word| (word.word, word.total)).collect::<BTreeMap<_, _>>()
        };
        let found = words("both");
        assert!(found.len() > 4, "{found:?}");
        assert_eq!(found, words("stems"), "{query:?}");
    }
}

fn word_of(word: &str) -> Query {
    Query::Word { columns: vec!["both".to_owned()], word: word.to_owned(), view: TextView::Stemmed }
}

/// Of texts that say a word as often, those that write it as it is asked come first, then those that have any form of it; how
/// often they have it counts over all forms together.
#[test]
fn forms_of_a_word_count_together() {
    let texts = [
        "une ville grise",
        "des villes grises",
        "ville villes grises",
        "villes ville grise",
        "villes villes grise",
    ];
    let array = || Arc::new(StringArray::from_iter_values(texts)) as ArrayRef;
    let batch = RecordBatch::try_from_iter(["both", "stems", "plain"].map(|key| (key, array()))).unwrap();
    let spec = Arc::new(spec());
    let part = Arc::new(Part::in_memory(&spec, &[batch]).unwrap());
    let snapshot = Snapshot::new(&IndexId("forms".to_owned()), spec, vec![Live { part, deleted: None }]);
    let (deadline, _waiting) = Deadline::start(None);
    let selection = Selection::new(&snapshot, &word_of("ville"), &deadline).unwrap();
    let scores = selection.hits(0, true).unwrap().scores.unwrap();
    assert!(scores[0] > scores[1], "the form that is asked: {:?}", &*scores);
    assert!(scores[2] > scores[0], "twice rather than once: {:?}", &*scores);
    assert_eq!(scores[2].to_bits(), scores[3].to_bits(), "whichever comes first: {:?}", &*scores);
    assert!(scores[2] > scores[4], "the form that is asked, among others: {:?}", &*scores);
}
