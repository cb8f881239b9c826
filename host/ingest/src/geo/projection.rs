//! Coordinates of any system, as longitude and latitude.

use proj4rs::Proj;

use crate::error::{IngestError, IngestResult};
use crate::geo::shape::{Position, Shape};

/// Degrees kept of a coordinate that was calculated: about a centimetre.
const CALCULATED_DECIMALS: f64 = 1e7;

/// Bytes of a `.prj`; real ones have less than two thousand.
const WKT_BYTES_MAX: usize = 64 << 10;

/// Brackets within brackets of a `.prj`; real ones have five.
const WKT_DEPTH_MAX: usize = 32;

/// Systems in degrees that differ from WGS 84 by less than a metre: WGS 84, ETRS89, RGF93 and its overseas sisters.
const DEGREES: &[u16] = &[4326, 4258, 4171, 4624, 4627, 4470, 4463, 5489, 4979, 9777, 9784];

/// Shift of the old French datum, which `.prj` files leave to whoever reads them.
const NTF_SHIFT: &str = " +towgs84=-168,-60,320,0,0,0,0";

/// How coordinates become longitude and latitude.
pub(crate) struct Projection {
    /// `None` when they are already.
    from: Option<(Proj, Proj)>,
}

impl Projection {
    /// Longitude and latitude as they are.
    pub(crate) fn none() -> Self {
        Self { from: None }
    }

    /// A system by its name: `EPSG:2154`, `urn:ogc:def:crs:EPSG::2154`, `urn:ogc:def:crs:OGC:1.3:CRS84`, an address of
    /// opengis.net.
    pub(crate) fn named(name: &str) -> IngestResult<Self> {
        let unknown = || IngestError::UnknownProjection { name: name.chars().take(100).collect() };
        let upper = name.trim().to_ascii_uppercase();
        if upper.contains("CRS84") || upper == "WGS84" {
            return Ok(Self::none());
        }
        if !upper.contains("EPSG") {
            return Err(unknown());
        }
        let code = upper.rsplit([':', '/', '#']).next().and_then(|code| code.trim().parse().ok());
        Self::epsg(code.ok_or_else(unknown)?).ok_or_else(unknown)
    }

    /// A system by its number in the EPSG register; `None` when it is not known.
    pub(crate) fn epsg(code: u16) -> Option<Self> {
        // 900913 does not fit, but 3857 has several numbers of its own.
        let code = if matches!(code, 3785 | 3587) { 3857 } else { code };
        if DEGREES.contains(&code) {
            return Some(Self::none());
        }
        Self::from_text(crs_definitions::from_code(code)?.proj4)
    }

    /// The system that a `.prj` describes.
    pub(crate) fn wkt(text: &str) -> IngestResult<Self> {
        let text = text.trim_start_matches('\u{feff}').trim();
        let unknown = || {
            let name = text.split('"').nth(1).unwrap_or(text);
            IngestError::UnknownProjection { name: name.chars().take(100).collect() }
        };
        if text.len() > WKT_BYTES_MAX || depth(text) > WKT_DEPTH_MAX {
            return Err(unknown());
        }
        if let Some(known) = authority(text).and_then(Self::epsg) {
            return Ok(known);
        }
        let mut described = proj4wkt::wkt_to_projstring(text).map_err(|_| unknown())?;
        if text.contains("NTF") || text.contains("Nouvelle_Triangulation") {
            described = described.replace(" +towgs84=0,0,0,0,0,0,0", "") + NTF_SHIFT;
        }
        Self::from_text(&described).ok_or_else(unknown)
    }

    fn from_text(text: &str) -> Option<Self> {
        let from = Proj::from_proj_string(text).ok().filter(Proj::has_inverse)?;
        let to = Proj::from_proj_string("+proj=longlat +datum=WGS84 +no_defs").ok()?;
        Some(Self { from: Some((from, to)) })
    }

    /// Makes coordinates longitude and latitude in degrees. The error says which ones cannot be, in French.
    pub(crate) fn apply(&self, shape: &mut Shape) -> Result<(), String> {
        shape.visit(&mut |line| line.iter_mut().try_for_each(|position| self.place(position)))
    }

    fn place(&self, position: &mut Position) -> Result<(), String> {
        let [x, y] = *position;
        if let Some((from, to)) = &self.from {
            let (x, y) = if from.is_latlong() { (x.to_radians(), y.to_radians()) } else { (x, y) };
            let mut point = (x, y, 0.0);
            let outside =
                |_| format!("les coordonnées {}, {} ne sont pas de ce système", position[0], position[1]);
            proj4rs::transform::transform(from, to, &mut point).map_err(outside)?;
            let rounded =
                |radians: f64| (radians.to_degrees() * CALCULATED_DECIMALS).round() / CALCULATED_DECIMALS;
            *position = [rounded(point.0), rounded(point.1)];
        }
        let [longitude, latitude] = *position;
        // Shapes that cross the date line go on beyond it.
        if longitude.abs() <= 360.0 && latitude.abs() <= 90.0 {
            return Ok(());
        }
        Err(format!(
            "les coordonnées {x}, {y} ne sont pas une longitude et une latitude ; indiquez le système de coordonnées dans \
             le fichier ou dans l'attribut « projection »"
        ))
    }
}

