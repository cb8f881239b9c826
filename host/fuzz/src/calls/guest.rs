//! The guest that makes the calls of an input, and inputs to begin with.
//!
//! An input is a list of calls: a byte that says which, then its arguments. A text is two bytes, a sixteenth of its address within
//! the input and its length; so is a list, whose records lie in the input as the canonical ABI has them. Numbers are a byte.

use std::fmt::Write as _;

use halle_guests::processing;
use serde_json::{Value, json};

/// Where the input lies in the memory of the guest.
const INPUT: u32 = 8_192;
/// Where host calls answer.
const RESULT: u32 = 4_096;

/// Functions of the host: interface, name, parameters in the core.
const IMPORTS: [(&str, &str, &str); 25] = [
    ("log", "emit", "i32 i32 i32 i32 i32"),
    ("progress", "task", "i32 i32 i32 i64"),
    ("progress", "advance", "i64"),
    ("state", "get", "i32 i32 i32"),
    ("state", "put", "i32 i32 i32 i32 i32 i64 i32"),
    ("state", "delete", "i32 i32 i32"),
    ("state", "keys", "i32 i32 i32 i32 i32 i32 i32"),
    ("datasets", "open-read", "i32 i32 i32 i32 i32"),
    ("datasets", "[method]reader.next", "i32 i32 i32"),
    ("datasets", "open-write", "i32 i32 i32 i32 i32 i32 i32"),
    ("datasets", "[method]writer.write", "i32 i32 i32 i32 i32"),
    ("datasets", "[method]writer.replace-file", "i32 i32 i32 i32 i32"),
    ("datasets", "[static]writer.commit", "i32 i32"),
    ("blobs", "[method]blob-writer.append", "i32 i32 i32 i32"),
    ("blobs", "[static]blob-writer.finish", "i32 i32"),
    ("blobs", "[method]blob.read", "i32 i64 i32 i32"),
    ("blobs", "[method]blob.lines", "i32 i32"),
    ("blobs", "[method]blob.csv", "i32 i32 i32 i32"),
    ("blobs", "[method]blob.unzip", "i32 i32 i32 i32"),
    ("blobs", "[method]line-reader.next", "i32 i32 i32"),
    ("blobs", "[method]row-reader.next", "i32 i32 i32"),
    ("blobs", "[method]blob-writer.append-blob", "i32 i32 i32"),
    ("http", "send", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32"),
    ("http", "download", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32"),
    ("http", "upload", "i32 i32"),
];

/// The calls, by their numbers from 1: the number of the import, its arguments, and the handle that it brings. `t` is a text or a list,
/// `b` a number, `d` one that is 0 or 1, `w` a number of 64 bits, `p` an address; `R`, `W`, `B`, `N`, `L`, `C` are the handles of the last
/// reader, writer, blob, new blob, reader of lines and reader of rows.
const CALLS: [(usize, &str, Option<char>); 25] = [
    (0, "dtt", None),
    (1, "tdw", None),
    (2, "w", None),
    (3, "t", None),
    (4, "ttdw", None),
    (5, "t", None),
    (6, "tdtb", None),
    (7, "tt", Some('R')),
    (8, "Rb", None),
    (9, "ttt", Some('W')),
    (10, "Wbt", None),
    (11, "WtB", None),
    (12, "W", None),
    (13, "Nt", None),
    (14, "N", Some('B')),
    (15, "Bwb", None),
    (16, "B", Some('L')),
    (17, "Bt", Some('C')),
    (18, "Bt", Some('B')),
    (19, "Lb", None),
    (20, "Cb", None),
    (21, "NB", None),
    (22, "tttdtdtdbdw", None),
    (23, "tttdtdtdbdw", None),
    (24, "p", None),
];

/// Calls that a seed makes by their names.
mod call {
    pub const LOG: u8 = 1;
    pub const TASK: u8 = 2;
    pub const GET: u8 = 4;
    pub const PUT: u8 = 5;
    pub const KEYS: u8 = 7;
    pub const OPEN_READ: u8 = 8;
    pub const NEXT: u8 = 9;
    pub const OPEN_WRITE: u8 = 10;
    pub const WRITE: u8 = 11;
    pub const REPLACE_FILE: u8 = 12;
    pub const COMMIT: u8 = 13;
    pub const APPEND: u8 = 14;
    pub const FINISH: u8 = 15;
    pub const READ: u8 = 16;
    pub const LINES: u8 = 17;
    pub const CSV: u8 = 18;
    pub const LINES_NEXT: u8 = 20;
    pub const ROWS_NEXT: u8 = 21;
    pub const SEND: u8 = 23;
    pub const NEW_BLOB: u8 = 26;
}

/// Helpers: the next byte; an address; the input out of the letters of the trigger.
const HELPERS: &str = r#"
    (global $pc (mut i32) (i32.const 8192)) (global $end (mut i32) (i32.const 8192))
    (global $R (mut i32) (i32.const 0)) (global $W (mut i32) (i32.const 0)) (global $B (mut i32) (i32.const 0))
    (global $N (mut i32) (i32.const 0)) (global $L (mut i32) (i32.const 0)) (global $C (mut i32) (i32.const 0))
    (func $b (result i32)
        (global.set $pc (i32.add (global.get $pc) (i32.const 1)))
        (i32.load8_u (i32.sub (global.get $pc) (i32.const 1))))
    (func $p (result i32) (i32.add (i32.const 8192) (i32.mul (call $b) (i32.const 16))))
    (func $input (param $at i32)
        (local $letter i32)
        (local.set $at (i32.add (local.get $at) (i32.const 6)))
        (block $done (loop $more
            (local.set $letter (i32.load8_u (local.get $at)))
            (br_if $done (i32.eq (local.get $letter) (i32.const 34)))
            (i32.store8 (global.get $end) (i32.or
                (i32.shl (i32.sub (local.get $letter) (i32.const 97)) (i32.const 4))
                (i32.sub (i32.load8_u offset=1 (local.get $at)) (i32.const 97))))
            (global.set $end (i32.add (global.get $end) (i32.const 1)))
            (local.set $at (i32.add (local.get $at) (i32.const 2)))
            (br $more))))
"#;

/// What the guest is run with: it holds the input.
pub fn trigger(input: &[u8]) -> Value {
    let letter = |nibble: u8| char::from(b'a' + nibble);
    let text: String = input.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).collect();
    json!({ "a": text })
}

/// The component.
pub fn component() -> Vec<u8> {
    let mut imports = String::from(
        "(import \"halle:host/blobs@1.0.0\" \"[constructor]blob-writer\" (func $new_blob (result i32)))\n",
    );
    for (number, (interface, name, parameters)) in IMPORTS.iter().enumerate() {
        writeln!(
            imports,
            r#"(import "halle:host/{interface}@1.0.0" "{name}" (func $i{number} (param {parameters})))"#
        )
        .expect("a String takes everything");
    }
    let mut steps = String::new();
    for (number, (import, arguments, brings)) in CALLS.iter().enumerate() {
        let code = number + 1;
        let step = step(*import, arguments, *brings);
        writeln!(steps, "(if (i32.eq (local.get $call) (i32.const {code})) (then {step}))")
            .expect("a String takes everything");
    }
    let body = format!(
        "(local $call i32)
         (call $input (local.get 0))
         (block $over (loop $again
            (br_if $over (i32.ge_u (global.get $pc) (global.get $end)))
            (local.set $call (call $b))
            (br_if $over (i32.eqz (local.get $call)))
            {steps}
            (if (i32.eq (local.get $call) (i32.const {})) (then (global.set $N (call $new_blob))))
            (br $again)))",
        call::NEW_BLOB
    );
    processing(&imports, HELPERS, &body)
}

/// One call with its arguments, and what becomes of its answer.
fn step(import: usize, arguments: &str, brings: Option<char>) -> String {
    let mut given = String::new();
    for argument in arguments.chars() {
        given.push_str(&match argument {
            't' => "(call $p) (call $b) ".to_owned(),
            'b' => "(call $b) ".to_owned(),
            'd' => "(i32.and (call $b) (i32.const 1)) ".to_owned(),
            'w' => "(i64.extend_i32_s (i32.sub (call $b) (i32.const 8))) ".to_owned(),
            'p' => "(call $p) ".to_owned(),
            handle => format!("(global.get ${handle}) "),
        });
    }
    // Functions that only tell something answer nothing.
    let answers = !matches!(IMPORTS[import].0, "log" | "progress");
    let result = if answers { format!("(i32.const {RESULT})") } else { String::new() };
    let keep = brings.map_or(String::new(), |handle| {
        format!(
            "(if (i32.eqz (i32.load8_u (i32.const {RESULT})))
                (then (global.set ${handle} (i32.load offset=8 (i32.const {RESULT})))))"
        )
    });
    format!("(call $i{import} {given} {result}) {keep}")
}

