//! `halle serve`: everything in one process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use halle_events::EventsParts;
use halle_http::app_keys::{ApplicationKeys, Lending};
use halle_http::client_ip::{self, TrustedProxies};
use halle_http::jwks::{HttpJwks, JwksSource, JwksVerifier};
use halle_http::openapi::OpenApi;
use halle_http::rate_limit::RateLimiter;
use halle_http::realtime::Realtime;
use halle_http::session::SessionAuthenticator;
use halle_http::{
    ApiError, ApiKeys, Authenticator, app_keys, auth, base_url, error, layers, openapi, rate_limit,
};
use halle_model::Dataset;
use halle_store::rekey;
use halle_store::runner::{JobHandler, Runner};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

use crate::api_keys::{PageKeys, PlatformKeys};
use crate::config::ServeArgs;
use crate::health::{self, Health};
use crate::observer;
use crate::wiring::App;

/// Time that requests and jobs have to end after SIGTERM.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);

/// Imports, publications and runs at a time; they wait for the pipeline, so they have places of their own.
const EXCHANGES_AT_ONCE: usize = 8;

/// Time for another directory to give its keys.
const JWKS_WITHIN: Duration = Duration::from_secs(10);

/// How often the directory is kept in order.
const MAINTAIN_EVERY: Duration = Duration::from_secs(3_600);

/// Serves until SIGTERM or Ctrl-C, then lets requests and jobs end.
pub async fn serve(args: ServeArgs) -> Result<()> {
    let app = App::build(&args).await?;
    let stopping = CancellationToken::new();
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}: choose another address with --listen", args.listen))?
        .tap_io(|stream| {
            // Without it the end of an answer may wait for an acknowledgement; a connection that refuses it only waits.
            let _ = stream.set_nodelay(true);
        });
    let router = router(&app, &args, stopping.clone())?;
    // What an earlier release stored lacks keys that lists ask for.
    let completed =
        rekey::<Dataset>(&*app.base.store, "offered").await.context("cannot complete datasets")?
            + app.services.complete_keys().await.context("cannot complete remote services")?;
    if completed > 0 {
        tracing::info!(completed, "documents of an earlier release were completed");
    }
    app.datasets.catch_up().await.context("cannot read what was written before the last stop")?;
    let woken = app.base.usage.wake().await.context("cannot read what waits for plugin seconds")?;
    if woken > 0 {
        tracing::info!(woken, "jobs that waited for plugin seconds go on: their accounts have some");
    }
    let work = TaskTracker::new();
    start_workers(&app, &args, &work, &stopping);
    observe(&app, &args, &work, &stopping).await?;
    tracing::info!(public_url = %args.public_url(), "serving on {}", args.listen);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let signalled = stopping.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        tracing::info!("stopping");
        signalled.cancel();
    });
    let drained = async {
        stopping.cancelled().await;
        tokio::time::sleep(DRAIN_WITHIN).await;
    };
    tokio::select! {
        result = served => result.context("the server failed")?,
        () = drained => tracing::warn!("requests were still open after {DRAIN_WITHIN:?}"),
    }
    work.close();
    if tokio::time::timeout(DRAIN_WITHIN, work.wait()).await.is_err() {
        tracing::warn!("jobs were still running after {DRAIN_WITHIN:?}; they will be done again");
    }
    // What calls use that are still running is not counted.
    if let Err(error) = app.base.usage.flush().await {
        tracing::warn!(%error, "what plugins used could not be written; once more");
        app.base
            .usage
            .flush()
            .await
            .context("what plugins used since the last flush could not be written")?;
    }
    Ok(())
}

/// Shows figures to operators until the server stops, if they gave an address.
async fn observe(
    app: &App,
    args: &ServeArgs,
    work: &TaskTracker,
    stopping: &CancellationToken,
) -> Result<()> {
    let Some(address) = args.observer_listen else { return Ok(()) };
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener = listener.with_context(|| {
        format!("cannot listen on {address} for operators: choose another address with --observer-listen")
    })?;
    let router = observer::router(Arc::clone(&app.base.usage));
    let stopping = stopping.clone();
    work.spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stopping.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "figures for operators are not served any more");
        }
    });
    Ok(())
}

