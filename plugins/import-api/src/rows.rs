//! Rows of a result, and their CSV.

use halle_plugin::serde_json::Value;

use crate::config::Block;
use crate::path;

/// Rows of one result: one, or one per nested element. A result without nested elements keeps its own row.
pub fn of(item: &Value, block: &Block, separator: &str) -> Vec<Vec<String>> {
    let own: Vec<String> =
        block.mapping.iter().map(|mapping| path::text(item, &mapping.path, separator)).collect();
    let Some(expand) = &block.expand else { return vec![own] };
    let width = expand.block.keys().len();
    let nested: Vec<Vec<String>> = path::list(item, &expand.path)
        .into_iter()
        .flat_map(|element| of(element, &expand.block, separator))
        .collect();
    if nested.is_empty() {
        return vec![own.into_iter().chain(std::iter::repeat_n(String::new(), width)).collect()];
    }
    nested.into_iter().map(|row| own.iter().cloned().chain(row).collect()).collect()
}

/// Appends a line of CSV: commas, quotes where needed.
pub fn write_csv<'a>(cells: impl IntoIterator<Item = &'a str>, out: &mut String) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if cell.contains(['"', ',', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ') {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use halle_plugin::serde_json::{self, json};

    fn block() -> Block {
        serde_json::from_value(json!({
            "mapping": [{ "key": "id", "path": "id" }],
            "expand": { "path": "stops", "block": { "mapping": [{ "key": "stop", "path": "name" }, { "key": "lines", "path": "lines" }] } },
        }))
        .unwrap()
    }

    #[test]
    fn a_result_becomes_a_row_per_nested_element() {
        let item = json!({ "id": 7, "stops": [{ "name": "A", "lines": [1, 2] }, { "name": "B" }] });
        assert_eq!(of(&item, &block(), "|"), [["7", "A", "1|2"], ["7", "B", ""]]);
        assert_eq!(of(&json!({ "id": 8 }), &block(), "|"), [["8", "", ""]]);
        assert_eq!(block().keys(), ["id", "stop", "lines"]);
    }

    #[test]
    fn cells_are_quoted_when_they_must_be() {
        let mut out = String::new();
        write_csv(["a", "b,c", "d\"e", "f\ng", ""], &mut out);
        assert_eq!(out, "a,\"b,c\",\"d\"\"e\",\"f\ng\",\n");
    }
}
