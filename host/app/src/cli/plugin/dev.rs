//! `halle plugin dev`: every change of the sources is built and sent to a running server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use halle_base::Secret;
use halle_plugin_tools::{build, watch};
use reqwest::header::LOCATION;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::author::ToolsArgs;

/// Time between two looks at the sources.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Time in which the server must have compiled a component: minutes for an interpreter, in a debug build.
const UPLOAD_WITHIN: Duration = Duration::from_secs(600);

/// What `halle plugin dev` takes.
#[derive(Debug, Args)]
pub struct DevArgs {
    /// Folder of the plugin.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Address of the server.
    #[arg(long, env = "HALLE_SERVER", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    server: String,
    /// Key that may install this plugin: `halle key new --user EMAIL --plugin ID`.
    #[arg(long, env = "HALLE_API_KEY", hide_env_values = true, value_name = "KEY", value_parser = crate::config::secret)]
    api_key: Secret<String>,
    /// Build and send once, then end.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    tools: ToolsArgs,
}

/// Builds and sends, then does so again whenever a source changes, until it is interrupted. What fails is told, and the next
/// change is another chance.
pub async fn run(args: DevArgs) -> Result<()> {
    let client = client()?;
    let tools = args.tools.folder()?;
    let mut built = None;
    loop {
        let seen = watch::fingerprint(&args.folder)?;
        if built == Some(seen) {
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        }
        let outcome = once(&args.folder, &args.server, &args.api_key, &tools, &client).await;
        if args.once {
            return outcome;
        }
        if let Err(error) = outcome {
            eprintln!("error: {error:#}");
        }
        eprintln!("waiting for a change in {}", args.folder.display());
        // What changed while it was built is built again.
        built = Some(seen);
    }
}

/// A client that goes where it was told and no further: a redirect would take the key to another host.
fn client() -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder().timeout(UPLOAD_WITHIN);
    Ok(builder.redirect(reqwest::redirect::Policy::none()).build()?)
}

async fn once(
    folder: &Path,
    server: &str,
    key: &Secret<String>,
    tools: &Path,
    client: &reqwest::Client,
) -> Result<()> {
    let say = &mut |line: &str| eprintln!("{line}");
    let package = build::build(folder, None, tools, say)?;
    let archive = std::fs::read(&package).with_context(|| format!("{} cannot be read", package.display()))?;
    let plugin = send(archive, server, key, client).await?;
    tell(&plugin, server);
    Ok(())
}

/// Sends a package; the plugin as the server has it now.
async fn send(
    archive: Vec<u8>,
    server: &str,
    key: &Secret<String>,
    client: &reqwest::Client,
) -> Result<Value> {
    let url = format!("{}/registry/api/v1/artefacts?acceptUnsigned=true", server.trim_end_matches('/'));
    let form = Form::new().part("file", Part::bytes(archive).file_name("plugin"));
    let request = client.post(&url).header("x-apiKey", key.reveal()).multipart(form);
    let answer = request.send().await.with_context(|| format!("{server} does not answer"))?;
    let status = answer.status();
    if status.is_redirection() {
        let place = answer.headers().get(LOCATION).and_then(|place| place.to_str().ok());
        let place = place.unwrap_or("elsewhere");
        bail!(
            "{server} redirects to {place} ({status}), and the key goes to no other address than --server: give the address \
             of the server itself there"
        );
    }
    let text = answer.text().await?;
    if !status.is_success() {
        bail!("{server} refuses the plugin ({status}): {text}");
    }
    serde_json::from_str(&text).context("the answer of the server is no JSON")
}

/// Says what became of the plugin.
fn tell(plugin: &Value, server: &str) {
    let waiting = plugin["waiting"]["version"].as_str();
    let (id, version) =
        (plugin["id"].as_str().unwrap_or_default(), plugin["version"].as_str().unwrap_or_default());
    match waiting {
        Some(waiting) => println!(
            "{id} {waiting} asks for more than {version}, which still runs: consent at {}/admin/plugins/{}",
            server.trim_end_matches('/'),
            id.replace('/', "%2F")
        ),
        None if plugin["granted"] == Value::Bool(true) => println!("{id} {version} runs"),
        None => println!(
            "{id} {version} is installed and waits for consent at {}/admin/plugins/{}",
            server.trim_end_matches('/'),
            id.replace('/', "%2F")
        ),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::post;
    use tokio::net::TcpListener;

    use super::*;

    /// A server whose registry answers this.
    async fn server(status: StatusCode, location: String, body: &'static str) -> String {
        let answer = post(move || async move { (status, [(LOCATION, location)], body) });
        let router = Router::new().route("/registry/api/v1/artefacts", answer);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn a_key_does_not_follow_a_redirect() {
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let other = server(StatusCode::CREATED, String::new(), r#"{"id":"p","version":"1.0.0"}"#).await;
        let key = Secret::new("key".to_owned());
        let to = format!("{other}/registry/api/v1/artefacts");
        // Followed, it would be a GET with the headers of the upload.
        let server = server(StatusCode::FOUND, to.clone(), "").await;
        let refused = send(Vec::new(), &server, &key, &client().unwrap()).await.unwrap_err().to_string();
        assert!(refused.contains(&to) && refused.contains("--server"), "{refused}");
        let plugin = send(Vec::new(), &other, &key, &client().unwrap()).await.unwrap();
        assert_eq!(plugin["version"], "1.0.0");
    }
}