async fn wait_for_signal() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn start_workers(app: &App, args: &ServeArgs, work: &TaskTracker, stopping: &CancellationToken) {
    let runner = |name: &str, handlers: Vec<Arc<dyn JobHandler>>, concurrency: usize| Runner {
        store: Arc::clone(&app.base.store),
        clock: Arc::clone(&app.base.clock),
        handlers,
        worker: format!("{name}-{}-{}", std::process::id(), halle_base::new_id(&*app.base.dice)),
        concurrency,
    };
    let pipeline = halle_datasets::handlers(&app.datasets);
    let mut exchanges = halle_processings::handlers(&app.processings);
    exchanges.extend(halle_catalogs::handlers(&app.catalogs));
    exchanges.extend(halle_events::handlers(EventsParts {
        store: Arc::clone(&app.base.store),
        egress: Arc::clone(&app.egress),
        public_url: args.public_url(),
    }));
    work.spawn(runner("pipeline", pipeline, args.pipeline_jobs.max(1)).run(stopping.clone()));
    work.spawn(runner("exchanges", exchanges, EXCHANGES_AT_ONCE).run(stopping.clone()));
    work.spawn(app.catalogs.clone().watch(stopping.clone()));
    work.spawn(Arc::clone(&app.base.usage).run(stopping.clone()));
    let (directory, stopping) = (app.directory.clone(), stopping.clone());
    work.spawn(async move {
        loop {
            if let Err(error) = directory.maintain().await {
                tracing::warn!(%error, "the directory could not be kept in order");
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(MAINTAIN_EVERY) => {}
            }
        }
    });
}

/// Checks tokens of the directory that `args` name.
fn verifier(app: &App, args: &ServeArgs) -> Result<Arc<JwksVerifier>> {
    let source: Arc<dyn JwksSource> = match &args.jwks_url {
        None => Arc::new(app.directory.clone()),
        Some(url) => {
            let client = reqwest::Client::builder().timeout(JWKS_WITHIN).build()?;
            Arc::new(HttpJwks::new(client, url.parse().context("HALLE_JWKS_URL is no URL")?))
        }
    };
    Ok(Arc::new(JwksVerifier::new(source, Arc::clone(&app.base.clock))))
}

/// Every route behind every layer.
fn router(app: &App, args: &ServeArgs, stopping: CancellationToken) -> Result<Router> {
    let verifier = verifier(app, args)?;
    let keys = Keys::new(app, &verifier);
    let scope = app.directory.cookie_scope();
    let authenticator: Arc<dyn Authenticator> =
        Arc::new(SessionAuthenticator::new(verifier, Some(Arc::clone(&keys.api)), scope));
    let limits = args.rates.limits(args.rate_limits_secret.clone());
    let limiter =
        (!args.no_rate_limits).then(|| Arc::new(RateLimiter::new(limits, Arc::clone(&app.base.clock))));
    let public_url: Arc<str> = args.public_url().into();
    let compression = DefaultPredicate::new()
        .and(NotForContentType::const_new("application/zip"))
        .and(NotForContentType::const_new("text/event-stream"));
    let health = Health { store: Arc::clone(&app.base.store), engine: Arc::clone(&app.engine), stopping };
    let lending = Lending::new(Arc::clone(&keys.pages), Arc::clone(&app.base.clock));
    // Around the routes as one service: a layer of a `Router` is copied for each route, and again for each request.
    let readers = app.base.readers.clone();
    let inner = ServiceBuilder::new()
        .map_request(move |request: Request| {
            readers.came();
            request
        })
        .option_layer((args.trusted_proxies == 0).then(|| from_fn(layers::without_proxy)))
        .layer(from_fn_with_state(TrustedProxies(args.trusted_proxies), client_ip::resolve))
        .layer(from_fn_with_state(public_url, base_url::resolve))
        .layer(from_fn_with_state(authenticator, auth::authenticate))
        .layer(from_fn_with_state(limiter, rate_limit::limit))
        .layer(from_fn(error::problem_documents))
        .layer(from_fn_with_state(Arc::new(lending), app_keys::lend))
        .service(features(app, &keys)?);
    let outer = ServiceBuilder::new()
        .layer(from_fn(layers::access_log))
        .layer(CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            ApiError::internal(text.unwrap_or_else(|| "a handler panicked".to_owned())).into_response()
        }))
        .layer(from_fn(rate_limit::throttle))
        .layer(CompressionLayer::new().compress_when(compression))
        .layer(layers::cors())
        .layer(from_fn(layers::security_headers))
        .service(health::router(health).fallback_service(inner));
    Ok(Router::new().fallback_service(outer))
}

