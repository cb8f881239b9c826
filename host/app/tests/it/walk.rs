//! Every route of the program, found by asking the router.

use std::collections::BTreeSet;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use clap::Parser;
use halle_app::ServeArgs;
use tower::ServiceExt;

/// What answers, to whatever method, that there is no such route.
const UNKNOWN: &str = "/data-fair/api/{*rest}";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: ServeArgs,
}

/// The routes of every feature over an empty folder, without the layers that a server puts around them.
pub async fn routes(folder: &Path) -> Router {
    let line = Line::parse_from(["halle", "--data-dir", folder.to_str().unwrap()]);
    halle_app::routes(&line.args).await.unwrap()
}

/// Paths of a router. axum lists them only where it describes itself for debugging: `RouteId(7): "/path"`.
pub fn paths(router: &Router) -> BTreeSet<String> {
    let told = format!("{router:?}");
    let own = told.split("fallback_router").next().unwrap_or_default();
    let ids = own.split("RouteId(").skip(1);
    let paths = ids.filter_map(|entry| entry.split_once("): \"")?.1.split('"').next());
    paths.map(str::to_owned).collect()
}

/// Methods of a path but `HEAD`, which axum answers wherever it answers `GET`: asked with a method that none has.
pub async fn methods(router: &Router, path: &str) -> Vec<String> {
    let concrete: Vec<&str> =
        path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
    let request = Request::builder().method(Method::TRACE).uri(concrete.join("/")).body(Body::empty());
    let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
    if path == UNKNOWN {
        return vec!["GET".to_owned()];
    }
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    let allowed = answer.headers()[header::ALLOW].to_str().unwrap();
    allowed.split(',').filter(|method| *method != "HEAD").map(str::to_owned).collect()
}
