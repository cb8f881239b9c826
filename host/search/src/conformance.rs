//! The suite that every engine must pass. An engine's tests call each function once; a failed expectation panics with
//! what was asked.
//!
//! Indexes have names of their own in each case, so that cases may share one engine. An engine should be opened with the
//! smallest parts it can make: the tables are small, and what is read must not depend on how it is cut.

mod edits;
mod groups;
mod life;
mod maps;
mod naive;
mod output;
mod pages;
mod random;
mod table;
mod text;
mod unions;

use std::sync::Arc;

use crate::engine::{Index, SearchEngine};

/// Pages of lines: fields, filters, order, cursors; single lines; scans.
pub async fn pages(engine: &dyn SearchEngine) {
    pages::lines_are_json_in_the_order_of_the_file(engine).await;
    pages::fields_beside_the_columns(engine).await;
    pages::filters(engine).await;
    pages::values_of_multivalued_columns_match_one_by_one(engine).await;
    pages::texts_sort_folded_then_by_code_points(engine).await;
    pages::missing_values_sort_last(engine).await;
    pages::boxes_and_distances(engine).await;
    maps::boxes_cut_shapes(engine).await;
    maps::shapes_are_on_the_grid(engine).await;
    maps::shapes_lose_detail_that_cannot_be_seen(engine).await;
    maps::points_are_shapes_too(engine).await;
    maps::groups_have_a_middle(engine).await;
    pages::unknown_columns_are_named(engine).await;
    pages::scans_give_typed_columns(engine).await;
}

/// Words: French analysis, phrases, prefixes, relevance.
pub async fn text(engine: &dyn SearchEngine) {
    text::words_match_whatever_their_form(engine).await;
    text::stop_words_and_elided_articles(engine).await;
    text::phrases_and_prefixes(engine).await;
    text::fuzzy_words_match_what_is_nearly_the_same(engine).await;
    text::numbers_dates_and_truth_values_are_words(engine).await;
    text::labels_and_exact_forms_rank_higher(engine).await;
    text::scores_tell_equal_values_apart(engine).await;
    text::scores_tell_many_equal_values_apart(engine).await;
    text::scores_are_null_unless_words_are_asked(engine).await;
}

/// What pages may carry beside values, and the words of a column.
pub async fn output(engine: &dyn SearchEngine) {
    output::the_best_line_of_each_value_is_kept(engine).await;
    output::passages_that_match_are_marked(engine).await;
    output::words_are_counted_by_stem_and_shown_as_written(engine).await;
}

/// Groups, metrics, statistics.
pub async fn groups(engine: &dyn SearchEngine) {
    groups::values_are_counted_and_cut(engine).await;
    groups::levels_nest_and_carry_lines(engine).await;
    groups::intervals_are_complete(engine).await;
    groups::calendar_units_follow_the_zone(engine).await;
    groups::too_many_intervals_are_refused(engine).await;
    groups::too_many_groups_are_refused(engine).await;
    groups::missing_values_have_a_stand_in(engine).await;
    groups::metrics_of_each_kind(engine).await;
    groups::summary_of_each_column(engine).await;
}

/// Creation, replacement, removal.
pub async fn life(engine: &dyn SearchEngine) {
    life::an_index_appears_when_it_is_whole(engine).await;
    life::an_index_is_replaced_at_once(engine).await;
    life::a_dropped_builder_leaves_nothing(engine).await;
    life::removal_spares_readers(engine).await;
    life::an_index_may_be_empty(engine).await;
}

/// Lines changed one by one.
pub async fn edits(engine: &dyn SearchEngine) {
    edits::changes_are_seen_by_later_readers_only(engine).await;
    edits::many_changes_add_up(engine).await;
    edits::the_last_change_comes_first(engine).await;
    edits::other_indexes_refuse_changes(engine).await;
}

/// Random tables and questions against plain loops over the rows.
pub async fn random(engine: &dyn SearchEngine) {
    for seed in 0..6 {
        random::pages_agree_with_plain_loops(engine, seed).await;
        random::groups_agree_with_plain_loops(engine, seed).await;
    }
}

/// Several indexes as one.
pub async fn unions(engine: &dyn SearchEngine) {
    for seed in 0..6 {
        unions::pages_agree_with_plain_loops(engine, seed).await;
        unions::groups_agree_with_plain_loops(engine, seed).await;
    }
    unions::identifiers_are_unique_and_find_their_line(engine).await;
    unions::words_score_as_in_one_index(engine).await;
    unions::a_view_that_a_member_lacks_is_read_from_its_texts(engine).await;
    unions::places_are_hidden_with_their_columns(engine).await;
}

/// Builds the index `name` from a table and opens it.
async fn build(engine: &dyn SearchEngine, name: &str, table: &table::Table) -> Arc<dyn Index> {
    let id = crate::IndexId(name.to_owned());
    let mut builder = engine.create(&id, table.spec()).await.expect(name);
    for batch in table.batches(64) {
        builder.add(batch).await.expect(name);
    }
    let summary = builder.finish().await.expect(name);
    assert_eq!(summary.rows, table.rows.len() as u64, "{name}");
    engine.open(&id).await.expect(name)
}
