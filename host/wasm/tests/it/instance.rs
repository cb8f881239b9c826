//! What a guest learns of its own instance, and what it tells of its run.

use std::sync::Arc;

use halle_base::Secret;
use halle_extensions::grants::Grants;
use halle_extensions::host::PluginHost;
use halle_extensions::services::Services;
use halle_testkit::guests::Script;
use serde_json::{Value, json};

use crate::sandbox::{Memory, Sandbox, call_with, manifest};

const ASKS: &str = r#"
    [config]
    type = "object"
    [config.properties.token]
    type = "string"
    x-secret = true
    [http.api]
    origins = ["https://api.example"]
    credential = { secret = "token", place = "bearer" }
"#;

/// Runs a script with two secrets, of which it was granted `granted`; what it said.
async fn run(script: &Script, config: Value, granted: &[&str]) -> Vec<String> {
    let sandbox = Sandbox::with(&[("p", script.component())]);
    let secrets = granted.iter().map(|name| (*name).to_owned()).collect();
    let grants = Grants { secrets, ..Grants::default() };
    let log = Arc::new(Memory::default());
    let mut call = call_with("p", manifest("processing", ASKS), Some(grants));
    call.config = config;
    let secret = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
    call.secrets = Arc::new(vec![secret("token", "hunter2-secret"), secret("other", "swordfish-secret")]);
    call.services = Services { log: Arc::<Memory>::clone(&log), ..Services::none() };
    sandbox.host.run_processing(call, json!({})).await.unwrap();
    log.said()
}

#[tokio::test]
async fn the_configuration_comes_as_it_is_stored() {
    let config = json!({ "token": "token", "pages": [1, 2], "nom": "été" });
    let said = run(&Script::new().config(), config.clone(), &["token"]).await;
    assert_eq!(serde_json::from_str::<Value>(&said[0]).unwrap(), config);
}

#[tokio::test]
async fn only_granted_secrets_are_named_and_no_value_is_ever_said() {
    let script = Script::new().secret_names().say("hunter2-secret or swordfish-secret");
    assert_eq!(run(&script, json!({}), &["token"]).await, ["token", "*** or swordfish-secret"]);
    let none: [&str; 0] = [];
    assert_eq!(run(&Script::new().secret_names(), json!({}), &none).await, none);
}

#[tokio::test]
async fn progress_is_told_from_the_first_task_on_and_without_escapes() {
    let script = Script::new().advance(7).task("a\u{1b}[2Jb\nc", 3).advance(1).task("hunter2-secret", 1);
    let said = run(&script, json!({}), &["token"]).await;
    assert_eq!(said, ["task a [2Jb c Some(3)", "done 1", "task *** Some(1)"]);
}

#[tokio::test]
async fn tasks_beyond_the_thousandth_are_not_shown() {
    let script = Script::new().raw("(loop $more").task("t", 1).advance(1).raw(
        "(local.set $page (i32.add (local.get $page) (i32.const 1)))
         (br_if $more (i32.lt_u (local.get $page) (i32.const 1200))))",
    );
    assert_eq!(run(&script, json!({}), &[]).await.len(), 2 * 1_000);
}
