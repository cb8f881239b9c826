//! What calls are told to have used, however they end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use halle_base::SeededDice;
use halle_extensions::grants::Limits;
use halle_extensions::host::{Call, PluginHost};
use halle_extensions::metering::{Ended, InstanceKind, Measure, Metering, Subject};
use halle_extensions::registry::{Installed, MemoryComponents};
use halle_extensions::services::Services;
use halle_extensions::{PluginError, PluginResult};
use halle_testkit::guests::{Request, Script};
use halle_wasm::{Compiler, CompilerLimits, WasmConfig, WasmHost};
use serde_json::json;

use crate::enricher::{rows, text};
use crate::guests::{ZEROES, enricher, processing};
use crate::sandbox::{Echo, Memory, call, manifest, tight};

/// An account book that remembers each call, and refuses those of one account, and of another all but the first.
#[derive(Default)]
struct Book {
    told: Mutex<Vec<(Arc<Subject>, Measure)>>,
    /// How often it was asked about [`SHORT`].
    asked: AtomicUsize,
}

/// Has nothing left.
const SPENT: &str = "user:spent";

/// Has what one call uses.
const SHORT: &str = "user:short";

fn spent() -> PluginError {
    let until = "2026-01-16T00:00:00Z".parse().unwrap();
    PluginError::OverQuota { message: "nothing is left".to_owned(), until }
}

#[async_trait]
impl Metering for Book {
    async fn allow(&self, subject: &Subject) -> PluginResult<()> {
        if subject.account == SPENT {
            return Err(spent());
        }
        if subject.account != SHORT {
            return Ok(());
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        // One call may do everything that is left.
        if self.told.lock().unwrap().is_empty() { Ok(()) } else { Err(spent()) }
    }

    fn record(&self, subject: &Arc<Subject>, measure: &Measure) {
        self.told.lock().unwrap().push((Arc::clone(subject), *measure));
    }
}

struct Metered {
    host: WasmHost,
    book: Arc<Book>,
    _folder: tempfile::TempDir,
}

impl Metered {
    fn with(component: Vec<u8>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut known = MemoryComponents::default();
        known.insert("p", Bytes::from(component));
        let book = Arc::new(Book::default());
        let metering = Arc::clone(&book) as Arc<dyn Metering>;
        // One guest of a job at a time.
        let config = WasmConfig { concurrent_max: 1, ..WasmConfig::new(folder.path()) };
        let host = WasmHost::metered(config, Arc::new(known), metering, &SeededDice::new(1)).unwrap();
        Self { host, book, _folder: folder }
    }

    fn told(&self) -> Vec<(Arc<Subject>, Measure)> {
        self.book.told.lock().unwrap().clone()
    }

