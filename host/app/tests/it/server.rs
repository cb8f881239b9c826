//! The real program in a process of its own, over a folder that goes with it.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use halle_extensions::package::Package;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The first superadmin.
pub const ADMIN_EMAIL: &str = "admin@example.org";

/// Its password.
const ADMIN_PASSWORD: &str = "Halle-test-2026!";

/// Secret of services that set limits.
pub const SERVICES_KEY: &str = "services-test-2026";

/// Time in which anything that a test waits for must have happened: generous, for a machine that builds meanwhile.
const PATIENCE: Duration = Duration::from_secs(180);

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The API of datasets.
pub const DATASETS: &str = "/data-fair/api/v1/datasets";

/// The API of processings.
pub const PROCESSINGS: &str = "/processings/api/v1";

/// A running server with SQLite, tantivy and the sandbox; ended when dropped.
pub struct Server {
    process: Child,
    folder: TempDir,
    /// Settings of the server and of the command line beside it.
    env: Vec<(&'static str, String)>,
    url: String,
    /// Address of the figures for operators.
    observer: String,
    http: reqwest::Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good.
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

impl Server {
    /// Starts one on a free port, whose files have at most 4 MB, and waits until it is ready.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same, with more arguments.
    pub async fn start_with(more: &[&str]) -> Self {
        Self::start_in(Vec::new(), more).await
    }

    /// The same, with these variables for the server and for the command line beside it.
    pub async fn start_in(env: Vec<(&'static str, String)>, more: &[&str]) -> Self {
        // Several tests of one process share the provider: the first installs it.
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Self::over(TempDir::new().unwrap(), env, more).await
    }

    /// Stops it as an operator does, and starts another over the same folder, without further arguments.
    pub async fn restart(mut self) -> Self {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let began = std::time::Instant::now();
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "never: the server has stopped");
            tokio::time::sleep(LOOK_EVERY).await;
        };
        assert!(status.success(), "it stops well: {status}");
        let folder = std::mem::replace(&mut self.folder, TempDir::new().unwrap());
        let env = std::mem::take(&mut self.env);
        Self::over(folder, env, &[]).await
    }

    async fn over(folder: TempDir, env: Vec<(&'static str, String)>, more: &[&str]) -> Self {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let (listen, observer) = (free(), free());
        let process = Command::new(env!("CARGO_BIN_EXE_halle"))
            .args([
                "serve",
                "--no-rate-limits",
                "--upload-bytes-max",
                "4000000",
                "--listen",
                &listen,
                "--observer-listen",
                &observer,
                "--data-dir",
            ])
            .arg(folder.path())
            .args(more)
            .env("HALLE_ADMIN_EMAIL", ADMIN_EMAIL)
            .env("HALLE_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .env("HALLE_SERVICES_KEY", SERVICES_KEY)
            .env("RUST_LOG", "warn")
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let redirect = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(redirect).build().unwrap();
        let url = format!("http://{listen}");
        let observer = format!("http://{observer}");
        let server = Self { process, folder, env, url, observer, http };
        server
            .until("the server is ready", async || {
                let answer = server.http.get(format!("{}/readyz", server.url)).send().await;
                answer.is_ok_and(|answer| answer.status().is_success()).then_some(())
            })
            .await;
        server
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Looks again and again until there is something to see.
    ///
    /// # Panics
    /// If there is nothing for three minutes.
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Some(seen) = look().await {
                    return seen;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("never: {what}"))
    }

    /// Runs the command line beside the server; its standard output.
    pub fn command(&self, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halle"));
        command.args(args).arg("--data-dir").arg(self.folder.path());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let Output { status, stdout, stderr } = command.output().unwrap();
        assert!(status.success(), "`halle {}`: {}", args.join(" "), String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap().trim().to_owned()
    }

    /// Makes a package of a processing and installs it with everything that it asks for. `asks` is TOML after `[plugin]`.
    pub fn install(&self, id: &str, asks: &str, component: Vec<u8>) {
        let manifest = format!(
            "schema = 1\n[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"\nkind = \"processing\"\n\
             contract = \"halle:processing@1\"\ntitle = {{ en = \"{id}\" }}\nlicence = \"MIT\"\n{asks}"
        );
        self.install_as(&manifest, component);
    }

    /// Installs a component under this manifest, with everything that it asks for.
    pub fn install_as(&self, manifest: &str, component: Vec<u8>) {
        let package = Package::new(manifest, component.into(), Default::default()).unwrap();
        let path = self.folder.path().join(format!("{}.halle-plugin", package.manifest.plugin.id));
        std::fs::write(&path, package.write().unwrap()).unwrap();
        self.command(&["plugin", "install", path.to_str().unwrap(), "--accept-unsigned", "--grant"]);
    }

    /// The superadmin's own account.
    pub fn admin(&self) -> Client<'_> {
        let key = self.command(&["key", "new", "--user", ADMIN_EMAIL]);
        Client { server: self, key: Some(key) }
    }

    /// A new organisation that the superadmin administers: its identifier, and a key of it.
    pub async fn organization(&self, name: &str) -> (String, Client<'_>) {
        // Accounts are managed by persons, not by keys.
        let cookies = self.sign_in().await;
        let url = format!("{}/simple-directory/api/organizations", self.url);
        let made = self.http.post(url).header("cookie", cookies).json(&json!({ "name": name })).send().await;
        let made: Value = made.unwrap().error_for_status().unwrap().json().await.unwrap();
        let id = made["id"].as_str().unwrap().to_owned();
        // With `=`, since an identifier may begin with a dash.
        let organization = format!("--organization={id}");
        let key = self.command(&["key", "new", "--user", ADMIN_EMAIL, &organization]);
        (id, Client { server: self, key: Some(key) })
    }

    /// Opens a session of the superadmin; its cookies.
    async fn sign_in(&self) -> String {
        let url = format!("{}/simple-directory/api/auth/password", self.url);
        let who = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        let answer = self.http.post(url).json(&who).send().await.unwrap().error_for_status().unwrap();
        let callback = answer.text().await.unwrap();
        let opened = self.http.get(callback.trim()).send().await.unwrap();
        let cookies = opened.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        cookies.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
    }

    /// Who has this key.
    pub fn client(&self, key: String) -> Client<'_> {
        Client { server: self, key: Some(key) }
    }

    /// Nobody.
    pub fn anonymous(&self) -> Client<'_> {
        Client { server: self, key: None }
    }

    /// The figures for operators, as text.
    pub async fn metrics(&self) -> String {
        let answer = self.http.get(format!("{}/metrics", self.observer)).send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    /// Memory that the process has now, and the most it ever had, in MiB.
    pub fn memory_mib(&self) -> (u64, u64) {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(Path::new(&path)).unwrap();
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
        };
        (line("VmRSS:"), line("VmHWM:"))
    }

    /// How many times the threads of that name went to sleep so far.
    pub fn sleeps_of(&self, thread: &str) -> u64 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let sleeps = threads.map(|entry| {
            let read = |name: &str| std::fs::read_to_string(entry.as_ref().unwrap().path().join(name));
            // A thread may end meanwhile.
            let (name, status) = (read("comm").unwrap_or_default(), read("status").unwrap_or_default());
            let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            count.filter(|_| name.trim() == thread).map_or(0, |count| count.trim().parse::<u64>().unwrap())
        });
        sleeps.sum()
    }
}

