//! A processing as a list of host calls.
//!
//! Addresses: texts and records of the script from [`TEXTS`] on, what a host call answers at [`RESULT`]. Every such
//! answer here is a `result` with a problem: its case at 0, its payload at 8.

use std::fmt::Write as _;

use super::{ANSWER, HEAP, processing};

/// Where texts and records begin.
const TEXTS: u32 = 8_192;
/// Where host calls answer.
const RESULT: u32 = 3_504;

const IMPORTS: &str = r#"
    (import "halle:host/log@1.0.0" "emit" (func $emit (param i32 i32 i32 i32 i32)))
    (import "halle:host/config@1.0.0" "get" (func $config_get (param i32)))
    (import "halle:host/secrets@1.0.0" "names" (func $secret_names (param i32)))
    (import "halle:host/progress@1.0.0" "task" (func $task (param i32 i32 i32 i64)))
    (import "halle:host/progress@1.0.0" "advance" (func $advance (param i64)))
    (import "halle:host/state@1.0.0" "get" (func $state_get (param i32 i32 i32)))
    (import "halle:host/state@1.0.0" "put" (func $state_put (param i32 i32 i32 i32 i32 i64 i32)))
    (import "halle:host/state@1.0.0" "delete" (func $state_delete (param i32 i32 i32)))
    (import "halle:host/state@1.0.0" "keys" (func $state_keys (param i32 i32 i32 i32 i32 i32 i32)))
    (import "halle:host/datasets@1.0.0" "open-read" (func $open_read (param i32 i32 i32 i32 i32)))
    (import "halle:host/datasets@1.0.0" "[method]reader.next" (func $next (param i32 i32 i32)))
    (import "halle:host/datasets@1.0.0" "open-write" (func $open_write (param i32 i32 i32 i32 i32 i32 i32)))
    (import "halle:host/datasets@1.0.0" "[method]writer.write" (func $write (param i32 i32 i32 i32 i32)))
    (import "halle:host/datasets@1.0.0" "[method]writer.replace-file" (func $replace_file (param i32 i32 i32 i32 i32)))
    (import "halle:host/datasets@1.0.0" "[static]writer.commit" (func $commit (param i32 i32)))
    (import "halle:host/datasets@1.0.0" "[resource-drop]writer" (func $drop_writer (param i32)))
    (import "halle:host/blobs@1.0.0" "[constructor]blob-writer" (func $blob_writer (result i32)))
    (import "halle:host/blobs@1.0.0" "[method]blob-writer.append" (func $append (param i32 i32 i32 i32)))
    (import "halle:host/blobs@1.0.0" "[static]blob-writer.finish" (func $finish (param i32 i32)))
    (import "halle:host/http@1.0.0" "send" (func $send
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
    (import "halle:host/http@1.0.0" "download" (func $download
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
    (import "halle:host/http@1.0.0" "upload" (func $upload (param i32 i32)))
"#;

const HELPERS: &str = r#"
    (func $cut (param $length i32) (result i32)
        (select (local.get $length) (i32.const 4096) (i32.lt_u (local.get $length) (i32.const 4096))))
    (func $say (param $at i32) (param $length i32)
        (call $emit (i32.const 1) (local.get $at) (local.get $length) (i32.const 0) (i32.const 0)))
    (func $say_each (param $at i32) (param $count i32)
        (block $done (loop $again
            (br_if $done (i32.eqz (local.get $count)))
            (call $say (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $again))))
"#;

const LOCALS: &str = "(local $reader i32) (local $writer i32) (local $blob i32) (local $page i32)";

/// A processing as a list of host calls, in order. The first call that is refused ends the run with its problem, as it does
/// in most plugins. What calls bring is written to the log.
#[derive(Debug, Clone)]
pub struct Script {
    data: String,
    next: u32,
    steps: String,
}

impl Default for Script {
    fn default() -> Self {
        Self { data: String::new(), next: TEXTS, steps: String::new() }
    }
}

/// A request of a script.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// Method.
    pub method: &'a str,
    /// Address.
    pub url: &'a str,
    /// One header.
    pub header: Option<(&'a str, &'a str)>,
    /// Body, beside the blob of an upload.
    pub body: Option<&'a str>,
}

impl Script {
    /// An empty script: a run that does nothing and ends well.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The component.
    pub fn component(&self) -> Vec<u8> {
        let extra = format!("{HELPERS}{}", self.data);
        processing(IMPORTS, &extra, &format!("{LOCALS}\n{}", self.steps))
    }

    /// Instructions as they are.
    #[must_use]
    pub fn raw(mut self, wat: &str) -> Self {
        writeln!(self.steps, "{wat}").expect("a String takes everything");
        self
    }

    /// Computes without end.
    #[must_use]
    pub fn loop_forever(self) -> Self {
        self.raw("(loop $again (br $again))")
    }

    /// Takes memory a mebibyte at a time and writes all of it, until there is no more; then gives up.
    #[must_use]
    pub fn allocate_forever(self) -> Self {
        self.raw(
            "(loop $again
                (local.set $page (memory.grow (i32.const 16)))
                (if (i32.eq (local.get $page) (i32.const -1)) (then (unreachable)))
                (memory.fill (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1) (i32.const 1048576))
                (br $again))",
        )
    }

    /// `log.emit`.
    #[must_use]
    pub fn say(mut self, text: &str) -> Self {
        let text = self.text(text);
        self.raw(&format!("(call $say {text})"))
    }

    /// `config.get`; says it.
    #[must_use]
    pub fn config(self) -> Self {
        let (at, length) = (RESULT, RESULT + 4);
        self.raw(&format!(
            "(call $config_get (i32.const {RESULT}))
             (call $say (i32.load (i32.const {at})) (i32.load (i32.const {length})))"
        ))
    }

    /// `secrets.names`; says each.
    #[must_use]
    pub fn secret_names(self) -> Self {
        let (at, length) = (RESULT, RESULT + 4);
        self.raw(&format!(
            "(call $secret_names (i32.const {RESULT}))
             (call $say_each (i32.load (i32.const {at})) (i32.load (i32.const {length})))"
        ))
    }

    /// `progress.task` with a number of steps.
    #[must_use]
    pub fn task(mut self, name: &str, total: u64) -> Self {
        let name = self.text(name);
        self.raw(&format!("(call $task {name} (i32.const 1) (i64.const {total}))"))
    }

    /// `progress.advance`.
    #[must_use]
    pub fn advance(self, done: u64) -> Self {
        self.raw(&format!("(call $advance (i64.const {done}))"))
    }

    /// `state.get`; says the value, if there is one.
    #[must_use]
    pub fn state_get(mut self, key: &str) -> Self {
        let key = self.text(key);
        self.ask(&format!("$state_get {key}")).raw(&format!(
            "(if (i32.load8_u (i32.const {})) (then (call $say (i32.load (i32.const {})) (i32.load (i32.const {})))))",
            RESULT + 8,
            RESULT + 16,
            RESULT + 20
        ))
    }

    /// `state.put`.
    #[must_use]
    pub fn state_put(mut self, key: &str, value: &str, expected: Option<u64>) -> Self {
        let (key, value) = (self.text(key), self.text(value));
        let (is_some, revision) = (u8::from(expected.is_some()), expected.unwrap_or_default());
        self.ask(&format!("$state_put {key} {value} (i32.const {is_some}) (i64.const {revision})"))
    }

    /// `state.delete`.
    #[must_use]
    pub fn state_delete(mut self, key: &str) -> Self {
        let key = self.text(key);
        self.ask(&format!("$state_delete {key}"))
    }

    /// `state.keys`; says each.
    #[must_use]
    pub fn state_keys(mut self, prefix: &str) -> Self {
        let prefix = self.text(prefix);
        self.ask(&format!("$state_keys {prefix} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)"))
            .raw(&format!(
                "(call $say_each (i32.load (i32.const {})) (i32.load (i32.const {})))",
                RESULT + 8,
                RESULT + 12
            ))
    }

    /// `datasets.open-read`, then `next` to the end, `max_rows` at a time (0: as many as the host gives); says the texts of
    /// the first column of each batch, one after the other, as far as they fit into a record of the log.
    #[must_use]
    pub fn read(mut self, slot: &str, query: &str, max_rows: u32) -> Self {
        let (slot, query) = (self.text(slot), self.text(query));
        let opened = self.ask(&format!("$open_read {slot} {query}")).keep("$reader");
        let refused = refused();
        // An optional batch: its case at 8, its rows at 12, its columns at 16. Texts: their bytes at 20 of the column.
        let (case, columns) = (RESULT + 8, RESULT + 16);
        opened.raw(&format!(
            "(block $end (loop $more
                (call $next (local.get $reader) (i32.const {max_rows}) (i32.const {RESULT})) {refused}
                (br_if $end (i32.eqz (i32.load8_u (i32.const {case}))))
                (call $say (i32.load offset=20 (i32.load (i32.const {columns})))
                           (call $cut (i32.load offset=24 (i32.load (i32.const {columns})))))
                ;; the batch is done with
                (global.set $top (i32.const {HEAP}))
                (br $more)))"
        ))
    }

    /// `datasets.open-write`. `fields` are keys and kinds.
    #[must_use]
    pub fn open_write(self, slot: &str, mode: &str, fields: &[(&str, &str)]) -> Self {
        let fields: Vec<[&str; 4]> = fields.iter().map(|(key, kind)| [key, kind, "", ""]).collect();
        self.open_write_of(slot, mode, &fields)
    }

    /// `datasets.open-write`. `fields` are keys, kinds, titles and concepts; the last two may be empty for none.
    #[must_use]
    pub fn open_write_of(mut self, slot: &str, mode: &str, fields: &[[&str; 4]]) -> Self {
        let mut records = Vec::new();
        for [key, kind, title, concept] in fields {
            for text in [key, kind] {
                let at = self.bytes(text.as_bytes());
                records.extend(words(&[at, length(text.len())]));
            }
            // Nullable.
            records.extend(words(&[1]));
            for text in [title, concept] {
                let at = self.bytes(text.as_bytes());
                records.extend(words(&[u32::from(!text.is_empty()), at, length(text.len())]));
            }
        }
        let (slot, mode, at) = (self.text(slot), self.text(mode), self.bytes(&records));
        let count = fields.len();
        self.ask(&format!("$open_write {slot} {mode} (i32.const {at}) (i32.const {count})")).keep("$writer")
    }

    /// `writer.write` of columns of texts, claiming that the batch has `rows` rows.
    #[must_use]
    pub fn write(mut self, rows: u32, columns: &[&[&str]]) -> Self {
        let mut records = Vec::new();
        for values in columns {
            let mut offsets = vec![0];
            let mut data = Vec::new();
            for value in *values {
                data.extend_from_slice(value.as_bytes());
                offsets.push(length(data.len()));
            }
            let (offsets_at, data_at) = (self.bytes(&words(&offsets)), self.bytes(&data));
            // All values are there; case 3 is texts.
            records.extend(words(&[0, 0, 3, offsets_at, length(offsets.len()), data_at, length(data.len())]));
        }
        let (at, count) = (self.bytes(&records), columns.len());
        self.ask(&format!(
            "$write (local.get $writer) (i32.const {rows}) (i32.const {at}) (i32.const {count})"
        ))
    }

    /// The last step once more: its texts are not kept twice.
    #[must_use]
    pub fn again(mut self) -> Self {
        let last = self.steps.trim_end().rfind("\n(call ").map_or(0, |at| at + 1);
        let step = self.steps[last..].to_owned();
        self.steps.push_str(&step);
        self
    }

    /// Says the messages of the problems that the last `writer.write` reported.
    #[must_use]
    pub fn say_problems(self) -> Self {
        // The report is at 8, its list of problems at 16. Each takes 72 bytes: the row, then at 8 the problem, whose message comes
        // after its code.
        let (list, count) = (RESULT + 16, RESULT + 20);
        self.raw(&format!(
            "(local.set $page (i32.const 0))
             (block $done (loop $again
                (br_if $done (i32.ge_u (local.get $page) (i32.load (i32.const {count}))))
                (call $say
                    (i32.load offset=16 (i32.add (i32.load (i32.const {list})) (i32.mul (local.get $page) (i32.const 72))))
                    (i32.load offset=20 (i32.add (i32.load (i32.const {list})) (i32.mul (local.get $page) (i32.const 72)))))
                (local.set $page (i32.add (local.get $page) (i32.const 1)))
                (br $again)))"
        ))
    }

    /// `writer.replace-file` with the last blob.
    #[must_use]
    pub fn replace_file(mut self, name: &str) -> Self {
        let name = self.text(name);
        self.ask(&format!("$replace_file (local.get $writer) {name} (local.get $blob)"))
    }

    /// `writer.commit`.
    #[must_use]
    pub fn commit(self) -> Self {
        self.ask("$commit (local.get $writer)")
    }

    /// Drops the writer.
    #[must_use]
    pub fn drop_writer(self) -> Self {
        self.raw("(call $drop_writer (local.get $writer))")
    }

    /// A blob of these bytes.
    #[must_use]
    pub fn blob(mut self, content: &str) -> Self {
        let content = self.text(content);
        self.raw("(local.set $blob (call $blob_writer))")
            .ask(&format!("$append (local.get $blob) {content}"))
            .ask("$finish (local.get $blob)")
            .keep("$blob")
    }

    /// `http.send` of a request without headers and body; says the body of the answer.
    #[must_use]
    pub fn send(mut self, method: &str, url: &str) -> Self {
        let (method, url) = (self.text(method), self.text(url));
        let absent = "(i32.const 0) ".repeat(11);
        self.ask(&format!("$send {method} {url} {absent} (i64.const 0)")).say_body()
    }

    /// `http.download` of a request without headers and body; keeps the blob.
    #[must_use]
    pub fn download(mut self, url: &str) -> Self {
        let (method, url) = (self.text("GET"), self.text(url));
        let absent = "(i32.const 0) ".repeat(11);
        // What came: status at 8, headers at 12, the blob at 20.
        self.ask(&format!("$download {method} {url} {absent} (i64.const 0)"))
            .raw(&format!("(local.set $blob (i32.load (i32.const {})))", RESULT + 20))
    }

    /// `http.upload` of the last blob; says the body of the answer.
    #[must_use]
    pub fn upload(mut self, request: Request<'_>) -> Self {
        let mut pair = |text: &str| [self.bytes(text.as_bytes()), length(text.len())];
        let (method, url) = (pair(request.method), pair(request.url));
        let header = request.header.map(|(name, value)| [pair(name), pair(value)].concat());
        let body = request.body.map(|body| [vec![1], pair(body).to_vec()].concat());
        let headers = header.map(|header| [self.bytes(&words(&header)), 1]).unwrap_or_default();
        let mut record = [method, url, headers].concat();
        record.extend(body.unwrap_or_else(|| vec![0; 3]));
        // No secret named, no time, no size; then, behind the record, the blob.
        record.extend([0; 3 + 2 + 4 + 1]);
        let handle_at = 4 * (length(record.len()) - 1);
        // The record holds a 64-bit number, so that the blob stands on a multiple of 8.
        assert_eq!(handle_at, 72, "the request is laid out wrongly");
        let at = self.bytes(&words(&record));
        self.raw(&format!("(i32.store (i32.const {}) (local.get $blob))", at + handle_at))
            .ask(&format!("$upload (i32.const {at})"))
            .say_body()
    }

    /// A host call that answers at [`RESULT`]; ends the run when it is refused.
    fn ask(self, call: &str) -> Self {
        let refused = refused();
        self.raw(&format!("(call {call} (i32.const {RESULT})) {refused}"))
    }

    /// Keeps the handle that the last call brought.
    fn keep(self, local: &str) -> Self {
        self.raw(&format!("(local.set {local} (i32.load (i32.const {})))", RESULT + 8))
    }

    /// Says the body of a response: status at 8, headers at 12, body at 20.
    fn say_body(self) -> Self {
        let (at, length) = (RESULT + 20, RESULT + 24);
        self.raw(&format!("(call $say (i32.load (i32.const {at})) (i32.load (i32.const {length})))"))
    }

    /// Address and length of a text, as two arguments.
    fn text(&mut self, text: &str) -> String {
        let at = self.bytes(text.as_bytes());
        format!("(i32.const {at}) (i32.const {})", text.len())
    }

    /// Puts bytes into the memory of the guest, on a multiple of 8.
    fn bytes(&mut self, bytes: &[u8]) -> u32 {
        let at = self.next;
        self.next = (at + length(bytes.len())).next_multiple_of(8);
        assert!(self.next <= HEAP, "the script has more data than fits below its heap");
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        writeln!(self.data, "(data (i32.const {at}) \"{escaped}\")").expect("a String takes everything");
        at
    }
}

/// Ends the run with the problem of the last call, if it was refused.
fn refused() -> String {
    format!(
        "(if (i32.load8_u (i32.const {RESULT}))
            (then (memory.copy (i32.const {ANSWER}) (i32.const {RESULT}) (i32.const 96)) (return (i32.const {ANSWER}))))"
    )
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("scripts are short")
}
