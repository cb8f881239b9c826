//! The figures, as Markdown.

use std::fmt;

use crate::load::Round;
use crate::process::Used;

/// What loading the rows took.
#[derive(Debug, Clone, Copy)]
pub struct Ingestion {
    /// From the first byte sent until the rows can be queried.
    pub seconds: f64,
    /// Processor time, and peaks of memory.
    pub used: Used,
    /// Bytes of the index on disk.
    pub bytes: u64,
}

/// What one kind of question took.
#[derive(Debug, Clone)]
pub struct Answers {
    /// Name.
    pub name: String,
    /// Lines of the first form.
    pub total: u64,
    /// Halle.
    pub halle: Round,
    /// Bare tantivy.
    pub tantivy: Round,
    /// Loops.
    pub raw: Round,
}

/// Everything that a run saw.
#[derive(Debug)]
pub struct Report {
    rows: usize,
    /// Bytes of the file.
    pub csv_bytes: u64,
    /// Bytes that Halle keeps beside the index: the file, the canonical rows.
    pub halle_truth_bytes: u64,
    /// Ingestion of a quarter of the rows.
    pub quarter: Option<Ingestion>,
    /// Ingestion by Halle.
    pub halle: Option<Ingestion>,
    /// By bare tantivy.
    pub tantivy: Option<Ingestion>,
    /// By loops.
    pub raw: Option<Ingestion>,
    /// Questions.
    pub answers: Vec<Answers>,
    /// Halle after all questions.
    pub after: Option<Used>,
    /// Work without yardstick.
    pub alone: Vec<crate::alone::Seen>,
    /// Plugins.
    pub plugins: Vec<crate::alone::Seen>,
}

impl Report {
    /// An empty report.
    pub fn new(rows: usize) -> Self {
        Self {
            rows,
            csv_bytes: 0,
            halle_truth_bytes: 0,
            quarter: None,
            halle: None,
            tantivy: None,
            raw: None,
            answers: Vec::new(),
            after: None,
            alone: Vec::new(),
            plugins: Vec::new(),
        }
    }

    fn ingestion(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| ingestion | rows/s | CPU s | own memory, peak MiB | with mapped files MiB | index MiB |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|")?;
        let quarter = format!("halle, {} rows", self.rows / 4);
        let lines = [
            (quarter.as_str(), self.rows / 4, self.quarter),
            ("halle", self.rows, self.halle),
            ("bare tantivy", self.rows, self.tantivy),
            ("raw", self.rows, self.raw),
        ];
        for (name, rows, seen) in lines {
            let Some(Ingestion { seconds, used, bytes }) = seen else { continue };
            let rate = rows as f64 / seconds;
            let (cpu, own, resident) = (used.cpu_seconds, used.own_mib, used.resident_mib);
            writeln!(f, "| {name} | {rate:.0} | {cpu:.1} | {own:.0} | {resident:.0} | {:.0} |", mib(bytes))?;
        }
        if let (Some(halle), Some(tantivy)) = (self.halle, self.tantivy) {
            writeln!(
                f,
                "| halle / bare tantivy | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
                tantivy.seconds / halle.seconds,
                halle.used.cpu_seconds / tantivy.used.cpu_seconds,
                halle.used.own_mib / tantivy.used.own_mib,
                halle.used.resident_mib / tantivy.used.resident_mib,
                halle.bytes as f64 / tantivy.bytes as f64
            )?;
        }
        let (csv, truth) = (mib(self.csv_bytes), mib(self.halle_truth_bytes));
        writeln!(
            f,
            "\nThe file has {csv:.0} MiB; Halle keeps it, the canonical rows and the database in {truth:.0} MiB beside the index."
        )
    }

    fn questions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| question | lines | halle p50 / p99 ms | tantivy p50 / p99 ms | raw p50 / p99 ms | halle, tantivy, raw req/s | time ÷ tantivy | time ÷ raw |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for Answers { name, total, halle, tantivy, raw } in &self.answers {
            let times = |round: &Round| format!("{:.2} / {:.2}", round.p50_ms, round.p99_ms);
            writeln!(
                f,
                "| {name} | {total} | {} | {} | {} | {:.0}, {:.0}, {:.0} | {:.2} | {:.2} |",
                times(halle),
                times(tantivy),
                times(raw),
                halle.per_second,
                tantivy.per_second,
                raw.per_second,
                halle.p50_ms / tantivy.p50_ms,
                halle.p50_ms / raw.p50_ms
            )?;
        }
        Ok(())
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        writeln!(f, "{} rows × 12 columns, {cores} cores.\n", self.rows)?;
        self.ingestion(f)?;
        writeln!(f)?;
        self.questions(f)?;
        if let Some(used) = self.after {
            writeln!(
                f,
                "\nAfter all questions Halle's own memory peaked at {:.0} MiB, {:.0} MiB with mapped files.",
                used.own_mib, used.resident_mib
            )?;
        }
        if !self.alone.is_empty() {
            writeln!(f, "\n| Halle alone | |\n|---|---:|")?;
        }
        for (what, seen) in &self.alone {
            writeln!(f, "| {what} | {seen} |")?;
        }
        if !self.plugins.is_empty() {
            writeln!(f, "\n| plugins | |\n|---|---:|")?;
        }
        for (what, seen) in &self.plugins {
            writeln!(f, "| {what} | {seen} |")?;
        }
        Ok(())
    }
}
