//! Declaring, changing and forgetting services.

use std::sync::Arc;

use halle_base::{AccountRef, Secret};
use halle_extensions::host::{Call, RemoteOperation};
use halle_extensions::installed::{choosable, usable};
use halle_extensions::manifest::PluginKind;
use halle_extensions::metering::{InstanceKind, Subject};
use halle_extensions::services::Services;
use halle_http::auth::owner_of_new_by_admin;
use halle_http::{ApiError, ApiResult, shapes};
use halle_model::{Caller, slug};
use halle_store::{EntityExt, StoreError};
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;
use utoipa::ToSchema;

use crate::RemoteServices;
use crate::answers;
use crate::model::RemoteService;

/// Adapter of services that do not name one: it follows Data Fair's conventions.
const DEFAULT_ADAPTER: &str = "openapi";

/// Bytes of an OpenAPI document, as JSON.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// A service to declare.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct NewService {
    /// Identifier; `info.x-api-id` of the document, else its title, when absent.
    pub id: Option<String>,
    /// Title; `info.title` of the document when absent.
    pub title: Option<String>,
    /// Description.
    #[serde(default)]
    pub description: String,
    /// The OpenAPI 3 document.
    pub api_doc: Value,
    /// Address of the server; `servers[0].url` of the document when absent.
    pub server: Option<String>,
    /// Adapter plugin; `openapi` when absent.
    pub plugin: Option<String>,
    /// How the service wants its key.
    pub api_key: Option<ApiKey>,
    /// Whether every account may use it.
    #[serde(default)]
    pub public: bool,
    /// Owner; the caller's active account when absent.
    #[schema(value_type = Option<shapes::Account>)]
    pub owner: Option<AccountRef>,
}

/// How a service wants its key, in Data Fair's shape.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServiceKey)]
pub(crate) struct ApiKey {
    /// `header`: the only place, so that keys stay out of URLs.
    #[serde(rename = "in")]
    pub place: String,
    /// Name of the header.
    pub name: String,
    /// The key; asterisks leave the stored one as it is.
    #[schema(value_type = String)]
    pub value: Secret<String>,
}

impl ApiKey {
    /// Whether the stored key stays as it is.
    fn is_mask(&self) -> bool {
        self.value.reveal().bytes().all(|b| b == b'*')
    }
}

/// Attributes to change; absent ones stay.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ServicePatch {
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// The OpenAPI 3 document; the adapter reads it again.
    pub api_doc: Option<Value>,
    /// Address of the server.
    pub server: Option<String>,
    /// How the service wants its key.
    pub api_key: Option<ApiKey>,
    /// Whether every account may use it.
    pub public: Option<bool>,
}

impl RemoteServices {
    /// Declares a service; its adapter must find an operation that can enrich.
    pub(crate) async fn create(&self, caller: &Caller, new: NewService) -> ApiResult<RemoteService> {
        let owner = owner_of_new_by_admin(caller, new.owner, "remote-services", "un service")?;
        let plugin = new.plugin.unwrap_or_else(|| DEFAULT_ADAPTER.to_owned());
        choosable(&*self.installed, &plugin, PluginKind::RemoteService, &owner).await?;
        let info = |key: &str| new.api_doc["info"][key].as_str().unwrap_or_default().to_owned();
        let id = new.id.or_else(|| Some(info("x-api-id")).filter(|id| !id.is_empty()));
        let id = slug::title_slug(&id.unwrap_or_else(|| info("title")));
        let now = self.clock.now();
        let mut service = RemoteService {
            id,
            title: new.title.unwrap_or_else(|| info("title")),
            description: new.description,
            owner,
            plugin,
            server: server(new.server.as_deref(), &new.api_doc)?,
            api_doc: new.api_doc,
            key_header: None,
            sealed_key: None,
            operations: Vec::new(),
            public: new.public,
            created_at: now,
            updated_at: now,
        };
        // Nothing is stored yet: what the adapter uses is counted for no instance.
        service.operations = self.operations(&service, "", &service.api_doc).await?;
        self.set_key(&mut service, new.api_key)?;
        let mut work = self.store.begin().await?;
        self.installed.hold(work.as_mut(), &service.plugin).await?;
        match work.insert(&service, now).await {
            Err(StoreError::Stale { .. } | StoreError::Duplicate { .. }) => {
                let message = format!(
                    "Le service « {} » existe déjà : modifiez-le, ou donnez un autre `id`.",
                    service.id
                );
                return Err(ApiError::conflict(message));
            }
            other => other?,
        }
        work.commit().await?;
        Ok(service)
    }

