//! Calls of webhooks.

use std::sync::Arc;

use async_trait::async_trait;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest};
use halle_model::Settings;
use halle_model::settings::WebhookTarget;
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::settings::WEBHOOK_JOB;
use halle_store::{EntityExt, Job, Store};
use serde_json::{Value, json};

/// Time for a webhook to answer, in milliseconds (Data Fair: remote calls 10 s).
const TIMEOUT_MS: u32 = 10_000;

/// Bytes of an answer that are read; nothing is done with them.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// Calls per minute of one process to one webhook.
const CALLS_PER_MINUTE_MAX: u32 = 600;

/// What the jobs work with; `app` and tests choose the adapters.
pub struct EventsParts {
    /// Settings, and what events are about.
    pub store: Arc<dyn Store>,
    /// The way out.
    pub egress: Arc<dyn Egress>,
    /// Address under which users know the server, without a trailing slash.
    pub public_url: String,
}

/// The jobs of the feature.
pub fn handlers(parts: EventsParts) -> Vec<Arc<dyn JobHandler>> {
    vec![Arc::new(Webhooks(parts))]
}

/// Calls webhooks.
struct Webhooks(EventsParts);

#[async_trait]
impl JobHandler for Webhooks {
    fn kinds(&self) -> &'static [&'static str] {
        &[WEBHOOK_JOB]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let Some((url, body)) = self.call(&context.job.payload).await? else { return Ok(()) };
        let policy = EgressPolicy {
            origins: vec![url.origin().ascii_serialization()],
            methods: vec!["POST".to_owned()],
            requester: None,
            requests_per_minute_max: CALLS_PER_MINUTE_MAX,
            response_bytes_max: ANSWER_BYTES_MAX,
        };
        let request = HttpRequest {
            method: "POST".to_owned(),
            url: url.to_string(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Some(body.to_string().into()),
            timeout_ms: Some(TIMEOUT_MS),
            max_bytes: Some(ANSWER_BYTES_MAX),
        };
        match self.0.egress.send(&policy, request).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) if answer.status >= 500 || matches!(answer.status, 408 | 425 | 429) => {
                Err(JobError::Retry(format!("{url} answered {}", answer.status)))
            }
            Ok(answer) => Err(JobError::GiveUp(format!("{url} answered {}", answer.status))),
            Err(problem) if problem.code.starts_with("denied/") => Err(JobError::GiveUp(problem.message)),
            Err(problem) => Err(JobError::Retry(problem.message)),
        }
    }

    async fn given_up(&self, job: &Job, error: &str) {
        tracing::warn!(error, payload = %job.payload, "a webhook was given up");
    }
}

impl Webhooks {
    /// Where to call and what to say. `None` when the webhook or what the event is about is gone.
    async fn call(&self, payload: &Value) -> Result<Option<(url::Url, Value)>, JobError> {
        let text = |name: &str| payload[name].as_str().unwrap_or_default();
        let mut unit = self.0.store.read().await?;
        let Some(settings) = unit.load::<Settings>(text("account")).await? else { return Ok(None) };
        let mut webhooks = settings.content.webhooks.iter();
        let Some(webhook) = webhooks.find(|webhook| webhook.title == text("webhook")) else {
            return Ok(None);
        };
        let collection = if text("resource") == "application" { "applications" } else { "datasets" };
        let Some(document) = unit.documents().get(collection, text("id")).await? else { return Ok(None) };
        let WebhookTarget::Http(target) = &webhook.target;
        let url = target.url.parse().map_err(JobError::give_up)?;
        let title = document.body["title"].as_str().unwrap_or(&document.id);
        let mut body = json!({
            "text": sentence(title, text("event")),
            "href": format!("{}/data-fair/api/v1/{collection}/{}", self.0.public_url, document.id),
            "event": text("event"),
        });
        if let Some(notification) = payload.get("notification") {
            body["text"] = written(notification).into();
            body["notification"] = notification.clone();
        }
        Ok(Some((url, body)))
    }
}

/// What a person wrote.
fn written(notification: &Value) -> String {
    let title = notification["title"].as_str().unwrap_or_default();
    notification["body"].as_str().map_or_else(|| title.to_owned(), |body| format!("{title}\n\n{body}"))
}

/// What happened, in French.
fn sentence(title: &str, event: &str) -> String {
    let what = match event {
        "dataset-created" => "a été créé",
        "application-created" => "a été créée",
        "data-updated" => "a reçu de nouvelles données",
        "draft-data-updated" => "a reçu de nouvelles données en brouillon",
        "structure-updated" => "a changé de structure",
        "breaking-change" => "a changé de façon incompatible",
        "finalize-end" => "est à jour",
        "publication" => "a été publié",
        "error" => "est en erreur : son journal dit pourquoi",
        _ => "a changé",
    };
    format!("« {title} » {what}.")
}
