//! Geocoding, from the document of a server to columns.

use ban::Ban;
use halle_plugin::messages::Response;
use halle_plugin::remote_service::{Answer, Call, Operation, RemoteService, Service};
use halle_plugin::serde_json::{Value, from_str, json};
use halle_plugin::{BatchBuilder, Cell, Rows};

fn operations() -> Vec<Operation> {
    Ban::operations(from_str(include_str!("../openapi.json")).unwrap()).unwrap()
}

fn service(id: &str, keys: &[&str], rows: u32) -> Service {
    let operation = operations().into_iter().find(|operation| operation.id == id).unwrap();
    let inputs = operation.input.iter().filter(|field| keys.contains(&field.key.as_str())).cloned().collect();
    let server = "https://ban.test/geocodage/".to_owned();
    Service { server, operation, inputs, select: Vec::new(), auth: None, rows }
}

fn build(service: &Service, rows: &[Vec<Cell<'_>>]) -> Vec<Call> {
    let mut batch = BatchBuilder::new(&service.inputs);
    rows.iter().for_each(|row| batch.push(row).unwrap());
    let batch = batch.finish();
    Ban::build(service, &Rows::new(&service.inputs, &batch).unwrap()).unwrap()
}

fn ok(body: &str) -> Response {
    Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec(), truncated: false }
}

fn rows(service: &Service, answer: &Answer) -> Vec<Value> {
    let fields = service.outputs();
    let rows = Rows::new(&fields, &answer.columns).unwrap();
    (0..rows.len()).map(|row| Value::Object(rows.json(row))).collect()
}

fn body(call: &Call) -> String {
    String::from_utf8(call.request.body.clone().unwrap()).unwrap()
}

#[test]
fn a_document_says_which_actions_its_server_has() {
    let ids: Vec<String> = operations().into_iter().map(|operation| operation.id).collect();
    assert_eq!(ids, ["geocode", "reverse", "geocode_one", "reverse_one"]);
    // The server of data.gouv.fr ends its paths with a slash.
    let document = json!({ "paths": { "/search/csv/": { "post": {} }, "/research": { "get": {} } } });
    let found = Ban::operations(document).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].max_rows_per_request, 250);
    let problem = Ban::operations(json!({ "paths": { "/research": { "get": {} } } })).unwrap_err();
    assert!(problem.message.contains("/search/csv"), "{problem}");
}

#[test]
fn addresses_go_out_as_a_file_and_come_back_in_any_order() {
    let service = service("geocode", &["address", "citycode"], 4);
    let calls = build(
        &service,
        &[
            vec![Cell::Text("8 \"bis\", rue A --halle-form"), Cell::Text("29019")],
            vec![Cell::Text("x"), Cell::Null],
            vec![Cell::Text("nulle part"), Cell::Null],
            vec![Cell::Text("3 rue C"), Cell::Null],
        ],
    );
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (calls[0].request.url.as_str(), &calls[0].rows[..]),
        ("https://ban.test/geocodage/search/csv", &[0, 2, 3][..])
    );
    let sent = body(&calls[0]);
    let boundary = "halle-form-";
    assert!(
        calls[0]
            .request
            .headers
            .contains(&("content-type".into(), format!("multipart/form-data; boundary={boundary}")))
    );
    assert_eq!(sent.matches(&format!("--{boundary}\r\n")).count(), 3, "{sent}");
    assert!(sent.contains("\r\n\r\nhalle_row,adresse,citycode\n0,\"8 \"\"bis\"\", rue A --halle-form\",29019\n2,nulle part,\n"), "{sent}");
    assert!(
        sent.contains("name=\"columns\"\r\n\r\nadresse\r\n")
            && sent.contains("name=\"citycode\"\r\n\r\ncitycode\r\n")
    );

    let answer = "\u{feff}halle_row,adresse,citycode,longitude,latitude,result_score,result_label,result_type,result_id,result_citycode,result_status\n\
                  2,nulle part,,,,,,,,,not-found\n\
                  0,8 rue A,29019,-4.49,48.39,0.97,\"8 Rue A, 29200 Brest\",housenumber,29019_0001_00008,29019,ok\n";
    let answer = Ban::parse(&service, &calls, &[ok(answer)]).unwrap();
    let found = rows(&service, &answer);
    assert_eq!(found[0]["lat"], 48.39);
    assert_eq!(
        (&found[0]["label"], &found[0]["citycode"]),
        (&json!("8 Rue A, 29200 Brest"), &json!("29019"))
    );
    assert_eq!(found[1..], [json!({}), json!({}), json!({})]);
    let codes: Vec<(u32, &str)> =
        answer.problems.iter().map(|(row, problem)| (*row, problem.code.as_str())).collect();
    assert_eq!(codes, [(1, "ban/address"), (2, "ban/not-found"), (3, "remote/row")]);
}

#[test]
fn files_are_not_longer_than_the_service_takes() {
    let mut service = service("reverse", &["lat", "lon"], 5);
    service.operation.max_rows_per_request = 2;
    let calls = build(&service, &vec![vec![Cell::Number(48.5), Cell::Number(-4.25)]; 5]);
    assert_eq!(calls.iter().map(|call| call.rows.len()).collect::<Vec<_>>(), [2, 2, 1]);
    assert!(body(&calls[2]).contains("halle_row,latitude,longitude\n4,48.5,-4.25\n"));
}

#[test]
fn what_is_no_answer_is_told_on_the_rows_that_asked() {
    let service = service("geocode", &["address"], 1);
    let calls = build(&service, &[vec![Cell::Text("1 rue A")]]);
    let mut too_long = ok("halle_row\n");
    too_long.truncated = true;
    let mut refused = ok("non");
    refused.status = 400;
    for (response, code) in
        [(ok("<html>"), "remote/csv"), (too_long, "remote/too-large"), (refused, "remote/status")]
    {
        let answer = Ban::parse(&service, &calls, &[response]).unwrap();
        assert_eq!((answer.columns.rows, answer.problems[0].1.code.as_str()), (1, code));
    }
}

#[test]
fn one_row_at_a_time_by_query_parameters() {
    let service = service("geocode_one", &["street", "city", "citycode"], 2);
    let calls = build(
        &service,
        &[
            vec![Cell::Text("quai d'Anjou"), Cell::Text("Paris"), Cell::Text("75104")],
            vec![Cell::Text("Nulle part"), Cell::Null, Cell::Null],
        ],
    );
    assert_eq!(
        calls[0].request.url,
        "https://ban.test/geocodage/search?q=quai%20d%27Anjou%20Paris&limit=1&autocomplete=0&citycode=75104"
    );
    let feature = json!({ "features": [{
        "geometry": { "type": "Point", "coordinates": [2.36, 48.85] },
        "properties": { "label": "Quai d'Anjou 75004 Paris", "score": 0.9, "type": "street", "postcode": "75004" },
    }] });
    let answer = Ban::parse(&service, &calls, &[ok(&feature.to_string()), ok("{\"features\":[]}")]).unwrap();
    let found = rows(&service, &answer);
    assert_eq!(
        found[0],
        json!({ "lat": 48.85, "lon": 2.36, "score": 0.9, "label": "Quai d'Anjou 75004 Paris", "type": "street", "postcode": "75004" })
    );
    assert_eq!(answer.problems[0].1.code, "ban/not-found");
}
