//! A geocoding service, from its description to columns.

use halle_plugin::messages::Response;
use halle_plugin::remote_service::{Operation, RemoteService, Service};
use halle_plugin::serde_json::{Value, from_str, json};
use halle_plugin::{BatchBuilder, Rows};
use openapi::OpenApi;

fn document() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": { "x-api-id": "geocoder" },
        "paths": {
            "/status": { "get": { "operationId": "status" } },
            "/coords": { "post": {
                "operationId": "postCoords",
                "summary": "Géocodage en masse",
                "x-operationType": "http://schema.org/SearchAction",
                "parameters": [{ "name": "select", "in": "query" }],
                "requestBody": { "content": { "application/x-ndjson": { "schema": { "$ref": "#/components/schemas/Address" } } } },
                "responses": { "200": { "content": { "application/x-ndjson": { "schema": {
                    "type": "object",
                    "properties": {
                        "key": { "type": "string", "x-refersTo": "http://schema.org/identifier" },
                        "lat": { "type": "number", "title": "Latitude", "x-refersTo": "http://schema.org/latitude" },
                        "matchLevel": { "type": "string" },
                        "error": { "type": "string" },
                    },
                } } } } },
            } },
        },
        "components": { "schemas": { "Address": {
            "type": "object",
            "required": ["city"],
            "properties": {
                "id": { "type": "string", "x-refersTo": "http://schema.org/identifier" },
                "q": { "type": "string", "x-refersTo": "http://schema.org/address" },
                "city": { "type": "string", "x-refersTo": "http://schema.org/City" },
                "internal": { "type": "string" },
            },
        } } },
    })
}

fn operation() -> Operation {
    OpenApi::operations(document()).unwrap().remove(0)
}

fn service() -> Service {
    let operation = Operation { max_rows_per_request: 2, ..operation() };
    let inputs = operation.input.clone();
    let (select, auth) = (Vec::new(), Some("apiKey".to_owned()));
    Service { server: "https://geo.test/".to_owned(), operation, inputs, select, auth, rows: 4 }
}

fn ndjson(status: u16, body: &str) -> Response {
    Response { status, headers: Vec::new(), body: body.as_bytes().to_vec(), truncated: false }
}

#[test]
fn bulk_actions_are_found_with_their_concepts_and_others_left_out() {
    let operations = OpenApi::operations(document()).unwrap();
    assert_eq!(operations.len(), 1);
    let operation = &operations[0];
    assert_eq!((operation.id.as_str(), operation.max_rows_per_request), ("postCoords", 250));
    let inputs: Vec<_> = operation.input.iter().map(|field| (field.key.as_str(), field.nullable)).collect();
    assert_eq!(inputs, [("q", true), ("city", false)]);
    let outputs: Vec<_> =
        operation.output.iter().map(|field| (field.key.as_str(), field.kind.as_str())).collect();
    assert_eq!(outputs, [("lat", "number"), ("matchLevel", "text")]);
    assert_eq!(operation.output[0].concept.as_deref(), Some("http://schema.org/latitude"));
}

#[test]
fn what_is_not_openapi_3_is_refused_by_name() {
    assert_eq!(OpenApi::operations(json!({ "swagger": "2.0" })).unwrap_err().code, "openapi/version");
    assert_eq!(OpenApi::operations(json!({ "openapi": "3.1.0" })).unwrap_err().code, "openapi/paths");
}

