//! Applications as pictures and as pages.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use halle_http::{ApiError, ApiResult, Caller};
use minijinja::{Environment, context};
use serde::Deserialize;

use crate::service::draw::Look;
use crate::{ApplicationError, Applications};

/// Pixels of one side of a picture.
const SIDE_PX: std::ops::RangeInclusive<u32> = 50..=4_000;

/// Parameters of a picture, Data Fair's where it has them.
#[derive(Debug, Deserialize)]
pub(super) struct LookParams {
    width: Option<u32>,
    height: Option<u32>,
    lang: Option<String>,
    theme: Option<String>,
}

impl LookParams {
    fn look(self) -> ApiResult<Look> {
        let default = Look::default();
        let look = Look {
            width_px: self.width.unwrap_or(default.width_px),
            height_px: self.height.unwrap_or(default.height_px),
            locale: self.lang.unwrap_or(default.locale),
            theme: self.theme.unwrap_or(default.theme),
        };
        for (name, side) in [("width", look.width_px), ("height", look.height_px)] {
            if !SIDE_PX.contains(&side) {
                let (min, max) = (SIDE_PX.start(), SIDE_PX.end());
                return Err(ApiError::bad_request(format!(
                    "\"{name}\" doit être entre {min} et {max} pixels"
                )));
            }
        }
        if !matches!(look.locale.as_str(), "fr" | "en") {
            return Err(ApiError::bad_request("\"lang\" doit être \"fr\" ou \"en\""));
        }
        if !matches!(look.theme.as_str(), "light" | "dark") {
            return Err(ApiError::bad_request("\"theme\" doit être \"light\" ou \"dark\""));
        }
        Ok(look)
    }
}

pub(super) async fn svg(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params): Query<LookParams>,
) -> ApiResult<Response> {
    let (_, drawn) = applications.draw(&caller, &id, &params.look()?).await?;
    let policy =
        [(header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox")];
    Ok(([(header::CONTENT_TYPE, "image/svg+xml; charset=utf-8")], policy, drawn.svg).into_response())
}

pub(super) async fn capture(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params): Query<LookParams>,
) -> ApiResult<Response> {
    let look = params.look()?;
    let (_, drawn) = applications.draw(&caller, &id, &look).await?;
    let painter = applications.clone();
    let png = tokio::task::spawn_blocking(move || painter.painter.png(&drawn.svg, look.width_px));
    let png = png.await.map_err(ApiError::internal)?.map_err(ApplicationError::Drawing)?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

/// The page: complete without JavaScript, and fit to stand in a frame of any site.
pub(super) async fn page(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params): Query<LookParams>,
) -> ApiResult<Response> {
    let look = params.look()?;
    let (application, drawn) = applications.draw(&caller, &id, &look).await?;
    let mut templates = Environment::new();
    templates
        .add_template("page.html", include_str!("../../templates/page.html"))
        .map_err(ApiError::internal)?;
    let template = templates.get_template("page.html").map_err(ApiError::internal)?;
    let values = context! {
        title => &application.title,
        description => &application.description,
        lang => look.locale,
        dark => look.theme == "dark",
        svg => drawn.svg,
        alt => drawn.alt,
        table => minijinja::value::Serde(drawn.table),
    };
    let html = template.render(values).map_err(ApiError::internal)?;
    let mut response = Html(html).into_response();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors *";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}
