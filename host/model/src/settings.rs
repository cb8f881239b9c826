//! What an account sets for all its resources (reference §1.9): contacts, topics, licences, sites, concepts, webhooks.

use halle_base::AccountRef;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::webhook::{HttpTarget, WEBHOOK_EVENTS, WebhookTarget};
use crate::webhook::{Webhook, check_webhook};

/// Items of any list of the settings.
pub const ITEMS_MAX: usize = 500;

/// Characters of any title, address or identifier in the settings.
pub const TEXT_CHARS_MAX: usize = 2_000;

/// Settings of an account, or of a department of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// [`AccountRef::key`] of the account.
    pub key: String,
    /// Whose.
    pub account: AccountRef,
    /// What the account set.
    #[serde(default)]
    pub content: SettingsContent,
}

/// The attributes that an administrator of the account sets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SettingsContent {
    /// Address to write to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Public contact: `{contact: {name, url, email}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<Info>,
    /// Who is told of events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<Webhook>,
    /// Licences besides the standard ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<License>,
    /// Topics that resources of the account may have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<Topic>,
    /// Sites on which resources of the account may be published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publication_sites: Vec<PublicationSite>,
    /// Concepts besides the standard ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub private_vocabulary: Vec<PrivateConcept>,
    /// Which descriptive attributes the forms show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasets_metadata: Option<DatasetsMetadata>,
    /// Whether the compatibility layer of Opendatasoft answers for datasets of the account.
    #[serde(rename = "compatODS", skip_serializing_if = "Option::is_none")]
    pub compat_ods: Option<bool>,
    /// Settings of the conversational assistant, kept for clients that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_chat: Option<Map<String, Value>>,
}

/// Public information.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Info {
    /// Whom to contact, as OpenAPI has it: `name`, `url`, `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
}

/// Whom to contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Contact {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// A licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct License {
    /// Name.
    pub title: String,
    /// Text.
    pub href: String,
}

/// A topic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topic {
    /// Identifier; made from the title when a client leaves it out.
    pub id: String,
    /// Name.
    pub title: String,
    /// Icon: `{name, svg}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Value>,
    /// Colour, as CSS writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

/// A site on which resources are published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicationSite {
    /// Kind of site, such as `data-fair-portals`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Identifier within its kind.
    pub id: String,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Address; its host tells the site of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Page of a dataset, with `{id}` and `{slug}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_url_template: Option<String>,
    /// Page of an application, with `{id}` and `{slug}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_url_template: Option<String>,
    /// Rules of the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<SiteSettings>,
    /// What else the site's own service keeps here: `draftUrl`, `lang`...
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl PublicationSite {
    /// `type:id`, as resources name the sites they are published on.
    pub fn key(&self) -> String {
        format!("{}:{}", self.kind, self.id)
    }

    /// Whether nobody but members is meant to see the site.
    pub fn is_staging(&self) -> bool {
        self.settings.as_ref().is_some_and(|settings| settings.staging)
    }
}

/// Rules of a site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SiteSettings {
    /// Whether contributors may publish on it too: nobody else sees it.
    pub staging: bool,
    /// Departments whose administrators may publish on a site of the organisation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contributor_departments: Vec<String>,
    /// Descriptive attributes that a dataset must have to be published on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub datasets_required_metadata: Vec<String>,
    /// What else the site's own service keeps here.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A concept of one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PrivateConcept {
    /// Short identifier, as in `_c_{id}_eq`.
    pub id: String,
    /// Name.
    pub title: String,
    /// A sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// URIs that columns refer to it by.
    pub identifiers: Vec<String>,
    /// JSON type that a column must have.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Category, for interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// Which descriptive attributes the forms show; each is `{active, title}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DatasetsMetadata {
    /// Territory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spatial: Option<Value>,
    /// Period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporal: Option<Value>,
    /// Frequency of updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Value>,
    /// Producer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<Value>,
    /// Date of the last change of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<Value>,
    /// Keywords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keywords: Option<Value>,
    /// Schema that the dataset follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conforms_to: Option<Value>,
    /// Attributes of the account's own: `customMetadata.{key}` of a dataset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom: Vec<CustomMetadata>,
}

/// A descriptive attribute of the account's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomMetadata {
    /// Name in `customMetadata`.
    pub key: String,
    /// Name for people.
    pub title: String,
}

impl Settings {
    /// Settings of an account that set nothing.
    pub fn new(account: AccountRef) -> Self {
        Self { key: account.key(), account, content: SettingsContent::default() }
    }

