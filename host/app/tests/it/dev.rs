//! `halle plugin dev` beside a running server.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::json;

use crate::server::{Client, DATASETS, Server};

/// What is developed.
const NAME: &str = "greeter";

/// The running command, ended when dropped.
struct Dev {
    process: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Drop for Dev {
    fn drop(&mut self) {
        // Already gone is as good.
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

impl Dev {
    fn start(folder: &Path, url: &str, key: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halle"));
        command.args(["plugin", "dev"]).arg(folder).args(["--server", url]).env("HALLE_API_KEY", key);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::default();
        listen(process.stdout.take().unwrap(), &said);
        listen(process.stderr.take().unwrap(), &said);
        Self { process, said }
    }

    /// Waits until it has said this.
    async fn says(&self, server: &Server, text: &str) {
        let heard = async || self.said.lock().unwrap().iter().any(|line| line.contains(text)).then_some(());
        server.until(text, heard).await;
    }
}

fn listen(output: impl Read + Send + 'static, said: &Arc<Mutex<Vec<String>>>) {
    let said = said.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            said.lock().unwrap().push(line);
        }
    });
}

/// A new enricher in Rust, built where the other guests are.
fn template(parent: &Path) -> PathBuf {
    std::fs::create_dir(parent.join(".cargo")).unwrap();
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    std::fs::write(parent.join(".cargo/config.toml"), format!("[build]\ntarget-dir = {target:?}\n")).unwrap();
    let mut new = Command::new(env!("CARGO_BIN_EXE_halle"));
    new.args(["plugin", "new", "--kind", "enricher", "--lang", "rust", NAME]).current_dir(parent);
    assert!(new.output().unwrap().status.success());
    parent.join(NAME)
}

/// What the installed plugin makes of a name, in a new dataset.
async fn greeting(server: &Server, admin: &Client<'_>, dataset: &str) -> String {
    admin.upload(dataset, "name\nAda\n".to_owned()).await;
    let path = format!("{DATASETS}/{dataset}");
    let extension = json!({ "type": "enricher", "active": true, "plugin": NAME, "config": {} });
    admin.json(Method::PATCH, &path, &json!({ "extensions": [extension] })).await;
    let greeted = async || {
        let (_, dataset) = admin.get(&path).await;
        assert_ne!(dataset["status"], "error", "{dataset}");
        let (_, lines) = admin.get(&format!("{path}/lines")).await;
        lines["results"][0]["_greeter.greeting"].as_str().map(str::to_owned)
    };
    server.until("the greeting is there", greeted).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_source_runs_on_the_server_without_a_command() {
    let server = Server::start().await;
    let admin = server.admin();
    let parent = tempfile::tempdir().unwrap();
    let folder = template(parent.path());
    let source = folder.join("src/lib.rs");
    let text = std::fs::read_to_string(&source).unwrap();
    assert!(text.contains("Bonjour"));
    // A key that may send this plugin and do nothing else.
    let key = server.command(&["key", "new", "--user", crate::server::ADMIN_EMAIL, "--plugin", NAME]);
    let dev = Dev::start(&folder, server.url(), &key);

    dev.says(&server, &format!("{NAME} 0.1.0 is installed and waits for consent")).await;
    server.command(&["plugin", "grant", NAME]);
    assert_eq!(greeting(&server, &admin, "before").await, "Bonjour Ada");

    // What does not compile is told, the server goes on with what it has, and the next change is another chance.
    std::fs::write(&source, text.replace("Bonjour", "\" nonsense")).unwrap();
    dev.says(&server, "error: ").await;
    assert_eq!(greeting(&server, &admin, "meanwhile").await, "Bonjour Ada");

    let installed = server.command(&["plugin", "list"]);
    std::fs::write(&source, text.replace("Bonjour", "Bonsoir")).unwrap();
    dev.says(&server, &format!("{NAME} 0.1.0 runs")).await;
    let changed = async || (server.command(&["plugin", "list"]) != installed).then_some(());
    server.until("another component is installed", changed).await;
    assert_eq!(greeting(&server, &admin, "after").await, "Bonsoir Ada");
}
