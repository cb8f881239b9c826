//! Files of rows: CSV in a form (`multipart/form-data`), CSV back.

use halle_plugin::messages::{Request, Response};
use halle_plugin::remote_service::{Call, Service};
use halle_plugin::serde_json::{Map, Value};
use halle_plugin::{Problem, Result};

use crate::operations::Details;
use crate::place::Place;

/// Column that carries the number of a row there and back.
const ROW: &str = "halle_row";
/// Outputs and the columns of the answer in which they may be, the likeliest first.
const COLUMNS: [(&str, &[&str]); 12] = [
    ("lat", &["latitude", "result_latitude"]),
    ("lon", &["longitude", "result_longitude"]),
    ("score", &["result_score"]),
    ("distance", &["result_distance"]),
    ("label", &["result_label"]),
    ("type", &["result_type"]),
    ("housenumber", &["result_housenumber"]),
    ("name", &["result_name"]),
    ("postcode", &["result_postcode"]),
    ("city", &["result_city"]),
    ("citycode", &["result_citycode"]),
    ("context", &["result_context"]),
];

/// Files of the rows that ask something, some rows each.
pub fn build(service: &Service, details: &Details, url: &str, places: &[(u32, Place)]) -> Result<Vec<Call>> {
    let per_file = service.operation.max_rows_per_request.max(1) as usize;
    let calls = places.chunks(per_file).map(|chunk| {
        let csv = csv_of(details, chunk).map_err(|error| Problem::new("ban/csv", error.to_string()))?;
        let mut fields = Vec::new();
        if !details.reverse {
            fields.extend([("columns", "adresse"), ("citycode", "citycode")]);
        }
        let (boundary, body) = form(&csv, &fields);
        let request = Request::new("POST", url)
            .body(&format!("multipart/form-data; boundary={boundary}"), body)
            .header("accept", "text/csv")
            .auth(service.auth.as_deref());
        Ok(Call { rows: chunk.iter().map(|(row, _)| *row).collect(), request })
    });
    calls.collect()
}

fn csv_of(details: &Details, places: &[(u32, Place)]) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = if details.reverse { [ROW, "latitude", "longitude"] } else { [ROW, "adresse", "citycode"] };
    writer.write_record(header)?;
    for (row, place) in places {
        let [first, second] = match place {
            Place::Address { text, citycode } => [text.clone(), citycode.clone()],
            Place::Point { lat, lon } => [lat.to_string(), lon.to_string()],
        };
        writer.write_record([row.to_string(), first, second])?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A form with a file, and the boundary of its parts, which is nowhere in what it carries.
fn form(csv: &str, fields: &[(&str, &str)]) -> (String, String) {
    let mut boundary = "halle-form".to_owned();
    while csv.contains(&boundary) {
        boundary.push('-');
    }
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"data\"; filename=\"rows.csv\"\r\nContent-Type: text/csv; charset=utf-8\r\n\r\n{csv}\r\n"
    );
    for (name, value) in fields {
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    (boundary, body)
}

/// What a file answers, by row.
pub fn parse(call: &Call, response: &Response) -> Result<Vec<(u32, Result<Map<String, Value>>)>> {
    let url = &call.request.url;
    let response = response.clone().ok(url)?;
    if response.truncated {
        return Err(Problem::new("remote/too-large", format!("La réponse de {url} est trop longue.")));
    }
    let wrong = |error: csv::Error| {
        Problem::new("remote/csv", format!("La réponse de {url} n'est pas le CSV attendu : {error}"))
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(response.body.as_slice());
    let header = reader.headers().map_err(wrong)?.clone();
    let column = |name: &str| header.iter().position(|own| own.trim_start_matches('\u{feff}') == name);
    let row_column = column(ROW).ok_or_else(|| {
        Problem::new(
            "remote/csv",
            format!("La réponse de {url} n'a pas la colonne « {ROW} » qui lui a été envoyée."),
        )
    })?;
    let status = column("result_status");
    let mut columns: Vec<(&str, usize)> = COLUMNS
        .iter()
        .filter_map(|(key, names)| Some((*key, names.iter().find_map(|name| column(name))?)))
        .collect();
    columns.extend(column("result_id").map(|index| ("id", index)));
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let Some(row) = record.get(row_column).and_then(|row| row.parse().ok()) else { continue };
        let value = |index: usize| record.get(index).map(str::trim).filter(|text| !text.is_empty());
        let values: Map<String, Value> = columns
            .iter()
            .filter_map(|(key, index)| Some(((*key).to_owned(), value(*index)?.into())))
            .collect();
        let status = status.and_then(value).unwrap_or("ok");
        found.push((row, told(status, values)));
    }
    Ok(found)
}

/// What was found, unless the service says otherwise.
fn told(status: &str, values: Map<String, Value>) -> Result<Map<String, Value>> {
    match status {
        "ok" if values.contains_key("label") => Ok(values),
        "ok" | "not-found" => Err(not_found()),
        "skipped" => {
            Err(Problem::new("ban/skipped", "Le service a passé cette ligne : l'adresse est trop courte."))
        }
        other => {
            Err(Problem::new("remote/row", format!("Le service n'a pas pu traiter cette ligne ({other}).")))
        }
    }
}

/// There is nothing there.
pub fn not_found() -> Problem {
    Problem::new("ban/not-found", "Aucune adresse ne correspond.")
}