    /// What the only call used.
    #[track_caller]
    fn only(&self) -> Measure {
        let told = self.told();
        assert_eq!(told.len(), 1, "a call is recorded once: {told:?}");
        told[0].1
    }
}

/// What one run of a processing used, whatever became of it.
async fn measure(component: Vec<u8>) -> Measure {
    let metered = Metered::with(component);
    let mut call = call("p", manifest("processing", ""));
    // A busy machine gives a guest its second of computing in many.
    let limits = Limits { wall_ms_max: 120_000, ..tight() };
    call.plugin = Arc::new(Installed { limits, ..(*call.plugin).clone() });
    drop(metered.host.run_processing(call, json!({})).await);
    metered.only()
}

#[tokio::test]
async fn a_call_is_told_with_its_host_calls_and_bytes() {
    let script = Script::new().say("twelve bytes").say("and six").config();
    let used = measure(script.component()).await;
    assert_eq!(used.ended, Ended::Answered);
    // Two texts, the configuration, and the text of the configuration.
    assert_eq!(used.host_calls, 4);
    assert_eq!(used.bytes_out, 12 + 7 + 2);
    assert_eq!(used.bytes_in, 2 + 2, "the trigger `{{}}` and the configuration `{{}}`");
    assert!(used.guest_ns > 0 && used.guest_ns <= used.wall_ns, "{used:?}");
    assert_eq!((used.http_bytes_in, used.http_bytes_out), (0, 0));
}

#[tokio::test]
async fn the_peak_of_memory_is_what_the_guest_took() {
    let still = measure(processing("", "", "")).await.memory_peak_bytes;
    let grown = measure(processing("", "", "(drop (memory.grow (i32.const 16)))")).await.memory_peak_bytes;
    assert!(still >= 65_536, "{still}");
    assert_eq!(grown - still, 16 * 65_536);
}

#[tokio::test]
async fn a_trap_is_told_as_a_trap_of_the_thing_that_called() {
    let metered = Metered::with(processing("", "", "(unreachable)"));
    let mut call = call("p", manifest("processing", ""));
    let mut subject = (*call.subject).clone();
    (subject.kind, subject.instance) = (InstanceKind::Processing, "nightly".to_owned());
    call.subject = Arc::new(subject);
    metered.host.run_processing(call, json!({})).await.unwrap_err();
    let (subject, used) = metered.told().remove(0);
    assert_eq!((subject.plugin.as_str(), subject.version.as_str()), ("p", "1.0.0"));
    assert_eq!((subject.instance.as_str(), used.ended), ("nightly", Ended::Trapped));
}

#[tokio::test]
async fn an_admission_is_told_however_it_ends() {
    let metered = Metered::with(Vec::new());
    let sound = Script::new().component();
    metered.host.admit(&manifest("processing", ""), &sound).await.unwrap();
    metered.host.admit(&manifest("enricher", ""), &sound).await.unwrap_err();
    let broken = [&sound[..sound.len() / 2], &[0xff; 64]].concat();
    metered.host.admit(&manifest("processing", ""), &broken).await.unwrap_err();
    let told = metered.told();
    assert_eq!(
        told.iter().map(|(_, used)| used.ended).collect::<Vec<_>>(),
        [Ended::Answered, Ended::Reported, Ended::Reported]
    );
    let (subject, used) = &told[0];
    assert_eq!((subject.kind, subject.account.as_str()), (InstanceKind::Admission, ""), "nobody pays for it");
    assert_eq!(
        (subject.plugin.as_str(), subject.version.as_str(), subject.instance.as_str()),
        ("p", "1.0.0", "")
    );
    assert!(used.guest_ns > 0 && used.guest_ns < used.wall_ns, "compiling takes time of its own: {used:?}");
    assert!(used.memory_peak_bytes >= 65_536, "{used:?}");
}

#[tokio::test]
async fn an_admission_that_nobody_waits_for_any_more_is_told_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let compiling = folder.path().join("compiling");
    // A compiler that never ends, and says when it began.
    let script = format!("touch {}; exec sleep 600", compiling.display());
    let args = vec!["-c".to_owned(), script];
    let compiler = Compiler::Process { program: "sh".into(), args, limits: CompilerLimits::default() };
    let config = WasmConfig { compiler, ..WasmConfig::new(folder.path()) };
    let book = Arc::new(Book::default());
    let metering = Arc::clone(&book) as Arc<dyn Metering>;
    let host =
        WasmHost::metered(config, Arc::new(MemoryComponents::default()), metering, &SeededDice::new(1));
    let (host, component) = (host.unwrap(), Script::new().component());
    let admitting =
        tokio::spawn(async move { host.admit(&manifest("processing", ""), &component).await.map(drop) });
    until(|| compiling.exists()).await;
    admitting.abort();
    until(|| !book.told.lock().unwrap().is_empty()).await;
    let used = book.told.lock().unwrap()[0].1;
    assert_eq!((used.ended, used.guest_ns), (Ended::Cancelled, 0));
    assert!(used.wall_ns > 0, "compiling took time until then: {used:?}");
}

#[tokio::test]
async fn limits_are_told_apart_from_traps() {
    let used = measure(Script::new().allocate_forever().component()).await;
    assert_eq!(used.ended, Ended::Stopped);
    assert!((15 << 20..=16 << 20).contains(&used.memory_peak_bytes), "{used:?}");
    let used = measure(Script::new().loop_forever().component()).await;
    assert_eq!(used.ended, Ended::Stopped);
    assert!(used.guest_ns >= 1_000_000_000, "it may compute a second: {used:?}");
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_told_too() {
    let metered = Metered::with(Script::new().say("begun").loop_forever().component());
    let (host, log) = (metered.host.clone(), Arc::new(Memory::default()));
    let mut call = call("p", manifest("processing", ""));
    let limits = Limits { cpu_ms_max: 60_000, wall_ms_max: 60_000, ..tight() };
    call.plugin = Arc::new(Installed { limits, ..(*call.plugin).clone() });
    call.services = Services { log: Arc::<Memory>::clone(&log), ..Services::none() };
    let running = tokio::spawn(async move { host.run_processing(call, json!({})).await });
    until(|| !log.said().is_empty()).await;
    running.abort();
    until(|| !metered.told().is_empty()).await;
    let used = metered.only();
    assert_eq!((used.ended, used.host_calls), (Ended::Cancelled, 1));
}

/// Waits for something that happens soon.
async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..3_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within half a minute");
}

