//! Bare tantivy: what an engineer would build with the library in a day, and its documentation open.
//!
//! Words are analysed as Halle analyses them (French: stop words, stems, no accents), values are fast fields, lines come
//! from the document store.

use std::ops::Bound;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tantivy::aggregation::AggregationCollector;
use tantivy::aggregation::agg_req::Aggregations;
use tantivy::collector::{Count, DocSetCollector, TopDocs};
use tantivy::query::{AllQuery, BooleanQuery, Occur, Query, RangeQuery, TermQuery};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter,
    TextAnalyzer,
};
use tantivy::{DateTime, DocAddress, Index, IndexWriter, Order, Searcher, TantivyDocument, Term};

use super::{CsvChunks, JsonChunks, Yardstick};
use crate::questions::{PAGE_LINES, Question, TERMS};
use crate::rows::{COLUMNS, Row};

/// Memory of the writer, in bytes, over its two threads: what tantivy's examples would give two threads.
const WRITER_BYTES: usize = 200_000_000;

const ANALYZER: &str = "french";

#[derive(Debug, Clone, Copy)]
struct Fields {
    /// In the order of [`COLUMNS`].
    columns: [Field; 12],
    /// Number of the line, for cursors.
    line: Field,
}

impl Fields {
    fn field(&self, name: &str) -> Result<Field> {
        let index = COLUMNS.iter().position(|column| *column == name).context("no such column")?;
        Ok(self.columns[index])
    }
}

/// The index, open.
pub struct Tantivy {
    fields: Fields,
    searcher: Searcher,
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let words = TextFieldIndexing::default()
        .set_tokenizer(ANALYZER)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let text = TextOptions::default().set_indexing_options(words).set_stored();
    let columns = COLUMNS.map(|name| match name {
        "title" | "description" => builder.add_text_field(name, text.clone()),
        "code" => builder.add_text_field(name, STRING | STORED),
        "category" | "city" => builder.add_text_field(name, STRING | FAST | STORED),
        "quantity" => builder.add_i64_field(name, INDEXED | FAST | STORED),
        "day" | "updated" => builder.add_date_field(name, INDEXED | FAST | STORED),
        "active" => builder.add_bool_field(name, INDEXED | FAST | STORED),
        _ => builder.add_f64_field(name, INDEXED | FAST | STORED),
    });
    let line = builder.add_u64_field("line", FAST);
    (builder.build(), Fields { columns, line })
}

fn document(fields: Fields, row: &Row, line: u64) -> TantivyDocument {
    let [code, title, description, category, city, amount, quantity, day, updated, active, lat, lon] =
        fields.columns;
    let mut document = TantivyDocument::default();
    document.add_text(code, &row.code);
    document.add_text(title, &row.title);
    document.add_text(description, &row.description);
    document.add_text(category, &row.category);
    document.add_text(city, &row.city);
    document.add_f64(amount, row.amount);
    document.add_i64(quantity, row.quantity);
    document.add_date(day, DateTime::from_timestamp_secs(i64::from(row.day) * 86_400));
    document.add_date(updated, DateTime::from_timestamp_secs(row.updated));
    document.add_bool(active, row.active);
    document.add_f64(lat, row.lat);
    document.add_f64(lon, row.lon);
    document.add_u64(fields.line, line);
    document
}

impl Tantivy {
    /// Indexes the file into an empty folder.
    pub fn load(csv: &Path, dir: &Path) -> Result<Self> {
        let (schema, fields) = schema();
        std::fs::create_dir_all(dir)?;
        let index = Index::create_in_dir(dir, schema)?;
        let stop_words = StopWordFilter::new(Language::French).context("no French stop words")?;
        let analyzer = TextAnalyzer::builder(SimpleTokenizer::default())
            .filter(RemoveLongFilter::limit(255))
            .filter(LowerCaser)
            .filter(stop_words)
            .filter(Stemmer::new(Language::French))
            .filter(AsciiFoldingFilter)
            .build();
        index.tokenizers().register(ANALYZER, analyzer);
        let mut writer: IndexWriter = index.writer_with_num_threads(2, WRITER_BYTES)?;
        let mut line = 0;
        super::read(csv, |row| {
            line += 1;
            writer.add_document(document(fields, &row, line))?;
            Ok(())
        })?;
        writer.commit()?;
        writer.wait_merging_threads()?;
        let searcher = index.reader()?.searcher();
        // Lets the last files of merged segments go, so that the size is that of the index.
        index.writer_with_num_threads::<TantivyDocument>(1, WRITER_BYTES)?.garbage_collect_files().wait()?;
        std::thread::sleep(Duration::from_millis(10));
        Ok(Self { fields, searcher })
    }

