//! Geocoding with the French national address base (BAN), or any server with the same API.
//!
//! A document lists what its server offers; four actions are recognised by the end of their path, and all others are left
//! out: `POST .../search/csv` and `POST .../reverse/csv` carry a file of rows, `GET .../search` and `GET .../reverse` one row.
//!
//! **Invariant:** an answer is matched to its row by the number that went with it, never by its place in a file.
//!
//! [`operations`] says what can be asked, [`place`] reads rows, [`bulk`] and [`single`] write requests and read answers.

mod bulk;
mod operations;
mod place;
mod single;

use halle_plugin::messages::Response;
use halle_plugin::remote_service::{Answer, Call, Described, Operation, RemoteService, Service};
use halle_plugin::serde_json::{Map, Value};
use halle_plugin::{Problem, Result, Rows};

use operations::Details;

/// What was found for each row of a batch: values by output, or why there is none.
type Found = Vec<Result<Map<String, Value>>>;

/// The adapter.
pub struct Ban;

impl RemoteService for Ban {
    fn describe() -> Described {
        Described {
            title: "Base Adresse Nationale".to_owned(),
            formats: vec!["openapi-3.0".to_owned(), "openapi-3.1".to_owned()],
        }
    }

    fn operations(document: Value) -> Result<Vec<Operation>> {
        operations::of(&document)
    }

    fn build(service: &Service, rows: &Rows<'_>) -> Result<Vec<Call>> {
        let details = Details::of(&service.operation)?;
        let url = format!("{}{}", service.server.trim_end_matches('/'), details.path);
        let places = place::of(rows, details.reverse);
        if details.bulk {
            return bulk::build(service, &details, &url, &places);
        }
        Ok(single::build(service, &url, &places))
    }

    fn parse(service: &Service, calls: &[Call], responses: &[Response]) -> Result<Answer> {
        let details = Details::of(&service.operation)?;
        // The host gives no row that has nothing; one without a request had too little to be looked for.
        let mut found: Found = vec![Err(details.too_little()); service.rows as usize];
        for (call, response) in calls.iter().zip(responses) {
            let outcome =
                if details.bulk { bulk::parse(call, response) } else { single::parse(call, response) };
            match outcome {
                Ok(answers) => {
                    let answers = answers.into_iter().filter(|(row, _)| call.rows.contains(row));
                    for &row in &call.rows {
                        put(&mut found, row, Err(unanswered()));
                    }
                    answers.for_each(|(row, answer)| put(&mut found, row, answer));
                }
                Err(problem) => call.rows.iter().for_each(|&row| put(&mut found, row, Err(problem.clone()))),
            }
        }
        service.answer(found)
    }
}

fn put(found: &mut Found, row: u32, answer: Result<Map<String, Value>>) {
    if let Some(place) = found.get_mut(row as usize) {
        *place = answer;
    }
}

fn unanswered() -> Problem {
    Problem::new("remote/row", "Le service n'a rien répondu pour cette ligne.")
}

halle_plugin::export_remote_service!(Ban);
