//! Words of the pages, in both languages: key, French, English.

use crate::lang::Lang;

/// Every text; templates call them `t.{key}`.
pub const TEXTS: &[(&str, &str, &str)] = &[
    ("skip", "Aller au contenu", "Skip to content"),
    ("home", "Accueil", "Home"),
    ("datasets", "Jeux de données", "Datasets"),
    ("one_dataset", "jeu de données", "dataset"),
    ("many_datasets", "jeux de données", "datasets"),
    ("one_producer", "producteur", "producer"),
    ("many_producers", "producteurs", "producers"),
    ("one_topic", "thématique", "topic"),
    ("many_topics", "thématiques", "topics"),
    ("main_nav", "Navigation principale", "Main navigation"),
    ("footer_nav", "Pied de page", "Footer"),
    ("sign_in", "Se connecter", "Sign in"),
    ("manage", "Administrer", "Manage"),
    ("other_language", "English", "Français"),
    ("accessibility", "Accessibilité", "Accessibility"),
    ("home_title", "Les données ouvertes, à portée de main", "Open data within reach"),
    (
        "home_lead",
        "Cherchez, explorez et réutilisez les jeux de données publiés ici.",
        "Search, explore and reuse the datasets published here.",
    ),
    ("search", "Rechercher", "Search"),
    ("search_datasets", "Rechercher un jeu de données", "Search for a dataset"),
    ("latest", "Dernières mises à jour", "Latest updates"),
    ("see_all", "Voir tous les jeux de données", "See all datasets"),
    ("browse_topics", "Explorer par thématique", "Browse by topic"),
    ("nothing_yet", "Aucun jeu de données n’est encore publié.", "No dataset has been published yet."),
    (
        "nothing_found",
        "Aucun jeu de données ne correspond à votre recherche.",
        "No dataset matches your search.",
    ),
    ("one_result", "résultat", "result"),
    ("many_results", "résultats", "results"),
    ("sort_by", "Trier par", "Sort by"),
    ("sort_updated", "Mise à jour récente", "Recently updated"),
    ("sort_created", "Ajout récent", "Recently added"),
    ("sort_title", "Titre", "Title"),
    ("refine", "Affiner", "Refine"),
    ("topics", "Thématiques", "Topics"),
    ("keywords", "Mots-clés", "Keywords"),
    ("producers", "Producteurs", "Producers"),
    ("remove_filter", "retirer ce filtre", "remove this filter"),
    ("reset", "Tout effacer", "Clear all"),
    ("updated_on", "Mis à jour le", "Updated on"),
    ("one_line", "ligne", "row"),
    ("many_lines", "lignes", "rows"),
    ("pages_nav", "Pages", "Pages"),
    ("previous", "Précédente", "Previous"),
    ("next", "Suivante", "Next"),
    ("page", "Page", "Page"),
    ("of", "sur", "of"),
    ("about", "Description", "Description"),
    ("data", "Données", "Data"),
    ("chart", "Graphique", "Chart"),
    ("schema", "Colonnes", "Columns"),
    ("information", "Informations", "Information"),
    ("producer", "Producteur", "Producer"),
    ("license", "Licence", "Licence"),
    ("created", "Publié le", "Published on"),
    ("creator", "Auteur", "Author"),
    ("frequency", "Fréquence", "Frequency"),
    ("spatial", "Territoire", "Area"),
    ("origin", "Origine", "Origin"),
    ("temporal", "Période", "Period"),
    ("file", "Fichier", "File"),
    ("downloads", "Téléchargements", "Downloads"),
    ("download_csv", "Toutes les lignes (CSV)", "All rows (CSV)"),
    ("download_filtered_csv", "Les lignes filtrées (CSV)", "Filtered rows (CSV)"),
    ("download_geojson", "Carte, 10 000 premières lignes (GeoJSON)", "Map, first 10,000 rows (GeoJSON)"),
    ("download_raw", "Fichier d’origine", "Original file"),
    ("use_api", "Utiliser l’API", "Use the API"),
    ("api_address", "Adresse du jeu de données", "Address of the dataset"),
    ("api_docs", "Documentation OpenAPI", "OpenAPI documentation"),
    ("curl_hint", "Un clic sélectionne la commande entière.", "One click selects the whole command."),
    ("embed", "Intégrer dans un site", "Embed in a site"),
    ("see_embed", "Voir le tableau seul", "See the table alone"),
    ("search_lines", "Rechercher dans les lignes", "Search in the rows"),
    ("filters", "Filtrer par colonne", "Filter by column"),
    ("apply", "Appliquer", "Apply"),
    ("any", "Toutes les valeurs", "Any value"),
    ("from", "à partir de", "from"),
    ("to", "jusqu’à", "up to"),
    ("no_line", "Aucune ligne ne correspond.", "No row matches."),
    ("sort_column", "trier par cette colonne", "sort by this column"),
    ("more_columns", "autres colonnes sont dans les téléchargements.", "more columns are in the downloads."),
    ("bad_table", "Le tableau n’a pas pu répondre :", "The table could not answer:"),
    ("full_page", "Ouvrir la page du jeu de données", "Open the page of the dataset"),
    ("no_table", "Ce jeu de données n’a pas de lignes à montrer.", "This dataset has no rows to show."),
    ("chart_data", "Voir les données du graphique", "See the data of the chart"),
    ("chart_form", "Forme", "Form"),
    ("chart_field", "Grouper par", "Group by"),
    ("chart_metric", "Calcul", "Calculation"),
    ("chart_metric_field", "Colonne mesurée", "Measured column"),
    ("chart_lines_only", "Nombre de lignes", "Number of rows"),
    ("chart_change", "Modifier le graphique", "Change the chart"),
    (
        "chart_failed",
        "Ce graphique n’a pas pu être dessiné. Choisissez d’autres colonnes.",
        "This chart could not be drawn. Choose other columns.",
    ),
    ("chart_bar", "Barres", "Bars"),
    ("chart_line", "Courbe", "Line"),
    ("chart_pie", "Camembert", "Pie"),
    ("chart_count", "Nombre de lignes", "Number of rows"),
    ("chart_sum", "Somme", "Sum"),
    ("chart_avg", "Moyenne", "Mean"),
    ("chart_min", "Minimum", "Minimum"),
    ("chart_max", "Maximum", "Maximum"),
    ("column", "Colonne", "Column"),
    ("key", "Clé dans l’API", "Key in the API"),
    ("type", "Type", "Type"),
    ("description", "Description", "Description"),
    ("not_found", "Page introuvable", "Page not found"),
    (
        "not_found_lead",
        "Cette page n’existe pas, ou n’existe plus. Cherchez dans le catalogue ou revenez à l’accueil.",
        "This page does not exist, or no longer does. Search the catalogue or go back to the home page.",
    ),
    ("forbidden", "Accès réservé", "Restricted access"),
    (
        "forbidden_lead",
        "Cette page n’est pas publique. Connectez-vous avec un compte qui peut la lire.",
        "This page is not public. Sign in with an account that may read it.",
    ),
    ("broken", "Le serveur a rencontré une erreur", "The server met an error"),
    (
        "broken_lead",
        "Réessayez dans un instant. Si l’erreur persiste, transmettez la référence ci-dessous.",
        "Try again in a moment. If it persists, pass on the reference below.",
    ),
    ("refused", "Cette demande ne peut pas aboutir", "This request cannot be answered"),
    (
        "refused_lead",
        "Corrigez l’adresse ou revenez à l’accueil.",
        "Correct the address or go back to the home page.",
    ),
];

