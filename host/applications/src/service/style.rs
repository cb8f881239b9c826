//! The style of the interactive form of a map: MapLibre's style document, version 8, which a visualisation puts beside its
//! table (member `style`).
//!
//! **Invariant:** a style that is served asks this platform only. What a plugin was given to draw must not leave with the
//! addresses that a map asks.

use serde_json::{Map, Value};

/// Bytes of a style.
const STYLE_BYTES_MAX: usize = 1 << 20;

/// Members of a style that are served: others are of other versions, or ask for more files.
const MEMBERS: [&str; 13] = [
    "version",
    "name",
    "metadata",
    "center",
    "zoom",
    "bearing",
    "pitch",
    "light",
    "sources",
    "sprite",
    "glyphs",
    "transition",
    "layers",
];

/// Takes the style out of a table.
pub(super) fn take(table: &mut Option<Value>) -> Option<Value> {
    table.as_mut()?.as_object_mut()?.shift_remove("style").filter(|style| !style.is_null())
}

/// The style as it is served below `base`, whose addresses may begin with `/` in what a plugin wrote; an error in words when
/// it is no style, or asks another server.
pub(crate) fn served(style: &Value, base: &str) -> Result<Value, String> {
    let mut served: Map<String, Value> = style.as_object().ok_or("the style is no object")?.clone();
    served.retain(|name, _| MEMBERS.contains(&name.as_str()));
    if served.get("version").and_then(Value::as_u64) != Some(8) {
        return Err("the style is not of version 8".to_owned());
    }
    if !served.get("layers").is_some_and(Value::is_array) {
        return Err("the style has no list of layers".to_owned());
    }
    for name in ["sprite", "glyphs"] {
        served.get_mut(name).map_or(Ok(()), |address| locate(address, base))?;
    }
    let sources = served.get_mut("sources").and_then(Value::as_object_mut);
    for source in sources.ok_or("the style has no sources")?.values_mut() {
        let source = source.as_object_mut().ok_or("a source of the style is no object")?;
        for name in ["url", "tiles", "urls"] {
            source.get_mut(name).map_or(Ok(()), |addresses| locate(addresses, base))?;
        }
        // Else it is the data themselves.
        source.get_mut("data").filter(|data| data.is_string()).map_or(Ok(()), |data| locate(data, base))?;
    }
    let served = Value::Object(served);
    if served.to_string().len() > STYLE_BYTES_MAX {
        return Err(format!("the style has more than {} KiB", STYLE_BYTES_MAX >> 10));
    }
    Ok(served)
}

/// Writes an address of this platform, or each of a list, out in full.
fn locate(address: &mut Value, base: &str) -> Result<(), String> {
    match address {
        Value::Array(addresses) => addresses.iter_mut().try_for_each(|address| locate(address, base)),
        Value::String(text) if text.starts_with('/') && !text.starts_with("//") => {
            text.insert_str(0, base);
            Ok(())
        }
        Value::String(text) if text.strip_prefix(base).is_some_and(|path| path.starts_with('/')) => Ok(()),
        _ => Err("the style asks another server than this one".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BASE: &str = "https://data.example/halle";

    fn with(name: &str, value: Value) -> Value {
        let mut style = json!({ "version": 8, "layers": [], "sources": { "d": { "type": "vector", "tiles": ["/t/{x}"] } } });
        style[name] = value;
        style
    }

    #[test]
    fn addresses_are_written_out_and_lead_nowhere_else() {
        let found = served(&with("later", json!("https://evil.example")), BASE).unwrap();
        assert_eq!(found["sources"]["d"]["tiles"], json!(["https://data.example/halle/t/{x}"]));
        assert!(found.get("later").is_none(), "{found}");
        let inline =
            json!({ "d": { "type": "geojson", "data": { "type": "FeatureCollection", "features": [] } } });
        assert_eq!(served(&with("sources", inline.clone()), BASE).unwrap()["sources"], inline);
        for address in [
            "https://evil.example/{x}",
            "//evil.example/{x}",
            "https://data.example/halle.evil.example/",
            "https://data.example/halle@evil.example",
            "pmtiles:///t",
            "t/{x}",
            "",
        ] {
            for name in ["sprite", "glyphs"] {
                assert!(served(&with(name, json!(address)), BASE).is_err(), "{name} {address}");
            }
            for name in ["url", "tiles", "urls", "data"] {
                let addresses = if name == "tiles" { json!([address]) } else { json!(address) };
                let sources = json!({ "d": { name: addresses } });
                assert!(served(&with("sources", sources), BASE).is_err(), "{name} {address}");
            }
        }
    }

    #[test]
    fn what_is_no_style_is_refused() {
        for (name, value) in [
            ("version", json!(7)),
            ("layers", json!({})),
            ("sources", json!([])),
            ("sources", json!({ "d": "/t" })),
            ("sprite", json!([{ "id": "a", "url": "/t" }])),
            ("name", json!("x".repeat(STYLE_BYTES_MAX))),
        ] {
            assert!(served(&with(name, value.clone()), BASE).is_err(), "{name}");
        }
        assert!(served(&json!("style"), BASE).is_err());
    }
}
