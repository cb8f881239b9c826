//! Several indexes as one.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::TryStreamExt as _;
use halle_base::{Dice as _, SeededDice};
use halle_model::ColumnKind;
use serde_json::Value;

use super::table::{Cell, Table, ask, batch, numbers_sorted, request};
use super::{naive, random};
use crate::ast::{Operand, SortBy, TextView};
use crate::engine::{Index, LinesRequest, ScanRequest, SearchEngine, UnionMember};
use crate::{IndexId, IndexSpec, Query, SortKey};

const QUESTIONS: usize = 25;

fn member(index: &str, table: &Table, filter: Query) -> UnionMember {
    let columns = table.columns.iter().map(|column| column.key.clone()).collect();
    UnionMember { index: IndexId(index.to_owned()), name: index.to_owned(), columns, filter }
}

/// The lines that a union should have: as one table, with the number of each line in its own index.
struct World {
    table: Table,
    lines: Vec<i64>,
    index: Arc<dyn Index>,
}

/// Three indexes of random rows, each with a filter on a column that the union does not have, one without a column that
/// the others give, one edited.
async fn world(engine: &dyn SearchEngine, name: &str, dice: &SeededDice) -> World {
    let mut shown = random::COLUMNS.to_vec();
    shown.push(("nr", ColumnKind::Integer));
    let mut union = Table::new(&shown);
    let (mut lines, mut members) = (Vec::new(), Vec::new());
    for place in 0..3_usize {
        let own = [&[("secret", ColumnKind::Integer)], &shown[..]].concat();
        let edited = [("_id", ColumnKind::Text), ("_i", ColumnKind::Integer)];
        let own = if place == 2 { [&own[..], &edited].concat() } else { own };
        let mut table = Table { editable: place == 2, ..Table::new(&own) };
        let filter = random::query(dice, 1);
        let secret = Query::In { column: "secret".to_owned(), values: vec![Operand::Integer(1)] };
        let filter = Query::And(vec![filter, Query::Not(Box::new(secret))]);
        let hidden = ["num", "text", ""][place];
        for line in 1..=150 {
            let mut cells = vec![((dice.roll() % 3) as i64).into()];
            cells.extend(random::COLUMNS.iter().map(|(key, _)| random::cell(dice, key)));
            cells.push((line * 10 + place as i64).into());
            if place == 2 {
                cells.extend([Cell::Text(format!("row{line}")), line.into()]);
            }
            if naive::matches(&table, &cells, &filter) {
                let cell = |(key, _): &(&str, ColumnKind)| {
                    if *key == hidden { Cell::None } else { cells[table.index(key)].clone() }
                };
                union.rows.push(shown.iter().map(cell).collect());
                lines.push(line);
            }
            table.rows.push(cells);
        }
        let index = format!("{name}-{place}");
        super::build(engine, &index, &table).await;
        let mut member = member(&index, &union, filter);
        member.columns.retain(|key| key != hidden);
        members.push(member);
    }
    let index = engine.open_union(union.spec(), members).await.expect(name);
    assert_eq!(index.rows(), lines.len() as u64, "{name}");
    World { table: union, lines, index }
}

fn ids(lines: &[bytes::Bytes]) -> Vec<i64> {
    let number = |line: &bytes::Bytes| {
        let line: Value = serde_json::from_slice(line).expect("JSON");
        line["nr"].as_i64().expect("a number")
    };
    lines.iter().map(number).collect()
}

