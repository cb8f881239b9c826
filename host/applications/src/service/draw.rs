//! Drawing: ask the plugin what it wants, fetch it with the viewer's rights, let the plugin draw, make it safe.

use std::sync::Arc;

use halle_base::{AccountRef, Timestamp};
use halle_extensions::host::{Call, DataRequest, NamedRows, Output};
use halle_extensions::installed::usable;
use halle_extensions::manifest::PluginKind;
use halle_extensions::metering::{InstanceKind, Subject};
use halle_extensions::services::Services;
use halle_http::error::StatusCode;
use halle_http::{ApiError, ApiResult};
use halle_model::Caller;
use halle_search::params::Params;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::service::style;
use crate::{Application, Applications, rows};

/// Rows that one data request may give, whatever the plugin asks.
const REQUEST_ROWS_MAX: u32 = 10_000;

/// Data requests of one drawing, as the contract says.
const REQUESTS_MAX: usize = 16;

/// How a drawing should look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Width in CSS pixels.
    pub width_px: u32,
    /// Height in CSS pixels.
    pub height_px: u32,
    /// `fr` or `en`.
    pub locale: String,
    /// `light` or `dark`.
    pub theme: String,
}

impl Default for Look {
    fn default() -> Self {
        Self { width_px: 800, height_px: 450, locale: "fr".to_owned(), theme: "light".to_owned() }
    }
}

/// What is drawn, and for whom: what the plugin uses is counted for the owner.
#[derive(Debug, Clone, Copy)]
pub struct Sketch<'a> {
    /// Identifier of the visualisation plugin.
    pub plugin: &'a str,
    /// Its configuration.
    pub configuration: &'a Value,
    /// Who pays.
    pub owner: &'a AccountRef,
    /// The thing that is drawn.
    pub instance: (InstanceKind, &'a str),
    /// Its title, if it has one.
    pub title: Option<&'a str>,
}

/// A drawing, safe to serve.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// What is shown.
    pub form: Form,
    /// What a person who does not see it is told.
    pub alt: String,
    /// The same data as a table: `{columns: [..], rows: [[..]]}`.
    pub table: Option<Value>,
    /// The style of its interactive form as the plugin wrote it: see `service/style.rs`.
    pub(crate) style: Option<Value>,
}

/// The form that the plugin chose for its drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// SVG, reduced to what draws.
    Svg(String),
    /// The body of a page, reduced to what shows. Only for a frame without scripts and origin.
    Html(String),
}

impl Drawn {
    /// The drawing as SVG; 409 `drawing-is-html` where it has no such form.
    pub fn svg(&self) -> ApiResult<&str> {
        match &self.form {
            Form::Svg(svg) => Ok(svg),
            Form::Html(_) => {
                let message = "Ce dessin est du HTML : il est à « drawing.html ». This drawing is HTML, at `drawing.html`.";
                Err(ApiError::new(StatusCode::CONFLICT, "drawing-is-html", message))
            }
        }
    }
}

impl Applications {
    /// Draws an application for `caller`, who needs the right to read it and the data it shows.
    pub async fn draw(&self, caller: &Caller, id: &str, look: &Look) -> ApiResult<(Application, Drawn)> {
        let application = self.permitted(caller, id, "readDescription").await?.entity;
        let sketch = Sketch {
            plugin: &application.plugin,
            configuration: &application.configuration,
            owner: &application.owner,
            instance: (InstanceKind::Application, &application.id),
            title: Some(&application.title),
        };
        let drawn = self.draw_with(caller, sketch, look).await?;
        Ok((application, drawn))
    }

