//! Right answers, laid out as the canonical ABI of the component model has them in a guest's memory.

use super::{Export, OUTPUTS, ROWS};

/// A memory in the making: a record at its beginning, then whatever it points to.
pub(super) struct Image(pub(super) Vec<u8>);

impl Image {
    /// Room for a record of so many bytes.
    pub(super) fn new(record_bytes: usize) -> Self {
        Self(vec![0; record_bytes])
    }

    /// Appends bytes, on a multiple of 8; their address and length.
    pub(super) fn put(&mut self, bytes: &[u8], items: usize) -> [u32; 2] {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        let at = self.0.len() as u32;
        self.0.extend_from_slice(bytes);
        [at, items as u32]
    }

    pub(super) fn text(&mut self, text: &str) -> [u32; 2] {
        self.put(text.as_bytes(), text.len())
    }

    pub(super) fn words(&mut self, words: &[u32], items: usize) -> [u32; 2] {
        self.put(&le(words), items)
    }

    /// Writes words into the record.
    pub(super) fn set(&mut self, at: usize, words: &[u32]) {
        self.0[at..at + 4 * words.len()].copy_from_slice(&le(words));
    }

    /// Two fields: a number, and a text with title and concept.
    fn fields(&mut self) -> [u32; 2] {
        let (a, number) = (self.text("a"), self.text("number"));
        let (b, text) = (self.text("b"), self.text("text"));
        let (title, concept) = (self.text("Title"), self.text("http://schema.org/name"));
        let first = [&a[..], &number, &[1], &[0; 6]].concat();
        let second = [&b[..], &text, &[0], &[1], &title, &[1], &concept].concat();
        self.words(&[first, second].concat(), 2)
    }

    /// A problem of everything, as its 16 words.
    pub(super) fn problem(&mut self) -> Vec<u32> {
        let (code, message) = (self.text("config/invalid"), self.text("Is no number.\nWrite one."));
        let (field, details) = (self.text("/url"), self.text("{\"a\":[1]}"));
        // The time to wait takes 64 bits.
        [&code[..], &message, &[1], &field, &[0], &[1, 0, 500, 0], &[1], &details, &[0]].concat()
    }

    /// The seed that answers this.
    fn of(self, export: Export) -> Vec<u8> {
        let first = Export::ALL.iter().position(|one| *one == export).unwrap_or_default();
        [&[first as u8], &self.0[..]].concat()
    }
}

fn le(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A right answer of each export, and a problem.
pub fn seeds() -> Vec<Vec<u8>> {
    let problems =
        [Export::EnricherRun, Export::EnricherOpen, Export::ProcessingPrepare, Export::ServiceParse]
            .map(|export| problem().of(export));
    let mut seeds = vec![
        batch().of(Export::EnricherRun),
        batch().of(Export::ServiceParse),
        plan().of(Export::EnricherPlan),
        opened().of(Export::EnricherOpen),
        outcome().of(Export::ProcessingRun),
        prepared().of(Export::ProcessingPrepare),
        requests().of(Export::VisualisationQuery),
        rendered().of(Export::VisualisationRender),
        operations().of(Export::ServiceOperations),
        calls().of(Export::ServiceBuild),
    ];
    seeds.extend(problems);
    seeds
}

/// `error` with a problem.
pub(super) fn problem() -> Image {
    let mut image = Image::new(72);
    let problem = image.problem();
    image.set(0, &[1]);
    image.set(8, &problem);
    image
}

/// Every kind of column, one value missing in each, and a row that has a problem.
fn batch() -> Image {
    let mut image = Image::new(32);
    let valid = image.put(&[0b101], 1);
    let mut columns = Vec::new();
    for (_, kind) in OUTPUTS {
        let (case, data): (u32, Vec<u32>) = match kind {
            "boolean" => (0, image.put(&[0b011], 1).to_vec()),
            "integer" => (1, image.words(&[1, 0, 0, 0, u32::MAX, u32::MAX], ROWS).to_vec()),
            "number" => {
                let numbers: Vec<u8> = [1.5_f64, 0.0, -2e9].iter().flat_map(|n| n.to_le_bytes()).collect();
                (2, image.put(&numbers, ROWS).to_vec())
            }
            "date" => (5, image.words(&[0, 0, 19_800], ROWS).to_vec()),
            "date-time" => (6, image.words(&[0, 0, 0, 0, 1_000, 400], ROWS).to_vec()),
            _ => {
                let texts = if kind == "object" { ["{}", "[1]"] } else { ["é", "abc"] };
                let offsets = [0, texts[0].len(), texts[0].len(), texts.concat().len()].map(|end| end as u32);
                let offsets = image.words(&offsets, ROWS + 1);
                (3, [offsets, image.text(&texts.concat())].concat())
            }
        };
        let mut column = [&valid[..], &[case], &data].concat();
        column.resize(7, 0);
        columns.extend(column);
    }
    let columns = image.words(&columns, OUTPUTS.len());
    let problem = image.problem();
    let problems = image.words(&[&[1, 0][..], &problem].concat(), 1);
    image.set(8, &[ROWS as u32]);
    image.set(12, &columns);
    image.set(20, &problems);
    image
}

/// The session that is opened first has handle 1.
fn opened() -> Image {
    let mut image = Image::new(72);
    image.set(8, &[1]);
    image
}

fn plan() -> Image {
    let mut image = Image::new(24);
    let fields = image.fields();
    image.set(16, &fields);
    image
}

fn outcome() -> Image {
    let mut image = Image::new(32);
    let (summary, details) = (image.text("Done."), image.text("{\"rows\":3}"));
    image.set(8, &summary);
    image.set(16, &[1]);
    image.set(20, &details);
    image
}

fn prepared() -> Image {
    let mut image = Image::new(32);
    let config = image.text("{\"url\":\"https://a.example\"}");
    let note = image.problem();
    let notes = image.words(&note, 1);
    image.set(8, &config);
    image.set(16, &notes);
    image
}

fn requests() -> Image {
    let mut image = Image::new(24);
    let name = image.text("lines");
    let query = image.text("{\"operation\":\"lines\",\"params\":{\"size\":10}}");
    let requests = image.words(&[&name[..], &query, &[100]].concat(), 1);
    image.set(8, &requests);
    image
}

fn rendered() -> Image {
    let mut image = Image::new(48);
    let (picture, alt) = (image.text("{\"mark\":\"bar\"}"), image.text("A bar."));
    let table = image.text("[[1]]");
    // The third case: Vega-Lite.
    image.set(8, &[2]);
    image.set(12, &picture);
    image.set(20, &alt);
    image.set(28, &[1]);
    image.set(32, &table);
    image
}

fn operations() -> Image {
    let mut image = Image::new(24);
    let (id, title, details) = (image.text("search"), image.text("Search"), image.text("{}"));
    let (input, output) = (image.fields(), image.fields());
    let operation = [&id[..], &title, &input, &output, &[50], &[1], &details].concat();
    let operations = image.words(&operation, 1);
    image.set(8, &operations);
    image
}

fn calls() -> Image {
    let mut image = Image::new(24);
    let rows = image.words(&[0, 2], 2);
    let (method, url, body) = (image.text("POST"), image.text("https://a.example/x?y=1"), image.text("{}"));
    let (name, value) = (image.text("accept"), image.text("application/json"));
    let headers = image.words(&[name, value].concat(), 1);
    // Method, address, headers, body; no secret, no time, no size.
    let mut call = [&rows[..], &method, &url, &headers, &[1], &body].concat();
    call.resize(26, 0);
    let calls = image.words(&call, 1);
    image.set(8, &calls);
    image
}