pub(super) async fn pages_agree_with_plain_loops(engine: &dyn SearchEngine, seed: u64) {
    let dice = SeededDice::new(seed + 2_000);
    let world = world(engine, &format!("union-pages-{seed}"), &dice).await;
    let table = &world.table;
    for _ in 0..QUESTIONS {
        let (query, sort) = (random::query(&dice, 3), random::sort(&dice));
        let told = format!("{query:?} {sort:?}");
        let wanted: BTreeSet<i64> = table
            .rows
            .iter()
            .filter(|row| naive::matches(table, row, &query))
            .map(|row| number(table, row))
            .collect();
        let whole = LinesRequest { sort: sort.clone(), ..request(&*world.index, query.clone()) };
        let page = world.index.lines(whole.clone()).await.expect(&told);
        let order = ids(&page.lines);
        assert_eq!(page.total, Some(wanted.len() as u64), "{told}");
        assert_eq!(order.len(), wanted.len(), "no line twice: {told}");
        assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), wanted, "{told}");
        check_order(&world, &order, &sort, &told);

        let (skip, size) = ((dice.roll() % 40) as usize, (dice.roll() % 60) as usize + 1);
        let page = world.index.lines(LinesRequest { skip, size, ..whole.clone() }).await.expect(&told);
        assert_eq!(
            ids(&page.lines),
            order.iter().copied().skip(skip).take(size).collect::<Vec<_>>(),
            "{told}"
        );
        assert_eq!(follow(&*world.index, LinesRequest { size, ..whole }, &told).await, order, "{told}");

        let scan = ScanRequest { query, sort: sort.clone(), select: vec!["nr".to_owned()], limit: None };
        let batches = world.index.scan(scan).await.expect(&told);
        let batches: Vec<_> = batches.try_collect().await.expect(&told);
        let scanned = batches.iter().flat_map(|batch| {
            arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.column(0))
                .values()
                .to_vec()
        });
        let scanned: Vec<i64> = scanned.collect();
        if sort.is_empty() {
            // Not by line number, one member after the other: an export need not hold all lines.
            assert_eq!(scanned.len(), order.len(), "{told}");
            assert_eq!(scanned.iter().copied().collect::<BTreeSet<_>>(), wanted, "{told}");
        } else {
            assert_eq!(scanned, order, "by scan: {told}");
        }
    }
}

fn number(table: &Table, row: &[Cell]) -> i64 {
    match row[table.index("nr")] {
        Cell::Integer(number) => number,
        _ => panic!("every row has a number"),
    }
}

/// Each line comes after the one before, by the keys and then by `_i`.
fn check_order(world: &World, order: &[i64], sort: &[SortKey], told: &str) {
    let place = |nr: &i64| {
        let found = world.table.rows.iter().position(|row| number(&world.table, row) == *nr);
        found.expect("a row of the union")
    };
    for pair in order.windows(2) {
        let (a, b) = (place(&pair[0]), place(&pair[1]));
        let found = random::compare(&world.table, (&world.table.rows[a], &world.table.rows[b]), sort);
        let found = found.then(world.lines[a].cmp(&world.lines[b]));
        assert!(found.is_le(), "{pair:?} out of order: {told}");
    }
}

/// Reads page after page by cursor, which goes through JSON as it does for clients.
async fn follow(index: &dyn Index, mut request: LinesRequest, told: &str) -> Vec<i64> {
    let keys = request.sort.len();
    let mut found = Vec::new();
    loop {
        let page = index.lines(request.clone()).await.expect(told);
        found.extend(ids(&page.lines));
        let Some(next) = page.next else { return found };
        assert!(next.len() == keys + 2, "the keys, `_i`, and what tells its lines apart: {next:?}");
        let text = serde_json::to_string(&next).expect("JSON");
        request.after = Some(serde_json::from_str(&text).expect("JSON"));
        assert!(found.len() <= 450, "a cursor goes round in circles: {told}");
    }
}

