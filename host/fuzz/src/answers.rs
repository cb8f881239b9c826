//! What guests answer: an input is the memory that a guest answers with, and the host reads it as the contract says.
//!
//! The guests here are always the same. What they are configured with holds the input, which they write at the beginning of
//! their memory and call their answer: addresses in an answer are places in the input.

mod connectors;
mod guests;
mod seeds;

use std::sync::{Arc, LazyLock};

use arrow::datatypes::Schema;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use halle_base::SeededDice;
use halle_extensions::grants::{Limits, asked};
use halle_extensions::host::{Call, Enriched, NamedRows, PluginHost};
use halle_extensions::metering::Subject;
use halle_extensions::registry::{Installed, MemoryComponents};
use halle_extensions::services::{HttpResponse, Services};
use halle_extensions::{PluginError, PluginResult, check};
use halle_wasm::{SANDBOX_FAILED, WasmConfig, WasmHost};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

pub use connectors::{connector, seeds as connector_seeds};
pub use seeds::seeds;

/// Bytes of an answer: as many as the guests have room for.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// Rows of every batch.
const ROWS: usize = 3;
/// Names and kinds of the columns of every answer that has rows.
const OUTPUTS: [(&str, &str); 7] = [
    ("a", "text"),
    ("b", "integer"),
    ("c", "number"),
    ("d", "boolean"),
    ("e", "date"),
    ("f", "date-time"),
    ("g", "object"),
];

/// What is called, chosen by the first byte of an input.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Export {
    EnricherRun,
    EnricherPlan,
    ProcessingRun,
    ProcessingPrepare,
    VisualisationQuery,
    VisualisationRender,
    ServiceOperations,
    ServiceBuild,
    ServiceParse,
    EnricherOpen,
}

impl Export {
    const ALL: [Self; 10] = [
        Self::EnricherRun,
        Self::EnricherPlan,
        Self::ProcessingRun,
        Self::ProcessingPrepare,
        Self::VisualisationQuery,
        Self::VisualisationRender,
        Self::ServiceOperations,
        Self::ServiceBuild,
        Self::ServiceParse,
        Self::EnricherOpen,
    ];

    fn kind(self) -> &'static str {
        match self {
            Self::EnricherRun | Self::EnricherPlan | Self::EnricherOpen => "enricher",
            Self::ProcessingRun | Self::ProcessingPrepare => "processing",
            Self::VisualisationQuery | Self::VisualisationRender => "visualisation",
            Self::ServiceOperations | Self::ServiceBuild | Self::ServiceParse => "remote-service",
        }
    }
}

/// A sandbox that knows the guests by their kinds. Who started the process removes its folder.
struct Sandbox {
    host: WasmHost,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("the folder of temporary files can be written");
    let mut known = MemoryComponents::default();
    for (kind, component) in guests::components() {
        known.insert(kind, component.into());
    }
    let host = WasmHost::new(WasmConfig::new(folder.path()), Arc::new(known), &SeededDice::new(1));
    let runtime = Runtime::new().expect("threads can be started");
    Sandbox { host: host.expect("the sandbox can be set up"), runtime, _folder: folder }
});

/// A guest answers the input: a value that keeps what the contract promises, or an error that is the guest's.
pub fn answer(input: &[u8]) {
    let Some((first, image)) = input.split_first() else { return };
    let export = Export::ALL[usize::from(*first) % Export::ALL.len()];
    let image = &image[..image.len().min(ANSWER_BYTES_MAX)];
    if let Err(error) = SANDBOX.runtime.block_on(ask(export, image)) {
        check_error(error);
    }
}

/// What a refusal may say.
fn check_error(error: PluginError) {
    // A panic on a thread of the sandbox is kept there, and is one all the same. Words tell nothing: guests choose theirs.
    assert!(!matches!(error, PluginError::Stopped { code: SANDBOX_FAILED, .. }), "{error}");
    if let PluginError::Reported(problem) = error {
        assert!(problem.code.len() <= 64 && problem.message.len() <= 4 << 10, "{problem:?}");
        let is_plain = |c: char| !c.is_control() || c == '\n';
        assert!(problem.message.chars().all(is_plain), "{problem:?}");
    }
}

