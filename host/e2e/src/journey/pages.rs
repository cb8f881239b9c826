//! Public pages are complete without JavaScript, and the back office is there.

use anyhow::{Result, ensure};

use super::Journey;

pub async fn prove(journey: &mut Journey) -> Result<String> {
    let home = journey.anonymous.get("/").await?;
    ensure!(home.text.contains("<h1"), "the home page has no heading");
    let list = journey.anonymous.get("/datasets").await?;
    ensure!(list.text.contains("communes"), "the list does not name the communes");
    ensure!(!list.text.contains("subventions"), "the list names a private dataset");
    let found = journey.anonymous.get("/datasets?q=bornes").await?;
    ensure!(
        found.text.contains("bornes") && !found.text.contains("/datasets/communes"),
        "the search does not search"
    );
    let page = journey.anonymous.get("/datasets/communes").await?;
    for part in ["<table", "<svg", "Abergement-Cl", "<caption", "lang=\"fr\""] {
        ensure!(page.text.contains(part), "the page of the communes lacks {part}");
    }
    let private = journey.anonymous.get_any("/datasets/subventions").await?;
    ensure!(
        matches!(private.status.as_u16(), 403 | 404),
        "the page of a private dataset gives {}",
        private.status
    );
    let office = journey.anonymous.get("/admin/").await?;
    ensure!(office.text.contains("<script"), "the back office is not in this binary: {}", office.excerpt());
    Ok("home, list, search, a dataset with table and chart; the back office is served".to_owned())
}
