//! How refusals of the registry reach clients.

use halle_extensions::package::PackageError;
use halle_extensions::registry::RegistryError;
use halle_http::ApiError;
use halle_http::error::StatusCode;
use halle_store::StoreError;

/// The answer for a refusal: 400 for a wrong package or grant, 404, 409, 413; 500 for the store.
pub(crate) fn refused(error: RegistryError) -> ApiError {
    let message = error.to_string();
    match error {
        RegistryError::Unsigned => ApiError::new(
            StatusCode::BAD_REQUEST,
            "package-unsigned",
            "Ce paquet n'est pas signé : si vous avez confiance en sa provenance, envoyez-le avec \
             `?acceptUnsigned=true`. This package is not signed: if you trust where it comes from, send it with \
             `?acceptUnsigned=true`.",
        ),
        RegistryError::Package(PackageError::TooLarge(_)) => {
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "package-too-large", message)
        }
        RegistryError::Package(PackageError::Signature(_) | PackageError::Untrusted(_)) => {
            ApiError::new(StatusCode::BAD_REQUEST, "package-signature", message)
        }
        RegistryError::Package(_) => ApiError::new(StatusCode::BAD_REQUEST, "package-refused", message),
        RegistryError::Refused(_) => ApiError::new(StatusCode::BAD_REQUEST, "plugin-refused", message),
        RegistryError::NotAsked(_) => ApiError::new(StatusCode::BAD_REQUEST, "not-asked", message),
        RegistryError::NotFound(id) => missing(&id),
        RegistryError::NoPrevious(_) => ApiError::conflict(message),
        RegistryError::Store(StoreError::Stale { .. }) => {
            ApiError::conflict("Cette extension vient d'être modifiée par quelqu'un d'autre : rechargez-la.")
        }
        RegistryError::Store(error) => ApiError::internal(error),
    }
}

/// 404 for a plugin.
pub(crate) fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!(
        "L'extension `{id}` n'est pas installée. The plugin `{id}` is not installed."
    ))
}
