//! The suite that every adapter must pass. An adapter's tests call each function once, on a store that no other test
//! uses; a failed expectation panics with the name of its case.
//!
//! Cases share one store, so each uses collections, streams, datasets and kinds of jobs of its own.

mod blobs;
mod documents;
mod jobs;
mod lines;
mod lists;
mod logs;
mod revisions;
mod runner;
mod usage;
mod work;

use std::path::Path;
use std::sync::Arc;

use halle_base::Timestamp;
use serde_json::Value;

use crate::{Blobs, Document, Job, Key, NewJob, Store, StoreResult};

/// Runs cases one after the other, and names the one that a storage error ends.
macro_rules! cases {
    ($subject:expr; $($module:ident::$case:ident),+ $(,)?) => {
        $($module::$case($subject).await.unwrap_or_else(|error| panic!("{}: {error}", stringify!($case)));)+
    };
}

/// Documents: identity, keys, revisions.
pub async fn documents(store: &dyn Store) {
    cases!(store;
        documents::a_document_reads_back_as_written,
        documents::absence_is_none,
        documents::an_identifier_is_taken_once,
        documents::a_unique_key_belongs_to_one_document,
        documents::a_refused_document_leaves_the_rest_of_the_work,
        documents::keys_follow_the_document,
        documents::an_old_revision_is_stale,
        documents::entities_are_typed_documents,
        documents::keys_that_an_earlier_release_did_not_have_are_written,
    );
}

/// Lists of documents: filters, order, pages, facets.
pub async fn lists(store: &dyn Store) {
    cases!(store;
        lists::filters_by_keys,
        lists::empty_lists_of_values_match_nothing,
        lists::filters_by_identifiers,
        lists::filters_by_words_taken_literally,
        lists::orders,
        lists::pages_are_disjoint_and_complete,
        lists::pages_by_identifier_skip_nothing_when_documents_go,
        lists::facets_count_the_documents_that_match,
        lists::absence_is_a_value_to_filter_by,
        lists::keys_order_and_add_up,
        lists::words_of_the_title_come_first,
    );
}

/// Journals and run logs.
pub async fn logs(store: &dyn Store) {
    cases!(store;
        logs::records_are_numbered_per_stream,
        logs::old_records_make_place,
        logs::many_records_are_appended_as_one_after_the_other,
        logs::a_cleared_stream_starts_again,
    );
}

/// Lines of editable datasets.
pub async fn lines(store: &dyn Store) {
    cases!(store;
        lines::lines_read_back_in_the_order_of_their_writes,
        lines::a_rewritten_line_moves_to_the_end,
        lines::a_line_twice_in_one_write_keeps_the_last,
        lines::deleted_lines_stay_until_purged,
        lines::numbers_never_come_back,
        lines::an_amended_line_keeps_its_number,
    );
}

/// Revisions of these lines.
pub async fn revisions(store: &dyn Store) {
    cases!(store;
        revisions::revisions_are_read_newest_first_page_by_page,
        revisions::old_revisions_expire,
    );
}

/// What plugins used.
pub async fn usage(store: &dyn Store) {
    cases!(store;
        usage::what_is_added_adds_up,
        usage::lines_are_by_day_account_or_instance,
        usage::an_account_is_told_of_every_plugin,
        usage::old_days_expire,
    );
}

/// The queue.
pub async fn jobs(store: &dyn Store) {
    cases!(store;
        jobs::the_oldest_due_job_is_leased_first,
        jobs::only_kinds_that_are_asked_for,
        jobs::a_key_runs_one_job_at_a_time,
        jobs::an_expired_lease_is_due_again,
        jobs::an_expired_job_still_holds_its_key,
        jobs::only_the_holder_of_the_lease_settles,
        jobs::identical_ready_jobs_are_one,
        jobs::a_deduplicated_job_starts_as_early_as_asked,
        jobs::what_waits_for_something_is_woken,
        jobs::what_is_put_off_while_a_first_limit_is_set_is_woken,
        jobs::failed_jobs_stay_until_their_next_chance,
        jobs::a_released_job_keeps_its_attempts,
        jobs::cancel_removes_ready_and_tells_running_jobs,
        jobs::progress_is_kept,
        jobs::a_large_payload_is_refused,
    );
}

/// Units of work: all or nothing, snapshots, writers side by side. Needs a runtime with several threads.
pub async fn units_of_work(store: Arc<dyn Store>) {
    cases!(&store;
        work::the_engine_answers,
        work::a_dropped_work_changes_nothing,
        work::a_reader_sees_one_moment,
        work::readers_do_not_wait_for_a_writer,
        work::the_version_tells_of_commits,
        work::writers_side_by_side_lose_nothing,
        work::workers_side_by_side_never_share_a_key,
        work::a_commit_wakes_workers,
        work::an_abandoned_call_frees_the_writer,
    );
}

/// The runner over this store. Needs a runtime with several threads.
pub async fn runner(store: Arc<dyn Store>) {
    cases!(&store;
        runner::a_job_that_succeeds_leaves_the_queue,
        runner::a_failure_is_tried_again_later_then_given_up,
        runner::giving_up_is_told_at_once,
        runner::a_panic_counts_as_a_failure,
        runner::a_job_that_kills_its_workers_is_given_up,
        runner::a_cancelled_job_stops,
        runner::a_lost_lease_stops_the_handler,
        runner::a_stopping_process_gives_its_leases_back,
        runner::jobs_of_different_keys_run_side_by_side,
    );
}

/// Blobs, in an empty storage. `scratch` is a folder for files to store.
pub async fn blobs(blobs: &dyn Blobs, scratch: &Path) {
    cases!(blobs;
        blobs::a_blob_reads_back,
        blobs::absence_is_none,
        blobs::ranges_are_parts,
        blobs::a_failing_stream_leaves_nothing,
        blobs::a_failing_stream_leaves_the_previous_blob,
        blobs::a_large_blob_arrives_whole,
        blobs::keys_are_listed_below_their_prefix,
        blobs::a_blob_is_a_local_file,
    );
    blobs::a_file_becomes_a_blob(blobs, scratch)
        .await
        .unwrap_or_else(|error| panic!("a_file_becomes_a_blob: {error}"));
}

/// An instant, `seconds` after the one where every case starts.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap_or_default()
}

/// A new document.
fn document(collection: &'static str, id: &str, keys: Vec<Key>, body: Value) -> Document {
    Document {
        collection,
        id: id.to_owned(),
        owner: None,
        sort_title: id.to_owned(),
        search_text: id.to_owned(),
        keys,
        body,
        revision: 0,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// Commits documents.
async fn given(store: &dyn Store, documents: &[Document]) -> StoreResult<()> {
    let mut work = store.begin().await?;
    for document in documents {
        work.documents().put(document).await?;
    }
    work.commit().await
}

/// A job that is due from the start.
fn job(kind: &'static str, key: &str) -> NewJob {
    NewJob { deduplicate: false, ..NewJob::now(kind, key, Value::Null, at(0)) }
}

/// Commits jobs, and returns their numbers.
async fn queued(store: &dyn Store, jobs: &[NewJob]) -> StoreResult<Vec<i64>> {
    let mut work = store.begin().await?;
    let mut ids = Vec::new();
    for job in jobs {
        ids.push(work.jobs().enqueue(job).await?);
    }
    work.commit().await?;
    Ok(ids)
}

/// The jobs of a key.
async fn jobs_of(store: &dyn Store, key: &str) -> StoreResult<Vec<Job>> {
    store.read().await?.jobs().with_key(key).await
}