    /// The site with this kind and identifier.
    pub fn site(&self, kind: &str, id: &str) -> Option<&PublicationSite> {
        self.content.publication_sites.iter().find(|site| site.kind == kind && site.id == id)
    }
}

impl SettingsContent {
    /// Fills in what clients may leave out: identifiers of topics and concepts.
    pub fn complete(&mut self) {
        for topic in self.topics.iter_mut().filter(|topic| topic.id.is_empty()) {
            topic.id = crate::slug::title_slug(&topic.title);
        }
        for concept in self.private_vocabulary.iter_mut().filter(|concept| concept.id.is_empty()) {
            concept.id = crate::slug::title_slug(&concept.title);
        }
    }

    /// What is wrong with these settings, in French: the attribute, and what to do.
    pub fn check(&self) -> Result<(), String> {
        let lengths = [
            ("webhooks", self.webhooks.len()),
            ("licenses", self.licenses.len()),
            ("topics", self.topics.len()),
            ("publicationSites", self.publication_sites.len()),
            ("privateVocabulary", self.private_vocabulary.len()),
        ];
        if let Some((name, count)) = lengths.iter().find(|(_, count)| *count > ITEMS_MAX) {
            return Err(format!("`{name}` : {count} éléments, au plus {ITEMS_MAX}."));
        }
        for (i, webhook) in self.webhooks.iter().enumerate() {
            check_webhook(webhook).map_err(|reason| format!("`webhooks[{i}]` : {reason}"))?;
        }
        distinct("webhooks", self.webhooks.iter().map(|webhook| webhook.title.clone()))?;
        for (i, license) in self.licenses.iter().enumerate() {
            named(&license.title, "title").map_err(|reason| format!("`licenses[{i}]` : {reason}"))?;
            web_address(&license.href, "href").map_err(|reason| format!("`licenses[{i}]` : {reason}"))?;
        }
        for (i, topic) in self.topics.iter().enumerate() {
            named(&topic.title, "title").map_err(|reason| format!("`topics[{i}]` : {reason}"))?;
        }
        distinct("topics", self.topics.iter().map(|topic| topic.id.clone()))?;
        for (i, site) in self.publication_sites.iter().enumerate() {
            check_site(site).map_err(|reason| format!("`publicationSites[{i}]` : {reason}"))?;
        }
        distinct("publicationSites", self.publication_sites.iter().map(PublicationSite::key))?;
        for (i, concept) in self.private_vocabulary.iter().enumerate() {
            check_concept(concept).map_err(|reason| format!("`privateVocabulary[{i}]` : {reason}"))?;
        }
        distinct("privateVocabulary", self.private_vocabulary.iter().map(|concept| concept.id.clone()))
    }
}

/// Checks one site.
pub fn check_site(site: &PublicationSite) -> Result<(), String> {
    for (name, text) in [("type", &site.kind), ("id", &site.id)] {
        named(text, name)?;
        if text.contains([':', ',']) {
            return Err(format!("`{name}` ne peut contenir ni `:` ni `,`."));
        }
    }
    site.url.as_deref().map_or(Ok(()), |url| web_address(url, "url"))
}

fn check_concept(concept: &PrivateConcept) -> Result<(), String> {
    named(&concept.title, "title")?;
    if crate::concept::by_id(&concept.id).is_some() {
        return Err(format!("l'identifiant `{}` est celui d'un concept standard.", concept.id));
    }
    if concept.identifiers.is_empty() || concept.identifiers.len() > ITEMS_MAX {
        return Err(format!("donnez de 1 à {ITEMS_MAX} URI dans `identifiers`."));
    }
    concept.identifiers.iter().try_for_each(|uri| {
        named(uri, "identifiers")?;
        let standard = crate::concept::by_uri(uri);
        standard.map_or(Ok(()), |known| Err(format!("`{uri}` est l'URI du concept standard `{}`.", known.id)))
    })
}

pub(crate) fn named(text: &str, what: &str) -> Result<(), String> {
    let count = text.chars().count();
    if text.trim().is_empty() || count > TEXT_CHARS_MAX {
        return Err(format!("`{what}` doit avoir de 1 à {TEXT_CHARS_MAX} caractères."));
    }
    Ok(())
}

pub(crate) fn web_address(text: &str, what: &str) -> Result<(), String> {
    named(text, what)?;
    let sound = ["https://", "http://"].iter().filter_map(|scheme| text.strip_prefix(scheme));
    if sound.clone().any(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')) {
        return Ok(());
    }
    Err(format!("`{what}` doit être une adresse complète, `https://…` : `{text}`."))
}

