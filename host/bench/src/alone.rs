//! Work that has no yardstick: edits of lines, tiles, large pages, memory of a server that does nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::halle::Halle;
use crate::load::{self, Connection};

/// How long a round of writes or reads lasts.
const ROUND: Duration = Duration::from_secs(3);

/// Clients that write at the same time.
const WRITERS: usize = 16;

/// Lines of one bulk request.
const BULK_LINES: usize = 100_000;

/// Datasets of a full catalogue, and how many of them are in use.
const CATALOGUE: (usize, usize) = (1_000, 10);

/// Zoom of the tiles: the generated places lie in a box of some degrees, which has many of these.
const ZOOM: u32 = 10;

/// Tiles asked, each first when nothing is kept of it, then again.
const TILES_MAX: usize = 60;

/// One line of the report: what was done, and what was seen.
pub type Seen = (String, String);

/// Everything, against the server that holds `dataset`; other servers are started in `work_dir`.
pub async fn measure(halle: &Halle, dataset: &str, binary: &Path, work_dir: &Path) -> Result<Vec<Seen>> {
    let mut seen = vec![large_page(halle, dataset).await?];
    seen.extend(tiles(halle, dataset).await?);
    seen.extend(writes(halle).await?);
    seen.push(bulk(halle).await?);
    seen.extend(idle(binary, work_dir).await?);
    Ok(seen)
}

async fn large_page(halle: &Halle, dataset: &str) -> Result<Seen> {
    let path = format!("/data-fair/api/v1/datasets/{dataset}/lines?size=10000&count=false");
    let round = load::round(&halle.process.address, &[path], ROUND).await?;
    let figure = format!("p50 {:.1} ms, {:.0} requests/s", round.p50_ms, round.per_second);
    Ok(("page of 10,000 lines as JSON".to_owned(), figure))
}

/// The tiles that hold some lines of the dataset.
async fn places(halle: &Halle, dataset: &str) -> Result<Vec<(u32, u32)>> {
    let path = format!("datasets/{dataset}/lines?size=2000&select=lat,lon&sort=_rand");
    let page = halle.get(&path).await?;
    let lines = page["results"].as_array().context("no lines")?;
    let mut tiles: Vec<(u32, u32)> = Vec::new();
    for line in lines {
        let (Some(lon), Some(lat)) = (line["lon"].as_f64(), line["lat"].as_f64()) else { continue };
        let across = f64::from(1 << ZOOM);
        let (x, lat) = ((lon + 180.0) / 360.0 * across, lat.to_radians());
        let y = (1.0 - lat.tan().asinh() / std::f64::consts::PI) / 2.0 * across;
        let tile = (x as u32, y as u32);
        if !tiles.contains(&tile) && tiles.len() < TILES_MAX {
            tiles.push(tile);
        }
    }
    ensure!(!tiles.is_empty(), "no line has a place");
    Ok(tiles)
}

async fn tiles(halle: &Halle, dataset: &str) -> Result<Vec<Seen>> {
    let tiles = places(halle, dataset).await?;
    let path = |(x, y): &(u32, u32)| {
        format!("/data-fair/api/v1/datasets/{dataset}/lines?format=pbf&xyz={x},{y},{ZOOM}")
    };
    let mut connection = Connection::open(&halle.process.address).await?;
    let mut took = [Vec::new(), Vec::new()];
    let mut bytes = 0;
    for round in &mut took {
        for tile in &tiles {
            let sent = Instant::now();
            bytes += connection.consume(&path(tile)).await?;
            round.push(sent.elapsed());
        }
    }
    ensure!(bytes > 0, "every tile is empty");
    let [cold, cached] = took.map(|mut took| {
        took.sort();
        took[took.len() / 2].as_secs_f64() * 1_000.0
    });
    let size = bytes / 2 / tiles.len() / 1_024;
    Ok(vec![
        (
            format!("vector tile, first time ({} tiles of {size} KiB on average)", tiles.len()),
            format!("p50 {cold:.1} ms"),
        ),
        ("vector tile, asked again".to_owned(), format!("p50 {cached:.2} ms")),
    ])
}

