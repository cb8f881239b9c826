//! Writing SVG: elements, texts, colours.

use std::fmt::Write;

/// Twelve colours that differ for most colour-blind readers too, each at least 3 : 1 against white and against the dark
/// background (after Okabe and Ito, darkened where needed).
const PALETTE: [&str; 12] = [
    "#0b6fb0", "#c2571a", "#00805f", "#b3458a", "#8a6d00", "#5b6abf", "#a33b3b", "#2f7d8c", "#7a5c99",
    "#4f7a28", "#9c5b6b", "#6b7075",
];

/// Colours of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colours {
    /// Behind everything.
    pub background: String,
    /// Titles and values.
    pub text: String,
    /// Axis labels.
    pub muted: String,
    /// Grid lines.
    pub grid: String,
    /// Bars and lines.
    pub primary: String,
}

impl Colours {
    /// Colours under a theme.
    pub fn of(theme: &halle_plugin::visualisation::Theme) -> Self {
        let (background, text, muted, grid, primary) = if theme.dark {
            ("#16181d", "#f2f4f8", "#b8bec9", "#343a46", "#6cb4f0")
        } else {
            ("#ffffff", "#1b1f27", "#535c6b", "#e3e7ee", PALETTE[0])
        };
        let own = |colour: &Option<String>, other: &str| {
            colour.clone().filter(|c| is_colour(c)).unwrap_or_else(|| other.to_owned())
        };
        Self {
            background: own(&theme.background, background),
            text: own(&theme.text, text),
            muted: muted.to_owned(),
            grid: grid.to_owned(),
            primary: own(&theme.primary, primary),
        }
    }

    /// Colour of the slice with an index.
    pub fn slice(index: usize) -> &'static str {
        PALETTE[index % PALETTE.len()]
    }

    /// A colour between two of `#rrggbb`: `from` at 0, `to` at 1. What is no such colour is left as it is.
    pub fn between(from: &str, to: &str, share: f64) -> String {
        let (Some(a), Some(b)) = (channels(from), channels(to)) else { return from.to_owned() };
        let mix = |index: usize| (a[index] + (b[index] - a[index]) * share.clamp(0.0, 1.0)).round() as u8;
        format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
    }

    /// Black or white, whichever is easier to read on a colour.
    pub fn on(background: &str) -> &'static str {
        let linear = |value: f64| {
            if value <= 10.0 { value / 3_295.0 } else { ((value / 255.0 + 0.055) / 1.055).powf(2.4) }
        };
        let [r, g, b] = channels(background).unwrap_or([0.0; 3]).map(linear);
        // Halfway between the contrasts with black and with white (WCAG 2).
        if 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 { "#14171c" } else { "#ffffff" }
    }
}

/// Red, green and blue of `#rgb` or `#rrggbb`, 0 to 255.
fn channels(colour: &str) -> Option<[f64; 3]> {
    let hex = colour.strip_prefix('#').filter(|_| is_colour(colour))?;
    let wide: String =
        if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
    let channel = |at: usize| u8::from_str_radix(wide.get(at..at + 2)?, 16).ok().map(f64::from);
    Some([channel(0)?, channel(2)?, channel(4)?])
}

/// Whether a text is `#rgb` or `#rrggbb`: nothing else from outside goes into an attribute.
fn is_colour(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|hex| matches!(hex.len(), 3 | 6) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Where a text stands relative to its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Begins there.
    Start,
    /// Has its middle there.
    Middle,
    /// Ends there.
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub struct Style<'a> {
    /// Pixels.
    pub size: f64,
    /// Colour.
    pub fill: &'a str,
    /// Position.
    pub anchor: Anchor,
    /// Whether it is strong.
    pub strong: bool,
}

/// An SVG document in the making.
#[derive(Debug)]
pub struct Svg {
    out: String,
}

