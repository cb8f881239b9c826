//! `POST /datasets`, and `POST` or `PUT /datasets/{id}`: create, or replace the file.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use halle_http::{ApiError, BaseUrl, Caller};
use halle_model::Dataset;
use halle_store::EntityExt;

use crate::error::{DatasetsError, DatasetsResult};
use crate::http::headers::answer;
use crate::http::seen::draft;
use crate::http::upload::{Received, receive};
use crate::service::create::NewDataset;
use crate::service::drafts::{mode_of, wants_draft};
use crate::service::table_schema;
use crate::state::Datasets;
use crate::views;

/// Creates a dataset under a random identifier. 201.
pub(super) async fn create(
    State(datasets): State<Datasets>,
    caller: Caller,
    base: BaseUrl,
    request: Request,
) -> DatasetsResult<Response> {
    require_somebody(&caller)?;
    let draft = wants_draft(draft(request.uri().query().unwrap_or_default()).as_deref())?;
    let received = receive(&datasets, request).await?;
    let new = NewDataset { draft, ..NewDataset::default() };
    let dataset = create_from(&datasets, &caller, new, received).await?;
    let view = views::dataset(&dataset.with_draft(), &caller, &base.0);
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// Creates a dataset under the identifier of the path (201), or changes the one that is there (200): its file when the
/// body has one, its attributes otherwise.
pub(super) async fn create_or_replace(
    State(datasets): State<Datasets>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    request: Request,
) -> DatasetsResult<Response> {
    require_somebody(&caller)?;
    let known = {
        let mut unit = datasets.store.read().await?;
        unit.load::<Dataset>(&id).await?.is_some()
    };
    let draft = draft(request.uri().query().unwrap_or_default());
    let wants_draft = wants_draft(draft.as_deref())?;
    if !known {
        let received = receive(&datasets, request).await?;
        let new = NewDataset { id: Some(id), draft: wants_draft, ..NewDataset::default() };
        let dataset = create_from(&datasets, &caller, new, received).await?;
        let view = views::dataset(&dataset.with_draft(), &caller, &base.0);
        return Ok((StatusCode::CREATED, Json(view)).into_response());
    }
    // Before a large body is read.
    let dataset = datasets.load(&caller, &id, "writeData").await?;
    let mode = mode_of(draft.as_deref(), &dataset)?;
    let Received { attributes, file, attachments } = receive(&datasets, request).await?;
    let attributes = table_schema::unfold(attributes, &dataset.schema)?;
    let beside = attachments.as_deref();
    let dataset = match &file {
        Some(file) => datasets.replace_in_mode(&caller, &id, file.upload(beside), &attributes, mode).await?,
        None if wants_draft => datasets.patch_draft(&caller, &id, &attributes, beside).await?,
        None => datasets.patch_with(&caller, &id, &attributes, beside).await?,
    };
    let view = views::dataset(&dataset, &caller, &base.0);
    Ok(answer(&dataset, "writeData", None, Json(view)))
}

async fn create_from(
    datasets: &Datasets,
    caller: &halle_model::Caller,
    new: NewDataset,
    received: Received,
) -> DatasetsResult<Dataset> {
    let Received { attributes, file, attachments } = received;
    let attributes = table_schema::unfold(attributes, &[])?;
    let new = NewDataset { attributes, ..new };
    match &file {
        Some(file) => datasets.create_with(caller, new, file.upload(attachments.as_deref())).await,
        None if attachments.is_some() => {
            let message = "Le champ \"attachments\" accompagne un fichier de données : envoyez aussi \"file\", ou envoyez \
                           le zip comme \"file\" pour une ligne par fichier.";
            Err(DatasetsError::bad_request(message))
        }
        None => datasets.create(caller, new).await,
    }
}

/// Nobody uploads anonymously; told before the body is read.
fn require_somebody(caller: &Caller) -> Result<(), ApiError> {
    // Who holds a pass is told what it does not open.
    if caller.is_anonymous() && caller.passes.is_empty() {
        return Err(ApiError::unauthorized(
            "Veuillez vous connecter pour créer ou modifier un jeu de données.",
        ));
    }
    Ok(())
}
