//! Virtual datasets: unions of other datasets (reference §3.4).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::column::{Capabilities, Column};

/// What a virtual dataset is made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Union {
    /// Identifiers of the datasets whose lines it shows.
    #[serde(default)]
    pub children: Vec<String>,
    /// Conditions that every line meets, on columns of the children whether they are shown or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<UnionFilter>,
    /// Whether a reader sees only the lines of the active account, by the column of the account concept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub filter_active_account: bool,
}

/// A condition on the values of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnionFilter {
    /// Column.
    pub key: String,
    /// What is asked of the values.
    #[serde(default)]
    pub operator: FilterOperator,
    /// Values: texts, numbers, truth values.
    #[serde(default)]
    pub values: Vec<Value>,
}

impl UnionFilter {
    /// The values as a request would write them.
    pub fn texts(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.values.iter().filter(|value| !value.is_null()).map(text).collect()
    }
}

/// How a condition compares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilterOperator {
    /// One of the values.
    #[default]
    In,
    /// None of the values.
    Nin,
}

/// Children say different things of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// Column.
    pub key: String,
    /// What they differ in: `types`, `formats`, `séparateurs`, `concepts`.
    pub what: &'static str,
    /// What each says, in the order of the children; `None` for those who say nothing.
    pub found: Vec<Option<String>>,
}

impl std::fmt::Display for Contradiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let found: Vec<&str> =
            self.found.iter().map(|value| value.as_deref().unwrap_or("non défini")).collect();
        write!(f, "Le champ \"{}\" a des {} contradictoires ({}).", self.key, self.what, found.join(", "))
    }
}

impl std::error::Error for Contradiction {}

/// The columns of a virtual dataset, completed by those of its children: types, concepts, labels and what a column can be
/// used for come from them; title, description and group that were chosen stay. A column that no child has stays as it
/// was.
///
/// # Errors
///
/// When children contradict each other.
pub fn merged(own: &[Column], children: &[&[Column]]) -> Result<Vec<Column>, Contradiction> {
    own.iter()
        .map(|column| {
            let same = |schema: &&[Column]| schema.iter().find(|other| other.key == column.key).cloned();
            let found: Vec<Column> =
                children.iter().filter_map(same).filter(|column| !column.calculated).collect();
            merge(column, &found)
        })
        .collect()
}

fn merge(own: &Column, found: &[Column]) -> Result<Column, Contradiction> {
    let Some(first) = found.first() else { return Ok(own.clone()) };
    agree(own, "types", found, |column| Some(column.json_type.clone()))?;
    agree(own, "formats", found, |column| column.format.clone())?;
    agree(own, "séparateurs", found, |column| column.separator.clone())?;
    agree(own, "concepts", found, |column| column.refers_to.clone())?;
    let mut labels = own.labels.clone().unwrap_or_default();
    for (value, label) in found.iter().filter_map(|column| column.labels.as_ref()).flatten() {
        labels.entry(value.clone()).or_insert_with(|| label.clone());
    }
    let mut other = first.other.clone();
    other.extend(own.other.clone());
    Ok(Column {
        title: own.title.clone().or_else(|| first.title.clone()),
        description: own.description.clone().or_else(|| first.description.clone()),
        group: own.group.clone().or_else(|| first.group.clone()),
        extension: None,
        capabilities: common(found),
        labels: (!labels.is_empty()).then_some(labels),
        time_zone: found.iter().find_map(|column| column.time_zone.clone()),
        values: None,
        cardinality: None,
        other,
        ..first.clone()
    })
}

fn agree(
    own: &Column,
    what: &'static str,
    found: &[Column],
    of: impl Fn(&Column) -> Option<String>,
) -> Result<(), Contradiction> {
    let mut said: Vec<Option<String>> = Vec::new();
    for value in found.iter().map(of) {
        if !said.contains(&value) {
            said.push(value);
        }
    }
    if said.len() < 2 {
        return Ok(());
    }
    Err(Contradiction { key: own.key.clone(), what, found: said })
}

/// What every column can be used for.
fn common(columns: &[Column]) -> Capabilities {
    let all = |able: fn(&Capabilities) -> bool| columns.iter().all(|column| able(&column.capabilities));
    let unless_able = |able: bool| if able { None } else { Some(false) };
    let if_able = |able: bool| if able { Some(true) } else { None };
    Capabilities {
        index: unless_able(all(Capabilities::index)),
        values: unless_able(all(Capabilities::values)),
        text_standard: unless_able(all(Capabilities::text_standard)),
        text: unless_able(all(Capabilities::text)),
        insensitive: unless_able(all(Capabilities::insensitive)),
        text_agg: if_able(all(|able| able.text_agg.unwrap_or(false))),
        wildcard: if_able(all(Capabilities::wildcard)),
        index_attachment: unless_able(all(Capabilities::index_attachment)),
    }
}

/// Keys of the columns that hold data, which is what a dataset shows to those made of it.
pub fn shown_keys(schema: &[Column]) -> BTreeSet<String> {
    schema.iter().filter(|column| !column.calculated).map(|column| column.key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::ColumnKind;

    fn refused(a: ColumnKind, b: ColumnKind) -> String {
        let (a, b) = ([Column::new("x", a)], [Column::new("x", b)]);
        let own = [Column::new("x", ColumnKind::Text)];
        merged(&own, &[&a, &b]).unwrap_err().to_string()
    }

    #[test]
    fn contradictions_say_what_each_child_has() {
        let formats = "Le champ \"x\" a des formats contradictoires (non défini, date).";
        assert_eq!(refused(ColumnKind::Text, ColumnKind::Date), formats);
        let types = "Le champ \"x\" a des types contradictoires (integer, number).";
        assert_eq!(refused(ColumnKind::Integer, ColumnKind::Number), types);
    }

    #[test]
    fn a_column_can_what_it_can_in_every_child() {
        let mut a = Column::new("x", ColumnKind::Text);
        a.title = Some("Titre".to_owned());
        a.capabilities.wildcard = Some(true);
        a.labels = Some([("1".to_owned(), "un".to_owned())].into_iter().collect());
        let mut b = Column::new("x", ColumnKind::Text);
        b.capabilities.text = Some(false);
        b.labels = Some(
            [("1".to_owned(), "one".to_owned()), ("2".to_owned(), "two".to_owned())].into_iter().collect(),
        );
        let mut own = Column::new("x", ColumnKind::Text);
        own.description = Some("À nous".to_owned());
        let merged = merged(&[own, Column::new("y", ColumnKind::Integer)], &[&[a], &[b]]).unwrap();
        assert_eq!(merged[1], Column::new("y", ColumnKind::Integer), "no child has it: it stays");
        let column = &merged[0];
        assert!(
            !column.capabilities.wildcard() && !column.capabilities.text() && column.capabilities.index()
        );
        assert_eq!((column.title.as_deref(), column.description.as_deref()), (Some("Titre"), Some("À nous")));
        let labels: Vec<_> = column.labels.iter().flatten().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["un", "two"]);
    }

    #[test]
    fn filters_read_what_clients_write() {
        let union: Union = serde_json::from_str(
            r#"{"children":["a"],"filters":[{"key":"n","values":["1",2,true]},{"key":"m","operator":"nin","values":[]}]}"#,
        )
        .unwrap();
        assert_eq!(union.filters[0].texts(), ["1", "2", "true"]);
        assert_eq!(union.filters[0].operator, FilterOperator::In);
        assert_eq!(union.filters[1].operator, FilterOperator::Nin);
    }
}