    /// Draws with a configuration that is not stored, for previews and for pages that make their own.
    pub async fn draw_with(&self, caller: &Caller, sketch: Sketch<'_>, look: &Look) -> ApiResult<Drawn> {
        let plugin = usable(&*self.installed, sketch.plugin, PluginKind::Visualisation).await?;
        let (kind, id) = sketch.instance;
        let call = Call {
            subject: Subject::new(&plugin, sketch.owner, kind, id),
            plugin,
            config: sketch.configuration.clone(),
            secrets: Arc::default(),
            services: Services::none(),
            cancel: CancellationToken::new(),
        };
        let requests = self.plugins.visualisation_queries(call.clone()).await?;
        if requests.len() > REQUESTS_MAX {
            let message =
                format!("the visualisation asks for {} sets of data, at most {REQUESTS_MAX}", requests.len());
            return Err(not_drawn(&message));
        }
        let mut data = Vec::with_capacity(requests.len());
        for request in &requests {
            data.push(self.fetch(caller, request).await?);
        }
        let context = context(look, sketch.title, self.clock.now());
        let mut rendered = self.plugins.render(call, data, context).await?;
        let form = match rendered.output {
            Output::Svg(svg) => self.painter.sanitize(&svg).map(Form::Svg),
            Output::Html(html) => {
                let painter = Arc::clone(&self.painter);
                let safe = tokio::task::spawn_blocking(move || painter.sanitize_html(&html)).await;
                safe.map_err(ApiError::internal)?.map(Form::Html)
            }
            Output::VegaLite(_) | Output::Vega(_) => {
                Err("Vega documents are not drawn here: the visualisation must answer SVG or HTML".to_owned())
            }
        };
        let form = form.map_err(|reason| not_drawn(&reason))?;
        let style = style::take(&mut rendered.table);
        Ok(Drawn { form, alt: rendered.alt, table: rendered.table, style })
    }

    async fn fetch(&self, caller: &Caller, request: &DataRequest) -> ApiResult<NamedRows> {
        let text = |key: &str| request.query.get(key).and_then(Value::as_str).unwrap_or_default();
        let dataset = text("dataset");
        let max_rows = request.max_rows.clamp(1, REQUEST_ROWS_MAX);
        let table = match text("operation") {
            "lines" => {
                let params = self.params(request, Some(("size", max_rows)))?;
                self.datasets.lines(caller, dataset, &params).await?.values()?
            }
            "values_agg" => {
                let params = self.params(request, None)?;
                rows::groups(&self.datasets.values_agg(caller, dataset, &params).await?)
            }
            // Without a metric, the number of lines, for which the API wants no column either.
            "metric_agg" if request.query["params"].get("metric").is_none() => {
                let params = self.params(request, Some(("size", 0)))?;
                let total = self.datasets.lines(caller, dataset, &params).await?.total;
                vec![Map::from_iter([("total".to_owned(), json!(total))])]
            }
            "metric_agg" => {
                let params = self.params(request, None)?;
                let answer = self.datasets.metric_agg(caller, dataset, &params).await?;
                answer.as_object().cloned().into_iter().collect()
            }
            unknown => {
                let message = format!("the visualisation asks for the unknown operation `{unknown}`");
                return Err(not_drawn(&message));
            }
        };
        let rows = &table[..table.len().min(max_rows as usize)];
        let (schema, rows) = rows::columns(rows).map_err(|error| not_drawn(&error))?;
        Ok(NamedRows { name: request.name.clone(), schema, rows })
    }

    fn params(&self, request: &DataRequest, limit: Option<(&str, u32)>) -> ApiResult<Params> {
        let given = request.query.get("params").and_then(Value::as_object).into_iter().flatten();
        let mut pairs: Vec<(String, String)> = given
            .map(|(key, value)| {
                (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect();
        if let Some((key, max)) = limit {
            let asked = pairs.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.parse().ok());
            pairs.retain(|(name, _)| name != key);
            pairs.push((key.to_owned(), asked.unwrap_or(max).min(max).to_string()));
        }
        Params::new(pairs).map_err(|error| not_drawn(&error))
    }
}

/// Where the picture is shown, as the contract writes it (`render` in `wit/visualisation`).
fn context(look: &Look, title: Option<&str>, now: Timestamp) -> Value {
    let mut context = json!({
        "width": look.width_px, "height": look.height_px, "locale": look.locale,
        "theme": { "dark": look.theme == "dark" }, "now": now.to_string(),
    });
    if let Some(title) = title {
        context["title"] = title.into();
    }
    context
}

/// 502: what the plugin asked for or drew cannot be served.
pub(crate) fn not_drawn(reason: &impl std::fmt::Display) -> ApiError {
    let message = format!("Le dessin ne peut pas être servi. The drawing cannot be served: {reason}");
    ApiError::new(StatusCode::BAD_GATEWAY, "visualisation-failed", message)
}
