//! Routes about accounts, publication sites and small lists, for the platform's document.

use serde_json::{Value, json};

use super::pieces::{Operation, in_path, json_content, query, text, whole};

const ACCOUNTS: &str = "Comptes";
const CATALOGUE: &str = "Catalogues";

fn any() -> Value {
    json_content(json!({ "type": "object" }))
}

fn any_list() -> Value {
    json_content(json!({ "type": "array", "items": { "type": "object" } }))
}

fn account_path() -> [Value; 2] {
    [
        in_path("type", "`user` ou `organization`.", text()),
        in_path("account", "Identifiant du compte.", text()),
    ]
}

fn key() -> Value {
    query("key", "Clé des services de confiance.", text())
}

/// Adds the operations; paths are relative to the API's root.
pub(super) fn accounts(add: &mut impl FnMut(&str, &str, Operation)) {
    let page = [
        query("size", "Nombre de résultats.", whole(12, 0, 1_000)),
        query("page", "Numéro de la page, à partir de 1.", whole(1, 1, 10_000)),
    ];
    let list = Operation::new("listLimits", ACCOUNTS, "Lister les limites posées.").parameters(page);
    add("/limits", "get", list.answers(200, "Une page de limites.", any()));
    let path = "/limits/{type}/{account}";
    let read = Operation::new("readLimits", ACCOUNTS, "Lire les limites d'un compte et ce qu'il consomme.");
    let read = read.parameters(account_path()).parameters([key()]);
    add(path, "get", read.answers(200, "Les limites.", any()));
    let write = Operation::new("writeLimits", ACCOUNTS, "Poser les limites d'un compte.");
    let write = write.parameters(account_path()).parameters([key()]).body(any());
    add(path, "post", write.answers(200, "Les limites.", any()));
    let path = "/identities/{type}/{account}";
    let named =
        |id, summary| Operation::new(id, ACCOUNTS, summary).parameters(account_path()).parameters([key()]);
    let report = named("readIdentity", "Compter ce qu'un compte possède.");
    add(path, "get", report.answers(200, "Les nombres.", any()));
    let rename = named("renameIdentity", "Écrire partout le nouveau nom d'un compte.").body(any());
    add(path, "post", rename.answers(200, "Le compte.", any()));
    let remove = named("deleteIdentity", "Supprimer tout ce qu'un compte possède.");
    add(path, "delete", remove.answers_nothing(204, "Supprimé."));
    for (path, id, summary) in [
        ("/admin/info", "readAdminInfo", "Lire la version du service."),
        ("/admin/status", "readAdminStatus", "Lire l'état du service."),
        ("/admin/datasets-errors", "listDatasetsErrors", "Lister les jeux de données en erreur."),
        ("/admin/owners", "listOwners", "Lister les propriétaires de jeux de données."),
    ] {
        add(path, "get", Operation::new(id, ACCOUNTS, summary).answers(200, "La réponse.", any()));
    }
    let stats = Operation::new("readStats", ACCOUNTS, "Lire les limites et les comptes du compte actif.");
    add("/stats", "get", stats.answers(200, "Les chiffres.", any()));
    let activity = Operation::new("readActivity", ACCOUNTS, "Lister ce qui a changé en dernier.")
        .parameters([query("size", "Nombre de résultats.", whole(12, 0, 1_000))]);
    add("/activity", "get", activity.answers(200, "Les changements.", any()));
    let projections = Operation::new("listProjections", ACCOUNTS, "Lister les projections proposées.");
    add("/projections", "get", projections.answers(200, "Les projections.", any_list()));
    for (path, id) in [
        ("/configurable-remote-services", "listConfigurableRemoteServices"),
        ("/configurable-catalogs", "listConfigurableCatalogs"),
    ] {
        let suggestions = Operation::new(id, ACCOUNTS, "Lister ce que l'exploitant suggère.");
        add(path, "get", suggestions.answers(200, "Les suggestions.", any_list()));
    }
    let check = Operation::new("checkApi", ACCOUNTS, "Vérifier un document OpenAPI 3.1.").body(any());
    add("/_check-api", "post", check.answers(200, "Le document est correct.", any()));
    for (path, id, summary) in [
        ("/catalog/datasets", "listCatalogDatasets", "Lister les jeux de données d'un site de publication."),
        ("/catalog/dcat", "readCatalogDcat", "Lire le catalogue d'un site en DCAT."),
        ("/catalog/api-docs.json", "readCatalogApiDoc", "Lire la documentation du catalogue d'un site."),
    ] {
        let site = query("publicationSites", "Site, `type:id` ; celui de l'adresse appelée sinon.", text());
        let operation = Operation::new(id, CATALOGUE, summary).parameters([site]);
        add(
            path,
            "get",
            operation.answers(200, "Le catalogue.", any()).refuses(404, "publication site unknown"),
        );
    }
    let owner = Operation::of_dataset("changeOwner", CATALOGUE, "Changer de propriétaire.").body(any());
    add("/datasets/{id}/owner", "put", owner.answers(200, "La description.", any()));
    let metadata = Operation::of_dataset("readDescription", CATALOGUE, "Lire quelles métadonnées saisir.")
        .named("readMetadataSettings");
    add("/datasets/{id}/metadata-settings", "get", metadata.answers(200, "Les métadonnées.", any()));
}
