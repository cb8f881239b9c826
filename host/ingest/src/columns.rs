//! From headers and evidence to columns, in agreement with the previous version.

use std::collections::HashSet;

use halle_model::slug::column_key;
use halle_model::{Column, ColumnKind, concept};
use serde_json::Value;

use crate::analysis::FileColumn;
use crate::table::Declared;
use crate::typing::Evidence;

/// Concept of geometries.
pub(crate) const GEOMETRY: &str = "https://purl.org/geojson/vocab#geometry";

/// Concept of files that came along.
const ATTACHMENT: &str = "http://schema.org/DigitalDocument";

/// What becomes of one column of the file.
pub(crate) struct Planned {
    pub(crate) place: FileColumn,
    /// Whether an earlier column has the same header.
    pub(crate) is_duplicate: bool,
    /// `None` when the column is left out.
    column: Option<Column>,
}

/// Decides what becomes of each column of the file, in the order of the file.
///
/// Left out are columns without a header, and columns without a value that the previous version did not have. When the
/// file has no row at all, nothing speaks against a column, and all are kept.
pub(crate) fn plan(
    headers: &[String],
    evidence: &[Evidence],
    rows: u64,
    previous: &[Column],
) -> Vec<Planned> {
    let known = match_previous(headers, previous);
    // Keys of columns that the file does not have, such as those of extensions, stay theirs.
    let mut taken: HashSet<String> = previous.iter().map(|column| column.key.clone()).collect();
    let mut seen = HashSet::new();
    let planned = headers.iter().enumerate().map(|(index, header)| {
        let is_duplicate = !header.is_empty() && !seen.insert(header.as_str());
        let evidence = &evidence[index];
        let column = match known[index] {
            Some(previous) => Some(renewed(previous, header, evidence)),
            None if header.is_empty() || (evidence.filled() == 0 && rows > 0) => None,
            None => Some(new_column(unique_key(header, index, &mut taken), header, evidence)),
        };
        let key = column.as_ref().map(|column| column.key.clone());
        Planned {
            place: FileColumn { header: header.clone(), key, kind: evidence.verdict().kind },
            is_duplicate,
            column,
        }
    });
    planned.collect()
}

/// The columns as they are shown: those of the previous version in their order, then new ones in that of the file, the
/// geometry last.
pub(crate) fn in_order(plan: Vec<Planned>, previous: &[Column]) -> Vec<Column> {
    let mut columns: Vec<Column> = plan.into_iter().filter_map(|planned| planned.column).collect();
    let rank = |column: &Column| previous.iter().position(|p| p.key == column.key).unwrap_or(usize::MAX);
    columns.sort_by_key(|column| (rank(column), column.refers_to.as_deref() == Some(GEOMETRY)));
    columns
}

/// The previous column of each header: the first of the same original name that is not yet matched, else the one whose
/// key the header gives. Calculated columns and those of extensions do not come from files.
fn match_previous<'a>(headers: &[String], previous: &'a [Column]) -> Vec<Option<&'a Column>> {
    let mut free: Vec<&Column> =
        previous.iter().filter(|column| !column.calculated && column.extension.is_none()).collect();
    let mut known = vec![None; headers.len()];
    let mut take = |known: &mut Option<&'a Column>, is_match: &dyn Fn(&Column) -> bool| {
        if known.is_none()
            && let Some(at) = free.iter().position(|column| is_match(column))
        {
            *known = Some(free.remove(at));
        }
    };
    let named = || headers.iter().enumerate().filter(|(_, header)| !header.is_empty());
    for (index, header) in named() {
        take(&mut known[index], &|column| column.original_name.as_deref() == Some(header));
    }
    for (index, header) in named() {
        let key = column_key(header);
        take(&mut known[index], &|column| column.key == key);
    }
    known
}

/// The slug of a header, numbered when it is taken; by its position when the header has no letter or digit.
fn unique_key(header: &str, index: usize, taken: &mut HashSet<String>) -> String {
    let base = match column_key(header) {
        slug if slug.is_empty() => format!("column_{}", index + 1),
        slug => slug,
    };
    let mut key = base.clone();
    let mut number = 2_u32;
    while !taken.insert(key.clone()) {
        key = format!("{base}_{number}");
        number += 1;
    }
    key
}

fn new_column(key: String, header: &str, evidence: &Evidence) -> Column {
    let verdict = evidence.verdict();
    let mut column = Column::new(key, verdict.kind);
    column.original_name = Some(header.to_owned());
    column.capabilities = verdict.capabilities;
    column.display = verdict.display.map(str::to_owned);
    column.refers_to = concept_of(evidence).map(str::to_owned);
    set_pattern(&mut column, verdict.pattern);
    column
}

/// What the format itself, or files that came beside, say that the column is about.
fn concept_of(evidence: &Evidence) -> Option<&'static str> {
    match evidence.declared() {
        Declared::Geometry => Some(GEOMETRY),
        _ if evidence.has_paths() => Some(ATTACHMENT),
        _ => None,
    }
}

/// The previous column with what this file says: type and formats. Computed statistics go.
fn renewed(previous: &Column, header: &str, evidence: &Evidence) -> Column {
    let kind = renewed_kind(previous, evidence);
    let mut column = previous.clone();
    column.original_name = Some(header.to_owned());
    column.values = None;
    column.cardinality = None;
    if let Some(concept) = concept_of(evidence) {
        column.refers_to = Some(concept.to_owned());
    }
    if kind != previous.kind() {
        let plain = Column::new("", kind);
        column.json_type = plain.json_type;
        column.format = plain.format;
    }
    set_pattern(&mut column, evidence.pattern(kind));
    column
}