#[tokio::test]
async fn bodies_of_requests_are_counted_both_ways() {
    const ASKS: &str = "[http.api]\norigins = [\"http://127.0.0.1:1\"]\nmethods = [\"POST\"]\n";
    let request = Request { method: "POST", url: "http://127.0.0.1:1/", ..Request::default() };
    let metered = Metered::with(Script::new().blob("seven b").upload(request).component());
    let services = Services { egress: Some(Arc::new(Echo::default())), ..Services::none() };
    let call = Call { services, ..call("p", manifest("processing", ASKS)) };
    metered.host.run_processing(call, json!({})).await.unwrap();
    let used = metered.only();
    assert_eq!(used.http_bytes_out, 7);
    // It answers with the list of headers, as text.
    assert_eq!(used.http_bytes_in, 2);
    assert!(used.bytes_in >= 2 + 2 && used.bytes_out > 7, "{used:?}");
}

#[tokio::test]
async fn opening_an_enrichment_and_each_part_of_a_batch_are_calls() {
    let metered = Metered::with(enricher(&ZEROES));
    let offered = [text("name"), text("code")];
    let mut open = metered.host.enricher(call("p", manifest("enricher", "")), &offered).await.unwrap();
    open.run(rows(5_000)).await.unwrap();
    drop(open);
    let told = metered.told();
    assert_eq!(told.len(), 3, "the opening, 4,096 rows, and the rest");
    assert!(told.iter().all(|(_, used)| used.ended == Ended::Answered));
    // Of each row, five characters and an offset; one offset more; and no validity.
    assert_eq!(told[1].1.bytes_in, 4_096 * 9 + 4);
    assert_eq!(told[2].1.bytes_in, 904 * 9 + 4);
    assert_eq!(told[2].1.bytes_out, 904 * 8);
}

#[tokio::test]
async fn an_account_that_used_up_its_share_starts_nothing() {
    let metered = Metered::with(Script::new().component());
    let mut call = call("p", manifest("processing", ""));
    call.subject = Arc::new(Subject { account: SPENT.to_owned(), ..(*call.subject).clone() });
    let error = metered.host.run_processing(call, json!({})).await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), ("plugin/quota", "nothing is left"));
    assert!(metered.told().is_empty(), "nothing ran");
}

#[tokio::test]
async fn a_call_that_waited_for_its_place_is_asked_for_again() {
    let metered = Metered::with(Script::new().say("begun").loop_forever().component());
    let short = || {
        let mut call = call("p", manifest("processing", ""));
        call.subject = Arc::new(Subject { account: SHORT.to_owned(), ..(*call.subject).clone() });
        call
    };
    let log = Arc::new(Memory::default());
    let mut first = short();
    let stop = first.cancel.clone();
    let limits = Limits { cpu_ms_max: 60_000, wall_ms_max: 60_000, ..tight() };
    first.plugin = Arc::new(Installed { limits, ..(*first.plugin).clone() });
    first.services = Services { log: Arc::<Memory>::clone(&log), ..Services::none() };
    let host = metered.host.clone();
    let first = tokio::spawn(async move { host.run_processing(first, json!({})).await });
    until(|| !log.said().is_empty()).await;
    let asked = || metered.book.asked.load(Ordering::Relaxed);
    let before = asked();
    let (host, second) = (metered.host.clone(), short());
    let second = tokio::spawn(async move { host.run_processing(second, json!({})).await });
    until(|| asked() > before).await;
    stop.cancel();
    first.await.unwrap().unwrap_err();
    assert_eq!(second.await.unwrap().unwrap_err().code(), "plugin/quota");
    assert_eq!(metered.told().len(), 1, "what waited did not start");
}

#[tokio::test]
async fn an_enrichment_that_waited_for_its_place_is_asked_for_again() {
    let metered = Metered::with(enricher(&ZEROES));
    let short = || {
        let mut call = call("p", manifest("enricher", ""));
        call.subject = Arc::new(Subject { account: SHORT.to_owned(), ..(*call.subject).clone() });
        call
    };
    // Held by an enrichment that nobody pays for.
    let offered = [text("name"), text("code")];
    let holds = metered.host.enricher(call("p", manifest("enricher", "")), &offered).await.unwrap();
    metered.book.told.lock().unwrap().clear();
    let (host, waits) = (metered.host.clone(), short());
    let waiting =
        tokio::spawn(async move { host.enricher(waits, &[text("name"), text("code")]).await.err() });
    until(|| metered.book.asked.load(Ordering::Relaxed) == 1).await;
    metered.book.told.lock().unwrap().push((Arc::clone(&short().subject), Measure::default()));
    drop(holds);
    assert_eq!(waiting.await.unwrap().unwrap().code(), "plugin/quota");
    assert_eq!(metered.told().len(), 1, "what waited did not start");
}
