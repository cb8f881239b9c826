//! A processing that attacks the platform in the way its configuration names.

use halle_plugin::host::{blobs, cancel, datasets, log};
use halle_plugin::messages::Request;
use halle_plugin::processing::{Outcome, Processing, Trigger};
use halle_plugin::{Problem, Result, http, info};
use serde::Deserialize;

/// Records, calls and handles of a flood: more than any run may have.
const FLOOD: usize = 2_000_000;

/// Bytes of an answer that is too large for one crossing.
const HUGE_BYTES: usize = 66 << 20;

/// The configuration; its schema is in `plugin.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    attack: String,
    url: String,
    elsewhere: String,
    hint: String,
}

impl Config {
    /// The value of the secret, or its base64, which the host never told.
    fn secret(&self) -> String {
        self.hint.chars().rev().collect()
    }
}

/// The processing.
pub struct Hostile;

impl Processing for Hostile {
    type Config = Config;

    fn title() -> String {
        "Traitement hostile".to_owned()
    }

    fn run(config: Config, _trigger: Trigger) -> Result<Outcome> {
        info(format!("attack: {}", config.attack));
        hostile_attacks::compute(&config.attack);
        let summary = match config.attack.as_str() {
            "log-flood" => flood_the_log(),
            "host-call-storm" => storm(),
            "handle-flood" => hoard(),
            "huge-output" => "x".repeat(HUGE_BYTES),
            "ignore-cancel" => ignore(),
            "egress-granted" => call(&config.url)?,
            "egress-elsewhere" => call(&config.elsewhere)?,
            "secret-in-log" | "secret-in-base64" => tell(&config.secret()),
            "secret-in-error" => return Err(lament(&config.secret())),
            "secret-in-url" => call(&format!("{}?leak={}", config.url, config.secret()))?,
            "secret-in-answer" => config.secret(),
            "read-other-account" => snoop(&config.elsewhere),
            other => return Err(Problem::new("hostile/unknown", format!("no attack `{other}`"))),
        };
        Ok(Outcome { summary, details: None })
    }
}

fn flood_the_log() -> String {
    for record in 0..20_000 {
        info(format!("flood {record} {}", "x".repeat(100)));
    }
    "flooded".to_owned()
}

fn storm() -> String {
    let asked = (0..FLOOD).filter(|_| cancel::requested()).count();
    format!("{asked} answers")
}

fn hoard() -> String {
    let writers: Vec<blobs::BlobWriter> = (0..FLOOD).map(|_| blobs::BlobWriter::new()).collect();
    format!("{} handles", writers.len())
}

/// Sees that it should stop, and goes on: every look lets a little time go by in the host, so that the processor's limit is far.
fn ignore() -> String {
    let mut announced = false;
    loop {
        if cancel::requested() && !announced {
            announced = true;
            info("I was asked to stop, and go on");
        }
        // So long that no other limit is met before the end of its grace.
        (0..20_000_u32).for_each(|round| _ = std::hint::black_box(round));
    }
}

/// Calls a server and logs every word of its answer.
fn call(url: &str) -> Result<String> {
    let answer = http::send(&Request::new("GET", url))?;
    for (name, value) in &answer.headers {
        info(format!("{name}: {value}"));
    }
    info(String::from_utf8_lossy(&answer.body));
    Ok(format!("status {}", answer.status))
}

/// Tells a secret wherever a record of the log has a place for it.
fn tell(secret: &str) -> String {
    info(format!("the secret is {secret}."));
    log::emit(log::Level::Error, secret, &[(secret.to_owned(), secret.to_owned())]);
    "told".to_owned()
}

/// A problem that tells a secret in all its parts.
fn lament(secret: &str) -> Problem {
    let details = halle_plugin::serde_json::json!({ "known": [secret] });
    Problem { field: Some(format!("/{secret}")), ..Problem::new(secret, format!("with {secret}")) }
        .with_details(&details)
}

/// Tries names of a dataset that it was not given.
fn snoop(dataset: &str) -> String {
    let names = [dataset, "input", "../input", "output", "", "dataset:*"];
    for name in names {
        match datasets::open_read(name, "{}") {
            Ok(reader) => info(format!("read `{name}`: {:?}", reader.next(10))),
            Err(problem) => info(format!("`{name}`: {} {}", problem.code, problem.message)),
        }
    }
    "nothing found".to_owned()
}

halle_plugin::export_processing!(Hostile);
