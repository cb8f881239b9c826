//! Plain loops over columns in memory: what the hardware allows.
//!
//! Texts that repeat are numbered once, as a database would. Words are looked for in the text itself, byte by byte: this
//! yardstick has no index of words.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result};
use memchr::memmem::Finder;
use serde_json::{Value, json};

use super::{CsvChunks, JsonChunks, Yardstick};
use crate::questions::{PAGE_LINES, Question, TERMS};
use crate::rows::day_text;

/// A text column: each distinct text once, and the number of the text of each row.
#[derive(Debug, Default)]
struct Numbered {
    texts: Vec<String>,
    numbers: Vec<u32>,
}

/// The columns.
#[derive(Debug, Default)]
pub struct Raw {
    rows_of_code: HashMap<String, u32>,
    codes: Vec<String>,
    titles: Vec<String>,
    descriptions: Vec<String>,
    categories: Numbered,
    cities: Numbered,
    amounts: Vec<f64>,
    quantities: Vec<i64>,
    days: Vec<i32>,
    months: Vec<u16>,
    updated: Vec<i64>,
    active: Vec<bool>,
    lats: Vec<f64>,
    lons: Vec<f64>,
}

/// Month of a day, counted from January 1970.
fn month(day: i32) -> Result<u16> {
    let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day))?;
    Ok(((date.year() - 1970) * 12 + i16::from(date.month()) - 1).cast_unsigned())
}

#[derive(serde::Serialize)]
struct Whole<'a> {
    code: &'a str,
    title: &'a str,
    description: &'a str,
    category: &'a str,
    city: &'a str,
    amount: f64,
    quantity: i64,
    day: String,
    updated: i64,
    active: bool,
    lat: f64,
    lon: f64,
}

impl Raw {
    /// Loads the file.
    pub fn load(csv: &Path) -> Result<Self> {
        let mut raw = Self::default();
        let (mut categories, mut cities) = (HashMap::new(), HashMap::new());
        super::read(csv, |row| {
            let index = u32::try_from(raw.codes.len())?;
            raw.rows_of_code.insert(row.code.clone(), index);
            raw.codes.push(row.code);
            raw.titles.push(row.title);
            raw.descriptions.push(row.description);
            raw.categories.push(row.category, &mut categories);
            raw.cities.push(row.city, &mut cities);
            raw.amounts.push(row.amount);
            raw.quantities.push(row.quantity);
            raw.days.push(row.day);
            raw.months.push(month(row.day)?);
            raw.updated.push(row.updated);
            raw.active.push(row.active);
            raw.lats.push(row.lat);
            raw.lons.push(row.lon);
            Ok(())
        })?;
        Ok(raw)
    }

    fn len(&self) -> usize {
        self.codes.len()
    }

    /// The cells of a grid in a box, of `2 ^ depth` columns and rows over the globe.
    fn grid(&self, [west, south, east, north]: [f64; 4], depth: u32) -> Value {
        let side = f64::from(1_u32 << depth);
        let mut cells: HashMap<u32, u64> = HashMap::new();
        let mut total = 0_u64;
        for row in 0..self.len() {
            let (lon, lat) = (self.lons[row], self.lats[row]);
            if west <= lon && lon <= east && south <= lat && lat <= north {
                total += 1;
                let x = ((lon + 180.0) / 360.0 * side) as u32;
                let y = ((lat + 90.0) / 180.0 * side) as u32;
                *cells.entry(y << depth | x).or_default() += 1;
            }
        }
        let mut cells: Vec<(u32, u64)> = cells.into_iter().collect();
        cells.sort_unstable_by_key(|(cell, lines)| (std::cmp::Reverse(*lines), *cell));
        cells.truncate(TERMS);
        json!({ "total": total, "aggs": cells })
    }

    fn line(&self, row: usize) -> Value {
        json!({
            "code": self.codes[row],
            "title": self.titles[row],
            "description": self.descriptions[row],
            "category": self.categories.text(row),
            "city": self.cities.text(row),
            "amount": self.amounts[row],
            "quantity": self.quantities[row],
            "day": day_text(self.days[row]).unwrap_or_default(),
            "updated": self.updated[row],
            "active": self.active[row],
            "lat": self.lats[row],
            "lon": self.lons[row],
        })
    }

