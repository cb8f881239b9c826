//! Geographic formats.

use super::{refused, zipped};
use crate::{Sample, fixture};

pub(super) const KML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="x"><Document><name>doc</name><Style id="s"><IconStyle><scale>1</scale></IconStyle></Style>
<Folder><name>Lieux</name>
<Placemark id="p1"><name>Mairie</name><description><![CDATA[<b>Ouverte</b>]]></description><styleUrl>#s</styleUrl>
<ExtendedData><Data name="code"><displayName>Code</displayName><value>01004</value></Data><SchemaData><SimpleData name="hab">14134</SimpleData></SchemaData></ExtendedData>
<Point><extrude>1</extrude><coordinates> 5.359,45.9608,12 </coordinates></Point></Placemark>
<Placemark><name>Parc</name><Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 0,4 4,4 4,0 0,0</coordinates></LinearRing></outerBoundaryIs>
<innerBoundaryIs><LinearRing><coordinates>1,1 2,1 2,2 1,1</coordinates></LinearRing></innerBoundaryIs></Polygon></Placemark></Folder>
<Placemark><name>Sentiers</name><TimeStamp><when>2024-02-29</when></TimeStamp><MultiGeometry><LineString><coordinates>1,2 3,4</coordinates></LineString>
<LineString><coordinates>5,6 7,8</coordinates></LineString></MultiGeometry></Placemark>
<Placemark><name>Trace</name><gx:Track><when>2024-02-29T10:00:00Z</when><gx:coord>1 2 0</gx:coord><gx:coord>3 4 0</gx:coord></gx:Track></Placemark>
</Document></kml>"#;

pub(super) const GPX: &str = r#"<?xml version="1.0"?><gpx version="1.1" creator="x"><metadata><name>Balade</name></metadata>
<wpt lat="45.5" lon="5.25"><ele>210.5</ele><time>2024-02-29T10:00:00Z</time><name>Source</name><link href="https://example.org/a"><text>a</text></link></wpt>
<rte><name>Route</name><type>vélo</type><rtept lat="1" lon="2"><name>départ</name></rtept><rtept lat="3" lon="4"/></rte>
<trk><name>Tour</name><extensions><x>1</x></extensions><trkseg><trkpt lat="1" lon="2"><ele>3</ele></trkpt><trkpt lat="3" lon="4"/></trkseg>
<trkseg><trkpt lat="5" lon="6"/><trkpt lat="7" lon="8"/></trkseg></trk></gpx>"#;

#[test]
fn shapefiles_have_columns_of_their_types_and_a_shape() {
    let (columns, rows) = Sample::new("communes.zip", fixture("communes.shp.zip")).table();
    assert_eq!(
        columns,
        "code:text nom:text population:integer surface:number maj:date prefecture:boolean geometry:object"
    );
    assert_eq!(
        rows,
        "01004 | Ambérieu-en-Bugey | 14134 | 24.6 | 2021-02-23 | true | {\"type\":\"Point\",\"coordinates\":[5.359,45.9608]}\n\
         2A004 | Ajaccio | 71361 | 82.03 | 1999-12-31 | false | {\"type\":\"Point\",\"coordinates\":[8.7376,41.9257]}\n\
         97105 | Basse-Terre | 9861 | 5.78 | 2024-02-29 | true | {\"type\":\"Point\",\"coordinates\":[-61.7261,15.9985]}"
    );
    let sample = Sample::new("communes.zip", fixture("communes.shp.zip"));
    let analysis = sample.analyze().unwrap();
    assert_eq!((analysis.encoding.as_str(), analysis.is_converted()), ("windows-1252", true));
}

#[test]
fn polygons_have_holes_and_are_brought_to_degrees() {
    let (columns, rows) = Sample::new("zones.zip", fixture("zones.shp.zip")).table();
    assert_eq!(columns, "nom:text geometry:object");
    let lines: Vec<&str> = rows.lines().collect();
    // The corner 650000, 6860000 as PROJ 9 has it.
    assert!(
        lines[0].starts_with("percé | {\"type\":\"Polygon\",\"coordinates\":[[[2.3187906,48.8381101],"),
        "{}",
        lines[0]
    );
    assert_eq!(lines[0].matches("],[[").count(), 1, "one hole: {}", lines[0]);
    assert!(lines[1].starts_with("deux | {\"type\":\"MultiPolygon\""), "{}", lines[1]);
    assert_eq!(lines[2], "rien | -");
}

#[test]
fn a_table_comes_alone_too() {
    let (columns, rows) = Sample::fixture("communes.dbf").table();
    assert_eq!(columns, "code:text nom:text population:integer surface:number maj:date prefecture:boolean");
    assert!(rows.starts_with("01004 | Ambérieu-en-Bugey | 14134 | 24.6 | 2021-02-23 | true\n"), "{rows}");
}