async fn editable(halle: &Halle, title: &str) -> Result<String> {
    let column = |key: &str, kind: &str| json!({ "key": key, "type": kind });
    let schema = json!([column("name", "string"), column("amount", "number"), column("number", "integer")]);
    let created =
        halle.post("datasets", &json!({ "title": title, "isRest": true, "schema": schema })).await?;
    Ok(created["id"].as_str().context("a dataset without id")?.to_owned())
}

fn line(number: usize) -> Value {
    json!({ "name": format!("name {number}"), "amount": number as f64 / 7.0, "number": number })
}

async fn writes(halle: &Halle) -> Result<Vec<Seen>> {
    let dataset = editable(halle, "written").await?;
    let path = format!("datasets/{dataset}/lines");
    let mut took = Vec::new();
    let started = Instant::now();
    while started.elapsed() < ROUND {
        let sent = Instant::now();
        halle.post(&path, &line(took.len())).await?;
        took.push(sent.elapsed());
    }
    let found = halle.get(&format!("{path}?size=0")).await?;
    ensure!(found["total"] == took.len(), "lines written are not found: {found}");
    took.sort();
    let one = took[took.len() / 2].as_secs_f64() * 1_000.0;

    let started = Instant::now();
    let writer = |worker: usize| {
        let path = &path;
        async move {
            let mut count = 0;
            while started.elapsed() < ROUND {
                halle.post(path, &line(worker * 1_000_000 + count)).await?;
                count += 1;
            }
            anyhow::Ok(count)
        }
    };
    let counts = futures::future::try_join_all((0..WRITERS).map(writer)).await?;
    let written: usize = counts.iter().sum();
    let rate = written as f64 / started.elapsed().as_secs_f64();
    let found = halle.get(&format!("{path}?size=0")).await?;
    ensure!(found["total"] == took.len() + written, "lines written are not found: {found}");
    Ok(vec![
        ("one line written, found by the next read".to_owned(), format!("p50 {one:.1} ms")),
        (format!("lines written one by one by {WRITERS} clients"), format!("{rate:.0} lines/s")),
    ])
}

async fn bulk(halle: &Halle) -> Result<Seen> {
    let dataset = editable(halle, "bulk").await?;
    let mut body = String::new();
    for number in 0..BULK_LINES {
        body.push_str(&line(number).to_string());
        body.push('\n');
    }
    let started = Instant::now();
    let answer = halle.post_ndjson(&format!("datasets/{dataset}/_bulk_lines"), body).await?;
    let answered = started.elapsed().as_secs_f64();
    ensure!(answer["nbOk"] == BULK_LINES, "not every line was taken: {answer}");
    loop {
        let found = halle.get(&format!("datasets/{dataset}/lines?size=0")).await?;
        if found["total"] == BULK_LINES {
            break;
        }
        ensure!(started.elapsed() < Duration::from_secs(120), "lines of a bulk are not found: {found}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let found = started.elapsed().as_secs_f64();
    let figure = format!(
        "{:.0} lines/s until answered, {:.0} until found",
        BULK_LINES as f64 / answered,
        BULK_LINES as f64 / found
    );
    Ok((format!("bulk of {BULK_LINES} ndjson lines"), figure))
}

/// Memory of a server with an empty catalogue, then with a full one.
async fn idle(binary: &Path, work_dir: &Path) -> Result<Vec<Seen>> {
    let halle = Halle::start(binary, &work_dir.join("idle")).await?;
    let empty = halle.process.memory_now().await?;
    let (datasets, in_use) = CATALOGUE;
    for number in 0..datasets {
        let dataset = editable(&halle, &format!("dataset {number}")).await?;
        if number < in_use {
            let path = format!("datasets/{dataset}/lines");
            halle.post(&path, &line(number)).await?;
            halle.get(&path).await?;
        }
    }
    let full = halle.process.memory_now().await?;
    Ok(vec![
        ("idle server, no dataset".to_owned(), format!("{empty:.0} MiB")),
        (format!("{datasets} datasets in the catalogue, {in_use} in use"), format!("{full:.0} MiB")),
    ])
}
