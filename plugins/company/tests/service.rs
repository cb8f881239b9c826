//! Companies by their numbers.

use company::Company;
use halle_plugin::messages::Response;
use halle_plugin::remote_service::{Operation, RemoteService, Service};
use halle_plugin::serde_json::{Value, from_str, json};
use halle_plugin::{BatchBuilder, Cell, Field, Kind, Rows};

fn operations() -> Vec<Operation> {
    Company::operations(from_str(include_str!("../openapi.json")).unwrap()).unwrap()
}

fn service(id: &str, rows: u32) -> Service {
    let operation = operations().into_iter().find(|operation| operation.id == id).unwrap();
    let inputs = operation.input.clone();
    let server = "https://entreprises.test".to_owned();
    Service { server, operation, inputs, select: Vec::new(), auth: None, rows }
}

fn ok(body: &Value) -> Response {
    Response { status: 200, headers: Vec::new(), body: body.to_string().into_bytes(), truncated: false }
}

/// La Poste, with its head office and one of its establishments.
fn la_poste() -> Value {
    json!({ "results": [{
        "siren": "356000000", "nom_complet": "LA POSTE", "nature_juridique": "5510", "etat_administratif": "A",
        "activite_principale": "53.10Z", "date_creation": "1991-01-01", "date_fermeture": null,
        "siege": {
            "siret": "35600000000048", "adresse": "9 RUE DU COLONEL PIERRE AVIA 75015 PARIS", "est_siege": true,
            "libelle_commune": "PARIS", "commune": "75115", "latitude": "48.83", "longitude": "2.27", "etat_administratif": "A",
        },
        "matching_etablissements": [{
            "siret": "35600000049837", "adresse": "[NON-DIFFUSIBLE]", "est_siege": false, "etat_administratif": "F",
            "libelle_commune": "BREST", "commune": "29019", "code_postal": "29200", "activite_principale": "53.10Z",
            "date_fermeture": "2019-12-31", "liste_enseignes": ["LA POSTE BREST"], "nom_commercial": null,
        }],
    }] })
}

fn enrich(
    service: &Service,
    cells: &[Cell<'_>],
    responses: &[Response],
) -> (Vec<String>, Vec<Value>, Vec<(u32, String)>) {
    let mut batch = BatchBuilder::new(&service.inputs);
    cells.iter().for_each(|cell| batch.push([*cell]).unwrap());
    let batch = batch.finish();
    let calls = Company::build(service, &Rows::new(&service.inputs, &batch).unwrap()).unwrap();
    let urls = calls.iter().map(|call| call.request.url.clone()).collect();
    let answer = Company::parse(service, &calls, responses).unwrap();
    let fields = service.outputs();
    let rows = Rows::new(&fields, &answer.columns).unwrap();
    let found = (0..rows.len()).map(|row| Value::Object(rows.json(row))).collect();
    (urls, found, answer.problems.into_iter().map(|(row, problem)| (row, problem.code)).collect())
}

#[test]
fn an_establishment_is_found_by_its_own_number() {
    let service = service("etablissement", 5);
    let cells = ["356 000 000 49837", "73282932000074", "35600000049837", "35600000049838", "35600000000048"]
        .map(Cell::Text);
    let (urls, found, problems) =
        enrich(&service, &cells, &[ok(&la_poste()), ok(&la_poste()), ok(&json!({ "results": [] }))]);
    assert_eq!(urls.len(), 3, "one request per number: {urls:?}");
    assert!(urls[1].starts_with("https://entreprises.test/search?q=35600000049837&"), "{urls:?}");
    assert_eq!(
        found[0],
        json!({
            "nom": "LA POSTE", "enseigne": "LA POSTE BREST", "ape": "53.10Z", "categorie_juridique": "5510", "code_postal": "29200",
            "code_commune": "29019", "commune": "BREST", "actif": false, "date_fermeture": "2019-12-31", "siren": "356000000", "est_siege": false,
        }),
        "what is withheld is missing"
    );
    assert_eq!(found[2], found[0]);
    assert_eq!((&found[4]["lat"], &found[4]["actif"]), (&json!(48.83), &json!(true)));
    assert_eq!(problems, [(1, "company/not-found".to_owned()), (3, "company/number".to_owned())]);
}

#[test]
fn a_company_is_found_by_its_number_and_stands_at_its_head_office() {
    let mut service = service("entreprise", 2);
    service.inputs = vec![Field::new("siren", Kind::Integer)];
    let (urls, found, problems) = enrich(
        &service,
        &[Cell::Integer(356_000_000), Cell::Integer(5_880_596)],
        &[ok(&la_poste()), ok(&la_poste())],
    );
    assert!(urls.iter().any(|url| url.contains("q=005880596&")), "zeros come back: {urls:?}");
    // Requests go out by number: the first answer is for 005880596, and is about another company.
    assert_eq!(problems, [(1, "company/not-found".to_owned())]);
    assert_eq!(
        (&found[0]["siege"], &found[0]["date_creation"]),
        (&json!("35600000000048"), &json!("1991-01-01"))
    );
    assert_eq!(found[1], json!({}));
}

#[test]
fn a_service_that_fails_is_told_on_the_rows_that_asked() {
    let service = service("entreprise", 1);
    let mut refused = ok(&json!("trop"));
    refused.status = 400;
    let (_, _, problems) = enrich(&service, &[Cell::Text("356000000")], &[refused]);
    assert_eq!(problems, [(0, "remote/status".to_owned())]);
    assert!(Company::operations(json!({ "paths": { "/near_point": { "get": {} } } })).is_err());
}
