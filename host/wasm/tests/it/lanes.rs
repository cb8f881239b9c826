//! Batches that several sessions of an enricher treat side by side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use halle_base::SeededDice;
use halle_extensions::host::{Enriched, Enricher, PluginHost};
use halle_extensions::registry::MemoryComponents;
use halle_wasm::{WasmConfig, WasmHost};

use crate::enricher::{rows, text};
use crate::guests::{Answer, enricher};
use crate::sandbox::{call, manifest};

/// Answers in the first row how many batches its instance has treated, and takes a while for each; crashes when there are thirteen
/// rows.
const COUNTS: Answer<'static> = Answer {
    kind: "integer",
    fill: "(if (i32.eq (local.get $rows) (i32.const 13)) (then (unreachable)))
           (global.set $left (i32.const 2000000))
           (loop $again
               (global.set $left (i32.sub (global.get $left) (i32.const 1)))
               (br_if $again (global.get $left)))
           (global.set $treated (i64.add (global.get $treated) (i64.const 1)))
           (i64.store (i32.const 131072) (global.get $treated))
           (i32.store8 (i32.const 908) (i32.const 1))
           (i32.store (i32.const 912) (i32.const 131072)) (i32.store (i32.const 916) (local.get $rows))",
    open: "",
    imports: "",
    extra: "(global $treated (mut i64) (i64.const 0)) (global $left (mut i32) (i32.const 0))",
};

/// The enricher, in a sandbox for so many guests of jobs and with so many threads.
async fn opened(folder: &std::path::Path, guests: usize, threads: usize) -> (WasmHost, Box<dyn Enricher>) {
    let mut known = MemoryComponents::default();
    known.insert("e", enricher(&COUNTS).into());
    let config = WasmConfig { concurrent_max: guests, threads, ..WasmConfig::new(folder) };
    let host = WasmHost::new(config, Arc::new(known), &SeededDice::new(1)).unwrap();
    let enricher = host.enricher(call("e", manifest("enricher", "")), &[text("code")]).await.unwrap();
    (host, enricher)
}

/// Batches of these numbers of rows, of the column that the enricher needs.
fn batches(counts: impl IntoIterator<Item = usize>) -> Vec<RecordBatch> {
    counts.into_iter().map(|count| rows(count).project(&[1]).unwrap()).collect()
}

/// How many batches the instance had treated that treated this one.
fn treated(answer: &Enriched) -> i64 {
    answer.columns.column(0).as_primitive::<Int64Type>().value(0)
}

/// Treats rounds of four batches, for longer than an enrichment is left alone; how many instances did it.
async fn instances(enricher: &mut dyn Enricher) -> usize {
    let (started, mut rounds_left, mut firsts) = (Instant::now(), 5, 0);
    for round in 0.. {
        let counts = [20, 21, 22, 23].map(|rows| rows + 4 * (round % 100));
        let answers = enricher.run_all(batches(counts)).await.unwrap();
        let rows: Vec<usize> = answers.iter().map(|answer| answer.columns.num_rows()).collect();
        assert_eq!(rows, counts, "the answers are not in the order of the batches");
        firsts += answers.iter().filter(|answer| treated(answer) == 1).count();
        if started.elapsed() > Duration::from_millis(500) {
            rounds_left -= 1;
        }
        if rounds_left == 0 {
            break;
        }
    }
    firsts
}

#[tokio::test]
async fn a_long_enrichment_has_a_session_for_each_thread_of_guests() {
    for threads in [1, 2, 3] {
        let folder = tempfile::tempdir().unwrap();
        let (_host, mut enricher) = opened(folder.path(), 16, threads).await;
        assert_eq!(instances(&mut *enricher).await, threads);
    }
}

#[tokio::test]
async fn a_long_enrichment_leaves_half_of_the_places_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let (_host, mut enricher) = opened(folder.path(), 2, 2).await;
    assert_eq!(instances(&mut *enricher).await, 1);
}

#[tokio::test]
async fn an_enrichment_of_few_batches_has_one_session() {
    let folder = tempfile::tempdir().unwrap();
    let (_host, mut enricher) = opened(folder.path(), 16, 2).await;
    let answers = enricher.run_all(batches([1, 2, 3])).await.unwrap();
    assert_eq!(answers.iter().map(treated).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn an_enrichment_is_over_when_one_of_its_sessions_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (_host, mut enricher) = opened(folder.path(), 16, 2).await;
    instances(&mut *enricher).await;
    let error = enricher.run_all(batches([1, 2, 13, 4])).await.unwrap_err();
    assert_eq!(error.code(), "plugin/trap");
    for _ in 0..2 {
        let error = enricher.run_all(batches([1])).await.unwrap_err();
        assert_eq!(error.code(), "plugin/unavailable", "an instance is used again");
    }
}
