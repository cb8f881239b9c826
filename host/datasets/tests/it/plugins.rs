//! Enrichments by plugins: which plugins may run, on what, and how their answers become columns.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_base::AccountRef;
use halle_datasets::Enrichments;
use halle_datasets::enrich::{EnrichContext, PluginEnrichments};
use halle_extensions::grants::{Grants, Limits};
use halle_extensions::host::{
    Admission, Call, Connector, DataRequest, Enriched, Enricher, NamedRows, Outcome, Prepared, RemoteCall,
    RemoteOperation, Rendered,
};
use halle_extensions::installed::{InstalledPlugins, absent};
use halle_extensions::manifest::Manifest;
use halle_extensions::metering::Subject;
use halle_extensions::registry::Installed;
use halle_extensions::services::{DatasetSlots, HttpResponse, RowsReader, RowsWriter};
use halle_extensions::{Field, PluginError, PluginHost, PluginResult, Problem};
use halle_model::{Column, ColumnKind, Extension};
use halle_store::UnitOfWork;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// One plugin, `length`: the number of characters of `nom`, and the name itself.
#[derive(Debug)]
struct Plugins(Option<Grants>);

#[async_trait]
impl InstalledPlugins for Plugins {
    async fn installed(&self, id: &str) -> PluginResult<Option<Arc<Installed>>> {
        let kind = if id == "chart" { "visualisation" } else { "enricher" };
        let manifest: Manifest = serde_json::from_value(json!({
            "schema": 1,
            "plugin": {
                "id": id, "version": "1.0.0", "kind": kind, "contract": "halle:enricher@1",
                "title": { "fr": "Longueur" }, "licence": "MIT",
            },
            "config": { "type": "object", "properties": { "unit": { "enum": ["chars"] } } },
        }))
        .unwrap();
        let installed = Installed {
            id: id.to_owned(),
            digest: "d".to_owned(),
            manifest,
            grants: self.0.clone(),
            limits: Limits::default(),
            signed_by: None,
        };
        Ok((id != "ghost").then(|| Arc::new(installed)))
    }

    async fn hold(&self, _unit: &mut dyn UnitOfWork, id: &str) -> PluginResult<()> {
        if id == "ghost" { Err(absent(id)) } else { Ok(()) }
    }
}

struct Length(Vec<Field>, Vec<Field>);

#[async_trait]
impl Enricher for Length {
    fn inputs(&self) -> &[Field] {
        &self.0
    }

    fn outputs(&self) -> &[Field] {
        &self.1
    }

    async fn run(&mut self, rows: RecordBatch) -> PluginResult<Enriched> {
        assert_eq!(rows.num_columns(), 1, "only the planned columns cross");
        let names = rows.column(0).as_string::<i32>();
        let lengths: Int64Array =
            names.iter().map(|name| name.map(|name| name.chars().count() as i64)).collect();
        let schema = Schema::new(vec![
            ArrowField::new("length", DataType::Int64, true),
            ArrowField::new("same", DataType::Utf8, true),
        ]);
        let arrays = vec![Arc::new(lengths) as ArrayRef, Arc::clone(rows.column(0))];
        let columns = RecordBatch::try_new(Arc::new(schema), arrays).unwrap();
        let empty = (0..names.len()).filter(|&row| names.is_null(row));
        let problems = empty.map(|row| (row as u32, Problem::new("input/empty", "nom absent"))).collect();
        Ok(Enriched { columns, problems })
    }
}

struct Host;

fn other<T>() -> PluginResult<T> {
    Err(PluginError::Unavailable("only enrichers here".to_owned()))
}

#[async_trait]
impl PluginHost for Host {
    async fn admit(&self, _: &Manifest, _: &[u8]) -> PluginResult<Admission> {
        other()
    }
    async fn check_share(&self, _: &Subject) -> PluginResult<()> {
        Ok(())
    }

    async fn enricher(&self, _: Call, input: &[Field]) -> PluginResult<Box<dyn Enricher>> {
        let inputs: Vec<Field> = input.iter().filter(|field| field.key == "nom").cloned().collect();
        if inputs.is_empty() {
            return Err(Problem::new("input/missing", "Il manque la colonne nom.").into());
        }
        let output = |key: &str, kind| Field { key: key.to_owned(), kind, ..inputs[0].clone() };
        let outputs = vec![output("length", ColumnKind::Integer), output("same", ColumnKind::Text)];
        Ok(Box::new(Length(inputs, outputs)))
    }
    async fn run_processing(&self, _: Call, _: Value) -> PluginResult<Outcome> {
        other()
    }
    async fn prepare(&self, _: Call, _: Value) -> PluginResult<Prepared> {
        other()
    }
    fn connector(&self, _: Call) -> Arc<dyn Connector> {
        panic!("no test asks for a connector")
    }
    async fn visualisation_queries(&self, _: Call) -> PluginResult<Vec<DataRequest>> {
        other()
    }
    async fn render(&self, _: Call, _: Vec<NamedRows>, _: Value) -> PluginResult<Rendered> {
        other()
    }
    async fn operations(&self, _: Call, _: Value) -> PluginResult<Vec<RemoteOperation>> {
        other()
    }
    async fn build_requests(&self, _: Call, _: &str, _: RecordBatch) -> PluginResult<Vec<RemoteCall>> {
        other()
    }
    async fn parse_responses(
        &self,
        _: Call,
        _: &str,
        _: Vec<RemoteCall>,
        _: Vec<HttpResponse>,
    ) -> PluginResult<Enriched> {
        other()
    }
}

