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
    assert_eq!(outputs, [("lat", "number"), ("matchlevel", "text")]);
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
    assert_eq!(found, [json!({ "lat": 48.4, "matchlevel": "a;b" }), json!({}), json!({}), json!({})]);
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