#[test]
fn rows_go_out_in_groups_and_come_back_in_any_order() {
    let service = service();
    let mut batch = BatchBuilder::new(&service.inputs);
    for (q, city) in
        [(Some("1 rue A"), Some("Brest")), (None, None), (Some("2 rue B"), None), (None, Some("Dax"))]
    {
        batch.push([q.into(), city.into()]).unwrap();
    }
    let batch = batch.finish();
    let calls = OpenApi::build(&service, &Rows::new(&service.inputs, &batch).unwrap()).unwrap();
    let sent: Vec<Vec<u32>> = calls.iter().map(|call| call.rows.clone()).collect();
    assert_eq!(sent, [vec![0, 2], vec![3]], "the row without any input is not sent");
    let request = &calls[0].request;
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://geo.test/coords"));
    assert_eq!(request.auth.as_deref(), Some("apiKey"));
    let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
    let lines: Vec<Value> = body.lines().map(|line| from_str(line).unwrap()).collect();
    assert_eq!(
        lines,
        [json!({ "id": "0", "q": "1 rue A", "city": "Brest" }), json!({ "id": "2", "q": "2 rue B" })]
    );

    let responses = [
        ndjson(
            200,
            "{\"key\":\"2\",\"error\":\"adresse inconnue\"}\n\n{\"key\":0,\"lat\":48.4,\"matchLevel\":[\"a\",\"b\"]}\n",
        ),
        ndjson(200, "{\"key\":\"0\",\"lat\":1}"),
    ];
    let answer = OpenApi::parse(&service, &calls, &responses).unwrap();
    let outputs = service.outputs();
    let rows = Rows::new(&outputs, &answer.columns).unwrap();
    let found: Vec<Value> = (0..rows.len()).map(|row| json!(rows.json(row))).collect();
    assert_eq!(found, [json!({ "lat": 48.4, "matchLevel": "a;b" }), json!({}), json!({}), json!({})]);
    assert_eq!(answer.problems.len(), 1, "an answer for a row of another request is ignored");
    assert_eq!((answer.problems[0].0, answer.problems[0].1.message.as_str()), (2, "adresse inconnue"));
}

#[test]
fn inputs_that_the_dataset_has_not_are_left_out() {
    let service = service();
    let only_city = &service.inputs[1..];
    let mut batch = BatchBuilder::new(only_city);
    batch.push([Some("Dax").into()]).unwrap();
    let batch = batch.finish();
    let calls = OpenApi::build(&service, &Rows::new(only_city, &batch).unwrap()).unwrap();
    assert_eq!(calls[0].request.body.as_deref(), Some(&b"{\"id\":\"0\",\"city\":\"Dax\"}\n"[..]));
}

#[test]
fn a_failed_request_fails_its_rows_only() {
    let service = service();
    let mut batch = BatchBuilder::new(&service.inputs);
    for city in ["A", "B", "C", "D"] {
        batch.push([None::<&str>.into(), city.into()]).unwrap();
    }
    let batch = batch.finish();
    let calls = OpenApi::build(&service, &Rows::new(&service.inputs, &batch).unwrap()).unwrap();
    let responses = [ndjson(500, "en panne"), ndjson(200, "{\"key\":\"2\",\"lat\":1.5}\nnot json")];
    let answer = OpenApi::parse(&service, &calls, &responses).unwrap();
    let codes: Vec<_> = answer.problems.iter().map(|(row, problem)| (*row, problem.code.as_str())).collect();
    assert_eq!(codes, [(0, "remote/status"), (1, "remote/status"), (2, "remote/json"), (3, "remote/json")]);
}

#[test]
fn only_the_selected_outputs_are_asked_and_answered() {
    let service = Service { select: vec!["lat".to_owned()], rows: 1, ..service() };
    let mut batch = BatchBuilder::new(&service.inputs);
    batch.push([Some("x").into(), Some("Dax").into()]).unwrap();
    let batch = batch.finish();
    let calls = OpenApi::build(&service, &Rows::new(&service.inputs, &batch).unwrap()).unwrap();
    assert_eq!(calls[0].request.url, "https://geo.test/coords?select=lat");
    let answer =
        OpenApi::parse(&service, &calls, &[ndjson(200, "{\"key\":\"0\",\"lat\":3,\"matchLevel\":\"x\"}")])
            .unwrap();
    assert_eq!(answer.columns.columns.len(), 1);
}

/// The document, changed at a pointer.
fn changed(pointer: &str, value: Value) -> Value {
    let mut document = document();
    *document.pointer_mut(pointer).unwrap() = value;
    document
}

fn count(document: Value) -> usize {
    OpenApi::operations(document).unwrap().len()
}

const POST: &str = "/paths/~1coords/post";

#[test]
fn only_searches_enrich() {
    for (kind, expect) in [
        (json!("http://schema.org/SearchAction"), 1),
        (json!("https://schema.org/SearchAction"), 1),
        (json!(["http://schema.org/SearchAction"]), 1),
        (json!("http://schema.org/CheckAction"), 0),
        (json!(true), 0),
        (Value::Null, 0),
    ] {
        assert_eq!(count(changed(&format!("{POST}/x-operationType"), kind.clone())), expect, "{kind}");
    }
    let put = json!({ "put": document().pointer(POST).unwrap() });
    assert_eq!(count(changed("/paths/~1coords", put)), 0, "bulk actions are POST");
}