    /// A line as it is written, without a tree of values between.
    fn whole(&self, row: usize) -> Result<Whole<'_>> {
        Ok(Whole {
            code: &self.codes[row],
            title: &self.titles[row],
            description: &self.descriptions[row],
            category: self.categories.text(row),
            city: self.cities.text(row),
            amount: self.amounts[row],
            quantity: self.quantities[row],
            day: day_text(self.days[row])?,
            updated: self.updated[row],
            active: self.active[row],
            lat: self.lats[row],
            lon: self.lons[row],
        })
    }

    fn page(&self, total: usize, rows: impl IntoIterator<Item = usize>) -> Value {
        let results: Vec<Value> = rows.into_iter().map(|row| self.line(row)).collect();
        json!({ "total": total, "results": results })
    }

    fn has_word(&self, row: usize, finder: &Finder<'_>) -> bool {
        [&self.titles[row], &self.descriptions[row]].into_iter().any(|text| {
            let bytes = text.as_bytes();
            finder.find_iter(bytes).any(|at| {
                let end = at + finder.needle().len();
                (at == 0 || bytes[at - 1] == b' ') && (end == bytes.len() || bytes[end] == b' ')
            })
        })
    }

    /// The `PAGE_LINES` rows of the largest amounts after `skip`.
    fn largest(&self, mut rows: Vec<usize>, skip: usize) -> Vec<usize> {
        let key = |row: &usize| (std::cmp::Reverse(ordered(self.amounts[*row])), *row);
        let wanted = (skip + PAGE_LINES).min(rows.len());
        if wanted < rows.len() {
            rows.select_nth_unstable_by_key(wanted, key);
            rows.truncate(wanted);
        }
        rows.sort_unstable_by_key(key);
        rows.split_off(skip.min(rows.len()))
    }

    fn terms(&self, of: &str) -> Value {
        let mut groups = vec![(0_u64, 0.0_f64); self.categories.texts.len()];
        for row in 0..self.len() {
            let group = &mut groups[self.categories.numbers[row] as usize];
            group.0 += 1;
            group.1 += if of == "amount" { self.amounts[row] } else { self.quantities[row] as f64 };
        }
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_unstable_by_key(|group| std::cmp::Reverse(groups[*group].0));
        let aggs: Vec<Value> = order
            .into_iter()
            .take(TERMS)
            .map(|group| {
                let (total, sum) = groups[group];
                json!({ "total": total, "value": self.categories.texts[group], "metric": sum / total as f64 })
            })
            .collect();
        json!({ "total": self.len(), "aggs": aggs })
    }

    fn histogram(&self, category: &str) -> Value {
        let number = self.categories.number(category);
        let mut months = vec![0_u64; 1_200];
        for row in 0..self.len() {
            months[self.months[row] as usize] += u64::from(self.categories.numbers[row] == number);
        }
        let aggs: Vec<Value> = months
            .iter()
            .enumerate()
            .filter(|(_, total)| **total > 0)
            .map(|(month, total)| json!({ "value": format!("{}-{:02}", 1970 + month / 12, month % 12 + 1), "total": total }))
            .collect();
        json!({ "total": months.iter().sum::<u64>(), "aggs": aggs })
    }
}

/// A number whose order is that of the (never negative) amount.
fn ordered(amount: f64) -> u64 {
    amount.to_bits()
}

impl Numbered {
    fn push(&mut self, text: String, known: &mut HashMap<String, u32>) {
        let next = known.len() as u32;
        let number = *known.entry(text.clone()).or_insert(next);
        if number == next {
            self.texts.push(text);
        }
        self.numbers.push(number);
    }

    fn text(&self, row: usize) -> &str {
        &self.texts[self.numbers[row] as usize]
    }