/// An input in the making: calls, and behind them what they speak of.
struct Calls {
    calls: Vec<u8>,
    data: Vec<u8>,
}

/// Where what calls speak of begins.
const DATA_AT: usize = 256;

impl Calls {
    fn new() -> Self {
        Self { calls: Vec::new(), data: Vec::new() }
    }

    fn call(mut self, number: u8, arguments: &[u8]) -> Self {
        self.calls.push(number);
        self.calls.extend_from_slice(arguments);
        self
    }

    /// Keeps bytes; the two bytes that stand for so many items there.
    fn put(&mut self, bytes: &[u8], items: usize) -> [u8; 2] {
        self.data.resize(self.data.len().next_multiple_of(16), 0);
        let at = DATA_AT + self.data.len();
        self.data.extend_from_slice(bytes);
        [u8::try_from(at / 16).expect("seeds are short"), u8::try_from(items).expect("seeds are short")]
    }

    fn text(&mut self, text: &str) -> [u8; 2] {
        self.put(text.as_bytes(), text.len())
    }

    /// The address and the length of a text, as records have them.
    fn words(&mut self, text: &str) -> [u32; 2] {
        let [at, length] = self.text(text);
        [INPUT + u32::from(at) * 16, u32::from(length)]
    }

    fn records(&mut self, words: &[u32], items: usize) -> [u8; 2] {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(&bytes, items)
    }