/// Requests as somebody.
#[derive(Clone)]
pub struct Client<'a> {
    server: &'a Server,
    key: Option<String>,
}

impl Client<'_> {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.server.http.request(method, format!("{}{path}", self.server.url));
        self.key.iter().fold(request, |request, key| request.header("x-apiKey", key))
    }

    async fn send(&self, request: RequestBuilder) -> (StatusCode, Value) {
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The answer to a GET; a body that is no JSON comes as a text.
    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends JSON; must succeed.
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_json(method.clone(), path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    /// Sends JSON, whatever the outcome.
    pub async fn try_json(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(self.request(method, path).json(body)).await
    }

    /// Uploads a CSV file as the dataset `id` and waits until it is finalized.
    pub async fn upload(&self, id: &str, csv: String) {
        let part = reqwest::multipart::Part::text(csv).file_name(format!("{id}.csv"));
        let form = reqwest::multipart::Form::new().part("file", part);
        let path = format!("{DATASETS}/{id}");
        let (status, answer) = self.send(self.request(Method::POST, &path).multipart(form)).await;
        assert!(status.is_success(), "{status} {answer}");
        let finalized = async || {
            let (_, dataset) = self.get(&path).await;
            assert_ne!(dataset["status"], "error", "{dataset}");
            (dataset["status"] == "finalized").then_some(())
        };
        self.server.until("the dataset is finalized", finalized).await;
    }

    /// Makes an active processing; its identifier.
    pub async fn processing(&self, plugin: &str, slots: Value) -> String {
        self.configured(plugin, json!({}), slots).await
    }

    /// The same, with a configuration.
    pub async fn configured(&self, plugin: &str, config: Value, slots: Value) -> String {
        let body =
            json!({ "title": plugin, "plugin": plugin, "active": true, "config": config, "slots": slots });
        let made = self.json(Method::POST, &format!("{PROCESSINGS}/processings"), &body).await;
        made["_id"].as_str().unwrap().to_owned()
    }

    /// Starts a run; its identifier.
    pub async fn trigger(&self, processing: &str) -> String {
        let path = format!("{PROCESSINGS}/processings/{processing}/_trigger");
        let run = self.json(Method::POST, &path, &json!({})).await;
        run["_id"].as_str().unwrap().to_owned()
    }

    /// A run with its log.
    pub async fn run(&self, id: &str) -> Value {
        let (status, run) = self.get(&format!("{PROCESSINGS}/runs/{id}")).await;
        assert_eq!(status, 200, "{run}");
        run
    }

    /// Waits until a run has ended; how, and the texts of its log.
    pub async fn ended(&self, id: &str) -> (String, String) {
        self.server.until("the run has ended", async || ending(&self.run(id).await)).await
    }
}

/// How a run ended and the texts of its log, once it has.
pub fn ending(run: &Value) -> Option<(String, String)> {
    let status = run["status"].as_str().unwrap();
    let log = run["log"].as_array().into_iter().flatten().filter_map(|record| record["msg"].as_str());
    let log: Vec<&str> = log.collect();
    matches!(status, "finished" | "error" | "killed").then(|| (status.to_owned(), log.join("\n")))
}