    fn number(&self, text: &str) -> u32 {
        self.texts.iter().position(|known| known == text).map_or(u32::MAX, |number| number as u32)
    }
}

impl Yardstick for Raw {
    fn answer(&self, question: &Question) -> Result<Vec<u8>> {
        let answer = match question {
            Question::Get { code } => {
                let row = self.rows_of_code.get(code).map(|row| *row as usize);
                self.page(usize::from(row.is_some()), row)
            }
            Question::Word { word } => {
                let finder = Finder::new(word);
                let found: Vec<usize> = (0..self.len()).filter(|row| self.has_word(*row, &finder)).collect();
                self.page(found.len(), found.iter().copied().take(PAGE_LINES))
            }
            Question::Words { first, second, category } => {
                let (first, second) = (Finder::new(first), Finder::new(second));
                let number = self.categories.number(category);
                let is_hit = |row: &usize| {
                    self.categories.numbers[*row] == number
                        && (self.has_word(*row, &first) || self.has_word(*row, &second))
                };
                let found: Vec<usize> = (0..self.len()).filter(is_hit).collect();
                self.page(found.len(), self.largest(found.clone(), 0))
            }
            Question::Terms { of } => self.terms(of),
            Question::Histogram { category } => self.histogram(category),
            Question::Box([west, south, east, north]) => {
                let (lons, lats) = (*west..=*east, *south..=*north);
                let is_in = |row: &usize| lons.contains(&self.lons[*row]) && lats.contains(&self.lats[*row]);
                let found: Vec<usize> = (0..self.len()).filter(is_in).collect();
                self.page(found.len(), found.iter().copied().take(PAGE_LINES))
            }
            Question::Distinct { active } => {
                let mut seen = vec![false; self.cities.texts.len()];
                let mut total = 0;
                for row in 0..self.len() {
                    if active.is_none_or(|active| self.active[row] == active) {
                        total += 1;
                        seen[self.cities.numbers[row] as usize] = true;
                    }
                }
                json!({ "total": total, "metric": seen.iter().filter(|seen| **seen).count() })
            }
            Question::Page { skip } => self.page(self.len(), self.largest((0..self.len()).collect(), *skip)),
            Question::Next { amount, line } => {
                let cursor = (std::cmp::Reverse(ordered(*amount)), *line);
                let is_after =
                    |row: &usize| (std::cmp::Reverse(ordered(self.amounts[*row])), *row + 1) > cursor;
                self.page(self.len(), self.largest((0..self.len()).filter(is_after).collect(), 0))
            }
            Question::Grid { area, depth } => self.grid(*area, *depth),
            Question::Export { .. } => Value::Null,
        };
        serde_json::to_vec(&answer).context("an answer cannot be written")
    }

    fn export_json(&self, below: i64, features: bool, send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()> {
        let mut json = JsonChunks::new(features, send);
        for row in (0..self.len()).filter(|row| self.quantities[*row] < below) {
            if !json.line(&self.whole(row)?, [self.lons[row], self.lats[row]])? {
                return Ok(());
            }
        }
        json.end();
        Ok(())
    }

    fn export(&self, below: i64, send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()> {
        let mut csv = CsvChunks::new(send);
        let mut day_texts: HashMap<i32, String> = HashMap::new();
        let days: HashSet<i32> = self.days.iter().copied().collect();
        for day in days {
            day_texts.insert(day, day_text(day)?);
        }
        for row in (0..self.len()).filter(|row| self.quantities[*row] < below) {
            csv.text(&self.codes[row]);
            csv.text(&self.titles[row]);
            csv.text(&self.descriptions[row]);
            csv.text(self.categories.text(row));
            csv.text(self.cities.text(row));
            csv.bare(self.amounts[row]);
            csv.bare(self.quantities[row]);
            csv.text(&day_texts[&self.days[row]]);
            csv.bare(self.updated[row]);
            csv.bare(u8::from(self.active[row]));
            csv.bare(self.lats[row]);
            csv.bare(self.lons[row]);
            if !csv.end_line() {
                return Ok(());
            }
        }
        csv.flush();
        Ok(())
    }
}
