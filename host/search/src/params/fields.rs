//! The columns a query may name, and what each may be used for.

use std::sync::LazyLock;

use halle_model::concept::Concept;
use halle_model::{Column, ColumnKind, concept};

use super::bad;
use crate::engine::{SearchError, SearchResult};

/// Suffixes of column filters, longer ones before those they end with.
pub const FILTER_SUFFIXES: &[&str] = &[
    "_eq",
    "_neq",
    "_in",
    "_nin",
    "_gt",
    "_gte",
    "_lt",
    "_lte",
    "_starts",
    "_contains",
    "_search",
    "_exists",
    "_nexists",
];

/// Columns that every index has, whether the schema lists them or not.
static SYSTEM: LazyLock<[Column; 3]> = LazyLock::new(|| {
    [
        Column::new("_id", ColumnKind::Text),
        Column::new("_i", ColumnKind::Integer),
        Column::new("_rand", ColumnKind::Integer),
    ]
});

/// The columns of a dataset, as parameters see them.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    columns: &'a [Column],
    geolocated: bool,
    own_concepts: &'a [(String, String)],
}

/// What a filter asks of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Index,
    Wildcard,
    Search,
}

impl<'a> Fields<'a> {
    /// Columns in the order of the schema; `geolocated` when lines have points or shapes.
    pub fn new(columns: &'a [Column], geolocated: bool) -> Self {
        Self { columns, geolocated, own_concepts: &[] }
    }

    /// The same, with concepts that are in no common vocabulary: the short identifier of each, and the key of its column.
    #[must_use]
    pub fn with_own_concepts(self, own_concepts: &'a [(String, String)]) -> Self {
        Self { own_concepts, ..self }
    }

    /// Columns in the order of the schema.
    pub fn columns(&self) -> &'a [Column] {
        self.columns
    }

    /// Whether lines have points or shapes.
    pub fn is_geolocated(&self) -> bool {
        self.geolocated
    }

    /// The column with this key.
    pub fn get(&self, key: &str) -> Option<&'a Column> {
        let system = || SYSTEM.iter().find(|column| column.key == key);
        self.columns.iter().find(|column| column.key == key).or_else(system)
    }

    /// The primary column of a concept: the first one that refers to it.
    pub fn concept(&self, concept: &Concept) -> Option<&'a Column> {
        self.columns
            .iter()
            .find(|column| column.refers_to.as_deref().is_some_and(|uri| concept.identifiers.contains(&uri)))
    }

    /// The primary column of the concept with this short identifier, of the common vocabulary or another.
    pub(super) fn named_concept(&self, id: &str) -> Option<&'a Column> {
        let own = || {
            let (_, key) = self.own_concepts.iter().find(|(own, _)| own == id)?;
            self.get(key)
        };
        concept::by_id(id).and_then(|concept| self.concept(concept)).or_else(own)
    }

    /// The column that a filter names; 400 when there is none.
    pub(super) fn filtered(&self, key: &str) -> SearchResult<&'a Column> {
        self.get(key).ok_or_else(|| {
            let message = format!(
                "Impossible d'appliquer un filtre sur le champ {key}, il n'existe pas dans le jeu de données."
            );
            bad(message)
        })
    }
}

/// Splits `{key}{suffix}`, if the name ends with the suffix of a filter and has a key.
pub(super) fn split_suffix(name: &str) -> Option<(&str, &'static str)> {
    FILTER_SUFFIXES.iter().find_map(|&suffix| {
        let key = name.strip_suffix(suffix)?;
        (!key.is_empty()).then_some((key, suffix))
    })
}

/// Whether words of the column can be searched.
pub(super) fn is_searchable(column: &Column) -> bool {
    let capabilities = &column.capabilities;
    match column.kind() {
        ColumnKind::Text => capabilities.text() || capabilities.text_standard(),
        ColumnKind::Object => false,
        _ => capabilities.text_standard(),
    }
}

/// Whether the column can order or group lines.
pub(super) fn is_sortable(column: &Column) -> bool {
    column.capabilities.values() || column.kind() == ColumnKind::Text && column.capabilities.insensitive()
}

/// Refuses a filter that the column's capabilities do not allow, and says what they allow.
pub(super) fn check_capability(column: &Column, filter: &str, need: Need) -> SearchResult<()> {
    let (allowed, title) = match need {
        Need::Index => (column.capabilities.index(), "Filtrable sur valeur exacte"),
        Need::Wildcard => (
            column.kind() == ColumnKind::Text && column.capabilities.wildcard(),
            "Texte filtrable sur groupe de caractères",
        ),
        Need::Search => (is_searchable(column), "Texte analysé pour recherche textuelle"),
    };
    if allowed {
        return Ok(());
    }
    let message = format!(
        "Impossible d'appliquer un filtre {filter} sur le champ {}. {}",
        column.key,
        disabled(title, column)
    );
    Err(bad(message))
}

/// The sentence that says which capability is off, and what the column allows instead. Programs read the second part.
fn disabled(title: &str, column: &Column) -> String {
    format!(
        "La fonctionnalité \"{title}\" n'est pas activée dans la configuration technique du champ. {}",
        available(column)
    )
}

/// Refuses to sort on a column that cannot.
pub(super) fn cannot_sort(column: &Column) -> SearchError {
    let reason = disabled("Triable et groupable", column);
    bad(format!("Impossible de trier sur le champ {}. {reason}", column.key))
}

/// Refuses to group by a column that cannot.
pub(super) fn cannot_group(column: &Column) -> SearchError {
    let reason = disabled("Triable et groupable", column);
    bad(format!("Impossible de grouper sur le champ {}. {reason}", column.key))
}

/// Refuses to keep one line of each value of a column that cannot group.
pub(super) fn cannot_collapse(column: &Column) -> SearchError {
    let reason = disabled("Triable et groupable", column);
    bad(format!("Impossible de dédoublonner sur le champ {}. {reason}", column.key))
}

/// Refuses to count the words of a column.
pub(super) fn cannot_count_words(column: &Column) -> SearchError {
    let reason = disabled("Statistiques de mots", column);
    bad(format!("Impossible de compter les mots du champ {}. {reason}", column.key))
}

fn available(column: &Column) -> String {
    let mut filters = Vec::new();
    if column.capabilities.index() {
        filters.extend(["_eq", "_neq", "_in", "_nin", "_gt", "_gte", "_lt", "_lte"]);
        if column.kind() == ColumnKind::Text {
            filters.push("_starts");
        }
        filters.extend(["_exists", "_nexists"]);
    }
    if is_searchable(column) {
        filters.push("_search");
    }
    if column.kind() == ColumnKind::Text && column.capabilities.wildcard() {
        filters.push("_contains");
    }
    let filters = if filters.is_empty() { "aucun".to_owned() } else { filters.join(", ") };
    let answer = |allowed: bool| if allowed { "oui" } else { "non" };
    format!(
        "Opérations disponibles sur ce champ — filtres : {filters} ; tri : {} ; groupement : {}.",
        answer(is_sortable(column)),
        answer(column.capabilities.values())
    )
}
