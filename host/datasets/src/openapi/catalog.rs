//! The document of a publication site's catalogue.

use halle_model::settings::PublicationSite;
use serde_json::{Value, json};

use super::pieces::{Operation, json_content, query, text, whole};

/// The catalogue's routes at the client's address `base`.
pub(crate) fn catalog_document(site: &PublicationSite, base: &str) -> Value {
    let title = site.title.clone().unwrap_or_else(|| site.key());
    let answer = || json_content(json!({ "type": "object" }));
    let which = || query("publicationSites", "Site, `type:id` ; celui de l'adresse appelée sinon.", text());
    let list =
        Operation::new("listCatalogDatasets", "Catalogue", "Lister les jeux de données.").parameters([
            which(),
            query("q", "Recherche textuelle.", text()),
            query("size", "Nombre de résultats.", whole(12, 0, 10_000)),
            query("page", "Numéro de la page, à partir de 1.", whole(1, 1, 10_000)),
            query("sort", "Tri : `title`, `-modified`, `createdAt`…", text()),
            query("select", "Attributs à rendre, séparés par des virgules.", text()),
            query("facets", "Facettes à compter, séparées par des virgules.", text()),
        ]);
    let dcat = Operation::new("readCatalogDcat", "Catalogue", "Lire le catalogue en DCAT.");
    let docs = Operation::new("readCatalogApiDoc", "Catalogue", "Lire cette documentation.");
    json!({
        "openapi": "3.1.0",
        "info": { "title": format!("Catalogue : {title}"), "version": env!("CARGO_PKG_VERSION") },
        "servers": [{ "url": format!("{base}/data-fair/api/v1/catalog") }],
        "paths": {
            "/datasets": { "get": list.answers(200, "Une page de jeux de données.", answer()).build() },
            "/dcat": { "get": dcat.parameters([which()]).answers(200, "Le catalogue.", answer()).build() },
            "/api-docs.json": { "get": docs.parameters([which()]).answers(200, "La documentation.", answer()).build() },
        },
    })
}