fn columns() -> Vec<Column> {
    vec![Column::new("code", ColumnKind::Integer), Column::new("nom", ColumnKind::Text)]
}

/// An owner whose extension reads no dataset beside the lines.
fn alone() -> EnrichContext {
    EnrichContext {
        owner: AccountRef::user("a", "a"),
        dataset: "d".to_owned(),
        tables: Arc::new(NoTables),
        patience: Duration::ZERO,
    }
}

struct NoTables;

#[async_trait]
impl DatasetSlots for NoTables {
    async fn open_read(&self, slot: &str, _: &Value) -> Result<Box<dyn RowsReader>, Problem> {
        Err(Problem::new("dataset/unbound", slot))
    }

    async fn open_write(&self, slot: &str, _: &str, _: &[Field]) -> Result<Box<dyn RowsWriter>, Problem> {
        Err(Problem::new("denied/slot", slot))
    }
}

async fn refusal(grants: Option<Grants>, extension: Value, columns: &[Column]) -> String {
    let enrichments = PluginEnrichments::new(Arc::new(Host), Arc::new(Plugins(grants)));
    let extension: Extension = serde_json::from_value(extension).unwrap();
    enrichments.plan(&alone(), &extension, columns).await.unwrap_err().to_string()
}

#[tokio::test]
async fn only_granted_enrichers_with_a_sound_configuration_run() {
    let granted = Some(Grants::default());
    let plugin = |id: &str| json!({ "type": "enricher", "plugin": id });
    let all = columns();
    assert_eq!(
        refusal(granted.clone(), plugin("ghost"), &all).await,
        "Le plugin \"ghost\" n'est pas installé."
    );
    assert_eq!(
        refusal(granted.clone(), plugin("chart"), &all).await,
        "Le plugin \"chart\" n'est pas un enrichisseur."
    );
    assert_eq!(
        refusal(None, plugin("length"), &all).await,
        "Le plugin \"length\" attend l'accord d'un administrateur."
    );
    assert_eq!(refusal(granted.clone(), plugin("length"), &all[..1]).await, "Il manque la colonne nom.");
    let configured = json!({ "type": "enricher", "plugin": "length", "config": { "unit": "words" } });
    let text = refusal(granted, configured, &all).await;
    assert!(text.starts_with("Le plugin \"length\" refuse sa configuration : /unit: "), "{text}");
}

#[tokio::test]
async fn selected_outputs_become_columns_and_rows_keep_their_place() {
    let enrichments = PluginEnrichments::new(Arc::new(Host), Arc::new(Plugins(Some(Grants::default()))));
    let extension = json!({ "type": "enricher", "plugin": "length", "select": ["length"] });
    let extension: Extension = serde_json::from_value(extension).unwrap();
    let opened = enrichments.open(&alone(), &extension, &columns(), CancellationToken::new()).await;
    let mut enrichment = opened.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(enrichment.outputs()[0].key, "_length.length");
    assert_eq!(enrichment.outputs()[0].extension.as_deref(), Some("length"));

    // Names of 9 kB: a batch of 4,096 rows does not fit one crossing of 4 MiB, so it is cut.
    let long = "x".repeat(9_000);
    let names: StringArray =
        (0..4_096).map(|row| if row == 3_000 { None } else { Some(&long[..8_000 + row % 100]) }).collect();
    let codes = Int64Array::from_iter_values(0..4_096);
    let schema = halle_ingest::rows::arrow_schema(&columns());
    let batch = RecordBatch::try_new(schema, vec![Arc::new(codes), Arc::new(names)]).unwrap();
    let around = [batch.slice(0, 2), batch.clone(), batch.slice(2_999, 3)].to_vec();
    let [first, enriched, last] = enrichment.run_all(around).await.unwrap().try_into().unwrap();
    assert_eq!((first.columns.num_rows(), first.problems.len()), (2, 0));
    assert_eq!((last.columns.num_rows(), last.problems[0].0), (3, 1), "each batch has its own rows");
    assert_eq!((enriched.columns.num_columns(), enriched.columns.num_rows()), (2, 4_096));
    let lengths = enriched.columns.column(0).as_primitive::<arrow::datatypes::Int64Type>();
    assert_eq!((lengths.value(0), lengths.value(4_095)), (8_000, 8_095));
    assert!(lengths.is_null(3_000));
    let problems: Vec<u32> = enriched.problems.iter().map(|(row, _)| *row).collect();
    assert_eq!(problems, [3_000]);
    let errors = &enrichment.outputs()[1];
    assert_eq!((errors.key.as_str(), errors.label()), ("_length._error", "Erreur d'enrichissement"));
    let told = enriched.columns.column(1).as_string::<i32>();
    assert_eq!(told.null_count(), 4_095);
    assert_eq!(told.value(3_000), enriched.problems[0].1.message, "each row says why it has nothing");
    let alone = enrichment.run(batch).await.unwrap();
    assert_eq!((alone.columns, alone.problems), (enriched.columns, enriched.problems));
}

#[tokio::test]
async fn a_plugin_is_kept_while_an_extension_that_names_it_is_stored() {
    let harness = crate::harness::Harness::new().await;
    let enrichments = PluginEnrichments::new(Arc::new(Host), Arc::new(Plugins(Some(Grants::default()))));
    let mut unit = harness.datasets.store.begin().await.unwrap();
    for (plugin, is_kept) in [("length", true), ("ghost", false)] {
        let extension = json!({ "type": "enricher", "plugin": plugin });
        let held = enrichments.hold(unit.as_mut(), &serde_json::from_value(extension).unwrap()).await;
        assert_eq!(held.is_ok(), is_kept, "{plugin}: {held:?}");
    }
}
