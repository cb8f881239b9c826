//! Geometries and map tiles: pure functions of coordinates.
//!
//! A [`Shape`] holds a geometry flat, in whatever unit its holder says: degrees, units of the world's grid ([`grid`]), units of a
//! tile. It is read from GeoJSON ([`geojson`]) and WKT ([`wkt`]), kept in few bytes ([`compact`]), cut to a tile and written as
//! the Mapbox vector tile format asks ([`tile`], [`mvt`], version 2.1).
//!
//! **Invariant:** nothing here does I/O, and no input makes it panic.
//!
//! **Invariant:** what [`tile::Pen`] draws lies in the tile and its margin; rings are closed, of some area, wound outer ones
//! clockwise on the screen and holes the other way.
//!
//! Start with [`Shape`], then [`tile`].

pub mod clip;
pub mod compact;
pub mod geojson;
pub mod grid;
pub mod mvt;
pub mod shape;
pub mod simplify;
pub mod tile;
pub mod wkt;

pub use shape::{Kind, Position, Shape};
pub use tile::Tile;
