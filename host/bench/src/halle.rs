//! Halle as a contender: the release binary, spoken to as any client would.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::process::{Process, bytes_in};

const EMAIL: &str = "bench@example.org";
const PASSWORD: &str = "Only-on-loopback-2026!";

/// How long ingestion may take.
const INGESTED_WITHIN: Duration = Duration::from_secs(1_800);

/// A running server and what one needs to use it.
#[derive(Debug)]
pub struct Halle {
    /// The server.
    pub process: Process,
    data: PathBuf,
    key: String,
    http: reqwest::Client,
}

/// What is on disk, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct OnDisk {
    /// The index.
    pub index: u64,
    /// The uploaded file, the canonical rows, the database.
    pub truth: u64,
}

impl Halle {
    /// Starts a server over a new folder.
    pub async fn start(binary: &Path, data: &Path) -> Result<Self> {
        if data.exists() {
            std::fs::remove_dir_all(data)?;
        }
        std::fs::create_dir_all(data)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let log = std::fs::File::create(data.with_extension("log"))?;
        let mut command = Command::new(binary);
        command
            .args(["serve", "--listen", &address, "--data-dir"])
            .arg(data)
            .env("HALLE_ADMIN_EMAIL", EMAIL)
            .env("HALLE_ADMIN_PASSWORD", PASSWORD)
            .env("HALLE_NO_RATE_LIMITS", "true")
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut process = Process::start(&mut command, address.clone())?;
        let http = reqwest::Client::builder().build()?;
        let started = Instant::now();
        while !http
            .get(format!("http://{address}/readyz"))
            .send()
            .await
            .is_ok_and(|a| a.status().is_success())
        {
            process.check()?;
            ensure!(started.elapsed() < Duration::from_secs(60), "halle was not ready within 60 s");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let output = Command::new(binary)
            .args(["key", "new", "--user", EMAIL, "--data-dir"])
            .arg(data)
            .output()
            .await?;
        ensure!(output.status.success(), "no key: {}", String::from_utf8_lossy(&output.stderr));
        let key = String::from_utf8(output.stdout)?.trim().to_owned();
        Ok(Self { process, data: data.to_owned(), key, http })
    }

    fn url(&self, path: &str) -> String {
        self.url_at(&format!("/data-fair/api/v1/{path}"))
    }

    fn url_at(&self, path: &str) -> String {
        format!("http://{}{path}", self.process.address)
    }

    async fn json(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        let answer = request.header("x-apiKey", &self.key).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Uploads the file as a dataset and waits until it can be queried; readable by all. Returns its id and the time
    /// from the first byte sent.
    pub async fn ingest(&mut self, csv: &Path, title: &str) -> Result<(String, Duration)> {
        let place = |key: &str, concept: &str| json!({ "key": key, "x-refersTo": concept });
        let places =
            json!([place("lat", "http://schema.org/latitude"), place("lon", "http://schema.org/longitude")]);
        let file = tokio::fs::File::open(csv).await?;
        let length = file.metadata().await?.len();
        let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(file));
        let part = reqwest::multipart::Part::stream_with_length(body, length).file_name("rows.csv");
        let form = reqwest::multipart::Form::new()
            .text("body", json!({ "title": title, "schema": places }).to_string())
            .part("file", part);
        let started = Instant::now();
        let created = self.json(self.http.post(self.url("datasets")).multipart(form)).await?;
        let id = created["id"].as_str().context("a dataset without id")?.to_owned();
        loop {
            self.process.check()?;
            let dataset = self.json(self.http.get(self.url(&format!("datasets/{id}")))).await?;
            match dataset["status"].as_str() {
                Some("finalized") => break,
                Some("error") => {
                    let journal =
                        self.json(self.http.get(self.url(&format!("datasets/{id}/journal")))).await?;
                    bail!("ingestion failed: {journal}");
                }
                _ => {}
            }
            ensure!(started.elapsed() < INGESTED_WITHIN, "ingestion took longer than {INGESTED_WITHIN:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let took = started.elapsed();
        self.publish(&format!("datasets/{id}")).await?;
        Ok((id, took))
    }

    /// Lets everybody read a dataset or an application, by its path.
    pub async fn publish(&self, path: &str) -> Result<()> {
        let public = json!([{ "classes": ["list", "read"] }]);
        self.json(self.http.put(self.url(&format!("{path}/permissions"))).json(&public)).await?;
        Ok(())
    }

    /// The answer to a GET, as JSON.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.json(self.http.get(self.url(path))).await
    }

    /// The answer to a GET of any API, by its whole path.
    pub async fn get_at(&self, path: &str) -> Result<Value> {
        self.json(self.http.get(self.url_at(path))).await
    }

    /// The answer to a POST of JSON to any API, by its whole path.
    pub async fn post_at(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(self.http.post(self.url_at(path)).json(body)).await
    }

    /// Installs a package from the command line, granted what it asks.
    pub async fn install_package(&self, binary: &Path, package: &Path) -> Result<()> {
        let output = Command::new(binary)
            .args(["plugin", "install"])
            .arg(package)
            .args(["--accept-unsigned", "--grant", "--data-dir"])
            .arg(&self.data)
            .output()
            .await?;
        ensure!(output.status.success(), "no plugin: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Installs a package as a superadmin does with a browser; over when it is compiled.
    pub async fn install(&self, archive: Vec<u8>) -> Result<()> {
        let who = json!({ "email": EMAIL, "password": PASSWORD, "adminMode": true });
        let signed = self.http.post(self.url_at("/simple-directory/api/auth/password")).json(&who);
        let callback = signed.send().await?.error_for_status()?.text().await?;
        // The callback redirects to a page; the cookies come with it.
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let opened = http.get(callback.trim()).send().await?;
        let cookies = opened.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let cookies: Vec<&str> = cookies.filter_map(|cookie| cookie.split(';').next()).collect();
        let part = reqwest::multipart::Part::bytes(archive).file_name("plugin.halle-plugin");
        let form = reqwest::multipart::Form::new().part("file", part);
        let path = self.url_at("/registry/api/v1/artefacts?acceptUnsigned=true");
        let answer = self.http.post(path).header("cookie", cookies.join("; ")).multipart(form).send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "{status}: {}", answer.text().await?);
        Ok(())
    }

    /// The answer to a POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(self.http.post(self.url(path)).json(body)).await
    }

    /// The answer to a POST of lines of JSON.
    pub async fn post_ndjson(&self, path: &str, body: String) -> Result<Value> {
        let request = self.http.post(self.url(path)).header("content-type", "application/x-ndjson");
        self.json(request.body(body)).await
    }

    /// Removes a dataset.
    pub async fn remove(&self, id: &str) -> Result<()> {
        self.json(self.http.delete(self.url(&format!("datasets/{id}")))).await.map(drop)
    }

    /// What is on disk.
    pub fn on_disk(&self) -> Result<OnDisk> {
        let index = bytes_in(&self.data.join("indexes"))?;
        Ok(OnDisk { index, truth: bytes_in(&self.data)? - index })
    }
}
