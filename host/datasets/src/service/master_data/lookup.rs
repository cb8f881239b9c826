//! One bulk search of one reference, asked question by question: by a request, or by an extension.

use halle_model::{Column, ColumnKind, concept};
use halle_search::Query;
use halle_search::engine::{LineFields, LinesRequest};
use halle_search::params::{LinesParams, Params, column_equals, column_since, column_until};
use serde_json::{Map, Value};

use super::{BulkSearch, Input, InputKind, conditions, offers, unknown};
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::read::Reading;

/// What the answer says of a line for which the reference has none.
const NO_MATCH: &str = "La donnée de référence ne contient pas de ligne correspondante.";

/// One search, ready to be asked.
pub(crate) struct Lookup {
    reading: Reading,
    search: BulkSearch,
    /// What is asked of the index, without what a question gives.
    request: LinesRequest,
    conditions: Query,
}

impl Lookup {
    /// The search named `search`, answering with the columns of `select` (all when absent). 404 when there is none.
    pub fn new(reading: Reading, search: &str, select: Option<&str>) -> DatasetsResult<Self> {
        let offered = offers(reading.dataset()).bulk_searchs;
        let search = offered.into_iter().find(|one| one.id == search).ok_or_else(|| unknown(search))?;
        let own = reading.columns().iter().filter(|column| !column.calculated);
        let own: Vec<&str> = own.map(|column| column.key.as_str()).collect();
        let select = select.map_or_else(|| own.join(","), str::to_owned);
        let asked = Params::new([("size", "1"), ("count", "false"), ("select", select.as_str())])?;
        let asked = asked.with("sort", search.sort.as_deref().unwrap_or_default());
        let mut request = LinesParams::parse(&asked, &reading.fields())?.request(1);
        request.select.retain(|key| own.contains(&key.as_str()));
        request.fields = LineFields::default();
        let conditions = conditions(&search.filters, reading.columns())?;
        Ok(Self { reading, search, request, conditions })
    }

    /// What questions must have, as texts: their columns tell how they are compared.
    pub fn inputs(&self) -> Vec<Column> {
        let inputs = self.search.input.iter().map(|input| input.property.key());
        inputs.map(|key| Column::new(key, ColumnKind::Text)).collect()
    }

    /// The line of the reference for one question, or why there is none.
    pub async fn answer(
        &self,
        question: &Map<String, Value>,
    ) -> DatasetsResult<Result<Map<String, Value>, String>> {
        match self.query(question) {
            Ok(query) => Ok(self.find(query).await?.ok_or_else(|| NO_MATCH.to_owned())),
            Err(text) => Ok(Err(text)),
        }
    }

    /// Keys of the columns it answers with.
    pub fn outputs(&self) -> &[String] {
        &self.request.select
    }

    async fn find(&self, query: Query) -> DatasetsResult<Option<Map<String, Value>>> {
        let query = Query::And(vec![self.request.query.clone(), self.conditions.clone(), query]);
        let request = LinesRequest { query, ..self.request.clone() };
        let page = self.reading.index().lines(request).await?;
        let line = page.lines.first().map(|line| serde_json::from_slice(line));
        line.transpose().map_err(DatasetsError::internal)
    }

    fn query(&self, line: &Map<String, Value>) -> Result<Query, String> {
        let parts = self.search.input.iter().map(|input| self.input(input, line));
        parts.collect::<Result<Vec<_>, _>>().map(Query::And)
    }

    fn input(&self, input: &Input, line: &Map<String, Value>) -> Result<Query, String> {
        let key = input.property.key();
        let text = match line.get(key) {
            None | Some(Value::Null) => return Err(format!("La propriété \"{key}\" est obligatoire.")),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(other) => other.to_string(),
        };
        let columns = self.reading.columns();
        let refused = |error: halle_search::SearchError| error.to_string();
        match input.kind {
            InputKind::Equals => {
                let column = columns.iter().find(|column| column.key == key);
                let column = column.ok_or_else(|| format!("La colonne \"{key}\" n'existe plus."))?;
                column_equals(column, &[text], key).map_err(refused)
            }
            InputKind::DateInInterval => {
                let of = |id: &str| {
                    let concept = concept::by_id(id)?;
                    let is_it = |c: &&Column| {
                        c.refers_to.as_deref().is_some_and(|uri| concept.identifiers.contains(&uri))
                    };
                    columns.iter().find(is_it)
                };
                let (start, end) = of("startDate").zip(of("endDate")).ok_or_else(|| {
                    "La donnée de référence n'a pas de colonnes de date de début et de fin.".to_owned()
                })?;
                let started = column_until(start, &text, key).map_err(refused)?;
                let not_ended = column_since(end, &text, key).map_err(refused)?;
                Ok(Query::And(vec![started, not_ended]))
            }
            InputKind::GeoDistance => {
                let place = text.split_once(',').and_then(|(lat, lon)| {
                    let (lat, lon): (f64, f64) = (lat.trim().parse().ok()?, lon.trim().parse().ok()?);
                    ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)).then_some((lat, lon))
                });
                let (lat, lon) = place.ok_or_else(|| format!("\"{key}\" doit être de la forme lat,lon."))?;
                Ok(Query::Near { lon, lat, metres: input.distance.unwrap_or(0.0).max(0.0) })
            }
        }
    }
}
