//! Geohash: cells of a grid over the earth, named by characters that alternate halving longitude and latitude
//! (G. Niemeyer, 2008; <https://en.wikipedia.org/wiki/Geohash>).

const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// Bits of one character.
const CHARACTER_BITS: u32 = 5;

/// Characters of a cell at most.
pub const CHARACTERS_MAX: u8 = 8;

/// The cell of a point, as the bits of its name; `characters` is capped at [`CHARACTERS_MAX`].
pub fn cell(lon: f64, lat: f64, characters: u8) -> u64 {
    let bits = u32::from(characters.min(CHARACTERS_MAX)) * CHARACTER_BITS;
    // Longitude comes first, so that it has one bit more where their number is odd.
    let (lon_bits, lat_bits) = (bits.div_ceil(2), bits / 2);
    let x = step(lon, -180.0, 360.0, lon_bits);
    let y = step(lat, -90.0, 180.0, lat_bits);
    let (mut cell, mut lon_left, mut lat_left) = (0, lon_bits, lat_bits);
    for place in 0..bits {
        let bit = if place % 2 == 0 {
            lon_left -= 1;
            x >> lon_left
        } else {
            lat_left -= 1;
            y >> lat_left
        };
        cell = cell << 1 | bit & 1;
    }
    cell
}

/// How many steps of a halved range a coordinate is from its beginning.
fn step(value: f64, low: f64, range: f64, bits: u32) -> u64 {
    let steps = 1_u64 << bits;
    // `as` saturates: what is before the beginning is in the first step.
    (((value - low) / range * steps as f64) as u64).min(steps - 1)
}

/// The name of a cell.
pub fn name(cell: u64, characters: u8) -> String {
    let places = (0..u32::from(characters.min(CHARACTERS_MAX))).rev();
    places.map(|place| char::from(ALPHABET[(cell >> (place * CHARACTER_BITS) & 31) as usize])).collect()
}

/// West, south, east and north of the cell of a name; `None` when it is no name.
pub fn area(name: &str) -> Option<[f64; 4]> {
    let ([mut west, mut east], [mut south, mut north]) = ([-180.0, 180.0], [-90.0, 90.0]);
    let mut halves_lon = true;
    for byte in name.bytes() {
        let value = ALPHABET.iter().position(|known| *known == byte)?;
        for place in (0..CHARACTER_BITS).rev() {
            let upper = value >> place & 1 == 1;
            let (low, high) = if halves_lon { (&mut west, &mut east) } else { (&mut south, &mut north) };
            let middle = f64::midpoint(*low, *high);
            *(if upper { low } else { high }) = middle;
            halves_lon = !halves_lon;
        }
    }
    Some([west, south, east, north])
}

/// Characters with which about `wanted` cells fill the area: the grid is refined while a finer one has fewer cells
/// (Data Fair's reference, §2.10).
pub fn characters_for(area: [f64; 4], wanted: usize) -> u8 {
    /// Side of a cell of one character more than the place in this list, in kilometres.
    const SIDES_KM: [f64; 8] = [5_000.0, 1_260.0, 156.0, 40.0, 4.8, 1.22, 0.152, 0.038];
    const DEGREE_KM: f64 = 111.32;
    let [west, south, east, north] = area;
    let width = if west <= east { east - west } else { east - west + 360.0 };
    let across_km = width * DEGREE_KM * f64::midpoint(south, north).to_radians().cos();
    let area_km2 = across_km * (north - south) * DEGREE_KM;
    let mut characters = 1;
    while characters < SIDES_KM.len() && area_km2 / SIDES_KM[characters].powi(2) < wanted as f64 {
        characters += 1;
    }
    characters as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_published_examples() {
        // The example of the article.
        let place = (10.40744, 57.64911);
        assert_eq!(name(cell(place.0, place.1, 8), 8), "u4pruydq");
        assert_eq!(name(cell(place.0, place.1, 3), 3), "u4p");
        let [west, south, east, north] = area("ezs42").unwrap();
        let centre = (f64::midpoint(west, east), f64::midpoint(south, north));
        assert!((centre.0 + 5.603).abs() < 1e-3 && (centre.1 - 42.605).abs() < 1e-3);
        assert_eq!(area("a"), None, "`a` is not in the alphabet");
    }

    #[test]
    fn a_point_is_in_its_cell_at_every_precision() {
        for (lon, lat) in [(0.0, 0.0), (-180.0, -90.0), (180.0, 90.0), (2.35, 48.85), (-61.5, 16.2)] {
            for characters in 1..=CHARACTERS_MAX {
                let [west, south, east, north] = area(&name(cell(lon, lat, characters), characters)).unwrap();
                assert!((west..=east).contains(&lon) && (south..=north).contains(&lat), "{lon} {lat}");
            }
        }
    }

    #[test]
    fn the_grid_is_as_fine_as_the_groups_wanted_allow() {
        let france = [-5.0, 42.0, 8.0, 51.0];
        assert_eq!(characters_for(france, 20), 2);
        assert_eq!(characters_for(france, 1_000), 4);
        assert_eq!(characters_for([2.3, 48.8, 2.3, 48.8], 20), 8, "one point");
        assert_eq!(characters_for([-180.0, -90.0, 180.0, 90.0], 1), 1);
    }
}
