//! A service without a description of its own: `POST <server>/length` takes a list of texts and answers their lengths.

use halle_plugin::messages::{Request, Response};
use halle_plugin::remote_service::{Answer, Call, Described, Operation, RemoteService, Service};
use halle_plugin::serde_json::{Value, json};
use halle_plugin::{BatchBuilder, Field, Kind, Problem, Result, Rows};

/// The adapter.
pub struct MyPlugin;

impl RemoteService for MyPlugin {
    fn describe() -> Described {
        Described { title: "Mon service".to_owned(), formats: vec!["openapi-3.0".to_owned()] }
    }

    fn operations(_document: Value) -> Result<Vec<Operation>> {
        Ok(vec![Operation {
            id: "length".to_owned(),
            title: "Longueur d'un texte".to_owned(),
            input: vec![Field::new("text", Kind::Text).about("http://schema.org/description").required()],
            output: vec![Field::new("length", Kind::Integer)],
            max_rows_per_request: 100,
            details: None,
        }])
    }

    fn build(service: &Service, rows: &Rows<'_>) -> Result<Vec<Call>> {
        let texts = rows.column_at(0).ok_or_else(|| Problem::new("input/missing", "Aucune colonne."))?;
        let asked: Vec<u32> =
            (0..rows.len()).filter(|row| !texts.cell(*row).is_missing()).map(|row| row as u32).collect();
        let calls = asked.chunks(service.operation.max_rows_per_request as usize).map(|rows| {
            let body: Vec<&str> = rows.iter().filter_map(|row| texts.text(*row as usize)).collect();
            let request = Request::new("POST", format!("{}/length", service.server));
            Call { rows: rows.to_vec(), request: request.body("application/json", json!(body).to_string()) }
        });
        Ok(calls.collect())
    }

    fn parse(service: &Service, calls: &[Call], responses: &[Response]) -> Result<Answer> {
        let mut found = vec![Value::Null; service.rows as usize];
        let mut problems = Vec::new();
        for (call, response) in calls.iter().zip(responses) {
            match response
                .clone()
                .ok(&call.request.url)
                .and_then(|response| response.json::<Vec<Value>>(&call.request.url))
            {
                Ok(lengths) => {
                    call.rows.iter().zip(lengths).for_each(|(row, length)| found[*row as usize] = length)
                }
                Err(problem) => problems.extend(call.rows.iter().map(|row| (*row, problem.clone()))),
            }
        }
        let mut columns = BatchBuilder::new(&service.outputs());
        for value in &found {
            columns.push_json(&[value])?;
        }
        Ok(Answer { columns: columns.finish(), problems })
    }
}

halle_plugin::export_remote_service!(MyPlugin);
