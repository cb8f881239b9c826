//! What hostile guests try, and what they meet. One file per family; the list below has every attack that this project knows
//! of, with the test that holds it, in whatever crate it lives.
//!
//! Each test asserts the stable code that the platform is told, and that a healthy guest is served beside the attack and after
//! it ([`stopped`]). What an attack costs its neighbours in time is measured by `cargo xtask bench` (rows `attack ...`), what it
//! costs in memory by `host/app/tests/it/attack.rs`, over HTTP, on a server that answers `/lines` meanwhile.
//! What an administrator sees of hostile plugins that the public SDK built: `host/app/tests/it/hostile.rs`.
//!
//! | # | attack | held by |
//! |---|---|---|
//! | 1 | endless loop, in any export, start function, allocator or clean-up | `exports`, `endless`, `admission` (`describe`) |
//! | 2 | storm of host calls; host work that nobody counts | `endless`, `waiting`, `storms` |
//! | 3 | one giant `memory.fill` after the other | `endless` |
//! | 4 | memory bomb: growth, several memories, a huge beginning | `bombs`, `admission` |
//! | 5 | table bomb; thousands of tables, memories, instances | `bombs` |
//! | 6 | deep recursion, host calls within | `bombs` |
//! | 7 | recursion through the host | `matrix`: no function of the contract starts a plugin, and a new one fails the test; loopback: 12 |
//! | 8 | huge result, huge argument | `bombs` |
//! | 9 | many small things on the host: handles, headers, log fields, keys, unfinished blobs | `bombs`, `storms`, `interfaces::blobs::tests` |
//! | 10 | an answer that lies about itself | `enricher`, `answers`, `columns::tests` (also of chance), `cargo xtask fuzz` (`answers`) |
//! | 11 | bombs in zip, gzip, packages | `interfaces::blobs::tests`, `transports: spellings`, `extensions: package::tests`, `ingest: compressed` |
//! | 12 | addresses that are not public, in sixty spellings | `transports: spellings`, `address`, `target` |
//! | 13 | names that change their mind, mixed answers | `transports: main`, `resolver` |
//! | 14 | redirects | `transports: redirects` |
//! | 15 | headers of the connection, line ends, users in URLs | `upload`, `transports: exchange`, `target` |
//! | 16 | data in names and queries of allowed hosts | in part: no look-up without a grant (`http`), a rate (`transports: limits`), a log line per exchange |
//! | 17 | secrets, state, datasets of somebody else | `tenants`, `state`, `datasets`, `app: slots` |
//! | 18 | having a credential echoed | `secrets`, `http`, `upload` |
//! | 19 | odd names of files, slots, keys, entries | `datasets`, `state`, `interfaces::blobs::tests`, `extensions: package::tests` |
//! | 20 | floods and forgeries in the log | `logs` |
//! | 21 | quadratic work in the host: regular expressions, CSV, JSON, state | `storms`, `interfaces::blobs::tests`, `datasets: rules`, `cargo xtask fuzz` |
//! | 22 | slow servers, those that ask to wait, sinks that never read, cancellations that are ignored | `waiting`, `pace`, `transports: slow` |
//! | 23 | a compiled file that was changed or exchanged | `admission`, `components` |
//! | 24 | what takes a compiler for ever | `components`; in a process with limits on time and memory (`admission`) |
//! | 25 | malformed components | `components`, `cargo xtask fuzz` (`component`) |
//! | 26 | using an instance again that was stopped | `enricher` |
//! | 27 | what the last guest left in memory | `tenants` |
//! | 28 | timing, caches of the processor | not testable: no clock, no threads, no shared memory (`components`); the rest is accepted |
//! | 29 | chance and time to evade review | `components` |
//! | 30 | scripts in SVG and HTML | `media: sanitize`; HTML stands in a frame without scripts (`applications: pictures`) |
//! | 31 | formulas in exported CSV | by decision, values are exported as they are: the format is that of the data API |
//! | 32 | many small installations | only administrators install (`registry: packages`); an account has limits (`datasets: accounts`) |
//! | 33 | asking for more at an upgrade | `registry: packages` |
//! | 34 | harm through what is written: thousands of columns, giant cells | `answers`, `app: attack` |
//! | 35 | recursion of the host over data | `answers`, `cargo xtask fuzz` (`answers`, `expressions`, `geometries`) |

mod answers;
mod bombs;
mod components;
mod endless;
mod exports;
mod logs;
mod matrix;
mod secrets;
mod storms;
mod tenants;
mod waiting;

use halle_extensions::grants::Limits;
use halle_extensions::host::{Call, PluginHost};
use halle_extensions::registry::Installed;
use serde_json::json;

use crate::guests::processing;
use crate::sandbox::{Sandbox, call, manifest, tight};

/// Runs a processing with this body beside a healthy one, which is served during the attack and after it; the code it is
/// stopped with and the message.
async fn stopped(imports: &str, extra: &str, body: &str) -> (String, String) {
    stopped_within(tight(), processing(imports, extra, body)).await
}

/// The same for a component and limits of the test's own.
async fn stopped_within(limits: Limits, hostile: Vec<u8>) -> (String, String) {
    let sandbox = Sandbox::with(&[("hostile", hostile), ("healthy", processing("", "", ""))]);
    let host = sandbox.host.clone();
    // Compiled before the race, so that it is about running.
    let healthy = || call("healthy", manifest("processing", ""));
    sandbox.host.run_processing(healthy(), json!({})).await.unwrap();

    let attack =
        tokio::spawn(async move { host.run_processing(limited("hostile", limits), json!({})).await });
    for _ in 0..20 {
        sandbox.host.run_processing(healthy(), json!({})).await.unwrap();
    }
    let error = attack.await.unwrap().expect_err("the hostile guest was not stopped");
    sandbox.host.run_processing(healthy(), json!({})).await.unwrap();
    (error.code().to_owned(), error.to_string())
}

/// A call under these limits.
fn limited(digest: &str, limits: Limits) -> Call {
    let call = call(digest, manifest("processing", ""));
    let plugin = Installed { limits, ..(*call.plugin).clone() };
    Call { plugin: std::sync::Arc::new(plugin), ..call }
}