impl Svg {
    /// Begins a picture of a size, named for those who do not see it.
    pub fn new(width: f64, height: f64, title: &str, description: &str, colours: &Colours) -> Self {
        let mut svg = Self { out: String::with_capacity(8 * 1024) };
        svg.push(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"chart-title chart-desc\" \
             font-family=\"Inter, 'Source Sans 3', 'DejaVu Sans', system-ui, sans-serif\">",
            px(width),
            px(height)
        ));
        svg.push(format_args!("<title id=\"chart-title\">{}</title>", escape(title)));
        svg.push(format_args!("<desc id=\"chart-desc\">{}</desc>", escape(description)));
        svg.rect([0.0, 0.0, width, height], 0.0, &colours.background);
        svg
    }

    /// Appends text that is SVG already.
    pub fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(text);
    }

    /// A rectangle: x, y, width, height.
    pub fn rect(&mut self, [x, y, width, height]: [f64; 4], radius: f64, fill: &str) {
        self.push(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" fill=\"{fill}\"/>",
            px(x),
            px(y),
            px(width.max(0.0)),
            px(height.max(0.0)),
            px(radius)
        ));
    }

    /// A straight line.
    pub fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], stroke: &str, width: f64) {
        self.push(format_args!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{stroke}\" stroke-width=\"{}\"/>",
            px(x1),
            px(y1),
            px(x2),
            px(y2),
            px(width)
        ));
    }

    /// A disc.
    pub fn circle(&mut self, [x, y, radius]: [f64; 3], fill: &str, opacity: f64, stroke: &str) {
        self.push(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{fill}\" fill-opacity=\"{opacity}\" stroke=\"{stroke}\"/>",
            px(x),
            px(y),
            px(radius)
        ));
    }

    /// A filled path.
    pub fn path(&mut self, path: &str, fill: &str, stroke: &str, width: f64) {
        self.push(format_args!(
            "<path d=\"{path}\" fill=\"{fill}\" fill-rule=\"evenodd\" stroke=\"{stroke}\" stroke-width=\"{}\" stroke-linejoin=\"round\"/>",
            px(width)
        ));
    }

    /// A text, its baseline at y.
    pub fn text(&mut self, x: f64, y: f64, text: &str, style: Style<'_>) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if style.strong { " font-weight=\"600\"" } else { "" };
        self.push(format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\"{anchor}{weight}>{}</text>",
            px(x),
            px(y),
            px(style.size),
            style.fill,
            escape(text)
        ));
    }

    /// Begins a group that is one thing to a screen reader, with a tooltip.
    pub fn begin_item(&mut self, label: &str) {
        let label = escape(label);
        self.push(format_args!("<g role=\"listitem\" aria-label=\"{label}\"><title>{label}</title>"));
    }

    /// Begins the list of items.
    pub fn begin_list(&mut self, label: &str) {
        self.push(format_args!("<g role=\"list\" aria-label=\"{}\">", escape(label)));
    }

    /// Ends a group.
    pub fn end(&mut self) {
        self.out.push_str("</g>");
    }

    /// The document.
    pub fn finish(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }
}

/// A length, with at most one decimal.
pub fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A text that cannot be mistaken for markup. Characters that XML forbids are left out.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// About how wide a text is: fonts are not known here, so an average of sans-serif letters.
pub fn width_of(text: &str, size: f64) -> f64 {
    let letter = |c: char| match c {
        'i' | 'l' | 'j' | 't' | 'f' | 'r' | '.' | ',' | '\'' | ' ' | '\u{202f}' | '\u{a0}' | 'I' => 0.32,
        'm' | 'w' | 'M' | 'W' | '%' => 0.88,
        c if c.is_uppercase() => 0.68,
        _ => 0.56,
    };
    text.chars().map(letter).sum::<f64>() * size
}

/// The text, cut with an ellipsis where it would be too wide.
pub fn fit(text: &str, size: f64, width: f64) -> String {
    if width_of(text, size) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if width_of(&out, size) + size > width {
            break;
        }
        out.push(c);
    }
    format!("{}…", out.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_mix_and_texts_stand_out() {
        assert_eq!(Colours::between("#000000", "#ffffff", 0.5), "#808080");
        assert_eq!(Colours::between("#fff", "#0b6fb0", 2.0), "#0b6fb0");
        assert_eq!(Colours::between("red", "#000", 0.5), "red");
        assert_eq!(
            (Colours::on("#ffffff"), Colours::on("#0b6fb0"), Colours::on("#cfe2f1")),
            ("#14171c", "#ffffff", "#14171c")
        );
    }

    #[test]
    fn texts_are_no_markup_and_fit_their_room() {
        assert_eq!(escape("<a href=\"x\">&\u{0}"), "&lt;a href=&quot;x&quot;&gt;&amp;");
        let cut = fit("Une très longue étiquette", 10.0, 60.0);
        assert!(cut.ends_with('…') && width_of(&cut, 10.0) <= 70.0, "{cut}");
        assert_eq!(fit("court", 10.0, 60.0), "court");
    }
}
