//! Texts that cells share, by their number.

/// Texts one after the other: a workbook may share a million.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// All texts; what is behind the last end is the one in the making.
    pub(crate) text: String,
    ends: Vec<usize>,
}

impl Shared {
    /// Ends the text in the making.
    pub(crate) fn close(&mut self) {
        self.ends.push(self.text.len());
    }

    /// A text by its number, from 0.
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.text.get(start..end)
    }

    /// Bytes that the texts take.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<usize>()
    }
}
