//! iCalendar, `.ics`: a row per occurrence of an event.
//!
//! Columns are the properties of events under their own names (`DTSTART`, `SUMMARY`...); those of programs (`X-...`) are
//! left out. Times are instants with the offset of their zone; a day alone is its midnight. Repetitions are expanded
//! ([`rule`]); one that is not understood keeps its first occurrence, and its rule in the column `RRULE`.

mod content;
mod rule;
mod time;

use std::collections::HashSet;
use std::vec::IntoIter;

use crate::encoding::Decoded;
use crate::error::{IngestError, IngestResult};
use crate::ics::content::{Contents, Property};
use crate::ics::rule::Rule;
use crate::ics::time::Moment;
use crate::record::Record;
use crate::table::{Declared, Discovery, Field, Opened, Reading, Table, check_header};

/// Occurrences that were moved by hand.
const OVERRIDES_MAX: usize = 100_000;

/// Occurrences of all events of a calendar.
const OCCURRENCES_MAX: usize = 1_000_000;

/// Properties that say when, not what.
const TIMES: &[&str] = &["DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"];

/// An event as it is written.
#[derive(Debug, Default)]
struct Event {
    line: u64,
    texts: Vec<(String, String)>,
    uid: String,
    start: Option<Moment>,
    end: Option<Moment>,
    duration: Option<jiff::Span>,
    rule: Option<String>,
    more: Vec<Moment>,
    without: Vec<Moment>,
}

struct IcsTable {
    contents: Contents<Decoded>,
    /// Occurrences that another event replaces: identifier and start.
    overrides: HashSet<(String, Moment)>,
    event: Event,
    occurrences: IntoIter<Moment>,
    count: usize,
    row: Discovery,
}

/// Opens a calendar.
pub(crate) fn open(reading: &Reading<'_>) -> IngestResult<Opened> {
    let overrides = overrides(reading)?;
    let (text, encoding) = reading.text()?;
    let mut contents = Contents::new(text);
    let first = contents.next()?;
    if !first.is_some_and(|first| first.is("BEGIN") && first.value.eq_ignore_ascii_case("VCALENDAR")) {
        return Err(IngestError::broken(
            "ligne 1",
            "ce n'est pas un calendrier : « BEGIN:VCALENDAR » est attendu",
        ));
    }
    let row = Discovery::new(vec![
        Field::new("DTSTART", Declared::DateTime),
        Field::new("DTEND", Declared::DateTime),
        Field::new("SUMMARY", Declared::Unknown),
    ]);
    check_header(row.fields())?;
    let event = Event::default();
    let table = IcsTable { contents, overrides, event, occurrences: Vec::new().into_iter(), count: 0, row };
    Ok(Opened::encoded(table, encoding))
}

/// Reads the whole calendar once for the occurrences that were moved: they may be told after what they replace.
fn overrides(reading: &Reading<'_>) -> IngestResult<HashSet<(String, Moment)>> {
    let mut contents = Contents::new(reading.text()?.0);
    let (mut found, mut uid, mut moved) = (HashSet::new(), String::new(), None);
    while let Some(property) = contents.next()? {
        if property.is("BEGIN") {
            (uid, moved) = (String::new(), None);
        } else if property.is("UID") {
            uid = property.value;
        } else if property.is("RECURRENCE-ID") {
            moved = time::moment(&property);
        } else if property.is("END")
            && let Some(moved) = moved.take()
        {
            found.insert((std::mem::take(&mut uid), moved));
            if found.len() > OVERRIDES_MAX {
                let reason = format!("plus de {OVERRIDES_MAX} occurrences modifiées");
                return Err(IngestError::broken(format!("ligne {}", property.line), reason));
            }
        }
    }
    Ok(found)
}