    fn input(mut self) -> Vec<u8> {
        self.calls.resize(DATA_AT, 0);
        [self.calls, self.data].concat()
    }
}

/// Right calls of every kind.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![telling(), keeping(), reading(), writing(), file(), request()]
}

fn telling() -> Vec<u8> {
    let mut calls = Calls::new();
    let (message, task) = (calls.text("3 lignes\u{e9}"), calls.text("Lecture"));
    let (name, value) = (calls.words("url"), calls.words("https://a.example"));
    let fields = calls.records(&[name, value].concat(), 1);
    let log = [&[1], &message[..], &fields].concat();
    calls.call(call::LOG, &log).call(call::TASK, &[task[0], task[1], 1, 20]).input()
}

fn keeping() -> Vec<u8> {
    let mut calls = Calls::new();
    let (key, value, prefix) = (calls.text("pages/last"), calls.text("3"), calls.text("pages/"));
    let put = [&key[..], &value, &[0, 8]].concat();
    let keys = [&prefix[..], &[0], &prefix, &[10]].concat();
    calls.call(call::PUT, &put).call(call::GET, &key).call(call::KEYS, &keys).input()
}

fn reading() -> Vec<u8> {
    let mut calls = Calls::new();
    let query = r#"{"select":"nom,n","qs":"nom:a AND n:[1 TO 5]","sort":"-n","n_gte":"1"}"#;
    let (slot, query) = (calls.text("input"), calls.text(query));
    calls.call(call::OPEN_READ, &[slot, query].concat()).call(call::NEXT, &[2]).call(call::NEXT, &[0]).input()
}

fn writing() -> Vec<u8> {
    let mut calls = Calls::new();
    let (slot, mode) = (calls.text("output"), calls.text("upsert"));
    let mut fields = Vec::new();
    for (key, kind) in [("nom", "text"), ("n", "integer")] {
        let (key, kind) = (calls.words(key), calls.words(kind));
        // Nullable, no title, no concept.
        fields.extend([&key[..], &kind, &[1, 0, 0, 0, 0, 0, 0]].concat());
    }
    let schema = calls.records(&fields, 2);
    let offsets = calls.records(&[0, 1, 3], 3);
    let (data, numbers) = (calls.words("abc"), calls.records(&[1, 0, 2, 0], 2));
    let at = |place: [u8; 2]| [INPUT + u32::from(place[0]) * 16, u32::from(place[1])];
    let texts = [&[0, 0, 3], &at(offsets)[..], &data].concat();
    let integers = [&[0, 0, 1], &at(numbers)[..], &[0, 0]].concat();
    let columns = calls.records(&[texts, integers].concat(), 2);
    calls
        .call(call::OPEN_WRITE, &[slot, mode, schema].concat())
        .call(call::WRITE, &[&[2], &columns[..]].concat())
        .call(call::COMMIT, &[])
        .input()
}

fn file() -> Vec<u8> {
    let mut calls = Calls::new();
    let (content, options) = (calls.text("nom;n\na;1\n"), calls.text(r#"{"delimiter":";"}"#));
    let (slot, mode, name) = (calls.text("output"), calls.text("replace"), calls.text("data.csv"));
    calls
        .call(call::NEW_BLOB, &[])
        .call(call::APPEND, &content)
        .call(call::FINISH, &[])
        .call(call::READ, &[8, 100])
        .call(call::LINES, &[])
        .call(call::LINES_NEXT, &[0])
        .call(call::CSV, &options)
        .call(call::ROWS_NEXT, &[0])
        .call(call::OPEN_WRITE, &[slot, mode, [16, 0]].concat())
        .call(call::REPLACE_FILE, &name)
        .call(call::COMMIT, &[])
        .input()
}

fn request() -> Vec<u8> {
    let mut calls = Calls::new();
    let (method, url) = (calls.text("POST"), calls.text("https://x.b.example:443/a?b=c"));
    let (name, value) = (calls.words("accept"), calls.words("application/json"));
    let headers = calls.records(&[name, value].concat(), 1);
    let (body, auth) = (calls.text("{}"), calls.text("token"));
    let send = [&method[..], &url, &headers, &[1], &body, &[1], &auth, &[1, 100, 1, 200]].concat();
    calls.call(call::SEND, &send).input()
}
