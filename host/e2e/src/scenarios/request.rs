//! The request of a scenario.

use std::path::Path;

use anyhow::{Context, Result};
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part as FormPart};

use super::format::{Part, Scenario};
use super::placeholders::Kept;
use crate::client::Client;

/// Where the paths of scenarios begin, unless they begin with `/` or are whole addresses.
const API: &str = "/data-fair/api/v1/";

/// The request, with what was kept in its places.
pub fn build(client: &Client, scenario: &Scenario, folder: &Path, kept: &Kept) -> Result<RequestBuilder> {
    let (method, path) = scenario.request()?;
    let path = kept.in_text(path);
    let path = if path.starts_with('/') || path.starts_with("http") { path } else { format!("{API}{path}") };
    let mut request = client.request(method, &path);
    for (name, value) in &scenario.headers {
        request = request.header(name, kept.in_text(value));
    }
    if let Some(json) = &scenario.json {
        return Ok(request.json(&kept.in_value(json)));
    }
    if let Some(text) = &scenario.text {
        return Ok(request.body(kept.in_text(text)));
    }
    if let Some(file) = &scenario.send {
        return Ok(request.body(read(folder, file)?));
    }
    if scenario.parts.is_empty() {
        return Ok(request);
    }
    let mut form = Form::new();
    for part in &scenario.parts {
        form = form.part(part.field.clone(), form_part(part, folder, kept)?);
    }
    Ok(request.multipart(form))
}

fn form_part(part: &Part, folder: &Path, kept: &Kept) -> Result<FormPart> {
    let content = match (&part.text, &part.json, &part.send) {
        (Some(text), None, None) => kept.in_text(text).into_bytes(),
        (None, Some(json), None) => kept.in_value(json).to_string().into_bytes(),
        (None, None, Some(file)) => read(folder, file)?,
        _ => anyhow::bail!("the part `{}` has exactly one of text, json, send", part.field),
    };
    Ok(match &part.file {
        Some(name) => FormPart::bytes(content).file_name(name.clone()),
        None => FormPart::text(String::from_utf8(content).context("a plain field is text")?),
    })
}

fn read(folder: &Path, file: &str) -> Result<Vec<u8>> {
    let path = folder.join("data").join(file);
    std::fs::read(&path).with_context(|| format!("no file {}", path.display()))
}