    /// Changes the attributes given; a new document is read by the adapter again.
    pub(crate) async fn patch(
        &self,
        caller: &Caller,
        id: &str,
        patch: ServicePatch,
    ) -> ApiResult<RemoteService> {
        let mut stored = self.permitted(caller, id, "writeService").await?;
        let service = &mut stored.entity;
        if let Some(title) = patch.title {
            service.title = title;
        }
        if let Some(description) = patch.description {
            service.description = description;
        }
        if let Some(public) = patch.public {
            service.public = public;
        }
        // What it answered may be something else now.
        let is_other = patch.server.is_some() || patch.api_doc.is_some() || patch.api_key.is_some();
        if let Some(document) = patch.api_doc {
            service.operations = self.operations(service, id, &document).await?;
            service.api_doc = document;
        }
        if let Some(address) = patch.server {
            let address = server(Some(&address), &service.api_doc)?;
            let keeps_key =
                service.sealed_key.is_some() && patch.api_key.as_ref().is_none_or(ApiKey::is_mask);
            if keeps_key && !same_origin(&service.server, &address) {
                return Err(ApiError::bad_request(
                    "`apiKey.value` : l'adresse `server` a changé de serveur, saisissez de nouveau la clé. The address \
                     `server` moved to another server: type the key again.",
                ));
            }
            service.server = address;
        }
        self.set_key(service, patch.api_key)?;
        let now = self.clock.now();
        stored.entity.updated_at = now;
        let mut work = self.store.begin().await?;
        work.save(&mut stored, now).await?;
        if is_other {
            answers::forget(work.as_mut(), id).await?;
        }
        work.commit().await?;
        Ok(stored.entity)
    }

    /// Forgets a service. Datasets keep the columns it filled until they are enriched again.
    pub(crate) async fn delete(&self, caller: &Caller, id: &str) -> ApiResult<()> {
        self.permitted(caller, id, "delete").await?;
        let mut work = self.store.begin().await?;
        work.remove::<RemoteService>(id).await?;
        answers::forget(work.as_mut(), id).await?;
        work.commit().await?;
        Ok(())
    }

    /// What the adapter reads in `document`; what it uses is counted for `instance`.
    async fn operations(
        &self,
        service: &RemoteService,
        instance: &str,
        document: &Value,
    ) -> ApiResult<Vec<RemoteOperation>> {
        if document.to_string().len() > DOCUMENT_BYTES_MAX {
            let message =
                format!("`apiDoc` a plus de {DOCUMENT_BYTES_MAX} octets : retirez ce qui n'enrichit pas.");
            return Err(ApiError::bad_request(message));
        }
        let plugin = usable(&*self.installed, &service.plugin, PluginKind::RemoteService).await?;
        let subject = Subject::new(&plugin, &service.owner, InstanceKind::RemoteService, instance);
        let call = Call {
            plugin,
            subject,
            config: Value::Null,
            secrets: Arc::default(),
            services: Services::none(),
            cancel: CancellationToken::new(),
        };
        let operations = self.plugins.operations(call, document.clone()).await?;
        if operations.is_empty() {
            let message = "`apiDoc` ne décrit aucune opération d'enrichissement par lot : il faut un POST en ndjson \
                           dont l'entrée et la sortie ont une propriété `x-refersTo: http://schema.org/identifier`.";
            return Err(ApiError::bad_request(message));
        }
        Ok(operations)
    }

    fn set_key(&self, service: &mut RemoteService, key: Option<ApiKey>) -> ApiResult<()> {
        let Some(key) = key else { return Ok(()) };
        if key.place != "header" {
            let message =
                "`apiKey.in` : seul `header` est accepté, une clé ne doit pas figurer dans une adresse.";
            return Err(ApiError::bad_request(message));
        }
        if !key.is_mask() {
            service.sealed_key = Some(self.vault.seal(&*self.dice, &service.purpose(), &key.value));
        }
        service.key_header = Some(key.name.to_ascii_lowercase());
        Ok(())
    }
}

/// The address of the server: given, or the document's first one.
fn server(given: Option<&str>, document: &Value) -> ApiResult<String> {
    let address = given.or_else(|| document["servers"][0]["url"].as_str()).unwrap_or_default();
    let url =
        Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| {
        ApiError::bad_request(format!(
            "`server` : « {address} » n'est pas une adresse http ou https complète."
        ))
    })?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether two addresses are of one server: scheme, host and port.
fn same_origin(one: &str, other: &str) -> bool {
    let origin = |address: &str| Url::parse(address).ok().map(|url| url.origin().ascii_serialization());
    origin(one) == origin(other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_server_comes_from_the_body_or_from_the_document() {
        let document = json!({ "servers": [{ "url": "https://api.example.org/v1/" }] });
        assert_eq!(server(None, &document).unwrap(), "https://api.example.org/v1");
        assert_eq!(server(Some("http://127.0.0.1:8000"), &document).unwrap(), "http://127.0.0.1:8000");
        for bad in ["", "/v1", "ftp://example.org", "javascript:alert(1)"] {
            assert!(server(Some(bad), &document).is_err(), "{bad:?} was accepted");
        }
    }
}
