//! What search engines, frames and programs get.

use crate::site::{Site, has};

#[tokio::test]
async fn search_engines_find_public_datasets_and_only_those() {
    let site = Site::new().await;
    let robots = site.api.get("/robots.txt").await.text();
    has(&robots, &["Sitemap: http://halle.test/sitemap.xml"]);
    let map = site.api.get("/sitemap.xml").await.text();
    has(&map, &["<loc>http://halle.test/datasets/arbres</loc>", "<loc>http://halle.test/</loc>"]);
    assert!(!map.contains("secret"));
    let page = site.page("/datasets/arbres?page=2").await;
    has(&page, &["og:title", "rel=\"canonical\" href=\"http://halle.test/datasets/arbres\""]);
    let card = page.split_once("application/ld+json\">").unwrap().1.split_once("</script>").unwrap().0;
    let card: serde_json::Value = serde_json::from_str(card).unwrap();
    assert_eq!(card["@type"], "Dataset");
    assert_eq!(card["name"], "Arbres de la <ville>");
}

#[tokio::test]
async fn only_the_embedded_table_stands_in_frames() {
    let site = Site::new().await;
    let embed = site.browse("/datasets/arbres/embed", &[]).await;
    has(embed.header("content-security-policy"), &["frame-ancestors *"]);
    let page = site.browse("/datasets/arbres", &[]).await;
    has(page.header("content-security-policy"), &["frame-ancestors 'none'"]);
}

#[tokio::test]
async fn the_style_sheet_is_kept_for_good() {
    let site = Site::new().await;
    let page = site.page("/").await;
    let path = page.split_once("rel=\"stylesheet\" href=\"").unwrap().1.split_once('"').unwrap().0;
    let css = site.api.get(path).await;
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    has(css.header("cache-control"), &["immutable"]);
}

#[tokio::test]
async fn what_is_missing_is_a_page_for_people_and_a_text_for_programs() {
    let site = Site::new().await;
    let person = site.browse("/datasets/inconnu?lang=en", &[]).await;
    assert_eq!(person.status.as_u16(), 404);
    has(&person.text(), &["Page not found", "noindex"]);
    let program = site.api.get("/nulle-part").await;
    assert_eq!(program.status.as_u16(), 404);
    assert!(!program.text().contains("<html"));
    let twice = site.browse("/datasets?q=a&q=b", &[]).await;
    assert_eq!(twice.status.as_u16(), 400);
    has(&twice.text(), &["Cette demande ne peut pas aboutir"]);
}
