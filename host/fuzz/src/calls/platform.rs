//! A platform in memory behind the calls of a guest: it checks that what reaches it is what the sandbox promises.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use arrow::array::{Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use halle_extensions::services::{
    DatasetSlots, Egress, EgressPolicy, HttpRequest, HttpResponse, HttpStream, LogLevel, PluginState,
    RowsReader, RowsWriter, RunLog, Services,
};
use halle_extensions::types::RowProblem;
use halle_extensions::{Field, Problem};
use halle_model::{Column, ColumnKind};
use halle_search::params::{Fields, LinesParams, Params};
use halle_transports::{EgressConfig, HttpEgress, Resolver, Target};
use serde_json::Value;

/// The secret that the host places; no guest sees it.
pub const SECRET: &str = "hunter2-secret";

/// Calls that reached the platform since the process began.
static REACHED: AtomicUsize = AtomicUsize::new(0);

/// How many calls reached the platform.
#[cfg(test)]
pub fn reached() -> usize {
    REACHED.load(Ordering::Relaxed)
}

fn reach() {
    REACHED.fetch_add(1, Ordering::Relaxed);
}

/// What one run may use: state of its own, and the way out that all share.
pub fn services() -> Services {
    Services {
        log: Arc::new(Log),
        egress: Some(Arc::new(Checked)),
        state: Some(Arc::new(Kept::default())),
        datasets: Some(Arc::new(Slots)),
    }
}

struct Log;

/// What people read: of a limited length, without control characters, without secrets.
fn check_shown(text: &str, bytes_max: usize) {
    reach();
    assert!(text.len() <= bytes_max, "{} bytes: {text:?}", text.len());
    assert!(!text.chars().any(char::is_control) && !text.contains(SECRET), "{text:?}");
}

impl RunLog for Log {
    fn emit(&self, _level: LogLevel, message: &str, fields: &[(String, String)]) {
        check_shown(message, 4 << 10);
        assert!(fields.len() <= 16, "{} fields", fields.len());
        for (name, value) in fields {
            check_shown(name, 64);
            check_shown(value, 1 << 10);
        }
    }

    fn task(&self, name: &str, _total: Option<u64>) {
        check_shown(name, 256);
    }

    fn advance(&self, _done: u64) {
        reach();
    }
}

/// Every name has the address of this machine, which the filter refuses: nothing leaves.
struct Here;

#[async_trait]
impl Resolver for Here {
    async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }
}

static EGRESS: LazyLock<HttpEgress> = LazyLock::new(|| {
    HttpEgress::with_resolver(EgressConfig::default(), Arc::new(Here)).expect("the client can be built")
});

/// The real way out, after a look at what it is given.
struct Checked;

/// A request goes where it was granted, by a granted method, without the headers that are the host's.
fn check_request(request: &HttpRequest) {
    reach();
    assert!(matches!(request.method.as_str(), "GET" | "HEAD" | "POST" | "PUT"), "{request:?}");
    let target = Target::parse(&request.url).expect("what is authorised is an address");
    let host = target.host();
    assert!(host == "a.example" || host.ends_with(".b.example"), "{request:?}");
    assert!(target.origin().starts_with("https://"), "{request:?}");
    assert!(target.url().username().is_empty() && target.url().password().is_none(), "{request:?}");
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        assert!(!matches!(name.as_str(), "host" | "content-length" | "transfer-encoding" | "connection"));
        assert!(!name.is_empty() && !value.contains(['\r', '\n', '\0']), "{request:?}");
    }
    assert!(request.timeout_ms.is_some_and(|ms| ms <= 60_000) && request.max_bytes.is_some(), "{request:?}");
}

