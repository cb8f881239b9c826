//! How many bytes cross with a value: those of its texts, byte strings and columns. Numbers, flags and names of variants beside
//! them are not counted.

use crate::bindings::catalog::exports::halle::catalog::connector as catalog;
use crate::bindings::shared::halle::base::types::{Batch, Column, ColumnData, Field, Texts};
use crate::bindings::shared::halle::host::messages::{Request, Response};

/// Something that crosses between host and guest.
pub trait Weigh {
    /// Its bytes.
    fn weight(&self) -> u64;
}

impl Weigh for str {
    fn weight(&self) -> u64 {
        self.len() as u64
    }
}

impl Weigh for String {
    fn weight(&self) -> u64 {
        self.len() as u64
    }
}

/// Rows and columns are numbered: they weigh as numbers do in a column.
impl Weigh for u32 {
    fn weight(&self) -> u64 {
        4
    }
}

impl<T: Weigh + ?Sized> Weigh for &T {
    fn weight(&self) -> u64 {
        (**self).weight()
    }
}

impl<T: Weigh> Weigh for [T] {
    fn weight(&self) -> u64 {
        self.iter().map(Weigh::weight).sum()
    }
}

impl<T: Weigh> Weigh for Vec<T> {
    fn weight(&self) -> u64 {
        self.as_slice().weight()
    }
}

impl<T: Weigh> Weigh for Option<T> {
    fn weight(&self) -> u64 {
        self.as_ref().map_or(0, Weigh::weight)
    }
}

impl<A: Weigh, B: Weigh> Weigh for (A, B) {
    fn weight(&self) -> u64 {
        self.0.weight() + self.1.weight()
    }
}

impl<A: Weigh, B: Weigh, C: Weigh> Weigh for (A, B, C) {
    fn weight(&self) -> u64 {
        self.0.weight() + self.1.weight() + self.2.weight()
    }
}

impl Weigh for Texts {
    fn weight(&self) -> u64 {
        (self.offsets.len() * 4 + self.data.len()) as u64
    }
}

impl Weigh for Column {
    fn weight(&self) -> u64 {
        let values = match &self.data {
            ColumnData::Bools(values) => values.len() as u64,
            ColumnData::Ints(values) => values.len() as u64 * 8,
            ColumnData::Floats(values) => values.len() as u64 * 8,
            ColumnData::Texts(texts) | ColumnData::Bytes(texts) => texts.weight(),
            ColumnData::Days(values) => values.len() as u64 * 4,
            ColumnData::Instants(values) => values.len() as u64 * 8,
        };
        self.valid.len() as u64 + values
    }
}

impl Weigh for Batch {
    fn weight(&self) -> u64 {
        self.columns.weight()
    }
}

impl Weigh for Field {
    fn weight(&self) -> u64 {
        self.key.weight() + self.kind.weight() + self.title.weight() + self.concept.weight()
    }
}

impl Weigh for Request {
    fn weight(&self) -> u64 {
        // A long body is one number, not a sum over its bytes.
        let body = self.body.as_ref().map_or(0, Vec::len) as u64;
        self.method.weight() + self.url.weight() + self.headers.weight() + body
    }
}

impl Weigh for Response {
    fn weight(&self) -> u64 {
        self.headers.weight() + self.body.len() as u64
    }
}

impl Weigh for catalog::Entry {
    fn weight(&self) -> u64 {
        self.id.weight()
            + self.title.weight()
            + self.format.weight()
            + self.updated.weight()
            + self.details.weight()
    }
}

impl Weigh for catalog::Publication {
    fn weight(&self) -> u64 {
        self.target.weight() + self.remote_id.weight() + self.url.weight() + self.state.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_weighs_what_its_columns_hold() {
        let texts = Texts { offsets: vec![0, 3, 3], data: b"abc".to_vec() };
        let columns = vec![
            Column { valid: vec![0b01], data: ColumnData::Texts(texts) },
            Column { valid: Vec::new(), data: ColumnData::Floats(vec![1.0, 2.0]) },
        ];
        assert_eq!(Batch { rows: 2, columns }.weight(), 1 + 12 + 3 + 16);
    }

    #[test]
    fn a_request_weighs_its_texts_and_its_body() {
        let request = Request {
            method: "POST".to_owned(),
            url: "https://a.example".to_owned(),
            headers: vec![("a".to_owned(), "bc".to_owned())],
            body: Some(vec![0; 100]),
            auth: None,
            timeout_ms: None,
            max_bytes: None,
        };
        assert_eq!(request.weight(), 4 + 17 + 3 + 100);
    }
}
