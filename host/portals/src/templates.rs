//! Templates: HTML around what a page shows. They are compiled into the program; whatever they print is escaped unless
//! it was made safe before.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;

use crate::lang::Lang;
use crate::texts;
use crate::visit::Visit;

/// The style sheet.
pub const CSS: &str = include_str!("../assets/portal.css");

/// A template could not be rendered: a mistake in the program.
pub type TemplateError = minijinja::Error;

const SOURCES: [(&str, &str); 9] = [
    ("base.html", include_str!("../templates/base.html")),
    ("parts.html", include_str!("../templates/parts.html")),
    ("table.html", include_str!("../templates/table.html")),
    ("home.html", include_str!("../templates/home.html")),
    ("catalogue.html", include_str!("../templates/catalogue.html")),
    ("dataset.html", include_str!("../templates/dataset.html")),
    ("embed.html", include_str!("../templates/embed.html")),
    ("accessibility.html", include_str!("../templates/accessibility.html")),
    ("error.html", include_str!("../templates/error.html")),
];

/// What a page says of itself to search engines and to who shares it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Head {
    /// Title, without the site's name.
    pub title: String,
    /// One sentence.
    pub description: String,
    /// Path of the one address of this content, below the site.
    pub canonical: String,
    /// Whether search engines should leave it out.
    pub hidden: bool,
}

/// The compiled templates.
pub struct Templates {
    environment: Environment<'static>,
    css_path: String,
}

impl Templates {
    /// Compiles them.
    pub fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in SOURCES {
            environment
                .add_template(name, source)
                .expect("templates come with the program, and a test renders each of them");
        }
        Self { environment, css_path: format!("/portal-assets/{}", css_name()) }
    }

    /// A page: `view` is what the template calls `page`.
    pub fn render(
        &self,
        template: &str,
        site: &str,
        visit: &Visit,
        head: &Head,
        view: &impl Serialize,
    ) -> Result<String, TemplateError> {
        let words: BTreeMap<&str, &str> =
            texts::TEXTS.iter().map(|(key, fr, en)| (*key, visit.lang.pick(*fr, *en))).collect();
        let other = visit.lang.other();
        let switch = visit.with(&[]);
        let joint = if switch.contains('?') { '&' } else { '?' };
        let values = context! {
            t => Serde(words),
            lang => visit.lang.code(),
            other_lang => other.code(),
            other_href => format!("{switch}{joint}lang={}", other.code()),
            site,
            base => &visit.base,
            root => &visit.root,
            path => &visit.path,
            css => format!("{}{}", visit.root, self.css_path),
            me => visit.caller.user.as_ref().map(|user| user.name.clone()),
            og_locale => visit.lang.pick("fr_FR", "en_GB"),
            french => visit.lang == Lang::Fr,
            head => Serde(head),
            page => Serde(view),
        };
        self.environment.get_template(template)?.render(values)
    }
}

/// Name of the style sheet: it changes with its content, so that browsers may keep it for good.
pub fn css_name() -> String {
    let mut hasher = DefaultHasher::new();
    CSS.hash(&mut hasher);
    format!("portal-{:016x}.css", hasher.finish())
}
