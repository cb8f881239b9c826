//! How a dataset is stored: the attributes that lists filter on.

use halle_base::AccountRef;
use halle_model::listing::{list_visibility, resource_words};
use halle_model::{Dataset, DatasetKind};
use serde_json::Value;

use crate::{Entity, Key};

impl Entity for Dataset {
    const COLLECTION: &'static str = "datasets";

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.owner)
    }

    fn title(&self) -> &str {
        &self.title
    }

    /// Title, summary, description, keywords, topics, owner's name.
    fn search_text(&self) -> String {
        let text =
            |key: &str| self.description.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut words =
            vec![self.title.clone(), text("summary"), text("description"), self.owner.name.clone()];
        words.extend(texts(self.description.get("keywords"), None));
        words.extend(texts(self.description.get("topics"), Some("title")));
        words.join(" ")
    }

    /// `slug`, `owner-slug` (unique), `owner`, `owner-filter` (`type:id` and `type:id:department`, `-` for the root),
    /// `status`, `type`, `visibility`, `has` (`bbox`, `lines`), `grant` (see [`halle_model::listing`]), `topics`,
    /// `keywords`, `concepts`.
    fn keys(&self) -> Vec<Key> {
        let kind = match self.kind() {
            DatasetKind::File => "file",
            DatasetKind::Editable => "rest",
            DatasetKind::MetadataOnly => "metaOnly",
        };
        let root = AccountRef { department: None, ..self.owner.clone() };
        let mut keys = vec![
            Key::new("slug", &self.slug),
            Key::unique("owner-slug", format!("{}/{}", self.owner.key(), self.slug)),
            Key::new("owner", self.owner.key()),
            Key::new("owner-filter", root.key()),
            Key::new(
                "owner-filter",
                format!("{}:{}", root.key(), self.owner.department.as_deref().unwrap_or("-")),
            ),
            Key::new("status", self.status.as_str()),
            Key::new("type", kind),
            Key::new("visibility", list_visibility(&self.permissions)),
        ];
        if self.bbox.is_some() {
            keys.push(Key::new("has", "bbox"));
        }
        if self.served.is_some() {
            keys.push(Key::new("has", "lines"));
        }
        let words = resource_words(&self.owner, &self.permissions);
        keys.extend(words.into_iter().map(|word| Key::new("grant", word)));
        let several = [
            ("topics", texts(self.description.get("topics"), Some("id"))),
            ("keywords", texts(self.description.get("keywords"), None)),
            ("concepts", self.schema.iter().filter_map(|column| column.refers_to.clone()).collect()),
        ];
        for (name, mut values) in several {
            values.sort_unstable();
            values.dedup();
            keys.extend(values.into_iter().map(|value| Key::new(name, value)));
        }
        keys
    }
}

/// The texts of an array: its items, or their attribute `of`.
fn texts(array: Option<&Value>, of: Option<&str>) -> Vec<String> {
    let items = array.and_then(Value::as_array).into_iter().flatten();
    let text =
        |item: &Value| of.map_or(Some(item), |key| item.get(key)).and_then(Value::as_str).map(str::to_owned);
    items.filter_map(text).collect()
}
