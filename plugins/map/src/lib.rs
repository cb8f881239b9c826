//! Maps as accessible SVG: points, points that are gathered, areas coloured by a number.
//!
//! A picture has no base map, so it carries what it takes to be read without: a grid of meridians and parallels, a scale, names
//! where they fit, a legend. The same data comes as a sentence and as a table, and beside the table the style (MapLibre) of
//! the interactive map of the same configuration, over the tiles of the dataset.
//!
//! **Invariant:** the same data, configuration and context give the same bytes.

mod areas;
mod clusters;
mod config;
mod geometry;
mod ground;
mod legend;
mod points;
mod projection;
mod style;

use drawing::config::given;
use drawing::{Frame, Locale};
use halle_plugin::serde_json::{Value, json};
use halle_plugin::visualisation::{Context, Data, DataRequest, Described, Output, Rendered, Visualisation};
use halle_plugin::{Problem, Result, Rows};

use config::{Config, Form, PLACES};

/// The visualisation.
pub struct MapPlugin;

/// What a form makes of rows.
struct Drawn {
    svg: String,
    alt: String,
    columns: Value,
    rows: Vec<Value>,
}

impl Visualisation for MapPlugin {
    type Config = Config;

    fn describe() -> Described {
        Described { title: "Carte".to_owned(), needs: Vec::new(), sizes: Vec::new() }
    }

    fn query(config: &Config) -> Result<Vec<DataRequest>> {
        config::request(config).map(|request| vec![request])
    }

    fn render(data: &[Data], config: &Config, context: &Context) -> Result<Rendered> {
        let places = data.iter().find(|data| data.name == PLACES);
        let places =
            places.ok_or_else(|| Problem::new("input/missing", "Les lignes de la carte manquent."))?;
        let rows = places.rows()?;
        let frame = Frame::new(context);
        let own = given(config.title.as_ref()).or(given(context.title.as_ref()));
        let dataset = config.datasets.first();
        let title = own.or_else(|| dataset.and_then(|dataset| given(dataset.title.as_ref())));
        let title = title.unwrap_or(frame.locale.pick("Carte", "Map")).to_owned();
        let frame = frame.titled(title, subtitle(config, Locale::of(&context.locale)));
        let drawn = match config.form {
            Form::Points => points::draw(&frame, &rows, config)?,
            Form::Clusters => clusters::draw(&frame, &rows)?,
            Form::Choropleth => areas::draw(&frame, &rows, config)?,
        };
        let drawn = drawn.unwrap_or_else(|| nothing(&frame));
        let mut table = json!({ "columns": drawn.columns, "rows": drawn.rows });
        if let Some(style) = style::of(&frame, &rows, config)? {
            table["style"] = style;
        }
        Ok(Rendered { output: Output::Svg(drawn.svg), alt: drawn.alt, table: Some(table) })
    }
}

/// What colour and size say.
fn subtitle(config: &Config, locale: Locale) -> String {
    let colour = config.colour_title().filter(|_| config.form != Form::Clusters);
    let unit = given(config.unit.as_ref()).map(|unit| format!(" ({unit})")).unwrap_or_default();
    let size = given(config.size_field.as_ref()).filter(|_| config.form == Form::Points);
    match (config.form, colour, size) {
        (Form::Clusters, ..) => {
            locale.pick("Nombre de lignes par endroit", "Number of rows by place").to_owned()
        }
        (Form::Choropleth, Some(colour), _) => format!("{colour}{unit}"),
        (_, Some(colour), Some(size)) => {
            format!(
                "{} : {colour} · {} : {size}{unit}",
                locale.pick("Couleur", "Colour"),
                locale.pick("taille", "size")
            )
        }
        (_, Some(colour), None) => format!("{} : {colour}", locale.pick("Couleur", "Colour")),
        (_, None, Some(size)) => format!("{} : {size}{unit}", locale.pick("Taille", "Size")),
        (_, None, None) => String::new(),
    }
}

fn nothing(frame: &Frame) -> Drawn {
    let alt = format!("{}. {}.", frame.title, frame.no_data());
    Drawn { svg: frame.empty(&alt), alt, columns: json!([]), rows: Vec::new() }
}

/// The column of points, and what it says of a row: longitude, latitude.
fn place(rows: &Rows<'_>) -> Result<impl Fn(usize) -> Option<[f64; 2]>> {
    let column = rows.column(config::POINT).map_err(|_| {
        let message =
            "Ce jeu de données n'a pas de points : donnez les concepts latitude et longitude à ses colonnes.";
        Problem::new("map/no-points", message)
    })?;
    Ok(move |row| {
        let (lat, lon) = column.text(row)?.split_once(',')?;
        let (lat, lon): (f64, f64) = (lat.trim().parse().ok()?, lon.trim().parse().ok()?);
        (lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some([lon, lat])
    })
}

/// Where places are, in words.
fn whereabouts(frame: &Frame, bounds: projection::Bounds) -> String {
    let number = |value: f64| frame.locale.number(value);
    let [south, north, west, east] = [bounds.south, bounds.north, bounds.west, bounds.east].map(number);
    match frame.locale {
        Locale::Fr => format!("latitudes {south} à {north}, longitudes {west} à {east}"),
        Locale::En => format!("latitudes {south} to {north}, longitudes {west} to {east}"),
    }
}

halle_plugin::export_visualisation!(MapPlugin);