#[async_trait]
impl Egress for Checked {
    async fn send(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpResponse, Problem> {
        check_request(&request);
        EGRESS.send(policy, request).await
    }

    async fn stream(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpStream, Problem> {
        check_request(&request);
        EGRESS.stream(policy, request).await
    }

    async fn upload(
        &self,
        policy: &EgressPolicy,
        request: HttpRequest,
        length: u64,
        body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        check_request(&request);
        EGRESS.upload(policy, request, length, body).await
    }
}

/// Values and their revisions, by key.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, (Vec<u8>, u64)>>);

impl Kept {
    fn values(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Vec<u8>, u64)>> {
        reach();
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keys reach the platform as the contract has them.
fn check_key(key: &str) {
    let is_sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-');
    assert!((1..=200).contains(&key.len()) && key.bytes().all(is_sound), "{key:?}");
}

#[async_trait]
impl PluginState for Kept {
    async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, u64)>, Problem> {
        check_key(key);
        Ok(self.values().get(key).cloned())
    }

    async fn put(&self, key: &str, value: Vec<u8>, _expected: Option<u64>) -> Result<u64, Problem> {
        check_key(key);
        let mut values = self.values();
        let revision = values.get(key).map_or(0, |(_, revision)| *revision) + 1;
        values.insert(key.to_owned(), (value, revision));
        let bytes: usize = values.iter().map(|(key, (value, _))| key.len() + value.len()).sum();
        assert!(bytes <= 4_096, "{bytes} bytes, more than was granted");
        Ok(revision)
    }

    async fn delete(&self, key: &str) -> Result<(), Problem> {
        check_key(key);
        self.values().remove(key);
        Ok(())
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, max: u32) -> Result<Vec<String>, Problem> {
        assert!((1..=1_000).contains(&max), "{max}");
        let values = self.values();
        let wanted =
            |key: &&String| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
        Ok(values.keys().filter(wanted).take(max as usize).cloned().collect())
    }
}

/// Two columns, and two rows to read.
struct Slots;

fn fields() -> Vec<Field> {
    let field = |(key, kind): (&str, ColumnKind)| Field {
        key: key.to_owned(),
        kind,
        nullable: true,
        title: None,
        concept: None,
    };
    [("nom", ColumnKind::Text), ("n", ColumnKind::Integer)].map(field).to_vec()
}

#[async_trait]
impl DatasetSlots for Slots {
    async fn open_read(&self, slot: &str, query: &Value) -> Result<Box<dyn RowsReader>, Problem> {
        reach();
        assert_eq!(slot, "input");
        // As processings read it, down to the question for the index.
        let pairs = query.as_object().into_iter().flatten().map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        let refused = |error: String| Problem::new("dataset/query", error);
        let params = Params::new(pairs).map_err(|error| refused(error.to_string()))?;
        let all = params.with("size", "all").with("page", "").with("after", "");
        let columns: Vec<Column> =
            fields().into_iter().map(|field| Column::new(field.key, field.kind)).collect();
        LinesParams::parse(&all, &Fields::new(&columns, true)).map_err(|error| refused(error.to_string()))?;
        Ok(Box::new(Lines { fields: fields(), left: 2 }))
    }

    async fn open_write(
        &self,
        slot: &str,
        mode: &str,
        schema: &[Field],
    ) -> Result<Box<dyn RowsWriter>, Problem> {
        reach();
        assert_eq!(slot, "output");
        assert!(matches!(mode, "replace" | "append" | "upsert"), "{mode:?}");
        assert!(schema.iter().all(|field| (1..=256).contains(&field.key.len())), "{schema:?}");
        Ok(Box::new(Written { columns: schema.len(), rows: 0 }))
    }
}

struct Lines {
    fields: Vec<Field>,
    left: usize,
}

#[async_trait]
impl RowsReader for Lines {
    fn schema(&self) -> &[Field] {
        &self.fields
    }

    async fn next(&mut self, max_rows: u32) -> Result<Option<RecordBatch>, Problem> {
        reach();
        assert!((1..=4_096).contains(&max_rows), "{max_rows}");
        let taken = self.left.min(max_rows as usize);
        self.left -= taken;
        let names = StringArray::from(vec![Some("é"); taken]);
        let numbers = Int64Array::from(vec![None; taken]);
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("nom", Arc::new(names) as _, true),
            ("n", Arc::new(numbers) as _, true),
        ]);
        Ok(Some(batch.expect("the rows are sound")).filter(|_| taken > 0))
    }
}

struct Written {
    columns: usize,
    rows: u64,
}

#[async_trait]
impl RowsWriter for Written {
    async fn write(&mut self, batch: RecordBatch) -> Result<(u64, Vec<RowProblem>), Problem> {
        reach();
        assert_eq!(batch.num_columns(), self.columns);
        assert!(batch.num_rows() <= 4_096, "{} rows", batch.num_rows());
        for column in batch.columns() {
            assert_eq!(column.len(), batch.num_rows());
            column.to_data().validate_full().expect("what the host lets in is sound");
        }
        self.rows += batch.num_rows() as u64;
        Ok((batch.num_rows() as u64, Vec::new()))
    }

    async fn replace_file(&mut self, name: &str, file: &Path) -> Result<(), Problem> {
        reach();
        let is_plain = !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'));
        assert!(is_plain && !name.starts_with('.') && (1..=200).contains(&name.len()), "{name:?}");
        assert!(file.is_file(), "{file:?}");
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<u64, Problem> {
        reach();
        Ok(self.rows)
    }
}