/// The number that the whole of a `.prj` has in the EPSG register: the last one, which is outside all others.
fn authority(text: &str) -> Option<u16> {
    let tail = text.get(text.rfind("AUTHORITY[").or_else(|| text.rfind("ID["))?..)?;
    let is_outermost = tail.matches(']').count() == 2 && tail.contains("EPSG");
    let code = tail.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty())?;
    is_outermost.then(|| code.parse().ok()).flatten()
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(projection: &Projection, x: f64, y: f64) -> Position {
        let mut shape = Shape::Point([x, y]);
        projection.apply(&mut shape).unwrap();
        let Shape::Point(position) = shape else { panic!("a point stays one") };
        position
    }

    fn check(projection: &Projection, [x, y]: Position, [longitude, latitude]: Position, tolerance: f64) {
        let found = place(projection, x, y);
        let is_near = (found[0] - longitude).abs() < tolerance && (found[1] - latitude).abs() < tolerance;
        assert!(is_near, "{found:?} instead of {longitude}, {latitude}");
    }

    const NOTRE_DAME: Position = [2.349_92, 48.852_97];

    // Calculated with PROJ 9.
    const LAMBERT_93: Position = [652_298.413_2, 6_861_633.010_7];

    #[test]
    fn a_place_has_one_longitude_and_latitude_whatever_the_system() {
        for (name, position, tolerance) in [
            ("EPSG:4326", NOTRE_DAME, 1e-9),
            ("urn:ogc:def:crs:OGC:1.3:CRS84", NOTRE_DAME, 1e-9),
            ("urn:ogc:def:crs:EPSG::2154", [652_298.413_2, 6_861_633.010_7], 1e-6),
            ("http://www.opengis.net/def/crs/EPSG/0/3857", [261_591.897_8, 6_249_950.203_1], 1e-6),
            ("epsg:32631", [452_311.843_1, 5_411_315.087_2], 1e-6),
            ("EPSG:3949", [1_652_297.122_2, 8_183_854.666_0], 1e-6),
            // The old datum is shifted with three parameters: a few metres.
            ("EPSG:27572", [600_984.964_7, 2_428_291.970_9], 1e-4),
        ] {
            check(&Projection::named(name).unwrap(), position, NOTRE_DAME, tolerance);
        }
    }

    #[test]
    fn a_prj_is_understood_with_and_without_its_number() {
        let esri = r#"PROJCS["RGF_1993_Lambert_93",GEOGCS["GCS_RGF_1993",DATUM["D_RGF_1993",SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",700000.0],PARAMETER["False_Northing",6600000.0],PARAMETER["Central_Meridian",3.0],PARAMETER["Standard_Parallel_1",49.0],PARAMETER["Standard_Parallel_2",44.0],PARAMETER["Latitude_Of_Origin",46.5],UNIT["Meter",1.0]]"#;
        check(&Projection::wkt(esri).unwrap(), LAMBERT_93, NOTRE_DAME, 1e-6);
        let degrees = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;
        check(&Projection::wkt(degrees).unwrap(), NOTRE_DAME, NOTRE_DAME, 1e-6);
        let old = r#"PROJCS["NTF_Paris_Lambert_Zone_II",GEOGCS["GCS_NTF_Paris",DATUM["Nouvelle_Triangulation_Francaise_(Paris)",SPHEROID["Clarke_1880_IGN",6378249.2,293.466021293627]],PRIMEM["Paris",2.33722917],UNIT["Grad",0.0157079632679489]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",600000.0],PARAMETER["False_Northing",2200000.0],PARAMETER["Central_Meridian",0.0],PARAMETER["Standard_Parallel_1",52.0],PARAMETER["Scale_Factor",0.99987742],PARAMETER["Latitude_Of_Origin",52.0],UNIT["Meter",1.0]]"#;
        check(&Projection::wkt(old).unwrap(), [600_984.964_7, 2_428_291.970_9], NOTRE_DAME, 1e-4);
        let numbered = r#"PROJCS["x",GEOGCS["y",AUTHORITY["EPSG","4171"]],AUTHORITY["EPSG","2154"]]"#;
        check(&Projection::wkt(numbered).unwrap(), LAMBERT_93, NOTRE_DAME, 1e-6);
    }

    #[test]
    fn what_is_not_known_is_named() {
        for name in ["EPSG:1", "EPSG:abc", "Lambert", "", "urn:ogc:def:crs:EPSG::99999999"] {
            assert!(matches!(Projection::named(name), Err(IngestError::UnknownProjection { .. })), "{name}");
        }
        let deep = "A[".repeat(60_000 / 2);
        for text in ["", "bonjour", "PROJCS[\"Mars\"]", deep.as_str()] {
            assert!(matches!(Projection::wkt(text), Err(IngestError::UnknownProjection { .. })));
        }
    }

    #[test]
    fn metres_taken_for_degrees_are_refused_with_what_to_do() {
        let mut shape = Shape::Point(LAMBERT_93);
        let reason = Projection::none().apply(&mut shape).unwrap_err();
        assert!(reason.starts_with("les coordonnées 652298.4132, 6861633.0107 ne sont pas"), "{reason}");
    }
}
