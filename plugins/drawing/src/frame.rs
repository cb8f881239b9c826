//! What surrounds every picture: background, title, what is shown.

use halle_plugin::visualisation::Context;

use crate::locale::Locale;
use crate::svg::{Anchor, Colours, Style, Svg, fit};

/// Room around everything, in pixels.
pub const MARGIN: f64 = 24.0;

/// Sizes, colours and words of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Title.
    pub title: String,
    /// What is shown, below the title: the measure with its unit.
    pub subtitle: String,
    /// Language.
    pub locale: Locale,
    /// Colours.
    pub colours: Colours,
    /// Pixels.
    pub width: f64,
    /// Pixels.
    pub height: f64,
}

impl Frame {
    /// A frame without texts, as large as the context wants, within reason.
    pub fn new(context: &Context) -> Self {
        Self {
            title: String::new(),
            subtitle: String::new(),
            locale: Locale::of(&context.locale),
            colours: Colours::of(&context.theme),
            width: f64::from(context.width.clamp(240, 4_000)),
            height: f64::from(context.height.clamp(160, 4_000)),
        }
    }

    /// The same, with these texts.
    #[must_use]
    pub fn titled(mut self, title: String, subtitle: String) -> Self {
        self.title = title;
        self.subtitle = subtitle;
        self
    }

    /// Begins the picture: background, title, subtitle; `alt` is what a person who does not see it is told. Returns it with
    /// the height that is taken.
    pub fn begin(&self, alt: &str) -> (Svg, f64) {
        let mut svg = Svg::new(self.width, self.height, &self.title, alt, &self.colours);
        let title_size = (self.width / 38.0).clamp(14.0, 24.0);
        let small = self.small();
        let title = Style { size: title_size, fill: &self.colours.text, anchor: Anchor::Start, strong: true };
        let room = self.width - 2.0 * MARGIN;
        svg.text(MARGIN, MARGIN + title_size * 0.8, &fit(&self.title, title_size, room), title);
        if self.subtitle.is_empty() {
            return (svg, MARGIN + title_size * 0.8 + small);
        }
        let below = MARGIN + title_size * 0.8 + small * 1.7;
        svg.text(MARGIN, below, &fit(&self.subtitle, small, room), self.muted(Anchor::Start));
        (svg, below + small * 1.2)
    }

    /// The size of small texts, in pixels.
    pub fn small(&self) -> f64 {
        (self.width / 62.0).clamp(10.0, 14.0)
    }

    /// Axis labels and notes.
    pub fn muted(&self, anchor: Anchor) -> Style<'_> {
        Style { size: self.small(), fill: &self.colours.muted, anchor, strong: false }
    }

    /// Names and values.
    pub fn plain(&self, anchor: Anchor) -> Style<'_> {
        Style { size: self.small(), fill: &self.colours.text, anchor, strong: false }
    }

    /// The picture when there is nothing to draw.
    pub fn empty(&self, alt: &str) -> String {
        let (mut svg, top) = self.begin(alt);
        let text = self.no_data();
        svg.text(self.width / 2.0, f64::midpoint(top, self.height), text, self.muted(Anchor::Middle));
        svg.finish()
    }

    /// Says that there is nothing.
    pub fn no_data(&self) -> &'static str {
        self.locale.pick("Aucune donnée", "No data")
    }
}
