//! What pages show, to whom, in which language.

use crate::site::{OWNER, Site, has, text};

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    let site = Site::new().await;
    for (lang, word) in [("fr", "Aller au contenu"), ("en", "Skip to content")] {
        for path in ["/", "/datasets", "/datasets/arbres", "/accessibility", "/nulle-part"] {
            let answer = site.browse(&format!("{path}?lang={lang}"), &[]).await;
            let page = answer.text();
            has(
                &page,
                &[&format!("<html lang=\"{lang}\">"), word, "Données &amp; Ville", "<main id=\"main\""],
            );
            assert_eq!(page.matches("<h1").count(), 1, "{path} has one title");
            assert!(!page.contains("<script>"), "{path} runs no script");
            assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        }
        let embed = site.page(&format!("/datasets/arbres/embed?lang={lang}")).await;
        has(&embed, &[&format!("<html lang=\"{lang}\">"), "Arbre 00", "<caption>"]);
    }
}

#[tokio::test]
async fn the_language_is_chosen_then_kept_then_guessed() {
    let site = Site::new().await;
    let chosen = site.browse("/?lang=en", &[]).await;
    has(chosen.header("set-cookie"), &["i18n_lang=en"]);
    for (headers, lang) in [
        (&[("cookie", "i18n_lang=en")][..], "en"),
        (&[("accept-language", "en-GB,fr;q=0.5")], "en"),
        (&[("cookie", "a=b; i18n_lang=fr"), ("accept-language", "en")], "fr"),
        (&[("accept-language", "de")], "fr"),
    ] {
        let page = site.browse("/", headers).await.text();
        has(&page, &[&format!("<html lang=\"{lang}\">")]);
    }
}

#[tokio::test]
async fn visitors_see_what_they_may_read() {
    let site = Site::new().await;
    let list = site.page("/datasets").await;
    has(&list, &["Arbres de la &lt;ville&gt;", "1 résultat<", "Environnement", "nature"]);
    assert!(!list.contains("/datasets/secret"), "private datasets are not listed");
    let refused = site.browse("/datasets/secret", &[]).await;
    assert_eq!(refused.status.as_u16(), 403);
    has(&refused.text(), &["Accès réservé", "/simple-directory/login?redirect="]);
    let owner = text(&site.api.by(OWNER).get("/datasets").await);
    has(&owner, &["/datasets/secret", "2 résultats"]);
}

#[tokio::test]
async fn the_catalogue_searches_and_filters_by_address() {
    let site = Site::new().await;
    for (query, found) in [
        ("q=ARBRE", true),
        ("q=rivi%C3%A8re", false),
        ("topics=env", true),
        ("keywords=bruit", false),
        ("owner=organization:ville&sort=title", true),
        ("page=2", false),
    ] {
        let page = site.page(&format!("/datasets?{query}")).await;
        assert_eq!(page.contains("href=\"/datasets/arbres\""), found, "{query}");
    }
}

#[tokio::test]
async fn a_dataset_has_its_description_table_chart_and_downloads() {
    let site = Site::new().await;
    let page = site.page("/datasets/arbres").await;
    has(
        &page,
        &[
            "<h1>Arbres de la &lt;ville&gt;</h1>",
            "<strong>inventaire</strong>",
            "Licence Ouverte",
            "60 lignes",
            "<th scope=\"col\"",
            "Arbre 19",
            "chart bar sum(quartier)",
            "<title>dessin</title>",
            "<th scope=\"col\">Quartier</th>",
            "format=csv&amp;size=all",
            "http://halle.test/data-fair/api/v1/datasets/arbres/raw",
            "curl &quot;http://halle.test/data-fair/api/v1/datasets/arbres/lines?size=10&quot;",
        ],
    );
    assert!(!page.contains("alert(1)"), "the description is sanitised");
    assert!(!page.contains("Arbre 20"), "twenty lines are a page");
}

#[tokio::test]
async fn the_table_searches_sorts_filters_and_turns_by_address() {
    let site = Site::new().await;
    let last = site.page("/datasets/arbres?page=3").await;
    has(&last, &["Arbre 59", "Page 3 sur 3"]);
    let sorted = site.page("/datasets/arbres?sort=-hauteur").await;
    has(&sorted, &["Arbre 59", "aria-sort=\"descending\""]);
    let filtered = site.page("/datasets/arbres?quartier_eq=Nord&hauteur_gte=150").await;
    has(&filtered, &["Arbre 57", "3 lignes", "quartier_eq=Nord", "Les lignes filtrées (CSV)"]);
    assert!(!filtered.contains("Arbre 58"));
    let searched = site.page("/datasets/arbres?q=42").await;
    has(&searched, &["Arbre 42"]);
    let none = site.page("/datasets/arbres?q=introuvable").await;
    has(&none, &["Aucune ligne ne correspond."]);
    let wrong = site.page("/datasets/arbres?hauteur_gte=haut").await;
    has(&wrong, &["role=\"alert\""]);
}

#[tokio::test]
async fn the_chart_is_what_the_visitor_chooses_and_says_when_it_fails() {
    let site = Site::new().await;
    let chosen = site.page("/datasets/arbres?chart=pie&field=quartier&metric_field=hauteur&metric=max").await;
    has(&chosen, &["chart pie max(quartier)"]);
    let counted = site.page("/datasets/arbres?chart=bar&field=quartier&metric_field=&metric=sum").await;
    has(&counted, &["chart bar count(quartier)"]);
    let failed = site.page("/datasets/arbres?field=nom").await;
    has(&failed, &["n’a pas pu être dessiné", "Arbre 00"]);
}
