//! `q_mode=adapt`: frequent words of a question on a large dataset.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::harness::{Harness, admin};

/// 100,000 lines: `rue` in all of them, `place` in 20,000, `pont` in 12,999, `phare` in one.
async fn large() -> Harness {
    let harness = Harness::new().await;
    let mut csv = "voie\n".to_owned();
    for line in 0..100_000 {
        let more = match line {
            7 => " phare place",
            line if line % 5 == 0 => " place",
            line if line < 16_250 => " pont",
            _ => "",
        };
        writeln!(csv, "rue{more}").unwrap();
    }
    assert_eq!(harness.dataset("voies", &csv).await["count"], 100_000);
    harness
}

async fn ask(harness: &Harness, query: &str) -> Value {
    harness.get(&admin(), &format!("/datasets/voies/lines?size=2&{query}")).await.ok()
}

#[tokio::test]
async fn frequent_words_rank_without_choosing_while_the_others_match_enough() {
    let harness = large().await;
    let found = ask(&harness, "q=rue+place").await;
    assert_eq!((&found["total"], &found["meta"]), (&json!(20_001), &json!({ "ignoredWords": ["rue"] })));
    let next = found["next"].as_str().unwrap();
    assert!(next.contains("q_ignored=rue") && next.contains("q=rue+place"), "{next}");
    let path = next.split("/lines").last().unwrap();
    let second = harness.get(&admin(), &format!("/datasets/voies/lines{path}")).await.ok();
    assert_eq!(second["results"][0]["voie"], "rue place", "the pages that follow ignore it too");

    let both = ask(&harness, "q=rue+place+pont").await;
    assert_eq!((&both["total"], &both["meta"]["ignoredWords"]), (&json!(12_999), &json!(["rue", "place"])));
    let rare = ask(&harness, "q=rue+phare").await;
    assert_eq!(
        (&rare["total"], &rare["meta"]),
        (&json!(100_000), &Value::Null),
        "too few lines would be left"
    );
    let first = ask(&harness, "q=rue+phare+place").await;
    assert_eq!((&first["total"], &first["results"][0]["voie"]), (&json!(20_001), &json!("rue phare place")));
    assert_eq!(first["meta"]["ignoredWords"], json!(["rue"]));

    for exact in ["q_mode=simple", "count=exact", "sort=voie"] {
        let answer = ask(&harness, &format!("q=rue+place&{exact}")).await;
        assert_eq!((&answer["total"], &answer["meta"]), (&json!(100_000), &Value::Null), "{exact}");
    }
    assert_eq!(ask(&harness, "q=rue+place&count=estimate").await["total"], 20_001);
    let filtered = ask(&harness, "q=rue+place&_i_lte=10000").await;
    assert_eq!((&filtered["total"], &filtered["meta"]), (&json!(10_000), &Value::Null));
}
