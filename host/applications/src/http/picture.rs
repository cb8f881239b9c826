//! Applications as pictures and as pages.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use halle_http::shapes::{Conflict, OfOne, PluginFailed, WrongParameter};
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, Params};
use minijinja::{Environment, context};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::Applications;
use crate::service::draw::{Form, Look, not_drawn};
use crate::service::style::served;

/// Pixels of one side of a picture.
const SIDE_PX: std::ops::RangeInclusive<u32> = 50..=4_000;

/// The parameters of a picture, as [`look`] reads them: Data Fair's where it has them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the description of the API is made from it")]
pub(super) struct LookQuery {
    /// Pixels, 800 when absent.
    #[param(minimum = 50, maximum = 4_000)]
    width: Option<u32>,
    /// Pixels, 450 when absent.
    #[param(minimum = 50, maximum = 4_000)]
    height: Option<u32>,
    /// `fr` or `en`.
    lang: Option<String>,
    /// `light` or `dark`.
    theme: Option<String>,
}

/// How a picture should look, from its parameters.
pub(super) fn look(params: &Params) -> ApiResult<Look> {
    let default = Look::default();
    let side = |name: &str, default: u32| -> ApiResult<u32> {
        let side = params.number(name)?.map_or(default, |side| u32::try_from(side).unwrap_or(u32::MAX));
        if SIDE_PX.contains(&side) {
            return Ok(side);
        }
        let (min, max) = (SIDE_PX.start(), SIDE_PX.end());
        Err(ApiError::bad_request(format!("\"{name}\" doit être entre {min} et {max} pixels")))
    };
    let one_of = |name: &str, default: String, known: [&str; 2]| -> ApiResult<String> {
        let value = params.get(name).map_or(default, str::to_owned);
        if known.contains(&value.as_str()) {
            return Ok(value);
        }
        Err(ApiError::bad_request(format!("\"{name}\" doit être \"{}\" ou \"{}\"", known[0], known[1])))
    };
    Ok(Look {
        width_px: side("width", default.width_px)?,
        height_px: side("height", default.height_px)?,
        locale: one_of("lang", default.locale, ["fr", "en"])?,
        theme: one_of("theme", default.theme, ["light", "dark"])?,
    })
}

/// Draws an application as SVG, with what the caller may read.
#[utoipa::path(get, path = "/data-fair/api/v1/applications/{id}/drawing.svg", tag = "applications", operation_id = "drawApplication",
    params(("id" = String, Path), LookQuery),
    responses((status = 200, description = "The picture", body = String, content_type = "image/svg+xml"),
        WrongParameter, OfOne, Conflict, PluginFailed))]
pub(super) async fn svg(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let (_, drawn) = applications.draw(&caller, &id, &look(&params)?).await?;
    let policy =
        [(header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox")];
    let svg = drawn.svg()?.to_owned();
    Ok(([(header::CONTENT_TYPE, "image/svg+xml; charset=utf-8")], policy, svg).into_response())
}

/// Shows what an application draws, whatever its form, as a bare page for a frame: without scripts, network or origin.
#[utoipa::path(get, path = "/data-fair/api/v1/applications/{id}/drawing.html", tag = "applications", operation_id = "showApplicationDrawing",
    params(("id" = String, Path), LookQuery),
    responses((status = 200, description = "The drawing as a page", body = String, content_type = "text/html"),
        WrongParameter, OfOne, PluginFailed))]
pub(super) async fn html(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let look = look(&params)?;
    let (application, drawn) = applications.draw(&caller, &id, &look).await?;
    let html = rendered(
        "drawing.html",
        context! {
            title => &application.title,
            lang => look.locale,
            dark => look.theme == "dark",
            body => shown(&drawn.form),
        },
    )?;
    let policy = [(header::CONTENT_SECURITY_POLICY, FRAMED)];
    Ok((policy, Html(html)).into_response())
}

/// What a drawing in HTML may do: look as it wants, with pictures that are part of it; open links in pages of their own.
const FRAMED: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors *; \
    sandbox allow-popups allow-popups-to-escape-sandbox";

