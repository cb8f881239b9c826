//! What was sent, what was acknowledged, and whether the server still has it.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{BATCH_LINES, BOOK, FILE};
use crate::client::Client;
use crate::demo::DATASETS;

/// Lines that a run may write.
const LINES_MAX: usize = 500_000;

/// Lines of a page.
const PAGE_LINES: usize = 10_000;

/// What was sent and what was acknowledged.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Last version of the file that was sent.
    pub version_sent: u64,
    /// Last version of the file that was acknowledged.
    pub version_taken: u64,
    /// Last bulk write that was sent.
    pub batches_sent: u64,
    /// Bulk writes that were acknowledged.
    pub batches_taken: Vec<u64>,
    /// Last column that was sent.
    pub columns_sent: u64,
    /// Columns that were acknowledged.
    pub columns: Vec<Value>,
    /// Last title that was sent.
    pub titles_sent: u64,
    /// Last title that was acknowledged; 0 for the first.
    pub title_taken: u64,
    /// Version of the file that was seen served.
    version_seen: u64,
}

impl Ledger {
    /// Rows of a version of the file.
    pub fn rows_of(version: u64) -> u64 {
        200 + version * 17 % 400
    }

    /// What was acknowledged, in a line.
    pub fn summary(&self) -> String {
        format!(
            "{} of {} bulk writes, {} files, {} columns and {} titles acknowledged",
            self.batches_taken.len(),
            self.batches_sent,
            self.version_taken,
            self.columns.len() - 3,
            self.title_taken
        )
    }

    /// What a restarted server serves at once: a whole version of the file, whole bulk writes, every acknowledged change.
    pub async fn check_whole(&mut self, client: &Client) -> Result<()> {
        self.check_file(client).await?;
        self.check_book(client).await
    }

    /// What it serves once its work is done: the last file that it acknowledged, or one that it took without saying so.
    pub async fn check_settled(&mut self, client: &Client) -> Result<()> {
        // The next file is a draft before it is published.
        let path = format!("{DATASETS}/{FILE}?draft=true");
        let status = client
            .until(&path, |dataset| {
                let status = dataset["status"].as_str()?;
                matches!(status, "finalized" | "error").then(|| status.to_owned())
            })
            .await?;
        ensure!(status == "finalized", "the work on the file ended in an error");
        self.check_file(client).await?;
        ensure!(
            self.version_seen >= self.version_taken,
            "version {} of the file was acknowledged, version {} is served",
            self.version_taken,
            self.version_seen
        );
        Ok(())
    }

    async fn check_file(&mut self, client: &Client) -> Result<()> {
        let path = format!("{DATASETS}/{FILE}/values_agg?field=version&agg_size=10");
        let groups = client.json(&path).await?;
        let versions: Vec<&str> = groups["aggs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|group| group["value"].as_str())
            .collect();
        ensure!(versions.len() == 1, "rows of {versions:?} are served together");
        let version: u64 = versions[0].trim_start_matches('v').parse().context("a version has a number")?;
        let rows = Self::rows_of(version);
        ensure!(
            groups["total"] == rows,
            "{} of {rows} rows of version {version} are served",
            groups["total"]
        );
        ensure!(
            (self.version_seen..=self.version_sent).contains(&version),
            "version {version} is served after version {} was",
            self.version_seen
        );
        let last = format!("{DATASETS}/{FILE}/lines?rang_eq={}&select=texte", rows - 1);
        let line = client.json(&last).await?["results"][0]["texte"].clone();
        ensure!(line == format!("un texte, ligne {}", rows - 1), "the last row is {line}");
        self.version_seen = version;
        Ok(())
    }

    async fn check_book(&mut self, client: &Client) -> Result<()> {
        let path = format!("{DATASETS}/{BOOK}");
        let book = client.json(&path).await?;
        let schema = book["schema"].as_array().context("a dataset has a schema")?;
        for column in &self.columns {
            let there = schema.iter().any(|found| found["key"] == column["key"]);
            ensure!(there, "the column {} was acknowledged and is not there", column["key"]);
        }
        // A change that was cut before its answer may have been made: the next one goes on from there.
        let own = schema.iter().filter(|column| column["x-calculated"] != true);
        self.columns = own.cloned().collect();
        let title = book["title"].as_str().unwrap_or_default().to_owned();
        let number: u64 = title.trim_start_matches("Carnet").trim().parse().unwrap_or(0);
        ensure!(
            number >= self.title_taken,
            "title {} was acknowledged, `{title}` is there",
            self.title_taken
        );
        self.title_taken = number;
        self.check_lines(client).await
    }

    async fn check_lines(&self, client: &Client) -> Result<()> {
        let mut path = format!("{DATASETS}/{BOOK}/lines?size={PAGE_LINES}&select=_id,lot,rang,texte");
        let mut lines: Vec<Value> = Vec::new();
        loop {
            let page = client.json(&path).await?;
            lines.extend(page["results"].as_array().context("a page has lines")?.iter().cloned());
            ensure!(lines.len() < LINES_MAX, "this run wrote more lines than it can check");
            let Some(next) = page["next"].as_str() else { break };
            let (_, tail) = next.split_once(DATASETS).context("`next` is of another place")?;
            path = format!("{DATASETS}{tail}");
        }
        let mut counts = std::collections::BTreeMap::<u64, usize>::new();
        for line in &lines {
            let batch = line["lot"].as_u64().with_context(|| format!("half a line is served: {line}"))?;
            let whole = line["texte"] == format!("lot {batch}")
                && line["_id"] == format!("l{batch}-{}", line["rang"]);
            ensure!(whole, "half a line is served: {line}");
            *counts.entry(batch).or_default() += 1;
        }
        for batch in &self.batches_taken {
            let found = counts.get(batch).copied().unwrap_or(0);
            ensure!(
                found == BATCH_LINES,
                "bulk write {batch} was acknowledged, {found} of its lines are there"
            );
        }
        for (batch, found) in counts {
            ensure!(found == BATCH_LINES, "{found} of {BATCH_LINES} lines of bulk write {batch} are there");
        }
        Ok(())
    }
}
