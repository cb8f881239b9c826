//! Reference tables of enrichers: by slot, read-only, only with a grant.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::record_batch::RecordBatch;
use halle_extensions::PluginError;
use halle_extensions::grants::Grants;
use halle_extensions::host::PluginHost;
use halle_extensions::services::Services;

use crate::guests::{Answer, ZEROES, enricher};
use crate::ports::{Tables, text};
use crate::sandbox::{Memory, Sandbox, call_with, manifest};

const ASKS: &str = "[slots.communes]\ndirection = \"read\"";

/// Opens the slot `communes` with the session and says, for each batch that comes, what the table holds next.
const READS: Answer<'static> = Answer {
    imports: r#"
        (import "halle:host/log@1.0.0" "emit" (func $emit (param i32 i32 i32 i32 i32)))
        (import "halle:host/reference@1.0.0" "open" (func $open (param i32 i32 i32)))
        (import "halle:host/reference@1.0.0" "[method]table.next" (func $next (param i32 i32 i32)))"#,
    extra: r#"(global $table (mut i32) (i32.const 0)) (data (i32.const 4000) "communes")"#,
    open: "(call $open (i32.const 4000) (i32.const 8) (i32.const 3504))
        (if (i32.load8_u (i32.const 3504))
            (then (memory.copy (i32.const 768) (i32.const 3504) (i32.const 96)) (return (i32.const 768))))
        (global.set $table (i32.load (i32.const 3512)))",
    fill: "(call $next (global.get $table) (i32.const 2) (i32.const 3504))
        (if (i32.load8_u (i32.const 3512))
            (then (call $emit (i32.const 1) (i32.load offset=20 (i32.load (i32.const 3520)))
                (i32.load offset=24 (i32.load (i32.const 3520))) (i32.const 0) (i32.const 0))))
        (i32.store8 (i32.const 908) (i32.const 1))
        (i32.store (i32.const 912) (i32.const 131072)) (i32.store (i32.const 916) (local.get $rows))",
    ..ZEROES
};

/// Enriches three batches of a row each; what the guest said.
async fn run(tables: Arc<Tables>, grants: Grants) -> Result<Vec<String>, PluginError> {
    let sandbox = Sandbox::with(&[("e", enricher(&READS))]);
    let log = Arc::new(Memory::default());
    let mut call = call_with("e", manifest("enricher", ASKS), Some(grants));
    call.services = Services { log: Arc::<Memory>::clone(&log), datasets: Some(tables), ..Services::none() };
    let mut enrichment = sandbox.host.enricher(call, &[text("code")]).await?;
    let schema = Arc::new(Schema::new(vec![ArrowField::new("code", DataType::Utf8, true)]));
    for _ in 0..3 {
        let codes = Arc::new(StringArray::from(vec!["29019"]));
        enrichment.run(RecordBatch::try_new(Arc::clone(&schema), vec![codes]).unwrap()).await?;
    }
    Ok(log.said())
}

fn communes() -> Arc<Tables> {
    Arc::new(Tables::with("communes", ["Brest", "Caen", "Dol"].map(str::to_owned)))
}

#[tokio::test]
async fn a_granted_table_is_read_across_the_batches_of_a_session() {
    let grants = Grants { read_slots: vec!["communes".to_owned()], ..Grants::default() };
    assert_eq!(run(communes(), grants).await.unwrap(), ["BrestCaen", "Dol"]);
}

#[tokio::test]
async fn a_table_without_a_grant_is_denied_and_the_platform_is_not_asked() {
    let elsewhere = Grants {
        read_slots: vec!["communes2".to_owned()],
        write_slots: vec!["communes".to_owned()],
        ..Grants::default()
    };
    for grants in [Grants::default(), elsewhere] {
        let tables = communes();
        let error = run(Arc::clone(&tables), grants).await.unwrap_err();
        assert_eq!(error.code(), "denied/slot", "{error}");
        assert!(error.to_string().contains("communes"), "{error}");
        assert!(tables.told().is_empty());
    }
}

#[tokio::test]
async fn a_slot_in_which_nothing_stands_says_so() {
    let grants = Grants { read_slots: vec!["communes".to_owned()], ..Grants::default() };
    let error = run(Arc::new(Tables::default()), grants).await.unwrap_err();
    assert_eq!(error.code(), "dataset/unbound");
}