#[test]
fn an_identifier_that_comes_twice_spoils_nothing() {
    let twice = document()["paths"]["/coords"].clone();
    let mut document = document();
    document["paths"]["/zones"] = twice;
    assert_eq!(count(document), 1);
}

#[test]
fn schemas_made_of_others_are_read_whole() {
    let parts = json!({ "allOf": [
        { "$ref": "#/components/schemas/Key" },
        { "required": ["city"], "properties": {
            "city": { "x-refersTo": ["http://schema.org/City", "http://schema.org/addressLocality"],
                      "anyOf": [{ "type": "null" }, { "type": "integer" }] },
        } },
    ] });
    let mut document = changed("/components/schemas/Address", parts);
    document["components"]["schemas"]["Key"] = json!({ "properties": {
        "id": { "type": "string", "x-refersTo": ["http://schema.org/url", "http://schema.org/identifier"] },
    } });
    let operation = OpenApi::operations(document).unwrap().remove(0);
    let inputs: Vec<_> =
        operation.input.iter().map(|field| (&*field.key, &*field.kind, field.nullable)).collect();
    assert_eq!(inputs, [("city", "integer", false)]);
    assert_eq!(operation.input[0].concept.as_deref(), Some("http://schema.org/City"));
}

#[test]
fn a_request_carries_as_many_rows_as_the_service_bears() {
    let list = |extra: Value| {
        let mut body = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Address" } });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        changed(
            &format!("{POST}/requestBody/content"),
            json!({ "application/json; charset=utf-8": { "schema": body } }),
        )
    };
    let rows = |document| OpenApi::operations(document).unwrap()[0].max_rows_per_request;
    assert_eq!(rows(list(json!({}))), 250);
    assert_eq!(rows(list(json!({ "maxItems": 100 }))), 100);
    assert_eq!(rows(list(json!({ "maxItems": 5000 }))), 250);
    assert_eq!(rows(list(json!({ "maxItems": 0 }))), 250);
    let mut told = list(json!({ "maxItems": 40 }));
    told["paths"]["/coords"]["post"]["x-maxRows"] = json!(1000);
    assert_eq!(rows(told), 40, "never more than the body may hold");
}