fn distinct(what: &str, ids: impl Iterator<Item = String>) -> Result<(), String> {
    let mut ids: Vec<String> = ids.collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(format!("`{what}` : l'identifiant `{}` est donné deux fois.", twice[0])),
        None => Ok(()),
    }
}

/// The licences that every account may use.
pub fn standard_licenses() -> Vec<License> {
    const STANDARD: [(&str, &str); 8] = [
        ("Licence Ouverte / Open Licence", "https://www.etalab.gouv.fr/licence-ouverte-open-licence"),
        ("Open Database License (ODbL)", "https://opendatacommons.org/licenses/odbl/summary/"),
        (
            "Open Data Commons Attribution License (ODC-By)",
            "https://opendatacommons.org/licenses/by/summary/",
        ),
        ("Public Domain Dedication and License (PDDL)", "https://opendatacommons.org/licenses/pddl/summary/"),
        ("Creative Commons Zero (CC0 1.0)", "https://creativecommons.org/publicdomain/zero/1.0/deed.fr"),
        ("Creative Commons Attribution (CC BY 4.0)", "https://creativecommons.org/licenses/by/4.0/deed.fr"),
        (
            "Creative Commons Attribution - Partage dans les mêmes conditions (CC BY-SA 4.0)",
            "https://creativecommons.org/licenses/by-sa/4.0/deed.fr",
        ),
        (
            "Creative Commons Attribution - Pas d'utilisation commerciale (CC BY-NC 4.0)",
            "https://creativecommons.org/licenses/by-nc/4.0/deed.fr",
        ),
    ];
    STANDARD.iter().map(|&(title, href)| License { title: title.to_owned(), href: href.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(content: Value) -> String {
        let content: Result<SettingsContent, _> = serde_json::from_value(content);
        match content {
            Ok(mut content) => {
                content.complete();
                content.check().err().unwrap_or_default()
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn whole_settings_are_accepted_and_come_back_as_they_were() {
        let given = json!({
            "email": "a@example.org",
            "info": { "contact": { "name": "A", "email": "a@example.org" } },
            "webhooks": [{ "title": "w", "events": ["dataset-error"],
                "target": { "type": "http", "params": { "url": "https://example.org/hook" } } }],
            "licenses": [{ "title": "Maison", "href": "https://example.org/l" }],
            "topics": [{ "id": "eau", "title": "Eau", "color": "#00f" }],
            "publicationSites": [{ "type": "data-fair-portals", "id": "p", "title": "P", "url": "https://p.example.org",
                "settings": { "staging": true }, "draftUrl": "https://d.example.org" }],
            "privateVocabulary": [{ "id": "arret", "title": "Arrêt", "identifiers": ["https://example.org/arret"] }],
            "datasetsMetadata": { "spatial": { "active": true }, "custom": [{ "key": "k", "title": "K" }] },
            "compatODS": true,
        });
        assert_eq!(refusal(given.clone()), "");
        let content: SettingsContent = serde_json::from_value(given.clone()).unwrap();
        assert_eq!(serde_json::to_value(content).unwrap(), given);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (content, expected) in [
            (json!({ "color": 1 }), "unknown field `color`"),
            (json!({ "topics": [{ "title": " " }] }), "`topics[0]` : `title`"),
            (json!({ "topics": [{ "title": "Eau" }, { "title": "eau" }] }), "`eau` est donné deux fois"),
            (
                json!({ "licenses": [{ "title": "L", "href": "javascript:alert(1)" }] }),
                "`licenses[0]` : `href`",
            ),
            (
                json!({ "webhooks": [{ "title": "w", "events": ["dataset-no"],
                    "target": { "type": "http", "params": { "url": "https://e.org" } } }] }),
                "`dataset-no` n'existe pas",
            ),
            (
                json!({ "webhooks": [{ "title": "w", "target": { "type": "mail", "params": {} } }] }),
                "unknown variant",
            ),
            (
                json!({ "privateVocabulary": [{ "title": "C", "identifiers": ["http://schema.org/City"] }] }),
                "concept standard `city`",
            ),
            (json!({ "publicationSites": [{ "type": "a:b", "id": "c" }] }), "`type` ne peut contenir"),
        ] {
            let found = refusal(content);
            assert!(found.contains(expected), "{found} / {expected}");
        }
    }

    #[test]
    fn eight_licences_are_for_everybody() {
        let licenses = standard_licenses();
        assert_eq!(licenses.len(), 8);
        let content = SettingsContent { licenses, ..SettingsContent::default() };
        assert_eq!(content.check(), Ok(()));
    }
}
