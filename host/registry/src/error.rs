//! How refusals of the registry reach clients.

use halle_extensions::package::{PackageError, key_id};
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
        RegistryError::Untrusted { key } => {
            ApiError::new(StatusCode::BAD_REQUEST, "package-untrusted", untrusted(&key))
        }
        RegistryError::OtherSigner { id, pinned, found } => ApiError::new(
            StatusCode::BAD_REQUEST,
            "package-other-signer",
            other_signer(&id, &pinned, found.as_deref()),
        ),
        RegistryError::NoLongerTrusted { id, name } => {
            ApiError::new(StatusCode::BAD_REQUEST, "package-untrusted", no_longer_trusted(&id, &name))
        }
        RegistryError::Package(PackageError::Signature(_)) => {
            ApiError::new(StatusCode::BAD_REQUEST, "package-signature", message)
        }
        RegistryError::Package(_) => ApiError::new(StatusCode::BAD_REQUEST, "package-refused", message),
        RegistryError::Refused(_) => ApiError::new(StatusCode::BAD_REQUEST, "plugin-refused", message),
        RegistryError::NotAsked(_) => ApiError::new(StatusCode::BAD_REQUEST, "not-asked", message),
        RegistryError::WhichVersion { id, version, digest } => ApiError::new(
            StatusCode::BAD_REQUEST,
            "which-version",
            format!(
                "La version {version} de l'extension `{id}` attend : dites sur laquelle vous décidez avec `?digest={digest}`, ou \
                 l'empreinte de la version actuelle. Version {version} of the plugin `{id}` waits: say which one you decide \
                 on with `?digest={digest}`, or the digest of the current one."
            ),
        ),
        RegistryError::NotFound(id) => missing(&id),
        RegistryError::NoVersion { .. } => ApiError::not_found(format!(
            "Cette version de l'extension n'est pas gardée ici. This version of the plugin is not kept here: {message}."
        )),
        RegistryError::InUse { id, uses } => ApiError::conflict(format!(
            "L'extension `{id}` sert encore : {uses}. Retirez-la d'abord de là, ou désactivez-la. The plugin `{id}` is still \
             used: take it out there first, or disable it."
        )),
        RegistryError::NotGranted { .. } => ApiError::conflict(format!(
            "Cette version n'a jamais reçu d'autorisations : elle ne tournerait pas. {message}."
        )),
        RegistryError::IsCurrent { .. } => ApiError::conflict(format!(
            "Cette version est celle qui tourne : revenez d'abord à une autre, ou retirez l'extension. {message}."
        )),
        RegistryError::NoPrevious(_) => {
            ApiError::conflict(format!("Aucune version précédente n'est gardée. {message}."))
        }
        RegistryError::Store(StoreError::Stale { .. }) => {
            ApiError::conflict("Cette extension vient d'être modifiée par quelqu'un d'autre : rechargez-la.")
        }
        RegistryError::Store(error) => ApiError::internal(error),
    }
}

fn untrusted(key: &str) -> String {
    let id = key_id(key);
    format!(
        "Ce paquet est signé par une clé que cette installation ne connaît pas ({id}). Si vous savez à qui elle est, ajoutez \
         `NOM={key}` à HALLE_TRUSTED_KEYS ; ou acceptez ce seul paquet avec `?acceptUnsigned=true`. This package is signed by a \
         key that this installation does not trust: add it to HALLE_TRUSTED_KEYS if you know whose it is, or accept this one \
         package with `?acceptUnsigned=true`."
    )
}

fn no_longer_trusted(id: &str, name: &str) -> String {
    format!(
        "La version installée de `{id}` est signée par la clé de confiance « {name} » : une clé d'API n'envoie rien à sa suite \
         qu'aucune clé de confiance n'a signé. Signez ce paquet, ou faites-le installer par un super-administrateur. The \
         installed version of `{id}` is signed by the trusted key “{name}”: an API key sends nothing after it that no trusted \
         key signed. Sign this package, or let a superadmin install it."
    )
}

fn other_signer(id: &str, pinned: &str, found: Option<&str>) -> String {
    let pinned = key_id(pinned);
    let (fr, en) = match found.map(key_id) {
        Some(found) => (format!("par la clé {found}"), format!("by the key {found}")),
        None => ("par personne".to_owned(), "by nobody".to_owned()),
    };
    format!(
        "La version installée de `{id}` est signée par la clé {pinned}, ce paquet l'est {fr} : il vient peut-être de quelqu'un \
         d'autre. Demandez à l'éditeur ; s'il a changé de clé, envoyez-le avec `?acceptNewSigner=true`. The installed version \
         of `{id}` is signed by the key {pinned}, this package {en}: it may come from somebody else. Ask the publisher; if \
         they changed their key, send it with `?acceptNewSigner=true`."
    )
}

/// 404 for a plugin.
pub(crate) fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!(
        "L'extension `{id}` n'est pas installée. The plugin `{id}` is not installed."
    ))
}