/// One text; its key when there is none, which a test rules out for those that pages use.
pub fn text(lang: Lang, key: &str) -> &str {
    TEXTS.iter().find(|(known, _, _)| *known == key).map_or(key, |(_, fr, en)| lang.pick(fr, en))
}

/// The word for `count` things: of two keys, the first is the singular.
pub fn word(lang: Lang, count: u64, keys: [&'static str; 2]) -> &'static str {
    let one = lang.pick(count < 2, count == 1);
    text(lang, keys[usize::from(!one)])
}

/// A number of things, such as `1 ligne`, `2 lignes`.
pub fn counted(lang: Lang, count: u64, keys: [&'static str; 2]) -> String {
    format!("{} {}", lang.number(count), word(lang, count, keys))
}

/// Words for lines.
pub const LINES: [&str; 2] = ["one_line", "many_lines"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_one_text_in_each_language() {
        for (i, (key, fr, en)) in TEXTS.iter().enumerate() {
            assert!(TEXTS[i + 1..].iter().all(|(other, _, _)| other != key), "{key} is there twice");
            assert!(!fr.is_empty() && !en.is_empty(), "{key} lacks a language");
        }
        assert_eq!(text(Lang::En, "home"), "Home");
    }

    #[test]
    fn none_is_singular_in_french_and_plural_in_english() {
        assert_eq!(counted(Lang::Fr, 0, LINES), "0 ligne");
        assert_eq!(counted(Lang::En, 0, LINES), "0 rows");
        assert_eq!(counted(Lang::Fr, 2, LINES), "2 lignes");
    }
}