fn shown(form: &Form) -> &str {
    match form {
        Form::Svg(shown) | Form::Html(shown) => shown,
    }
}

/// A template of `templates/` with its values.
fn rendered(name: &'static str, values: minijinja::Value) -> ApiResult<String> {
    let mut templates = Environment::new();
    for (name, source) in [
        ("page.html", include_str!("../../templates/page.html")),
        ("drawing.html", include_str!("../../templates/drawing.html")),
    ] {
        templates.add_template(name, source).map_err(ApiError::internal)?;
    }
    let template = templates.get_template(name).map_err(ApiError::internal)?;
    template.render(values).map_err(ApiError::internal)
}

/// What a drawing says without being seen.
#[derive(Serialize, ToSchema)]
pub(super) struct Drawing {
    /// One or two sentences.
    alt: String,
    /// The data as a table, `{columns, rows}`.
    #[schema(value_type = Option<Object>)]
    table: Option<Value>,
    /// Of maps: the style of their interactive form, as `drawing.style.json` answers it. Left out where it cannot be served.
    #[schema(value_type = Object)]
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<Value>,
}

/// Tells what the drawing of an application shows, with what the caller may read.
#[utoipa::path(get, path = "/data-fair/api/v1/applications/{id}/drawing.json", tag = "applications", operation_id = "tellApplication",
    params(("id" = String, Path), LookQuery),
    responses((status = 200, description = "The drawing in words and as a table", body = Drawing),
        WrongParameter, OfOne, Conflict, PluginFailed))]
pub(super) async fn told(
    State(applications): State<Applications>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Json<Drawing>> {
    let (_, drawn) = applications.draw(&caller, &id, &look(&params)?).await?;
    let style = drawn.style.and_then(|style| served(&style, &base.0).ok());
    Ok(Json(Drawing { alt: drawn.alt, table: drawn.table, style }))
}

/// Draws an application as PNG, with what the caller may read.
#[utoipa::path(get, path = "/data-fair/api/v1/applications/{id}/capture", tag = "applications", operation_id = "captureApplication",
    params(("id" = String, Path), LookQuery),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/png"),
        WrongParameter, OfOne, Conflict, PluginFailed))]
pub(super) async fn capture(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let look = look(&params)?;
    let (_, drawn) = applications.draw(&caller, &id, &look).await?;
    let painter = applications.clone();
    let svg = drawn.svg()?.to_owned();
    let png = tokio::task::spawn_blocking(move || painter.painter.png(&svg, look.width_px));
    let png = png.await.map_err(ApiError::internal)?.map_err(|reason| not_drawn(&reason))?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

/// Shows an application as a page: complete without JavaScript, and fit to stand in a frame of any site.
#[utoipa::path(get, path = "/data-fair/app/{id}", tag = "applications", operation_id = "readApplicationPage",
    params(("id" = String, Path), LookQuery),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"),
        WrongParameter, OfOne, Conflict, PluginFailed))]
pub(super) async fn page(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let look = look(&params)?;
    // What stands before a colon is a key, of which the caller has the passes by now.
    let id = id.split_once(':').map_or(id.as_str(), |(_, id)| id);
    let (application, drawn) = applications.draw(&caller, id, &look).await?;
    let (svg, html) = match &drawn.form {
        Form::Svg(svg) => (Some(svg.as_str()), None),
        Form::Html(html) => (None, Some(html.as_str())),
    };
    let framed = html.map(|body| {
        let dark = look.theme == "dark";
        rendered("drawing.html", context! { title => &drawn.alt, lang => &look.locale, dark, body })
    });
    let values = context! {
        title => &application.title,
        description => &application.description,
        lang => look.locale,
        dark => look.theme == "dark",
        svg,
        framed => framed.transpose()?,
        height_px => look.height_px,
        alt => drawn.alt,
        table => minijinja::value::Serde(drawn.table),
    };
    let html = rendered("page.html", values)?;
    let mut response = Html(html).into_response();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors *";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}
