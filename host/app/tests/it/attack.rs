//! Plugins that compute, allocate, write without end or call where they may not are stopped with a reason, while everybody
//! else is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use halle_testkit::guests::Script;
use serde_json::json;

use crate::server::{Client, DATASETS, Server, ending};

/// Lines of the dataset that is read all the while.
pub const LINES: usize = 2_000;

/// Processings that compute without end: more than the sandbox has threads.
const LOOPS: usize = 3;

/// Memory that may be held afterwards beyond what was held before, and that the attack must have taken at its height: half
/// of what one run may have.
pub const SLACK_MIB: u64 = 128;

/// Times that the memory is attacked again: what each attack left behind would add up to more than [`SLACK_MIB`].
const AGAIN: usize = 4;

/// What a plugin asks for that writes a dataset.
const WRITES: &str = "[slots.output]\ndirection = \"write\"\n";

/// An address on loopback that counts who calls.
pub struct Bait {
    pub address: String,
    pub calls: Arc<AtomicUsize>,
}

impl Bait {
    pub async fn lay() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, calls }
    }
}

/// Reads a line: the answer must be right.
pub async fn read_a_line(reader: &Client<'_>) {
    let (status, lines) = reader.get(&format!("{DATASETS}/arbres/lines?size=1&sort=-hauteur")).await;
    assert_eq!(status, 200, "{lines}");
    assert_eq!(lines["total"], LINES, "{lines}");
    assert_eq!(lines["results"][0]["hauteur"], LINES - 1, "{lines}");
}

/// Installs the attackers; the processings by plugin.
async fn attackers(server: &Server, admin: &Client<'_>, bait: &Bait) -> Vec<(&'static str, String)> {
    let url = format!("http://{}/latest/meta-data", bait.address);
    let call = Script::new().send("GET", &url).component();
    // Asked for and granted by the administrator; the operator of the server has not allowed private addresses.
    let asks = format!("[http.api]\norigins = [\"http://{}\"]\n", bait.address);
    server.install("endless", "[limits]\ncpu-ms = 3000\n", Script::new().loop_forever().component());
    server.install("greedy", "", Script::new().allocate_forever().component());
    server.install("ungranted", "", call.clone());
    server.install("inward", &asks, call);
    let row = "x".repeat(40_000);
    let flood = Script::new().open_write("output", "replace", &[("nom", "text")]).raw("(loop $more");
    let flood = flood.write(1, &[&[row.as_str()]]).raw("(br $more))");
    server.install("flooding", WRITES, flood.component());
    let mut made = Vec::new();
    for _ in 0..LOOPS {
        made.push(("endless", admin.processing("endless", json!({})).await));
    }
    for plugin in ["greedy", "ungranted", "inward"] {
        made.push((plugin, admin.processing(plugin, json!({})).await));
    }
    made.push(("flooding", admin.processing("flooding", json!({ "output": { "title": "Déluge" } })).await));
    made
}

