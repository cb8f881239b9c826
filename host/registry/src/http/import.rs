//! Many packages in one upload: what an installation without a network is brought.

use axum::Json;
use axum::extract::{Multipart, State};
use halle_extensions::registry::{Acceptance, Received, Registry, VersionState};
use halle_http::{ApiError, ApiResult, Caller, ClientIp, Params, layers};
use serde::Serialize;

use crate::error::refused;
use crate::http::packages::{PACKAGE_TOO_LARGE, broken, read_file};
use crate::http::superadmin;

/// Packages of one upload.
const IMPORT_PACKAGES_MAX: usize = 200;

/// What became of the packages of an upload.
#[derive(Debug, Serialize)]
pub struct ImportView {
    /// How many there were.
    count: usize,
    results: Vec<ImportedView>,
}

/// What became of one package.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportedView {
    /// Name of the file that was sent.
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// `current` or `waiting`; absent for a package that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<VersionState>,
    /// Why the package was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl ImportedView {
    fn installed(file: String, Received { installed, state }: Received) -> Self {
        let version = Some(installed.manifest.plugin.version);
        Self { file, id: Some(installed.id), version, state: Some(state), error: None }
    }

    fn refused(file: String, error: ApiError) -> Self {
        Self { file, id: None, version: None, state: None, error: Some(error.message) }
    }
}

/// Of a package beyond those of one upload.
fn too_many() -> ApiError {
    ApiError::bad_request(format!(
        "Plus de {IMPORT_PACKAGES_MAX} paquets : envoyez les autres à part, celui-ci compris. More than {IMPORT_PACKAGES_MAX} \
         packages: send the others apart, this one included."
    ))
}

/// Installs or upgrades plugins from many packages, one after the other. One that is refused, too large or cannot be read keeps
/// no other from being installed.
#[utoipa::path(post, path = "/registry/api/v1/imports", tag = "registry", operation_id = "importPackages",
    params(("acceptUnsigned" = Option<bool>, Query, description = "Take packages that no trusted key signed"),
        ("acceptNewSigner" = Option<bool>, Query,
            description = "Take packages that another key signed than the installed version")),
    request_body(content_type = "multipart/form-data", description = "Packages, each in a field `file`"),
    responses((status = 200, description = "`{count, results}`: for each file what was installed, or why it was refused"),
        (status = 400, description = "No package")))]
pub async fn import(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    params: Params,
    mut form: Multipart,
) -> ApiResult<Json<ImportView>> {
    let user = superadmin(&caller)?;
    let accepted = Acceptance {
        unsigned: params.flag("acceptUnsigned"),
        new_signer: params.flag("acceptNewSigner"),
        by_key: false,
    };
    let mut results = Vec::new();
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) if field.name() == Some("file") => field,
            Ok(Some(_other)) => continue,
            Ok(None) => break,
            Err(error) if results.is_empty() => return Err(broken(error)),
            Err(error) => {
                // Nothing can be read after it; what was installed before is told all the same.
                results.push(ImportedView::refused(String::new(), broken(error)));
                break;
            }
        };
        if results.len() == IMPORT_PACKAGES_MAX {
            let file = field.file_name().unwrap_or_default().to_owned();
            results.push(ImportedView::refused(file, too_many()));
            break;
        }
        let file = field.file_name().unwrap_or_default().to_owned();
        let archive = match read_file(field).await {
            Ok(archive) => archive,
            Err(error) => {
                // Of a package that is too large the form skips the rest; after anything else nothing can be read.
                let is_readable = error.code == PACKAGE_TOO_LARGE;
                if !is_readable && results.is_empty() {
                    return Err(error);
                }
                results.push(ImportedView::refused(file, error));
                if is_readable {
                    continue;
                }
                break;
            }
        };
        match registry.install(&archive, accepted).await.map_err(refused) {
            Ok(received) => {
                let message = format!("installed {} {}", received.installed.id, received.installed.digest);
                layers::audit("registry.install", Some(ip), &user.email, &message);
                results.push(ImportedView::installed(file, received));
            }
            Err(error) if !error.status.is_server_error() => results.push(ImportedView::refused(file, error)),
            Err(error) if results.is_empty() => return Err(error),
            Err(error) => {
                // The next ones would fare no better.
                results.push(ImportedView::refused(file, error));
                break;
            }
        }
    }
    if results.is_empty() {
        return Err(ApiError::bad_request(
            "Envoyez les paquets dans des champs `file`. Send the packages in fields `file`.",
        ));
    }
    Ok(Json(ImportView { count: results.len(), results }))
}
