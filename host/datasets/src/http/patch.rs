//! `PATCH /datasets/{id}`.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use halle_http::{BaseUrl, Caller};

use crate::error::{DatasetsError, DatasetsResult};
use crate::http::headers::answer;
use crate::http::seen::draft;
use crate::http::upload::{Received, receive};
use crate::service::table_schema;
use crate::state::Datasets;
use crate::views;

/// Changes attributes, and the files that came beside a data file when the body has a zip of others; with `draft=true`
/// those of the draft, where there is one.
pub(super) async fn patch(
    State(datasets): State<Datasets>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    request: Request,
) -> DatasetsResult<Response> {
    let known = datasets.load(&caller, &id, "writeDescription").await?;
    let of_draft = draft(request.uri().query().unwrap_or_default()).as_deref() == Some("true");
    let Received { attributes, file, attachments } = receive(&datasets, request).await?;
    if file.is_some() {
        let message = "PATCH ne reçoit pas de fichier : utilisez POST ou PUT pour remplacer le fichier.";
        return Err(DatasetsError::bad_request(message));
    }
    let attributes = table_schema::unfold(attributes, &known.schema)?;
    let dataset = if of_draft {
        datasets.patch_draft(&caller, &id, &attributes, attachments.as_deref()).await?
    } else {
        datasets.patch_with(&caller, &id, &attributes, attachments.as_deref()).await?
    };
    let view = views::dataset(&dataset, &caller, &base.0);
    Ok(answer(&dataset, "writeDescription", None, Json(view)))
}
