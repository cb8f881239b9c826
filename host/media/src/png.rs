//! SVG to PNG, without a browser.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use crate::MediaError;
use crate::sanitize::sanitize_svg;

/// Longest side of a PNG, in pixels.
pub const PNG_SIDE_PX_MAX: u32 = 4_096;

const FAMILY: &str = "DejaVu Sans";
const REGULAR: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/DejaVuSans-Bold.ttf");

/// DejaVu Sans, regular and bold, which stand for every family that a picture names. Read once: it takes milliseconds
/// and never changes.
static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(BOLD.to_vec());
    fonts.set_sans_serif_family(FAMILY);
    fonts.set_serif_family(FAMILY);
    fonts.set_monospace_family(FAMILY);
    fonts.set_cursive_family(FAMILY);
    fonts.set_fantasy_family(FAMILY);
    Arc::new(fonts)
});

/// Draws an SVG as PNG, on a transparent ground. `width_px` is the width of the result, the height follows; without it
/// the picture keeps its own size. Draws the sanitised picture: what [`sanitize_svg`] removes is not drawn.
pub fn svg_to_png(svg: &str, width_px: Option<u32>) -> Result<Vec<u8>, MediaError> {
    let safe = sanitize_svg(svg)?;
    let tree = usvg::Tree::from_str(&safe, &options()).map_err(render)?;
    let natural = tree.size();
    let scale = width_px.map_or(1.0, |width| width as f32 / natural.width());
    let height = (natural.height() * scale).ceil() as u32;
    let width = width_px.unwrap_or_else(|| natural.width().ceil() as u32);
    let is_sound = |side: u32| (1..=PNG_SIDE_PX_MAX).contains(&side);
    if !is_sound(width) || !is_sound(height) {
        return Err(MediaError::BadSize { width, height });
    }
    let mut pixels = Pixmap::new(width, height).ok_or(MediaError::BadSize { width, height })?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(render)
}

/// No folder to look into, and images resolved to nothing: the sanitiser leaves no reference, and this makes sure.
fn options() -> usvg::Options<'static> {
    usvg::Options {
        resources_dir: None,
        font_family: FAMILY.to_owned(),
        languages: vec!["fr".to_owned(), "en".to_owned()],
        fontdb: Arc::clone(&FONTS),
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    }
}

fn render(error: impl std::fmt::Display) -> MediaError {
    MediaError::Render(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10" fill="#f00"/></svg>"##;

    fn pixels(svg: &str, width_px: Option<u32>) -> Pixmap {
        Pixmap::decode_png(&svg_to_png(svg, width_px).unwrap()).unwrap()
    }

    #[test]
    fn a_picture_is_drawn_in_the_size_asked() {
        let natural = pixels(SQUARE, None);
        assert_eq!((natural.width(), natural.height()), (20, 10));
        let pixel = natural.pixel(10, 5).unwrap();
        assert_eq!((pixel.red(), pixel.green(), pixel.alpha()), (255, 0, 255));
        let large = pixels(SQUARE, Some(200));
        assert_eq!((large.width(), large.height()), (200, 100));
    }

    #[test]
    fn text_is_drawn_whatever_its_family() {
        for family in ["Inter, Arial", "sans-serif", "monospace"] {
            let svg = format!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="100" height="30"><text x="5" y="20" font-family="{family}">Évry</text></svg>"#
            );
            let drawn = pixels(&svg, None).pixels().iter().filter(|pixel| pixel.alpha() > 128).count();
            assert!(drawn > 50, "{family}: {drawn} pixels");
        }
    }

    #[test]
    fn a_size_out_of_bounds_is_refused() {
        for width in [0, PNG_SIDE_PX_MAX + 1] {
            let error = svg_to_png(SQUARE, Some(width)).unwrap_err();
            assert!(matches!(error, MediaError::BadSize { .. }), "{error}");
        }
        let tall = r#"<svg xmlns="http://www.w3.org/2000/svg" width="1" height="100000"/>"#;
        assert!(svg_to_png(tall, None).is_err());
    }

    #[test]
    fn files_of_this_machine_are_not_drawn() {
        let font = concat!(env!("CARGO_MANIFEST_DIR"), "/fonts/LICENSE");
        let svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><image width="20" height="10" href="{font}"/></svg>"#
        );
        assert!(pixels(&svg, None).pixels().iter().all(|pixel| pixel.alpha() == 0));
    }
}
