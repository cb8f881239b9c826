//! What the server gives a visualisation and takes from it, through the sandbox.

use halle_testkit::guests;
use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Client, DATASETS, Server};

const APPLICATIONS: &str = "/data-fair/api/v1/applications";

fn install(server: &Server, id: &str, requests: u32) {
    let manifest = format!(
        "schema = 1\n[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"\nkind = \"visualisation\"\n\
         contract = \"halle:visualisation@1\"\ntitle = {{ en = \"{id}\" }}\nlicence = \"MIT\"\n[config]\ntype = \"object\"\n"
    );
    server.install_as(&manifest, guests::visualisation("arbres", requests));
}

/// A server with the dataset `arbres`, and visualisations that ask for as much as they may, and for more.
async fn server() -> Server {
    let server = Server::start().await;
    server.admin().upload("arbres", "nom,hauteur\nchêne,20\n".to_owned()).await;
    install(&server, "mirror", 16);
    install(&server, "greedy", 17);
    server
}

/// Makes an application; where it is.
async fn application(client: &Client<'_>, plugin: &str, configuration: Value) -> String {
    let body = json!({ "title": "Les arbres", "plugin": plugin, "configuration": configuration });
    let made = client.json(Method::POST, APPLICATIONS, &body).await;
    format!("{APPLICATIONS}/{}", made["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_gets_the_context_that_the_contract_promises() {
    let server = server().await;
    let admin = server.admin();
    let path = application(&admin, "mirror", json!({})).await;
    let context = async |query: &str| -> Value {
        let (status, told) = admin.get(&format!("{path}/drawing.json?{query}")).await;
        assert_eq!(status, 200, "{told}");
        serde_json::from_str(told["alt"].as_str().unwrap()).unwrap()
    };
    let mut light = context("width=640&height=480&lang=en").await;
    let now = light["now"].take();
    let now: halle_base::Timestamp = now.as_str().unwrap().parse().unwrap();
    let (_, made) = admin.get(&path).await;
    let made: halle_base::Timestamp = made["createdAt"].as_str().unwrap().parse().unwrap();
    assert!((0..600).contains(&(now.as_second() - made.as_second())), "made {made}, drawn {now}");
    assert_eq!(
        light,
        json!({ "width": 640, "height": 480, "locale": "en", "theme": { "dark": false }, "title": "Les arbres", "now": null })
    );
    assert_eq!(context("theme=dark").await["theme"], json!({ "dark": true }));

    let greedy = application(&admin, "greedy", json!({})).await;
    let (status, refusal) = admin.get(&format!("{greedy}/drawing.json")).await;
    assert!(status == 502 && refusal.to_string().contains("16"), "{status} {refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_style_of_a_map_is_served_like_its_picture_and_asks_no_other_server() {
    let server = server().await;
    let (admin, anonymous) = (server.admin(), server.anonymous());
    let styled = |tiles: &str| {
        let sources = json!({ "d": { "type": "vector", "tiles": [tiles] } });
        json!({ "columns": [], "rows": [], "style": { "version": 8, "sources": sources, "layers": [] } })
    };
    let tiles = "/data-fair/api/v1/datasets/arbres/lines?format=pbf&xyz={x},{y},{z}";
    let path = application(&admin, "mirror", styled(tiles)).await;
    let (status, style) = admin.get(&format!("{path}/drawing.style.json")).await;
    assert_eq!((status.as_u16(), &style["version"]), (200, &json!(8)), "{style}");
    let address = style["sources"]["d"]["tiles"][0].as_str().unwrap();
    assert!(address.starts_with("http") && address.ends_with(tiles), "{address}");
    let (_, told) = admin.get(&format!("{path}/drawing.json")).await;
    assert_eq!((&told["style"], &told["table"]), (&style, &json!({ "columns": [], "rows": [] })));

    assert_eq!(anonymous.get(&format!("{path}/drawing.style.json")).await.0, 403);
    let everybody = json!([{ "classes": ["list", "read"] }]);
    admin.json(Method::PUT, &format!("{path}/permissions"), &everybody).await;
    let refused = anonymous.get(&format!("{path}/drawing.style.json")).await;
    assert_eq!(refused.0, 403, "its data are private: {}", refused.1);
    admin.json(Method::PUT, &format!("{DATASETS}/arbres/permissions"), &everybody).await;
    assert_eq!(anonymous.get(&format!("{path}/drawing.style.json")).await.0, 200);

    for (configuration, status) in [
        (styled("https://elsewhere.example/{x}/{y}/{z}?seen=ch%C3%AAne"), 502),
        (json!({ "style": { "version": 7 } }), 502),
        (json!({ "columns": [], "rows": [] }), 404),
    ] {
        let path = application(&admin, "mirror", configuration.clone()).await;
        let (found, answer) = admin.get(&format!("{path}/drawing.style.json")).await;
        assert_eq!(found.as_u16(), status, "{configuration}: {answer}");
        let (found, told) = admin.get(&format!("{path}/drawing.json")).await;
        assert!(found == 200 && told.get("style").is_none(), "the words and the table are served: {told}");
        assert!(!told.to_string().contains("elsewhere"), "{told}");
    }
}
