//! Batches to an enricher and back, honest and not.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::record_batch::RecordBatch;
use halle_extensions::Field;
use halle_extensions::host::PluginHost;
use halle_model::ColumnKind;

use crate::guests::{Answer, ZEROES, enricher};
use crate::sandbox::{Sandbox, call, manifest};

/// A column of text.
pub fn text(key: &str) -> Field {
    Field { key: key.to_owned(), kind: ColumnKind::Text, nullable: true, title: None, concept: None }
}

/// So many rows of two columns of text.
pub fn rows(count: usize) -> RecordBatch {
    let schema = Schema::new(vec![
        ArrowField::new("name", DataType::Utf8, true),
        ArrowField::new("code", DataType::Utf8, true),
    ]);
    let column = || Arc::new(StringArray::from(vec!["75056"; count])) as ArrayRef;
    RecordBatch::try_new(Arc::new(schema), vec![column(), column()]).unwrap()
}

async fn failure(answer: Answer<'_>) -> String {
    let sandbox = Sandbox::with(&[("e", enricher(&answer))]);
    let opened =
        sandbox.host.enricher(call("e", manifest("enricher", "")), &[text("name"), text("code")]).await;
    let mut enrichment = match opened {
        Ok(enrichment) => enrichment,
        Err(error) => return error.to_string(),
    };
    let error = enrichment.run(rows(3)).await.unwrap_err();
    assert_eq!(error.code(), "plugin/bad-answer", "{error}");
    let again = enrichment.run(rows(3)).await.unwrap_err();
    assert_eq!(again.code(), "plugin/unavailable", "an instance that was stopped is not used again");
    error.to_string()
}

#[tokio::test]
async fn batches_of_any_size_come_back_row_for_row() {
    let sandbox = Sandbox::with(&[("e", enricher(&ZEROES))]);
    let offered = [text("name"), text("code")];
    let mut enrichment = sandbox.host.enricher(call("e", manifest("enricher", "")), &offered).await.unwrap();
    assert_eq!(enrichment.inputs(), [text("code")]);
    assert_eq!(enrichment.outputs()[0].key, "out");
    for count in [1, 3, 0, 5_000] {
        let enriched = enrichment.run(rows(count)).await.unwrap();
        assert_eq!(enriched.columns.num_rows(), count);
        assert_eq!(enriched.columns.column(0).null_count(), 0);
    }
}

#[tokio::test]
async fn lies_about_rows_are_found() {
    let one_less = Answer {
        kind: "integer",
        fill: "(i32.store8 (i32.const 908) (i32.const 1))
               (i32.store (i32.const 912) (i32.const 131072))
               (i32.store (i32.const 916) (i32.sub (local.get $rows) (i32.const 1)))",
        ..ZEROES
    };
    assert!(failure(one_less).await.contains("2 values for 3 rows"));
    let fewer_rows = Answer { fill: "(i32.store (i32.const 840) (i32.const 1))", ..ZEROES };
    assert!(failure(fewer_rows).await.contains("1 rows came back for 3"));
}

#[tokio::test]
async fn broken_texts_are_found() {
    let column = |fill| Answer { kind: "text", fill, ..ZEROES };
    // Case 3, texts: offsets at 912, data at 920.
    let backwards = column(
        "(i32.store8 (i32.const 908) (i32.const 3))
         (i32.store (i32.const 912) (i32.const 3000)) (i32.store (i32.const 916) (i32.const 4))
         (i32.store (i32.const 920) (i32.const 2000)) (i32.store (i32.const 924) (i32.const 4))
         (i32.store (i32.const 3004) (i32.const 4)) (i32.store (i32.const 3008) (i32.const 1)) (i32.store (i32.const 3012) (i32.const 4))",
    );
    assert!(failure(backwards).await.contains("go back at row 1"));
    let no_utf8 = column(
        "(i32.store8 (i32.const 908) (i32.const 3))
         (i32.store (i32.const 912) (i32.const 3000)) (i32.store (i32.const 916) (i32.const 4))
         (i32.store (i32.const 920) (i32.const 3100)) (i32.store (i32.const 924) (i32.const 1))
         (i32.store8 (i32.const 3100) (i32.const 255))
         (i32.store (i32.const 3004) (i32.const 1)) (i32.store (i32.const 3008) (i32.const 1)) (i32.store (i32.const 3012) (i32.const 1))",
    );
    assert!(failure(no_utf8).await.contains("not UTF-8"));
}

#[tokio::test]
async fn a_plan_with_an_unknown_kind_is_refused() {
    assert!(failure(Answer { kind: "tensor", ..ZEROES }).await.contains("unknown kind `tensor`"));
}