/// The description of the whole API, from what each feature says of its routes.
pub fn api_description() -> Result<OpenApi> {
    let parts = vec![
        halle_directory::openapi(),
        halle_registry::openapi(),
        halle_datasets::openapi::part(),
        halle_applications::openapi(),
        halle_services::openapi(),
        halle_processings::openapi(),
        halle_catalogs::openapi(),
        halle_events::openapi(),
        openapi::part(),
    ];
    openapi::merge(env!("CARGO_PKG_VERSION"), parts).context("the API descriptions disagree")
}

/// Every route of the site that `args` configure, without the layers around them, to be compared with the description.
pub async fn routes(args: &ServeArgs) -> Result<Router> {
    let app = App::build(args).await?;
    let keys = Keys::new(&app, &verifier(&app, args)?);
    features(&app, &keys)
}

/// What the keys of the platform open.
struct Keys {
    /// Those that a request gives.
    api: Arc<dyn ApiKeys>,
    /// Those in the address of the page that a request comes from.
    pages: Arc<dyn ApplicationKeys>,
}

impl Keys {
    fn new(app: &App, verifier: &Arc<JwksVerifier>) -> Self {
        let (directory, datasets) = (app.directory.clone(), app.datasets.clone());
        let pages = PageKeys {
            applications: app.applications.clone(),
            verifier: Arc::clone(verifier),
            clock: Arc::clone(&app.base.clock),
        };
        Self { api: Arc::new(PlatformKeys { directory, datasets }), pages: Arc::new(pages) }
    }
}

/// Routes of every feature.
fn features(app: &App, keys: &Keys) -> Result<Router> {
    let document = api_description()?;
    let realtime = |authorize| Realtime {
        hub: app.hub.clone(),
        keys: Some(Arc::clone(&keys.api)),
        applications: Some(Arc::clone(&keys.pages)),
        authorize,
    };
    let datasets_socket = realtime(halle_datasets::http::realtime::authorize(&app.datasets));
    let nothing_yet =
        Arc::new(|_: &halle_model::Caller, _: &str| -> futures::future::BoxFuture<'static, _> {
            Box::pin(std::future::ready(Err(ApiError::not_found("unknown channel"))))
        });
    let unknown = || async { ApiError::not_found("unknown api endpoint") };
    Ok(Router::new()
        .nest("/data-fair/api/v1", halle_datasets::router(app.datasets.clone()))
        .merge(openapi::router(&document))
        .merge(halle_directory::router(app.directory.clone()))
        .merge(halle_registry::router(app.base.registry.clone(), Arc::clone(&app.base.usage)))
        .merge(halle_applications::router(app.applications.clone()))
        .merge(halle_services::router(app.services.clone(), app.datasets.clone()))
        .merge(halle_processings::router(app.processings.clone(), realtime(nothing_yet)))
        .merge(halle_catalogs::router(app.catalogs.clone()))
        .merge(halle_events::router(halle_events::Events::new(
            Arc::clone(&app.base.store),
            Arc::clone(&app.base.clock),
        )))
        .merge(halle_backoffice::router())
        .merge(halle_portals::router(app.portals.clone()))
        .route(
            "/data-fair/",
            get(move |caller: halle_http::Caller, upgrade: axum::extract::WebSocketUpgrade| {
                std::future::ready(datasets_socket.clone().upgrade(upgrade, caller.0))
            }),
        )
        .route("/data-fair/api/{*rest}", axum::routing::any(unknown)))
}
