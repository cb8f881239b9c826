//! Lines with their places: boxes that cut shapes, shapes for maps, counts of boxes.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use halle_geo::{Shape, compact, grid};
use halle_model::ColumnKind;

use super::table::{Cell, Table, numbers};
use crate::ast::{GroupBy, Interval, Query, SortBy, SortKey};
use crate::engine::{SearchEngine, ShapesPage, ShapesRequest, ValuesAggRequest};

const SQUARE: &str = r#"{"type":"Polygon","coordinates":[[[0,40],[10,40],[10,50],[0,50],[0,40]]]}"#;

fn shapes() -> Table {
    Table::new(&[("forme", ColumnKind::Object)])
        .concept("forme", "https://purl.org/geojson/vocab#geometry")
        .row(vec![SQUARE.into()])
        .row(vec!["LINESTRING(20 40,30 50)".into()])
        .row(vec![r#"{"type":"Point","coordinates":[2.35,48.85]}"#.into()])
        .row(vec!["une forme".into()])
        .row(vec![Cell::None])
}

fn request(query: Query, limit: usize, zoom: u8) -> ShapesRequest {
    let sort = vec![SortKey { by: SortBy::Random, descending: false }];
    ShapesRequest { query, sort, select: vec!["_i".to_owned()], limit, zoom }
}

/// Number and shape of each line of a page, in the order of the numbers.
fn places(page: &ShapesPage) -> Vec<(i64, Option<Shape>)> {
    let mut places = Vec::new();
    for (batch, shapes) in &page.batches {
        let numbers = batch.column(0).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let mut shape = Shape::default();
            let whole = shapes.is_valid(row).then(|| compact::decode(shapes.value(row), &mut shape));
            assert_ne!(whole, Some(false), "a shape that cannot be read");
            places.push((numbers.value(row), whole.map(|_| shape)));
        }
    }
    places.sort_by_key(|(number, _)| *number);
    places
}

pub(super) async fn boxes_cut_shapes(engine: &dyn SearchEngine) {
    let index = super::build(engine, "maps-boxes", &shapes()).await;
    let around = index.bbox(Query::All).await.expect("bbox");
    assert_eq!(around, Some([0.0, 40.0, 30.0, 50.0]), "the box of shapes, not of their middles");
    let point = index.bbox(Query::Box([2.3, 48.8, 2.4, 48.9])).await.expect("bbox");
    assert_eq!(point, Some([0.0, 40.0, 10.0, 50.0]), "of those that match, whole");
    for (area, expect) in [
        ([-180.0, -90.0, 180.0, 90.0], &[1, 2, 3][..]),
        // In the square, far from its middle and from its border.
        ([1.0, 41.0, 2.0, 42.0], &[1]),
        // In the box of the line, but beside it.
        ([20.5, 48.0, 21.0, 49.0], &[]),
        ([24.0, 44.0, 26.0, 46.0], &[2]),
        ([2.0, 48.0, 3.0, 49.0], &[1, 3]),
        // Across the date line.
        ([25.0, 40.0, 1.0, 50.0], &[1, 2]),
    ] {
        assert_eq!(numbers(&*index, Query::Box(area)).await, expect, "{area:?}");
    }
    let areas = vec![[-180.0, -90.0, 180.0, 90.0], [2.0, 48.0, 3.0, 49.0], [50.0, 0.0, 60.0, 10.0]];
    assert_eq!(index.counts(Query::All, areas.clone()).await.expect("counts"), [3, 2, 0]);
    assert_eq!(index.counts(Query::Nothing, areas).await.expect("counts"), [0, 0, 0]);
}

pub(super) async fn shapes_are_on_the_grid(engine: &dyn SearchEngine) {
    let index = super::build(engine, "maps-shapes", &shapes()).await;
    let page = index.shapes(request(Query::All, 100, 14)).await.expect("shapes");
    assert_eq!(page.total, 5);
    let found = places(&page);
    assert_eq!(found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let square = found[0].1.as_ref().expect("a square");
    let corners = [[0.0, 40.0], [10.0, 40.0], [10.0, 50.0], [0.0, 50.0], [0.0, 40.0]].map(grid::project);
    assert_eq!(square.positions(), corners);
    assert_eq!(found[2].1.as_ref().and_then(Shape::as_point), Some(grid::project([2.35, 48.85])));
    assert_eq!((&found[3].1, &found[4].1), (&None, &None));
    let few = index.shapes(request(Query::All, 2, 14)).await.expect("shapes");
    let again = index.shapes(request(Query::All, 2, 14)).await.expect("shapes");
    assert_eq!((few.total, places(&few).len()), (5, 2));
    assert_eq!(places(&few), places(&again), "the same sample each time");
}

pub(super) async fn shapes_lose_detail_that_cannot_be_seen(engine: &dyn SearchEngine) {
    let circle: Vec<String> = (0..=2_000)
        .map(|n| f64::from(n) / 2_000.0 * std::f64::consts::TAU)
        .map(|angle| format!("{} {}", 5.0 + angle.cos(), 45.0 + angle.sin()))
        .collect();
    let table = Table::of_texts(&[&format!("POLYGON(({}))", circle.join(","))])
        .concept("text", "https://purl.org/geojson/vocab#geometry");
    let index = super::build(engine, "maps-detail", &table).await;
    let mut vertices = Vec::new();
    for zoom in [2, 8, 14] {
        let page = index.shapes(request(Query::All, 1, zoom)).await.expect("shapes");
        vertices.push(places(&page)[0].1.as_ref().map_or(0, |shape| shape.positions().len()));
    }
    assert!(8 < vertices[0] && vertices[0] < vertices[1] && vertices[1] < vertices[2], "{vertices:?}");
    assert_eq!(vertices[2], 2_001);
}

pub(super) async fn points_are_shapes_too(engine: &dyn SearchEngine) {
    let table = Table::of_texts(&["48.85,2.35", "nulle part"])
        .concept("text", "http://www.w3.org/2003/01/geo/wgs84_pos#lat_long");
    let index = super::build(engine, "maps-points", &table).await;
    let found = places(&index.shapes(request(Query::All, 10, 3)).await.expect("shapes"));
    assert_eq!(found[0].1.as_ref().and_then(Shape::as_point), Some(grid::project([2.35, 48.85])));
    assert_eq!(found[1].1, None);
    let other = super::build(engine, "maps-points-2", &table).await;
    assert!(index.revision().is_none() || index.revision() != other.revision());
}

pub(super) async fn groups_have_a_middle(engine: &dyn SearchEngine) {
    let table = Table::new(&[("lieu", ColumnKind::Text), ("ville", ColumnKind::Text)])
        .concept("lieu", "http://www.w3.org/2003/01/geo/wgs84_pos#lat_long")
        .row(vec!["10,20".into(), "a".into()])
        .row(vec!["20,40".into(), "a".into()])
        .row(vec![Cell::None, "a".into()])
        .row(vec![Cell::None, "b".into()]);
    let index = super::build(engine, "maps-groups", &table).await;
    let level = GroupBy {
        column: "ville".to_owned(),
        interval: Interval::Value,
        size: 20,
        order: Vec::new(),
        missing: None,
    };
    for places in [true, false] {
        let request = ValuesAggRequest {
            query: Query::All,
            levels: vec![level.clone()],
            metrics: Vec::new(),
            size: 0,
            select: Vec::new(),
            sort: Vec::new(),
            places,
        };
        let groups = index.values_agg(request).await.expect("groups").groups;
        let middles: Vec<_> = groups.iter().map(|group| group.centroid).collect();
        assert_eq!(middles, [places.then_some((30.0, 15.0)), None], "lines without point do not count");
    }
}