    fn text_query(&self, name: &str, text: &str) -> Result<Box<dyn Query>> {
        let term = Term::from_field_text(self.fields.field(name)?, text);
        Ok(Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)))
    }

    fn word_query(&self, words: &[&str]) -> Result<Box<dyn Query>> {
        let mut clauses = Vec::new();
        for word in words {
            clauses.push((Occur::Should, self.text_query("title", word)?));
            clauses.push((Occur::Should, self.text_query("description", word)?));
        }
        Ok(Box::new(BooleanQuery::new(clauses)))
    }

    fn between(&self, name: &str, from: f64, to: f64) -> Result<Box<dyn Query>> {
        let field = self.fields.field(name)?;
        let bound = |value| Bound::Included(Term::from_field_f64(field, value));
        Ok(Box::new(RangeQuery::new(bound(from), bound(to))))
    }

    /// The lines of an export, in their order.
    fn below(&self, below: i64) -> Result<Vec<DocAddress>> {
        let field = self.fields.field("quantity")?;
        let query = RangeQuery::new(Bound::Unbounded, Bound::Excluded(Term::from_field_i64(field, below)));
        let mut addresses: Vec<DocAddress> =
            self.searcher.search(&query, &DocSetCollector)?.into_iter().collect();
        addresses.sort_unstable();
        Ok(addresses)
    }

    fn line(&self, address: DocAddress) -> Result<Value> {
        let document: TantivyDocument = self.searcher.doc(address)?;
        let mut line = serde_json::Map::new();
        for (name, field) in COLUMNS.iter().zip(self.fields.columns) {
            if let Some(value) = document.get_first(field) {
                line.insert((*name).to_owned(), json_of(value));
            }
        }
        Ok(Value::Object(line))
    }

    fn page(&self, total: usize, addresses: impl Iterator<Item = DocAddress>) -> Result<Value> {
        let results = addresses.map(|address| self.line(address)).collect::<Result<Vec<_>>>()?;
        Ok(json!({ "total": total, "results": results }))
    }

    fn by_score(&self, query: &dyn Query) -> Result<Value> {
        let top = TopDocs::with_limit(PAGE_LINES).order_by_score();
        let (total, found) = self.searcher.search(query, &(Count, top))?;
        self.page(total, found.into_iter().map(|(_, address)| address))
    }

    fn by_amount(&self, query: &dyn Query, skip: usize) -> Result<Value> {
        let top = TopDocs::with_limit(PAGE_LINES).and_offset(skip);
        let top = top.order_by_fast_field::<f64>("amount", Order::Desc);
        let (total, found) = self.searcher.search(query, &(Count, top))?;
        self.page(total, found.into_iter().map(|(_, address)| address))
    }

    fn aggregate(&self, query: &dyn Query, wanted: Value) -> Result<Value> {
        let wanted: Aggregations = serde_json::from_value(wanted)?;
        let collector = AggregationCollector::from_aggs(wanted, Default::default());
        let (total, found) = self.searcher.search(query, &(Count, collector))?;
        Ok(json!({ "total": total, "aggs": found }))
    }
}

fn json_of<'a>(value: impl tantivy::schema::Value<'a>) -> Value {
    if let Some(text) = value.as_str() {
        return json!(text);
    }
    if let Some(number) = value.as_f64() {
        return json!(number);
    }
    if let Some(number) = value.as_i64() {
        return json!(number);
    }
    if let Some(truth) = value.as_bool() {
        return json!(truth);
    }
    value.as_datetime().map_or(Value::Null, |instant| json!(instant.into_timestamp_secs()))
}

