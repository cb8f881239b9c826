//! French companies: what the public register (SIRENE) says of an establishment by its SIRET, of a company by its SIREN.
//!
//! The service is the API *Recherche d'entreprises* of the French State, open and without key: `GET /search?q={number}`. Rows
//! that ask for the same number share a request; a number whose check digit is wrong is told so and never sent.
//!
//! **Invariant:** what the service answers is kept only if it is about the number that was asked.
//!
//! [`operations`] says what can be asked, [`register`] reads the answers.

mod operations;
mod register;

use std::collections::BTreeMap;

use halle_plugin::messages::{Request, Response};
use halle_plugin::remote_service::{Answer, Call, Described, Operation, RemoteService, Service};
use halle_plugin::serde_json::{Map, Value};
use halle_plugin::{Cell, Problem, Result, Rows, http};

use operations::{Details, Subject};

/// The adapter.
pub struct Company;

impl RemoteService for Company {
    fn describe() -> Described {
        Described {
            title: "Entreprises françaises (SIRENE)".to_owned(),
            formats: vec!["openapi-3.0".to_owned(), "openapi-3.1".to_owned()],
        }
    }

    fn operations(document: Value) -> Result<Vec<Operation>> {
        operations::of(&document)
    }

    fn build(service: &Service, rows: &Rows<'_>) -> Result<Vec<Call>> {
        let details = Details::of(&service.operation)?;
        let numbers = rows.column(details.subject.key())?;
        let mut asked: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for row in 0..rows.len() {
            if let Some(number) = number(details.subject, numbers.cell(row)) {
                asked.entry(number).or_default().push(row as u32);
            }
        }
        let url = format!("{}{}", service.server.trim_end_matches('/'), details.path);
        let call = |(number, rows): (String, Vec<u32>)| {
            let parts = [("minimal", "true"), ("include", "siege,matching_etablissements")];
            let query =
                [("q", number.as_str())].into_iter().chain(parts).chain([("page", "1"), ("per_page", "1")]);
            let request = Request::get_json(http::with_query(&url, query)).auth(service.auth.as_deref());
            Call { rows, request }
        };
        Ok(asked.into_iter().map(call).collect())
    }

    fn parse(service: &Service, calls: &[Call], responses: &[Response]) -> Result<Answer> {
        let details = Details::of(&service.operation)?;
        // The host gives no row that has nothing; one without a request has a number that cannot be right.
        let mut found: Vec<Result<Map<String, Value>>> =
            vec![Err(details.subject.wrong_number()); service.rows as usize];
        for (call, response) in calls.iter().zip(responses) {
            let answer = read(details.subject, call, response);
            for &row in &call.rows {
                if let Some(place) = found.get_mut(row as usize) {
                    place.clone_from(&answer);
                }
            }
        }
        service.answer(found)
    }
}

/// The number in a cell, if it is one; columns of numbers lost the zeros that a number began with.
fn number(subject: Subject, cell: Cell<'_>) -> Option<String> {
    let was_number = matches!(cell, Cell::Integer(_) | Cell::Number(_));
    let written = match cell.to_json() {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let number = match subject {
        Subject::Establishment => siret::siret(&written, was_number),
        Subject::Company => siret::siren(&written, was_number),
    };
    number.ok()
}

/// What the register says of the number that a call asked for.
fn read(subject: Subject, call: &Call, response: &Response) -> Result<Map<String, Value>> {
    let url = &call.request.url;
    let answer: Value = response.clone().ok(url)?.json(url)?;
    let number = url.split_once("q=").map_or("", |(_, rest)| rest.split('&').next().unwrap_or_default());
    register::find(subject, number, &answer).ok_or_else(|| {
        let what = if subject == Subject::Company { "Aucune entreprise" } else { "Aucun établissement" };
        let message = format!("{what} diffusible ne porte ce numéro.");
        Problem::new("company/not-found", message)
    })
}

halle_plugin::export_remote_service!(Company);