impl IcsTable {
    /// Reads the next event; false at the end.
    fn read_event(&mut self) -> IngestResult<bool> {
        while let Some(property) = self.contents.next()? {
            if property.is("BEGIN") && property.value.eq_ignore_ascii_case("VEVENT") {
                let mut event = Event { line: property.line, ..Event::default() };
                self.read_properties(&mut event)?;
                self.event = event;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_properties(&mut self, event: &mut Event) -> IngestResult<()> {
        // Alarms within an event have properties of their own.
        let mut depth = 0_usize;
        let cut = IngestError::broken(
            format!("ligne {}", event.line),
            "l'événement n'est pas terminé par « END:VEVENT »",
        );
        while let Some(property) = self.contents.next()? {
            match property.name.as_str() {
                "BEGIN" => depth += 1,
                "END" if depth == 0 => return Ok(()),
                "END" => depth -= 1,
                _ if depth > 0 => {}
                name if TIMES.contains(&name) => take_time(event, &property)?,
                name => {
                    if name == "UID" {
                        event.uid.clone_from(&property.value);
                    }
                    if !name.starts_with("X-") {
                        event.texts.push((name.to_owned(), content::unescaped(&property.value)));
                    }
                }
            }
        }
        Err(cut)
    }

    /// The starts of all occurrences of the event in hand.
    fn occurrences(&self) -> Vec<Moment> {
        let event = &self.event;
        let Some(start) = event.start.clone() else { return Vec::new() };
        let rule = event.rule.as_deref().and_then(Rule::parse);
        let mut all = match rule {
            Some(rule) => {
                let is_moved =
                    |moment: &Moment| self.overrides.contains(&(event.uid.clone(), moment.clone()));
                rule.occurrences(&start).into_iter().filter(|moment| !is_moved(moment)).collect()
            }
            None => vec![start],
        };
        all.extend(event.more.iter().cloned());
        all.retain(|moment| !event.without.contains(moment));
        all
    }

    fn give(&mut self, start: &Moment, record: &mut Record) -> IngestResult<()> {
        let event = &self.event;
        self.row.set("DTSTART", &start.text())?;
        let end = match (&event.start, &event.end, event.duration) {
            (Some(first), Some(end), _) => start.after(first, end),
            (_, None, Some(duration)) => start.later(duration),
            _ => None,
        };
        self.row.set("DTEND", &end.map(|end| end.text()).unwrap_or_default())?;
        for (name, text) in &event.texts {
            self.row.set(name, text.trim())?;
        }
        if let Some(rule) = event.rule.as_deref().filter(|rule| Rule::parse(rule).is_none()) {
            self.row.set("RRULE", rule)?;
        }
        self.row.give(event.line, record);
        Ok(())
    }
}

/// Keeps a property that says when.
fn take_time(event: &mut Event, property: &Property) -> IngestResult<()> {
    let broken = || {
        let value: String = property.value.chars().take(50).collect();
        let reason = format!("« {value} » n'est pas une date pour {}", property.name);
        IngestError::broken(format!("ligne {}", property.line), reason)
    };
    match property.name.as_str() {
        "DTSTART" => event.start = Some(time::moment(property).ok_or_else(broken)?),
        "DTEND" => event.end = Some(time::moment(property).ok_or_else(broken)?),
        "DURATION" => event.duration = property.value.parse().ok(),
        "RRULE" => event.rule = Some(property.value.clone()),
        "RDATE" => event.more.extend(time::moments(property)),
        "EXDATE" => event.without.extend(time::moments(property)),
        _ => {}
    }
    Ok(())
}

impl Table for IcsTable {
    fn fields(&self) -> &[Field] {
        self.row.fields()
    }

    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        loop {
            if let Some(start) = self.occurrences.next() {
                self.give(&start, record)?;
                return Ok(true);
            }
            if !self.read_event()? {
                return Ok(false);
            }
            self.occurrences = self.occurrences().into_iter();
            self.count += self.occurrences.len();
            if self.count > OCCURRENCES_MAX {
                let reason = format!("le calendrier a plus de {OCCURRENCES_MAX} occurrences");
                return Err(IngestError::broken(format!("ligne {}", self.event.line), reason));
            }
        }
    }
}