pub(super) async fn groups_agree_with_plain_loops(engine: &dyn SearchEngine, seed: u64) {
    let dice = SeededDice::new(seed + 3_000);
    let world = world(engine, &format!("union-groups-{seed}"), &dice).await;
    for _ in 0..QUESTIONS {
        random::check_groups(&*world.index, &world.table, &dice).await;
    }
    let summary = world.index.summary().await.expect("summary");
    assert_eq!(summary.rows, world.table.rows.len() as u64);
    for column in &summary.columns {
        let at = world.table.index(&column.key);
        let filled = world.table.rows.iter().filter(|row| row[at] != Cell::None).count();
        assert_eq!(column.filled, filled as u64, "{}: lines left out are not counted", column.key);
    }
}

pub(super) async fn identifiers_are_unique_and_find_their_line(engine: &dyn SearchEngine) {
    let columns = [("_id", ColumnKind::Text), ("_i", ColumnKind::Integer), ("text", ColumnKind::Text)];
    let mut members = Vec::new();
    for name in ["union-ids-a", "union-ids-b"] {
        let row = |id: &str, line: i64| vec![id.into(), line.into(), format!("{name} {id}").as_str().into()];
        let table = Table { editable: true, ..Table::new(&columns) }.row(row("x", 1)).row(row("y", 2));
        super::build(engine, name, &table).await;
        members.push(member(name, &Table::of_texts(&[]), Query::All));
    }
    let table = Table::of_texts(&["file 1", "file 2"]);
    super::build(engine, "union-ids-file", &table).await;
    members.push(member("union-ids-file", &table, Query::All));
    let union = engine.open_union(table.spec(), members.clone()).await.expect("open");
    let mut all = request(&*union, Query::All);
    all.fields.id = true;
    let lines = ask(&*union, all.clone()).await;
    let ids: BTreeSet<&str> = lines.iter().filter_map(|line| line["_id"].as_str()).collect();
    assert_eq!(ids.len(), 6, "{lines:?}");
    for line in &lines {
        let id = line["_id"].as_str().expect("text");
        let found = union.line(id).await.expect("line").expect("a line");
        let found: Value = serde_json::from_slice(&found).expect("JSON");
        assert_eq!(found["text"], line["text"]);
        let query = Query::In { column: "_id".to_owned(), values: vec![Operand::Text(id.to_owned())] };
        assert_eq!(ask(&*union, request(&*union, query)).await.len(), 1, "{id}");
    }
    assert_eq!(union.line("x").await.expect("line"), None, "a member's own identifier is not the union's");

    // A change of a member is seen by who opens the union afterwards, and leaves the other identifiers as they were.
    let changed = engine.open(&IndexId("union-ids-a".to_owned())).await.expect("open");
    let added = batch(&changed.spec().columns, &[vec!["z".into(), 3.into(), "nouveau".into()]]);
    changed.apply(vec!["x".to_owned()], Some(added)).await.expect("apply");
    assert_eq!(union.rows(), 6, "a reader keeps its version");
    let later = engine.open_union(table.spec(), members).await.expect("open");
    let lines = ask(&*later, all).await;
    let kept = lines.iter().filter_map(|line| line["_id"].as_str()).filter(|id| ids.contains(id)).count();
    assert_eq!((lines.len(), kept), (6, 5));
    let added = later.apply(vec!["x".to_owned()], None).await;
    assert!(added.is_err(), "a union is not edited");
}

