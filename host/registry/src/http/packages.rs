//! Packages in and out.

use axum::Json;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use halle_base::limits::PACKAGE_BYTES_MAX;
use halle_extensions::package::Package;
use halle_extensions::registry::{Acceptance, Registry};
use halle_http::{ApiError, ApiResult, Caller, ClientIp, Params, layers};
use halle_model::User;

use crate::error::{missing, refused};
use crate::http::{installer, load, may_install, superadmin};
use crate::views::ArtefactView;

/// Installs or upgrades a plugin from its package. Consent is given apart, and never by a key: one that was made for a plugin
/// sends versions of it, accepts no other signature, and after a version that a trusted key signed none that is less.
#[utoipa::path(post, path = "/registry/api/v1/artefacts", tag = "registry", operation_id = "postArtefact",
    params(("acceptUnsigned" = Option<bool>, Query, description = "Take a package that no trusted key signed"),
        ("acceptNewSigner" = Option<bool>, Query,
            description = "Take a package that another key signed than the installed version")),
    request_body(content_type = "multipart/form-data", description = "The package, in the field `file`"),
    responses((status = 201,
            description = "The plugin; a version that asks for more than before is in `waiting`, and the one before runs"),
        (status = 400, description = "Refused, with the reason"), (status = 413, description = "Too large")))]
pub async fn upload(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    params: Params,
    form: Multipart,
) -> ApiResult<(StatusCode, Json<ArtefactView>)> {
    let user = installer(&caller)?;
    let archive = read_package(form).await?;
    if caller.scopes.is_some() {
        may_install(&caller, &identifier(&archive)?)?;
    }
    receive(&registry, &caller, user, ip, &params, &archive).await
}

/// Sends a version of one plugin, the first one included: as `POST /artefacts`, but a package of another plugin is refused.
#[utoipa::path(post, path = "/registry/api/v1/artefacts/{id}/versions", tag = "registry", operation_id = "postVersion",
    params(("id" = String, Path),
        ("acceptUnsigned" = Option<bool>, Query, description = "Take a package that no trusted key signed"),
        ("acceptNewSigner" = Option<bool>, Query,
            description = "Take a package that another key signed than the installed version")),
    request_body(content_type = "multipart/form-data", description = "The package, in the field `file`"),
    responses((status = 201,
            description = "The plugin; a version that asks for more than before is in `waiting`, and the one before runs"),
        (status = 400, description = "Refused, with the reason; or a package of another plugin"),
        (status = 403, description = "The key is not for this plugin"), (status = 413, description = "Too large")))]
pub async fn upload_version(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    Path(id): Path<String>,
    params: Params,
    form: Multipart,
) -> ApiResult<(StatusCode, Json<ArtefactView>)> {
    let user = installer(&caller)?;
    may_install(&caller, &id)?;
    let archive = read_package(form).await?;
    let found = identifier(&archive)?;
    if found != id {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "other-plugin",
            format!(
                "Ce paquet est celui de l'extension `{found}`, pas de `{id}`. This package is one of the plugin `{found}`, not \
                 of `{id}`."
            ),
        ));
    }
    receive(&registry, &caller, user, ip, &params, &archive).await
}

/// Which plugin a package is of.
fn identifier(archive: &[u8]) -> ApiResult<String> {
    Ok(Package::read(archive).map_err(|error| refused(error.into()))?.manifest.plugin.id)
}

/// Installs a package that the caller may send: the one way in of every single upload.
async fn receive(
    registry: &Registry,
    caller: &Caller,
    user: &User,
    ip: ClientIp,
    params: &Params,
    archive: &[u8],
) -> ApiResult<(StatusCode, Json<ArtefactView>)> {
    let by_key = caller.scopes.is_some();
    let new_signer = params.flag("acceptNewSigner") && !by_key;
    let accepted = Acceptance { unsigned: params.flag("acceptUnsigned"), new_signer, by_key };
    let installed = registry.install(archive, accepted).await.map_err(refused)?.installed;
    let message = format!("installed {} {}", installed.id, installed.digest);
    layers::audit("registry.install", Some(ip), &user.email, &message);
    let installation = load(registry, &installed.id).await?;
    Ok((StatusCode::CREATED, Json(ArtefactView::for_caller(&installation, caller))))
}

/// The field `file` of the form, up to the largest package.
async fn read_package(mut form: Multipart) -> ApiResult<Vec<u8>> {
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() == Some("file") {
            return read_file(field).await;
        }
    }
    Err(ApiError::bad_request(
        "Envoyez le paquet dans le champ `file`. Send the package in the field `file`.",
    ))
}

/// Code of the refusal of a package that is too large, after which the rest of the form can be read.
pub(super) const PACKAGE_TOO_LARGE: &str = "package-too-large";

/// One file of a form, up to the largest package.
pub(super) async fn read_file(mut field: Field<'_>) -> ApiResult<Vec<u8>> {
    let mut archive = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        if archive.len() + chunk.len() > PACKAGE_BYTES_MAX {
            let message = format!("Le paquet dépasse {PACKAGE_BYTES_MAX} octets.");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, PACKAGE_TOO_LARGE, message));
        }
        archive.extend_from_slice(&chunk);
    }
    Ok(archive)
}

/// The form cannot be read.
pub(super) fn broken(error: MultipartError) -> ApiError {
    let message = format!("Le formulaire est illisible : {}.", error.body_text());
    ApiError::new(error.status(), "bad-form", message)
}

/// Removes a plugin that nobody uses. What runs may end; nothing new starts.
#[utoipa::path(delete, path = "/registry/api/v1/artefacts/{id}", tag = "registry",
    operation_id = "deleteArtefact", params(("id" = String, Path)),
    responses((status = 204, description = "Gone"), (status = 404, description = "Not installed"),
        (status = 409, description = "Somebody uses it; the text says who")))]
pub async fn remove(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let user = superadmin(&caller)?;
    if !registry.remove(&id).await.map_err(refused)? {
        return Err(missing(&id));
    }
    layers::audit("registry.remove", Some(ip), &user.email, &format!("removed {id}"));
    Ok(StatusCode::NO_CONTENT)
}