/// A type that the producer or a concept forces wins; then the previous one as long as all values fit it; then what the
/// values say. Text is not kept for its own sake: everything would fit it.
fn renewed_kind(previous: &Column, evidence: &Evidence) -> ColumnKind {
    if evidence.declared() == Declared::Geometry {
        return ColumnKind::Object;
    }
    if let Some(kind) = forced_kind(previous) {
        return kind;
    }
    if evidence.has_paths() {
        return ColumnKind::Text;
    }
    let is_kept = previous.kind() != ColumnKind::Text && evidence.fits(previous.kind());
    let kind = if is_kept || evidence.filled() == 0 { previous.kind() } else { evidence.verdict().kind };
    let uri = previous.refers_to.as_deref();
    let concept_type = uri.and_then(concept::by_uri).and_then(|concept| concept.forced_type);
    match (concept_type, kind) {
        (Some("string"), ColumnKind::Integer | ColumnKind::Number | ColumnKind::Boolean) => ColumnKind::Text,
        (Some("number"), ColumnKind::Integer) => ColumnKind::Number,
        _ => kind,
    }
}

/// The type that the producer chose: `x-transform.type` and `x-transform.format`.
fn forced_kind(column: &Column) -> Option<ColumnKind> {
    let transform = column.other.get("x-transform")?;
    let mut forced = Column::new("", ColumnKind::Text);
    transform.get("type")?.as_str()?.clone_into(&mut forced.json_type);
    forced.format = transform.get("format").and_then(Value::as_str).map(str::to_owned);
    Some(forced.kind())
}

fn set_pattern(column: &mut Column, pattern: Option<&'static str>) {
    let pattern = pattern.map(str::to_owned);
    let is_date = column.kind() == ColumnKind::Date;
    (column.date_format, column.date_time_format) = if is_date { (pattern, None) } else { (None, pattern) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(values: &[&str]) -> Evidence {
        let mut evidence = Evidence::new();
        for value in values {
            evidence.add(value);
        }
        evidence
    }

    fn keys(headers: &[&str], previous: &[Column]) -> Vec<Option<String>> {
        let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
        let evidence = vec![evidence(&["x"]); headers.len()];
        plan(&headers, &evidence, 1, previous).into_iter().map(|planned| planned.place.key).collect()
    }

    fn some(keys: &[&str]) -> Vec<Option<String>> {
        keys.iter().map(|&key| Some(key.to_owned())).collect()
    }

    #[test]
    fn every_column_has_its_own_key() {
        assert_eq!(keys(&["x", "X", "x", "x_2"], &[]), some(&["x", "x_2", "x_3", "x_2_2"]));
        assert_eq!(keys(&["—", "…"], &[]), some(&["column_1", "column_2"]));
        assert_eq!(keys(&["", "a"], &[]), [None, Some("a".to_owned())]);
    }

    #[test]
    fn a_new_header_does_not_take_the_key_of_an_extension() {
        let mut extension = Column::new("region", ColumnKind::Text);
        extension.extension = Some("territory".to_owned());
        assert_eq!(keys(&["Région"], &[extension]), some(&["region_2"]));
    }

    #[test]
    fn known_columns_keep_key_texts_and_order() {
        let mut b = Column::new("clef_b", ColumnKind::Text);
        b.original_name = Some("B".to_owned());
        b.title = Some("Le B".to_owned());
        let a = Column::new("a", ColumnKind::Text);
        let headers = ["N", "A", "B"].map(str::to_owned);
        let evidence = vec![evidence(&["x"]); 3];
        let previous = [b, a];
        let columns = in_order(plan(&headers, &evidence, 1, &previous), &previous);
        let keys: Vec<&str> = columns.iter().map(|column| column.key.as_str()).collect();
        assert_eq!(keys, ["clef_b", "a", "n"]);
        assert_eq!(columns[0].title.as_deref(), Some("Le B"));
    }

    #[test]
    fn a_previous_type_is_kept_while_the_values_fit() {
        let renewed = |previous: ColumnKind, values: &[&str]| {
            renewed(&Column::new("c", previous), "c", &evidence(values)).kind()
        };
        assert_eq!(renewed(ColumnKind::Number, &["1", "2"]), ColumnKind::Number);
        assert_eq!(renewed(ColumnKind::Integer, &["0", "1"]), ColumnKind::Integer);
        assert_eq!(renewed(ColumnKind::Integer, &["0", "1,5"]), ColumnKind::Number);
        assert_eq!(renewed(ColumnKind::Date, &["1/2/2021"]), ColumnKind::Date);
        assert_eq!(renewed(ColumnKind::Date, &["bientôt"]), ColumnKind::Text);
        assert_eq!(renewed(ColumnKind::Date, &[]), ColumnKind::Date);
        assert_eq!(renewed(ColumnKind::Text, &["12"]), ColumnKind::Integer);
    }

    #[test]
    fn producers_and_concepts_can_force_a_type() {
        let mut column = Column::new("c", ColumnKind::Integer);
        column.other.insert("x-transform".to_owned(), serde_json::json!({ "type": "string" }));
        assert_eq!(renewed(&column, "c", &evidence(&["12"])).kind(), ColumnKind::Text);
        let mut code = Column::new("c", ColumnKind::Text);
        code.refers_to = Some("http://rdf.insee.fr/def/geo#codeCommune".to_owned());
        assert_eq!(renewed(&code, "c", &evidence(&["75056"])).kind(), ColumnKind::Text);
    }
}