#[test]
fn a_service_may_be_asked_in_json_and_answer_in_ndjson() {
    let body = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Address" } });
    let content = json!({ "application/json": { "schema": body } });
    let document = changed(&format!("{POST}/requestBody/content"), content);
    let service =
        Service { operation: OpenApi::operations(document).unwrap().remove(0), rows: 1, ..service() };
    let mut batch = BatchBuilder::new(&service.inputs);
    batch.push([Some("1 rue A").into(), None::<&str>.into()]).unwrap();
    let batch = batch.finish();
    let calls = OpenApi::build(&service, &Rows::new(&service.inputs, &batch).unwrap()).unwrap();
    let request = &calls[0].request;
    assert_eq!(request.body.as_deref(), Some(&br#"[{"id":"0","q":"1 rue A"}]"#[..]));
    let header = |name: &str| request.headers.iter().find(|(known, _)| known == name).unwrap().1.as_str();
    assert_eq!((header("content-type"), header("accept")), ("application/json", "application/x-ndjson"));
    for body in ["[{\"key\":\"0\",\"lat\":2}]", "{\"key\":\"0\",\"lat\":2}\n"] {
        let answer = OpenApi::parse(&service, &calls, &[ndjson(200, body)]).unwrap();
        let outputs = service.outputs();
        assert_eq!(
            json!(Rows::new(&outputs, &answer.columns).unwrap().json(0)),
            json!({ "lat": 2.0 }),
            "{body}"
        );
    }
}

#[test]
fn a_code_that_a_dataset_took_for_a_number_goes_out_as_text() {
    let service = service();
    let number = halle_plugin::Field::new("city", halle_plugin::Kind::Integer);
    let inputs = [number];
    let mut batch = BatchBuilder::new(&inputs);
    batch.push([75056_i64.into()]).unwrap();
    let batch = batch.finish();
    let calls = OpenApi::build(&service, &Rows::new(&inputs, &batch).unwrap()).unwrap();
    assert_eq!(calls[0].request.body.as_deref(), Some(&b"{\"id\":\"0\",\"city\":\"75056\"}\n"[..]));
}

/// The geocoder with other outputs beside the key.
fn answering(outputs: Value) -> Service {
    let mut properties = json!({ "key": { "type": "string", "x-refersTo": "http://schema.org/identifier" } });
    properties.as_object_mut().unwrap().extend(outputs.as_object().unwrap().clone());
    let pointer = format!("{POST}/responses/200/content/application~1x-ndjson/schema/properties");
    let operation = OpenApi::operations(changed(&pointer, properties)).unwrap().remove(0);
    Service { operation, rows: 1, ..service() }
}

/// What becomes of the only row when the service answers a line.
fn row(service: &Service, line: &str) -> (Value, Vec<String>) {
    let mut batch = BatchBuilder::new(&service.inputs);
    batch.push([Some("x").into(), None::<&str>.into()]).unwrap();
    let batch = batch.finish();
    let calls = OpenApi::build(service, &Rows::new(&service.inputs, &batch).unwrap()).unwrap();
    let answer = OpenApi::parse(service, &calls, &[ndjson(200, line)]).unwrap();
    let outputs = service.outputs();
    let row = json!(Rows::new(&outputs, &answer.columns).unwrap().json(0));
    (row, answer.problems.into_iter().map(|(_, problem)| problem.message).collect())
}

#[test]
fn errors_come_under_either_name_and_an_output_of_that_name_is_none() {
    let text = json!({ "type": "string" });
    let both = answering(json!({ "_error": text, "error": { "type": "number", "title": "Marge d'erreur" } }));
    let of_both = |line| row(&both, line);
    assert_eq!(of_both(r#"{"key":"0","error":2.5}"#), (json!({ "error": 2.5 }), vec![]));
    assert_eq!(of_both(r#"{"key":"0","_error":"perdu","error":2.5}"#), (json!({}), vec!["perdu".to_owned()]));
    let neither = answering(json!({ "lat": { "type": "number" } }));
    for line in [r#"{"key":"0","_error":"perdu"}"#, r#"{"key":"0","_error":null,"error":"perdu"}"#] {
        assert_eq!(row(&neither, line), (json!({}), vec!["perdu".to_owned()]), "{line}");
    }
    assert_eq!(row(&neither, r#"{"key":"0","lat":1,"error":null}"#), (json!({ "lat": 1.0 }), vec![]));
}

#[test]
fn values_of_several_are_joined_as_the_service_says_and_what_it_says_is_handed_on() {
    let labels = json!({ "A": "Actif" });
    let service = answering(json!({
        "tags": { "type": "array", "items": { "type": "string" }, "separator": " / " },
        "old": { "type": "array", "x-separator": "," },
        "state": { "type": "string", "x-labels": labels, "description": "État", "x-capabilities": { "text": false } },
    }));
    let line = r#"{"key":"0","tags":["a","b"],"old":["c","d"],"state":"A"}"#;
    assert_eq!(row(&service, line).0, json!({ "tags": "a / b", "old": "c,d", "state": "A" }));
    let said = &service.operation.details.as_ref().unwrap()["columns"];
    assert_eq!((&said["tags"]["separator"], &said["old"]["separator"]), (&json!(" / "), &json!(",")));
    assert_eq!(
        said["state"],
        json!({ "x-labels": labels, "description": "État", "x-capabilities": { "text": false } })
    );
}

#[test]
fn a_selection_is_always_asked_by_the_names_of_the_service() {
    let mut service = answering(json!({ "matchLevel": { "type": "string" }, "lat": { "type": "number" } }));
    service.select = vec!["matchLevel".to_owned()];
    let mut batch = BatchBuilder::new(&service.inputs);
    batch.push([Some("x").into(), None::<&str>.into()]).unwrap();
    let batch = batch.finish();
    let url = |service: &Service| {
        OpenApi::build(service, &Rows::new(&service.inputs, &batch).unwrap()).unwrap()[0].request.url.clone()
    };
    assert_eq!(url(&service), "https://geo.test/coords?select=matchLevel");
    service.select.clear();
    assert_eq!(url(&service), "https://geo.test/coords");
}

#[test]
fn operations_that_were_read_before_still_work() {
    let mut service = service();
    service.rows = 1;
    let details = service.operation.details.as_mut().unwrap().as_object_mut().unwrap();
    details.remove("columns");
    details.insert("selects".to_owned(), json!(true));
    assert_eq!(row(&service, r#"{"key":"0","lat":3}"#).0, json!({ "lat": 3.0 }));
}
