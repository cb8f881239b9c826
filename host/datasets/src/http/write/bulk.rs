//! `POST /datasets/{id}/_bulk_lines`.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use halle_base::AccountRef;
use halle_http::{ApiError, ApiResult, Caller, Params};
use halle_ingest::Container;
use serde_json::json;
use tempfile::TempPath;
use tokio::sync::oneshot;

use super::body;
use super::multipart::{Form, ReceivedFile};
use crate::error::DatasetsResult;
use crate::http::target::Target;
use crate::service::write::{Bulk, BulkFile, BulkFormat, BulkReport, require_editable};
use crate::state::Datasets;

/// Time between two spaces that keep the connection of a long request alive.
const HEART_BEAT: Duration = Duration::from_secs(5);

/// Changes as they were received; the files are removed when dropped.
struct Received {
    changes: BulkFile,
    /// Files that the lines name, in a zip.
    attachments: Option<ReceivedFile>,
    /// Keeps the files of the changes.
    _kept: Vec<TempPath>,
}

/// Makes the changes of a JSON array, ndjson or CSV body of any length, or of the file `actions` of a form. The report is
/// JSON; its status is 400 when the first batch had only errors, or when `drop=true` was cancelled. As soon as it is
/// certain that neither is the case, the answer begins, and spaces keep it alive until the report.
pub(super) async fn bulk(
    State(datasets): State<Datasets>,
    target: Target,
    caller: Caller,
    params: Params,
    request: Request,
) -> ApiResult<Response> {
    let operation = target.operation(["bulkLines", "bulkOwnLines"]);
    // Refuse before the body is received, where that is possible.
    let dataset = datasets.permitted(&caller, &target.id, operation).await?;
    require_editable(&dataset)?;
    let received = receive(&datasets, &params, request).await?;
    let asked = Asked {
        operation,
        id: dataset.id,
        owner: target.owner,
        drop: params.flag("drop"),
        lock: params.flag("lock"),
        later: params.flag("async"),
    };
    let (promise, promised) = oneshot::channel();
    let mut work: Work = Box::pin(asked.run(datasets, caller, received, promise));
    tokio::select! {
        biased;
        report = &mut work => {
            let report = report?;
            let failed = report.cancelled || report.hopeless;
            let status = if failed { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            Ok((status, Json(report)).into_response())
        }
        Ok(()) = promised => {
            let media_type = HeaderValue::from_static("application/json; charset=utf-8");
            Ok(([(header::CONTENT_TYPE, media_type)], alive(work)).into_response())
        }
    }
}

type Work = BoxFuture<'static, DatasetsResult<BulkReport>>;

/// What the request asks besides the changes.
struct Asked {
    operation: &'static str,
    id: String,
    owner: Option<AccountRef>,
    drop: bool,
    lock: bool,
    later: bool,
}

impl Asked {
    async fn run(
        self,
        datasets: Datasets,
        caller: Caller,
        received: Received,
        promise: oneshot::Sender<()>,
    ) -> DatasetsResult<BulkReport> {
        let Self { operation, id, owner, drop, lock, later } = self;
        if let Some(zip) = &received.attachments {
            datasets.unpack_attachments(&id, &zip.path).await?;
        }
        let file = &received.changes;
        datasets.bulk_lines(&caller, &id, Bulk { operation, owner, file, drop, lock, later }, promise).await
    }
}

/// Spaces until the work is done, then its report.
fn alive(work: Work) -> Body {
    let beats = stream::unfold(Some(work), |work| async move {
        let mut work = work?;
        let piece = match tokio::time::timeout(HEART_BEAT, &mut work).await {
            Err(_elapsed) => return Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), Some(work))),
            Ok(Ok(report)) => serde_json::to_vec(&report).map_err(std::io::Error::other),
            Ok(Err(error)) => {
                let error = ApiError::from(error);
                let status = error.status.as_u16();
                let failed = json!({ "line": 0, "error": error.message, "status": status });
                Ok(json!({ "nbErrors": 1, "errors": [failed] }).to_string().into_bytes())
            }
        };
        Some((piece.map(Bytes::from), None))
    });
    // Layers above may ask once more after the end.
    Body::from_stream(beats.fuse())
}

async fn receive(datasets: &Datasets, params: &Params, request: Request) -> ApiResult<Received> {
    let separator = separator(params)?;
    let encoding = params.get("encoding").map(str::to_owned);
    let (format, container) = match body::media_type(request.headers()).as_str() {
        "application/json" => (BulkFormat::Json, Container::Plain),
        "application/x-ndjson" => (BulkFormat::Ndjson, Container::Plain),
        "text/csv" => (BulkFormat::Csv(separator), Container::Plain),
        "text/csv+gzip" => (BulkFormat::Csv(separator), Container::Gzip),
        "multipart/form-data" => {
            return Box::pin(receive_form(datasets, separator, encoding, request)).await;
        }
        _ => return Err(body::unsupported()),
    };
    let config = &datasets.config;
    let kept = body::spool(request.into_body(), &config.temp_dir, config.upload_bytes_max).await?;
    let changes = BulkFile { path: kept.to_path_buf(), format, container, encoding };
    Ok(Received { changes, attachments: None, _kept: vec![kept] })
}

async fn receive_form(
    datasets: &Datasets,
    separator: u8,
    encoding: Option<String>,
    request: Request,
) -> ApiResult<Received> {
    let mut form = Form::receive(datasets, request, &["actions", "attachments"]).await?;
    let encoding = encoding.or_else(|| form.take_text("actions_encoding"));
    let attachments = form.take_file("attachments");
    let Some(actions) = form.take_file("actions") else {
        let message = "Le champ \"actions\" manque : envoyez-y le fichier des lignes.";
        return Err(ApiError::bad_request(message));
    };
    let changes =
        BulkFile::named(&actions.path, &actions.name, separator, encoding).map_err(ApiError::bad_request)?;
    Ok(Received { changes, attachments, _kept: vec![actions.path] })
}

fn separator(params: &Params) -> ApiResult<u8> {
    match params.get("sep").unwrap_or(",").as_bytes() {
        [separator] if separator.is_ascii() => Ok(*separator),
        _ => Err(ApiError::bad_request("\"sep\" must be one ASCII character")),
    }
}