impl Yardstick for Tantivy {
    fn answer(&self, question: &Question) -> Result<Vec<u8>> {
        let answer = match question {
            Question::Get { code } => self.by_score(&*self.text_query("code", code)?)?,
            Question::Word { word } => self.by_score(&*self.word_query(&[word])?)?,
            Question::Words { first, second, category } => {
                let words = self.word_query(&[first, second])?;
                let both = BooleanQuery::new(vec![
                    (Occur::Must, words),
                    (Occur::Must, self.text_query("category", category)?),
                ]);
                self.by_amount(&both, 0)?
            }
            Question::Terms { of } => {
                let metric = json!({ "metric": { "avg": { "field": of } } });
                let terms = json!({ "terms": { "field": "category", "size": TERMS }, "aggs": metric });
                self.aggregate(&AllQuery, json!({ "groups": terms }))?
            }
            Question::Histogram { category } => {
                // The library has no calendar intervals: thirty days stand for a month.
                let groups = json!({ "date_histogram": { "field": "day", "fixed_interval": "30d" } });
                self.aggregate(&*self.text_query("category", category)?, json!({ "groups": groups }))?
            }
            Question::Box([west, south, east, north]) => {
                let both = BooleanQuery::new(vec![
                    (Occur::Must, self.between("lon", *west, *east)?),
                    (Occur::Must, self.between("lat", *south, *north)?),
                ]);
                self.by_score(&both)?
            }
            Question::Distinct { active } => {
                let cities = json!({ "cities": { "cardinality": { "field": "city" } } });
                match active {
                    None => self.aggregate(&AllQuery, cities)?,
                    Some(active) => {
                        let term = Term::from_field_bool(self.fields.field("active")?, *active);
                        self.aggregate(&TermQuery::new(term, IndexRecordOption::Basic), cities)?
                    }
                }
            }
            Question::Page { skip } => self.by_amount(&AllQuery, *skip)?,
            Question::Next { amount, .. } => {
                // The library has no cursor: lines with the same amount as the last one come again.
                let below = self.between("amount", f64::MIN, *amount)?;
                self.by_amount(&*below, 0)?
            }
            Question::Grid { area: [west, south, east, north], depth } => {
                // The library has no geohashes: cells of the same size by two histograms.
                let side = f64::from(1_u32 << depth);
                let of = |field: &str, globe: f64| json!({ "histogram": { "field": field, "interval": globe / side, "min_doc_count": 1 } });
                let mut columns = of("lon", 360.0);
                columns["aggs"] = json!({ "rows": of("lat", 180.0) });
                let both = BooleanQuery::new(vec![
                    (Occur::Must, self.between("lon", *west, *east)?),
                    (Occur::Must, self.between("lat", *south, *north)?),
                ]);
                self.aggregate(&both, json!({ "columns": columns }))?
            }
            Question::Export { .. } => Value::Null,
        };
        Ok(serde_json::to_vec(&answer)?)
    }

    fn export_json(&self, below: i64, features: bool, send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()> {
        let mut json = JsonChunks::new(features, send);
        for address in self.below(below)? {
            let line = self.line(address)?;
            let at = |name: &str| line[name].as_f64().unwrap_or(0.0);
            if !json.line(&line, [at("lon"), at("lat")])? {
                return Ok(());
            }
        }
        json.end();
        Ok(())
    }

    fn export(&self, below: i64, send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()> {
        let mut csv = CsvChunks::new(send);
        for address in self.below(below)? {
            let document: TantivyDocument = self.searcher.doc(address)?;
            for field in self.fields.columns {
                match document.get_first(field).map(json_of) {
                    Some(Value::String(text)) => csv.text(&text),
                    Some(value) => csv.bare(value),
                    None => csv.bare(""),
                }
            }
            if !csv.end_line() {
                return Ok(());
            }
        }
        csv.flush();
        Ok(())
    }
}