/// What the log of a run must say, by plugin.
fn reasons(plugin: &str, bait: &Bait) -> Vec<String> {
    let texts = match plugin {
        "endless" => vec!["plugin/cpu", "3000 ms"],
        "greedy" => vec!["plugin/memory", "256 Mi"],
        "flooding" => vec!["dataset/too-large", "4000000"],
        "ungranted" => vec!["denied/http", &bait.address, "not granted"],
        _ => vec!["denied/address", "127.0.0.1"],
    };
    texts.into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_plugins_are_stopped_with_a_reason_while_lines_keep_answering() {
    let server = Server::start().await;
    let admin = server.admin();
    let trees: String = (0..LINES).map(|row| format!("arbre {row},{row}\n")).collect();
    admin.upload("arbres", format!("nom,hauteur\n{trees}")).await;
    let bait = Bait::lay().await;
    let processings = attackers(&server, &admin, &bait).await;
    read_a_line(&admin).await;
    let (before_mib, _) = server.memory_mib();

    let mut runs = Vec::new();
    for (plugin, processing) in &processings {
        runs.push((*plugin, admin.trigger(processing).await));
    }
    let is_over = AtomicBool::new(false);
    let reading = async {
        while !is_over.load(Ordering::Relaxed) {
            read_a_line(&admin).await;
        }
    };
    let watching = async {
        let answered = answered_during(&admin, &runs).await;
        is_over.store(true, Ordering::Relaxed);
        answered
    };
    let (_, answered) = tokio::join!(reading, watching);
    assert!(answered > 0, "no line was read while a guest was computing without end");

    for (plugin, run) in &runs {
        let (status, log) = admin.ended(run).await;
        assert_eq!(status, "error", "{plugin}: {log}");
        for reason in reasons(plugin, &bait) {
            assert!(log.contains(&reason), "{plugin} does not say `{reason}`: {log}");
        }
    }
    assert_eq!(bait.calls.load(Ordering::SeqCst), 0, "a call went through");
    given_back(&server, before_mib).await;
    for _ in 0..AGAIN {
        for (plugin, processing) in processings.iter().filter(|(plugin, _)| *plugin == "greedy") {
            let run = admin.trigger(processing).await;
            while ending(&admin.run(&run).await).is_none() {
                read_a_line(&admin).await;
            }
            // The last record of the log may follow the status.
            let is_told = async || {
                let (status, log) = ending(&admin.run(&run).await)?;
                assert_eq!(status, "error", "{plugin}: {log}");
                log.contains("plugin/memory").then_some(())
            };
            server.until("the limit on memory is told", is_told).await;
        }
    }
    given_back(&server, before_mib).await;
    afterwards(&server, &admin).await;
}

/// Reads lines until every run has ended; how many were answered between two looks at an endless run that was still running.
async fn answered_during(admin: &Client<'_>, runs: &[(&str, String)]) -> usize {
    let is_computing = async || {
        for (_, run) in runs.iter().filter(|(plugin, _)| *plugin == "endless") {
            if admin.run(run).await["status"] == "running" {
                return true;
            }
        }
        false
    };
    let mut answered = 0;
    loop {
        if is_computing().await {
            read_a_line(admin).await;
            answered += usize::from(is_computing().await);
        }
        let mut all_ended = true;
        for (_, run) in runs {
            all_ended &= ending(&admin.run(run).await).is_some();
        }
        if all_ended {
            return answered;
        }
    }
}

/// The memory was taken, and comes back.
async fn given_back(server: &Server, before_mib: u64) {
    let (_, peak_mib) = server.memory_mib();
    assert!(peak_mib > before_mib + SLACK_MIB, "{before_mib} MiB before, {peak_mib} MiB at most: no attack");
    let is_back = async || {
        let (now_mib, _) = server.memory_mib();
        (now_mib < before_mib + SLACK_MIB).then_some(())
    };
    server.until("the memory of the guests is given back", is_back).await;
}

/// A plugin that behaves does its work.
async fn afterwards(server: &Server, admin: &Client<'_>) {
    let healthy = Script::new()
        .say("two trees")
        .blob("nom,hauteur\nchêne,20\nif,12\n")
        .open_write("output", "replace", &[])
        .replace_file("arbres.csv")
        .commit();
    server.install("healthy", WRITES, healthy.component());
    let processing = admin.processing("healthy", json!({ "output": { "title": "Plantations" } })).await;
    let run = admin.trigger(&processing).await;
    let (status, log) = admin.ended(&run).await;
    assert_eq!(status, "finished", "{log}");
    assert!(log.contains("two trees"), "{log}");
    let (_, datasets) = admin.get(&format!("{DATASETS}?q=déluge")).await;
    assert_eq!(datasets["count"], 0, "the flood left a dataset: {datasets}");
    let (_, datasets) = admin.get(&format!("{DATASETS}?q=plantations&select=id")).await;
    let id = datasets["results"][0]["id"].as_str().unwrap_or_else(|| panic!("no dataset: {datasets}"));
    let (_, lines) = admin.get(&format!("{DATASETS}/{id}/lines?sort=hauteur")).await;
    assert_eq!(lines["total"], 2, "{lines}");
    assert_eq!(lines["results"][1]["nom"], "chêne", "{lines}");
    read_a_line(admin).await;
}