#[test]
fn a_geopackage_is_read_without_its_engine() {
    let (columns, rows) = Sample::fixture("communes.gpkg").table();
    assert_eq!(
        columns,
        "fid:integer code:text nom:text population:integer surface:number maj:date prefecture:boolean note:text geometry:object"
    );
    let lines: Vec<&str> = rows.lines().collect();
    assert_eq!(lines.len(), 3);
    let first = "1 | 01004 | Ambérieu-en-Bugey | 14134 | 24.6 | 2021-02-23 | true | longue longue ";
    assert!(lines[0].starts_with(first), "{}", lines[0]);
    let end = "longue Basse-Terre | {\"type\":\"Point\",\"coordinates\":[-61.7261,15.9985]}";
    assert!(lines[2].ends_with(end), "{}", lines[2]);
}

#[test]
fn placemarks_are_rows() {
    let (columns, rows) = Sample::new("a.kml", KML).table();
    assert_eq!(
        columns,
        "id:text folder:text name:text description:text code:text hab:integer when:date geometry:object"
    );
    let lines: Vec<&str> = rows.lines().collect();
    assert_eq!(
        lines[0],
        "p1 | Lieux | Mairie | <b>Ouverte</b> | 01004 | 14134 | - | {\"type\":\"Point\",\"coordinates\":[5.359,45.9608]}"
    );
    assert!(lines[1].ends_with(
        "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,4],[0,0]],[[1,1],[2,2],[2,1],[1,1]]]}"
    ));
    assert!(lines[2].ends_with(
        "- | Sentiers | - | - | - | 2024-02-29 | {\"type\":\"MultiLineString\",\"coordinates\":[[[1,2],[3,4]],[[5,6],[7,8]]]}"
    ));
    assert!(lines[3].ends_with("{\"type\":\"LineString\",\"coordinates\":[[1,2],[3,4]]}"), "{}", lines[3]);
    let zipped = Sample::new("a.kmz", zipped(&[("images/a.png", b"x"), ("doc.kml", KML.as_bytes())]));
    assert_eq!(zipped.table().1, rows);
}

#[test]
fn waypoints_routes_and_tracks_are_rows() {
    let (columns, rows) = Sample::new("a.gpx", GPX).table();
    assert_eq!(
        columns,
        "type:text ele:number time:date-time name:text link:text category:text geometry:object"
    );
    assert_eq!(
        rows,
        "waypoint | 210.5 | 2024-02-29T10:00:00Z | Source | https://example.org/a | - | {\"type\":\"Point\",\"coordinates\":[5.25,45.5]}\n\
         route | - | - | Route | - | vélo | {\"type\":\"LineString\",\"coordinates\":[[2,1],[4,3]]}\n\
         track | - | - | Tour | - | - | {\"type\":\"MultiLineString\",\"coordinates\":[[[2,1],[4,3]],[[6,5],[8,7]]]}"
    );
}

#[test]
fn broken_shapes_are_refused_at_their_element() {
    let kml = |coordinates: &str| {
        format!(
            "<kml><Placemark><name>a</name></Placemark><Placemark><Point><coordinates>{coordinates}</coordinates></Point></Placemark></kml>"
        )
    };
    refused("a.kml", kml("nord,sud"), &["élément 2", "« nord,sud »"]);
    refused("a.kml", kml("652298,6861633"), &["élément 2", "652298, 6861633"]);
    refused("a.kml", "<kml><Placemark>", &["le document, octet"]);
    refused("a.kml", "<kml/>", &["aucun objet géographique"]);
    refused("a.kmz", zipped(&[("a.txt", b"x")]), &["pas de document .kml"]);
    refused("a.gpx", "<gpx><wpt lat=\"1\"/></gpx>", &["élément 1", "longitude (lon)"]);
    refused("a.gpkg", b"SQLite format 4", &["GeoPackage (SQLite)"]);
    let whole = fixture("communes.gpkg");
    refused("a.gpkg", &whole[..whole.len() / 2], &["la base", "endommagée"]);
    let dbf = fixture("communes.dbf");
    refused("a.dbf", &dbf[..dbf.len() - 40], &["ligne 3", "incomplète"]);
    refused("a.dbf", b"code;nom", &["dBASE"]);
    let shapes = |files: &[(&str, &[u8])]| zipped(files);
    refused("a.zip", shapes(&[("a.shp", b"x")]), &["ce n'est pas un fichier de formes"]);
    let header = [&9_994_u32.to_be_bytes()[..], &[0; 20], &66_u32.to_be_bytes(), &[0; 72]].concat();
    refused("a.zip", shapes(&[("a.shp", &header)]), &["il y manque le fichier .dbf"]);
    refused("a.zip", shapes(&[("a.shp", &header), ("a.dbf", &dbf)]), &["forme 1", "incomplet"]);
    let mars = shapes(&[("a.shp", &header), ("a.dbf", &dbf), ("a.prj", b"PROJCS[\"Mars\"]")]);
    refused("a.zip", mars, &["« Mars » est inconnu"]);
}