pub(super) async fn words_score_as_in_one_index(engine: &dyn SearchEngine) {
    let texts = [
        "un marché",
        "des marchés couverts",
        "le marché aux fleurs du marché",
        "rien",
        "marché noir",
        "fleurs",
    ];
    let whole = super::build(engine, "union-words", &Table::of_texts(&texts)).await;
    let (first, second) = (Table::of_texts(&texts[..2]), Table::of_texts(&texts[2..]));
    // The same column under another number, after one that the union does not have.
    let mut shifted = Table::new(&[("other", ColumnKind::Text), ("text", ColumnKind::Text)]);
    for row in &second.rows {
        shifted.rows.push(vec!["sans importance".into(), row[0].clone()]);
    }
    super::build(engine, "union-words-a", &first).await;
    super::build(engine, "union-words-b", &shifted).await;
    let members =
        vec![member("union-words-a", &first, Query::All), member("union-words-b", &first, Query::All)];
    let union = engine.open_union(first.spec(), members).await.expect("open");
    let word =
        |word: &str| Query::Word { columns: Vec::new(), word: word.to_owned(), view: TextView::Stemmed };
    let phrase = Query::Phrase {
        columns: Vec::new(),
        words: "marché fleurs".to_owned(),
        slop: 1,
        view: TextView::Stemmed,
    };
    let prefix = Query::WordPrefix { columns: Vec::new(), prefix: "mar".to_owned() };
    for query in [word("marché"), word("fleurs"), phrase, prefix, word("importance")] {
        let scores = |lines: Vec<serde_json::Map<String, Value>>| -> BTreeSet<String> {
            lines.iter().map(|line| format!("{} {}", line["text"], line["_score"])).collect()
        };
        let found = scores(ask(&*union, request(&*union, query.clone())).await);
        assert_eq!(found, scores(ask(&*whole, request(&*whole, query.clone())).await), "{query:?}");
    }
}

pub(super) async fn a_view_that_a_member_lacks_is_read_from_its_texts(engine: &dyn SearchEngine) {
    let words = Table::of_texts(&["Saint-Étienne", "Saint-Malo"]);
    let mut codes = Table::of_texts(&["saint-etienne", "Étienne"]);
    let able = &mut codes.columns[0].capabilities;
    (able.text, able.text_standard) = (Some(false), Some(false));
    super::build(engine, "union-views-a", &words).await;
    super::build(engine, "union-views-b", &codes).await;
    let members =
        vec![member("union-views-a", &words, Query::All), member("union-views-b", &codes, Query::All)];
    let union = engine.open_union(codes.spec(), members).await.expect("open");
    let word =
        Query::Word { columns: Vec::new(), word: "Saint-Etienne".to_owned(), view: TextView::Standard };
    let found = ask(&*union, request(&*union, word)).await;
    let texts: BTreeSet<&str> = found.iter().filter_map(|line| line["text"].as_str()).collect();
    assert_eq!(texts, BTreeSet::from(["Saint-Étienne", "saint-etienne"]));
}

pub(super) async fn places_are_hidden_with_their_columns(engine: &dyn SearchEngine) {
    let place = "http://www.w3.org/2003/01/geo/wgs84_pos#lat_long";
    let columns = [("nr", ColumnKind::Integer), ("place", ColumnKind::Text)];
    let table = Table::new(&columns).concept("place", place).row(vec![1.into(), "48.1,-1.6".into()]);
    let plain = Table::new(&columns[..1]).row(vec![2.into()]);
    super::build(engine, "union-places-a", &table).await;
    super::build(engine, "union-places-b", &plain).await;
    let members =
        || vec![member("union-places-a", &table, Query::All), member("union-places-b", &plain, Query::All)];
    let area = Query::Box([-2.0, 47.0, 0.0, 49.0]);
    let union = engine.open_union(table.spec(), members()).await.expect("open");
    assert_eq!(ask(&*union, request(&*union, area.clone())).await.len(), 1);
    let near = SortKey { by: SortBy::Distance { lon: -1.6, lat: 48.0 }, descending: false };
    let sorted = numbers_sorted(&*union, Query::All, vec![near]).await;
    assert_eq!(sorted.len(), 2, "lines without a place come last");
    assert!(union.bbox(Query::All).await.expect("bbox").is_some());

    let hiding = IndexSpec { columns: plain.columns.clone(), editable: false };
    let mut hidden = members();
    hidden[0].columns.retain(|key| key == "nr");
    let union = engine.open_union(hiding, hidden).await.expect("open");
    assert_eq!(ask(&*union, request(&*union, area)).await.len(), 0);
    assert_eq!(union.bbox(Query::All).await.expect("bbox"), None);
}
