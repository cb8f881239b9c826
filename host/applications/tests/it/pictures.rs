//! Applications as SVG, PNG and page, with the rights of who looks.

use axum::http::Method;
use halle_testkit::DATASETS;
use serde_json::json;

use crate::site::{APPLICATIONS, Site, body};

/// Where the page of the application at `path` is.
fn page_of(path: &str) -> String {
    path.replace(APPLICATIONS, "/data-fair/app")
}

#[tokio::test]
async fn a_public_application_is_drawn_in_three_forms_and_told() {
    let site = Site::new().await;
    let path = site.application().await;
    site.publish(&path).await;
    let svg = site.anonymous.get(&format!("{path}/drawing.svg")).await;
    assert_eq!((svg.status.as_u16(), svg.header("content-type")), (200, "image/svg+xml; charset=utf-8"));
    assert!(svg.text().contains("3 lignes"), "{}", svg.text());
    assert!(svg.header("content-security-policy").contains("sandbox"), "a drawing runs nothing");
    let png = site.anonymous.get(&format!("{path}/capture?width=400")).await;
    assert_eq!((png.status.as_u16(), png.header("content-type")), (200, "image/png"));
    assert!(png.text().starts_with("400 <svg"), "{}", png.text());
    let told = site.anonymous.get(&format!("{path}/drawing.json")).await.ok();
    assert_eq!(told, json!({ "alt": "3 lignes", "table": null }));
    let bare = site.anonymous.get(&format!("{path}/drawing.html")).await;
    assert!(bare.status.as_u16() == 200 && bare.text().contains("<svg"), "{}", bare.text());
    let page = site.anonymous.get(&page_of(&path)).await;
    assert_eq!(page.status.as_u16(), 200);
    assert!(page.text().contains("<title>3 lignes</title>") && page.text().contains("Les arbres"));
    assert!(page.header("content-security-policy").contains("frame-ancestors *"));
    let english = site.anonymous.get(&format!("{}?lang=en", page_of(&path))).await;
    assert!(english.text().contains("lang=\"en\""));
}

#[tokio::test]
async fn a_drawing_in_html_is_shown_in_a_frame_that_can_do_nothing() {
    let site = Site::new().await;
    let path = site.application().await;
    let configuration = json!({ "dataset": "arbres", "type": "html" });
    site.owner.json(Method::PUT, &format!("{path}/configuration"), &configuration).await.ok();
    let bare = site.owner.get(&format!("{path}/drawing.html")).await;
    assert_eq!((bare.status.as_u16(), bare.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(bare.text().contains("<p>3 lignes</p>"), "{}", bare.text());
    let policy = bare.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox allow-popups"), "{policy}");
    assert!(!policy.contains("allow-scripts") && !policy.contains("allow-same-origin"), "{policy}");
    let page = site.owner.get(&page_of(&path)).await;
    assert_eq!(page.status.as_u16(), 200);
    let frame = "<iframe sandbox=\"allow-popups allow-popups-to-escape-sandbox\" title=\"3 lignes\"";
    assert!(page.text().contains(frame), "{}", page.text());
    assert!(!page.text().contains("<p>3 lignes</p>"), "the drawing is not part of the page itself");
    assert!(!format!("{}{}", page.text(), bare.text()).contains("script"));
    assert_eq!(site.owner.get(&format!("{path}/drawing.json")).await.ok()["alt"], "3 lignes");
    for form in ["drawing.svg", "capture"] {
        let refusal = site.owner.get(&format!("{path}/{form}")).await.refused(409);
        assert!(refusal.contains("drawing.html"), "{form}: {refusal}");
    }
}

#[tokio::test]
async fn a_picture_shows_what_its_viewer_may_read() {
    let site = Site::new().await;
    let path = site.application().await;
    let forms =
        ["drawing.svg", "drawing.html", "drawing.json", "capture"].map(|form| format!("{path}/{form}"));
    let forms: Vec<String> = forms.into_iter().chain([page_of(&path)]).collect();
    for form in &forms {
        site.anonymous.get(form).await.refused(403);
        site.anonymous.by("zoe").get(form).await.refused(403);
        assert_eq!(site.owner.get(form).await.status.as_u16(), 200, "{form}");
    }
    site.make_public(&path).await;
    for form in &forms {
        site.anonymous.get(form).await.refused(403);
    }
    site.make_public(&format!("{DATASETS}/arbres")).await;
    for form in &forms {
        assert_eq!(site.anonymous.get(form).await.status.as_u16(), 200, "{form}");
    }
}

#[tokio::test]
async fn lines_are_counted_without_a_column() {
    let site = Site::new().await;
    let path = site.application().await;
    let configuration = json!({ "dataset": "arbres", "operation": "metric_agg" });
    site.owner.json(Method::PUT, &format!("{path}/configuration"), &configuration).await.ok();
    assert_eq!(site.owner.get(&format!("{path}/drawing.json")).await.ok()["alt"], "3 lignes");
}

#[tokio::test]
async fn a_wrong_look_names_its_parameter() {
    let site = Site::new().await;
    let path = site.application().await;
    for (query, named) in [
        ("width=49", "\"width\""),
        ("height=4001", "\"height\""),
        ("width=wide", "\"width\""),
        ("lang=de", "\"lang\""),
        ("theme=pink", "\"theme\""),
    ] {
        for form in [format!("{path}/drawing.svg"), format!("{path}/capture"), page_of(&path)] {
            let refusal = site.owner.get(&format!("{form}?{query}")).await.refused(400);
            assert!(refusal.contains(named), "{query}: {refusal}");
        }
    }
}

#[tokio::test]
async fn a_drawing_that_fails_has_a_status_that_says_whose_fault_it_is() {
    let site = Site::new().await;
    let path = site.application().await;
    for (kind, status) in [("trap", 502), ("vega", 502), ("script", 502)] {
        let configuration = json!({ "dataset": "arbres", "type": kind });
        site.owner.json(Method::PUT, &format!("{path}/configuration"), &configuration).await.ok();
        site.owner.get(&format!("{path}/drawing.svg")).await.refused(status);
        site.owner.get(&format!("{path}/capture")).await.refused(status);
        site.owner.get(&page_of(&path)).await.refused(status);
    }
    let configuration = json!({ "dataset": "absent" });
    site.owner.json(Method::PUT, &format!("{path}/configuration"), &configuration).await.ok();
    site.owner.get(&format!("{path}/drawing.svg")).await.refused(404);
    site.owner.get(&format!("{APPLICATIONS}/absent/drawing.svg")).await.refused(404);
    site.owner.get("/data-fair/app/absent").await.refused(404);
    site.owner.json(Method::PUT, &format!("{path}/configuration"), &body()["configuration"]).await.ok();
    assert!(site.owner.get(&format!("{path}/drawing.svg")).await.text().contains("3 lignes"));
}
