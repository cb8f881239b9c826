//! Enrichers that do nothing: what rows cost to cross, there and back.
//!
//! Their answer is written down in their memory before they begin, so that a call of one is the crossing and nothing else.

use halle_plugin::{Batch, ColumnData};
use halle_testkit::guests::component;

/// Where what they know begins. The zeroes before it are what `describe` answers.
const BASE: u32 = 4_096;

/// Address of those zeroes.
const ZEROES: u32 = 512;

/// Bytes of a page of memory.
const PAGE_BYTES: u32 = 65_536;

/// Room for the rows of a batch.
const HEAP_BYTES: u32 = 1 << 20;

/// The case of `column-data` that texts are.
const TEXTS: u32 = 3;

/// Data of a module, whose addresses are known while it is written.
#[derive(Default)]
struct Data(Vec<u8>);

impl Data {
    /// Where the next byte goes.
    fn end(&self) -> u32 {
        BASE + u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Adds bytes, and returns their address and length.
    fn put(&mut self, bytes: impl IntoIterator<Item = u8>) -> [u32; 2] {
        // Everything that has an address has it at a multiple of 8.
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        let address = self.end();
        self.0.extend(bytes);
        [address, self.end() - address]
    }

    /// Adds words of 32 bits, and returns their address.
    fn words(&mut self, words: impl IntoIterator<Item = u32>) -> u32 {
        self.put(words.into_iter().flat_map(u32::to_le_bytes))[0]
    }

    /// As WAT writes it.
    fn escaped(&self) -> String {
        self.0.iter().map(|byte| format!("\\{byte:02x}")).collect()
    }
}

/// An enricher that needs the column `input`, and answers every batch with the columns of `answer`, which are texts: for
/// batches of as many rows as it has.
pub fn hollow(input: &str, answer: &Batch) -> Vec<u8> {
    let mut data = Data::default();
    let [key, length] = data.put(input.bytes());
    let inputs = data.words([key, length]);
    let [kind, kind_length] = data.put("text".bytes());
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (index, column) in answer.columns.iter().enumerate() {
        let ColumnData::Texts(texts) = &column.data else { continue };
        let [key, length] = data.put(format!("out_{index}").into_bytes());
        // Key, kind, `nullable`, no title, no concept.
        fields.extend([key, length, kind, kind_length, 1, 0, 0, 0, 0, 0, 0]);
        let offsets = data.words(texts.offsets.iter().copied());
        let [valid, valid_length] = data.put(column.valid.iter().copied());
        let [bytes, bytes_length] = data.put(texts.data.iter().copied());
        let count = u32::try_from(texts.offsets.len()).unwrap_or(u32::MAX);
        columns.extend([valid, valid_length, TEXTS, offsets, count, bytes, bytes_length]);
    }
    let count = u32::try_from(answer.columns.len()).unwrap_or(u32::MAX);
    let (fields, columns) = (data.words(fields), data.words(columns));
    // The case of each result, then what it holds, 8 bytes further.
    let planned = data.words([0, 0, inputs, 1, fields, count]);
    let opened = data.words([0, 0, 0]);
    let answered = data.words([0, 0, answer.rows, columns, count, 0, 0]);
    let heap = data.end().next_multiple_of(8);
    let pages = (heap + HEAP_BYTES).div_ceil(PAGE_BYTES);
    let module = format!(
        r#"(module
            (import "[export]halle:enricher/enrichment@1.0.0" "[resource-new]session" (func $new (param i32) (result i32)))
            (memory (export "memory") {pages})
            (data (i32.const {BASE}) "{data}")
            (global $top (mut i32) (i32.const {heap}))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
                (global.set $top (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (func (export "halle:enricher/enrichment@1.0.0#describe") (result i32) (i32.const {ZEROES}))
            (func (export "halle:enricher/enrichment@1.0.0#plan") (param i32 i32 i32 i32) (result i32)
                (i32.const {planned}))
            (func (export "halle:enricher/enrichment@1.0.0#[static]session.open") (param i32 i32 i32 i32) (result i32)
                (i32.store (i32.add (i32.const {opened}) (i32.const 8)) (call $new (i32.const 7)))
                (i32.const {opened}))
            (func (export "halle:enricher/enrichment@1.0.0#[method]session.run")
                (param i32 i32 i32 i32) (result i32)
                ;; the next batch comes where this one was
                (global.set $top (i32.const {heap}))
                (i32.const {answered}))
            (func (export "halle:enricher/enrichment@1.0.0#[dtor]session") (param i32)))"#,
        data = data.escaped(),
    );
    component("enricher", "enricher", &module)
}
