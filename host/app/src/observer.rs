//! What operators watch: figures in the text format of Prometheus, on an address of their own that no proxy shows to the world.
//!
//! Lines are per plugin and way to end, never per account or instance: their number stays bounded
//! ([`PLUGINS_MAX`](halle_extensions::metering::PLUGINS_MAX)). What each account used is in the registry.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use halle_extensions::metering::{Ledger, PluginTotals, Sums};

/// The media type of the format, with its version.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const NS_PER_SECOND: f64 = 1e9;

/// `GET /metrics`.
pub fn router(ledger: Arc<Ledger>) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(ledger)
}

async fn metrics(State(ledger): State<Arc<Ledger>>) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], plugins(&ledger.since_start())).into_response()
}

/// A family of figures: one line per plugin.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
}

impl Family {
    fn head(&self, text: &mut String) {
        let Self { name, kind, help } = self;
        let written = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        debug_assert!(written.is_ok(), "a String takes everything");
    }

    fn line(&self, text: &mut String, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let written = writeln!(text, "{}{{{}}} {value}", self.name, labels.join(","));
        debug_assert!(written.is_ok(), "a String takes everything");
    }
}

/// The value of a label: backslashes, quotation marks and line ends are written with a backslash.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

const CALLS: Family = Family {
    name: "halle_plugin_calls_total",
    kind: "counter",
    help: "Calls of a plugin, by how they ended.",
};

/// One figure of all calls of a plugin.
type Figure = fn(&Sums) -> f64;

const FIGURES: [(Family, Figure); 4] = [
    (
        Family {
            name: "halle_plugin_wall_seconds_total",
            kind: "counter",
            help: "Seconds from the beginning of calls to their end.",
        },
        |sums| sums.wall_ns as f64 / NS_PER_SECOND,
    ),
    (
        Family {
            name: "halle_plugin_guest_seconds_total",
            kind: "counter",
            help: "Seconds in the plugin itself.",
        },
        |sums| sums.guest_ns as f64 / NS_PER_SECOND,
    ),
    (
        Family {
            name: "halle_plugin_host_calls_total",
            kind: "counter",
            help: "Calls that the plugin made of the host.",
        },
        |sums| sums.host_calls as f64,
    ),
    (
        Family {
            name: "halle_plugin_memory_peak_bytes",
            kind: "gauge",
            help: "Memory of one call at its highest since the server started.",
        },
        |sums| sums.memory_peak_bytes as f64,
    ),
];

const BYTES: Family = Family {
    name: "halle_plugin_bytes_total",
    kind: "counter",
    help: "Bytes that crossed: `in` to the plugin, `out` of it; `http_in` and `http_out` are bodies of its requests.",
};

/// Figures of plugins since the process started.
fn plugins(totals: &[PluginTotals]) -> String {
    let mut text = String::new();
    CALLS.head(&mut text);
    for PluginTotals { plugin, sums } in totals {
        for ((_, outcome), calls) in Sums::ENDINGS.into_iter().zip(sums.calls) {
            CALLS.line(&mut text, &[("plugin", plugin), ("outcome", outcome)], calls);
        }
    }
    for (family, figure) in &FIGURES {
        family.head(&mut text);
        for PluginTotals { plugin, sums } in totals {
            family.line(&mut text, &[("plugin", plugin)], figure(sums));
        }
    }
    BYTES.head(&mut text);
    for PluginTotals { plugin, sums } in totals {
        let ways = [
            ("in", sums.bytes_in),
            ("out", sums.bytes_out),
            ("http_in", sums.http_bytes_in),
            ("http_out", sums.http_bytes_out),
        ];
        for (way, bytes) in ways {
            BYTES.line(&mut text, &[("plugin", plugin), ("direction", way)], bytes);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_per_plugin_and_outcome_and_names_cannot_break_them() {
        let sums = Sums {
            calls: [3, 0, 1, 0, 0],
            guest_ns: 1_500_000_000,
            memory_peak_bytes: 65_536,
            http_bytes_out: 7,
            ..Sums::default()
        };
        let totals = [
            PluginTotals { plugin: "org/demo".to_owned(), sums },
            PluginTotals { plugin: "a\"b\\c\nd".to_owned(), sums: Sums::default() },
        ];
        let text = plugins(&totals);
        for line in [
            "halle_plugin_calls_total{plugin=\"org/demo\",outcome=\"answered\"} 3",
            "halle_plugin_calls_total{plugin=\"org/demo\",outcome=\"trapped\"} 1",
            "halle_plugin_guest_seconds_total{plugin=\"org/demo\"} 1.5",
            "halle_plugin_memory_peak_bytes{plugin=\"org/demo\"} 65536",
            "halle_plugin_bytes_total{plugin=\"org/demo\",direction=\"http_out\"} 7",
            "halle_plugin_host_calls_total{plugin=\"a\\\"b\\\\c\\nd\"} 0",
            "# TYPE halle_plugin_memory_peak_bytes gauge",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\nis not in\n{text}");
        }
        assert!(text.lines().all(|line| line.starts_with('#') || line.starts_with("halle_plugin_")));
    }
}