/// Calls the export; an error is the guest's or of what it answered.
async fn ask(export: Export, image: &[u8]) -> PluginResult<()> {
    let host = &SANDBOX.host;
    let answers = match export {
        Export::EnricherPlan => guests::Answers::Plan,
        Export::EnricherOpen => guests::Answers::Open,
        _ => guests::Answers::Calls,
    };
    let config = guests::config(image, answers);
    let call = call(export.kind(), config.clone());
    match export {
        Export::EnricherPlan | Export::EnricherOpen => host.enricher(call, &[]).await.map(drop),
        Export::EnricherRun => {
            let mut enricher = host.enricher(call, &[]).await?;
            assert_eq!(enricher.outputs().len(), OUTPUTS.len());
            let enriched = enricher.run(rows()).await?;
            check_enriched(&enriched);
            Ok(())
        }
        Export::ProcessingRun => {
            let outcome = host.run_processing(call, config).await?;
            assert!(outcome.summary.len() <= 4 << 10, "{outcome:?}");
            Ok(())
        }
        Export::ProcessingPrepare => {
            let prepared = host.prepare(call, config).await?;
            assert!(prepared.notes.len() <= 50, "{} notes", prepared.notes.len());
            Ok(())
        }
        Export::VisualisationQuery => {
            let requests = host.visualisation_queries(call).await?;
            assert!(requests.iter().all(|request| (1..=10_000).contains(&request.max_rows)), "{requests:?}");
            Ok(())
        }
        Export::VisualisationRender => {
            let data = vec![NamedRows { name: "n".to_owned(), schema: Vec::new(), rows: rows() }];
            host.render(call, data, json!({})).await.map(drop)
        }
        Export::ServiceOperations => {
            let operations = host.operations(call, config).await?;
            assert!(operations.iter().all(|one| !one.id.is_empty() && one.max_rows_per_request > 0));
            Ok(())
        }
        Export::ServiceBuild => {
            let calls = host.build_requests(call, "o", rows()).await?;
            let mut carried: Vec<u32> = calls.iter().flat_map(|call| call.rows.clone()).collect();
            carried.sort_unstable();
            carried.dedup();
            assert_eq!(carried.len(), calls.iter().map(|call| call.rows.len()).sum::<usize>(), "a row twice");
            assert!(carried.iter().all(|row| (*row as usize) < ROWS), "{carried:?}");
            Ok(())
        }
        Export::ServiceParse => {
            let enriched = host.parse_responses(call, "o", Vec::new(), Vec::<HttpResponse>::new()).await?;
            check_enriched(&enriched);
            Ok(())
        }
    }
}

/// As many rows as went in, in the columns that were agreed; every row has a problem at most. Arrow's own checks pass.
fn check_enriched(enriched: &Enriched) {
    assert_eq!(enriched.columns.num_rows(), ROWS);
    let names: Vec<String> =
        enriched.columns.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, OUTPUTS.map(|(name, _)| name));
    for column in enriched.columns.columns() {
        column.to_data().validate_full().expect("what the host lets in is sound");
    }
    let mut about: Vec<u32> = enriched.problems.iter().map(|(row, _)| *row).collect();
    about.sort_unstable();
    assert!(about.windows(2).all(|pair| pair[0] < pair[1]), "{about:?}");
    assert!(about.iter().all(|row| (*row as usize) < ROWS), "{about:?}");
}

/// A batch without columns.
fn rows() -> RecordBatch {
    let options = RecordBatchOptions::new().with_row_count(Some(ROWS));
    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
        .expect("a batch may have no column")
}

/// A call of the guest of this kind.
fn call(kind: &str, config: Value) -> Call {
    let contract = kind.strip_suffix("-connector").unwrap_or(kind);
    let text = format!(
        "schema = 1\n[plugin]\nid = \"p\"\nversion = \"1.0.0\"\nkind = \"{kind}\"\ncontract = \"halle:{contract}@1\"\n\
         title = {{ en = \"P\" }}\nlicence = \"MIT\"\n"
    );
    let manifest = check::parse(&text).expect("the manifest is sound");
    let plugin = Installed {
        id: "p".to_owned(),
        digest: kind.to_owned(),
        grants: Some(asked(&manifest)),
        manifest,
        limits: Limits {
            memory_bytes_max: 16 << 20,
            cpu_ms_max: 1_000,
            wall_ms_max: 5_000,
            host_calls_max: 1_000,
            crossing_bytes_max: 1 << 20,
            handles_max: 100,
            log_records_max: 50,
            grace_ms: 100,
        },
        signed_by: None,
    };
    Call {
        subject: Subject::tool(&plugin),
        plugin: Arc::new(plugin),
        config,
        secrets: Arc::new(Vec::new()),
        services: Services::none(),
        cancel: CancellationToken::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_answers_are_read_and_problems_are_reported() {
        for seed in seeds() {
            let export = Export::ALL[usize::from(seed[0])];
            let answered = SANDBOX.runtime.block_on(ask(export, &seed[1..]));
            // The case of a `result`.
            match (seed[1], answered) {
                (0, answered) => answered.unwrap_or_else(|error| panic!("{export:?}: {error}")),
                (_, Err(PluginError::Reported(problem))) => assert_eq!(problem.code, "config/invalid"),
                (_, answered) => panic!("{export:?}: {answered:?}"),
            }
        }
    }
}
