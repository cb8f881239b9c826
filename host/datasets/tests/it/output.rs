//! What lines carry when asked: passages, HTML, one line per value; words; bare numbers; descriptions as HTML.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Harness, admin};
use crate::lines::{ask, places};

/// Three notes of two authors.
const NOTES: &str = "\
auteur,note,jour
anne,Le **chat** dort <script>alert(1)</script>,2024-01-01
anne,Des chats & des chiens,2024-01-03
bob,Un chien,2024-01-02
";

async fn notes() -> Harness {
    let harness = Harness::new().await;
    let dataset = harness.dataset("notes", NOTES).await;
    let mut schema = dataset["schema"].clone();
    for column in schema.as_array_mut().unwrap().iter_mut().filter(|column| column["key"] == "note") {
        column["x-display"] = "markdown".into();
        column["description"] = "Une *note*".into();
        column["x-capabilities"] = json!({ "textAgg": true });
    }
    let body = json!({ "schema": schema, "description": "Des **notes**, [ici](javascript:x)" });
    harness.json(&admin(), Method::PATCH, "/datasets/notes", body).await.ok();
    harness.run().await;
    harness
}

async fn read(harness: &Harness, query: &str) -> Value {
    harness.get(&admin(), &format!("/datasets/notes/{query}")).await.ok()
}

#[tokio::test]
async fn passages_that_match_are_marked() {
    let harness = notes().await;
    let page = read(&harness, "lines?q=chat&highlight=note&select=auteur&sort=_i").await;
    assert_eq!(
        page["results"][1]["_highlight"],
        json!({ "note": ["Des <em class=\"highlighted\">chats</em> &amp; des chiens"] })
    );
    assert!(!page.to_string().contains("<script>"), "passages are HTML: {page}");
    for (query, text) in [
        (
            "highlight=rien",
            "Impossible de mettre en valeur le champ rien, il n'existe pas dans le jeu de données.",
        ),
        (
            "highlight=jour",
            "Impossible de mettre en valeur le champ jour, ce n'est pas un texte que l'on peut rechercher.",
        ),
    ] {
        harness.get(&admin(), &format!("/datasets/notes/lines?{query}")).await.refused(400, text);
    }
}

#[tokio::test]
async fn markdown_is_answered_as_safe_html() {
    let harness = notes().await;
    let page = read(&harness, "lines?html=true&select=note&sort=_i").await;
    assert_eq!(page["results"][0]["note"], "<p>Le <strong>chat</strong> dort </p>\n");
    let page = read(&harness, "lines?html=true&truncate=6&select=note&sort=_i").await;
    assert_eq!(page["results"][0]["note"], "<p>Le <strong>cha...</strong></p>");
    let described = harness.get(&admin(), "/datasets/notes?html=true").await.ok();
    let text = described["description"].as_str().unwrap();
    assert!(text.contains("<strong>notes</strong>") && !text.contains("javascript"), "{text}");
    let columns = described["schema"].as_array().unwrap();
    let note = columns.iter().find(|column| column["key"] == "note").unwrap();
    assert_eq!(note["description"], "<p>Une <em>note</em></p>\n");
    let list = harness.get(&admin(), "/datasets?html=vuetify&truncate=5&select=description").await.ok();
    assert_eq!(list["results"][0]["description"], "<p class=\"my-3\">Des <strong>n...</strong></p>");
    let plain = harness.get(&admin(), "/datasets/notes").await.ok();
    assert_eq!(plain["description"], "Des **notes**, [ici](javascript:x)");
}

#[tokio::test]
async fn one_line_per_value_and_how_many_values() {
    let harness = notes().await;
    let answer = harness
        .get(&admin(), "/datasets/notes/lines?collapse=auteur&sort=-jour&select=auteur,jour&size=1")
        .await;
    assert!(answer.text.starts_with("{\"total\":3,\"next\":\""), "{}", answer.text);
    let page = answer.ok();
    assert_eq!(
        (page["totalCollapse"].as_i64(), page["results"][0]["jour"].as_str()),
        (Some(2), Some("2024-01-03"))
    );
    let next = page["next"].as_str().unwrap().split("/datasets/notes/").nth(1).unwrap().to_owned();
    let page = read(&harness, &next).await;
    assert_eq!(page["results"][0]["auteur"], "bob");
    for (query, text) in [
        (
            "collapse=rien",
            "Impossible de dédoublonner sur le champ rien, il n'existe pas dans le jeu de données.",
        ),
        (
            "collapse=auteur&size=all&format=csv",
            "\"collapse\" cannot be combined with \"size=all\", follow \"next\" instead",
        ),
    ] {
        harness.get(&admin(), &format!("/datasets/notes/lines?{query}")).await.refused(400, text);
    }
}

#[tokio::test]
async fn words_of_a_column_are_counted() {
    let harness = notes().await;
    let words = read(&harness, "words_agg?field=note&size=2").await;
    assert_eq!((words["total"].as_i64(), words["sample"].as_i64()), (Some(3), Some(3)));
    let counts: Vec<_> =
        words["results"].as_array().unwrap().iter().map(|word| word["total"].clone()).collect();
    assert_eq!(counts, [2, 2], "chat and chats are one word: {words}");
    let significant = read(&harness, "words_agg?field=note&qs=auteur:bob").await;
    assert_eq!(significant["results"][0]["word"], "chien");
    let refused = harness.get(&admin(), "/datasets/notes/words_agg?field=auteur").await;
    assert!(
        refused.status == 400 && refused.text.contains("\"Statistiques de mots\" n'est pas activée"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn extremes_are_bare_numbers() {
    let harness = places().await;
    assert_eq!(ask(&harness, "max/habitants").await.text, "40");
    assert_eq!(ask(&harness, "min/surface?code_neq=a1").await.text, "2.5");
    assert_eq!(ask(&harness, "min/cree_le").await.text, "1704067200000");
    ask(&harness, "min/code")
        .await
        .refused(400, "Le champ code n'est ni un nombre ni une date : utilisez metric_agg.");
}
