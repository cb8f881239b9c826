//! Addresses of small pictures: which picture, in which frame.

use halle_model::concept;
use halle_model::{Column, Dataset};
use serde_json::Value;

use super::is_web;
use crate::error::{DatasetsError, DatasetsResult};
use crate::pictures::{Fit, Frame};
use crate::service::attachments::ATTACHMENT;

/// Size of a small picture when the client does not say, in pixels.
pub(crate) const SIZE_DEFAULT_PX: (u32, u32) = (300, 200);

/// Longest side of a small picture, in pixels.
const SIDE_PX_MAX: u32 = 2_000;

/// What stands before the path of a row's attachment, to tell it from an address of the web.
const ATTACHMENTS: &str = "/attachments/";

/// A picture that a line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// On another server.
    Web(String),
    /// Among the files that came along with the rows.
    Attachment(String),
}

impl Source {
    /// What the last part of `/thumbnail/{hex}` names; `None` when it names nothing.
    pub(crate) fn of_hex(hex: &str) -> Option<Self> {
        let text = String::from_utf8(hex::decode(hex).ok()?).ok()?;
        match text.strip_prefix(ATTACHMENTS) {
            Some(path) => Some(Self::Attachment(path.to_owned())),
            None => is_web(&text).then_some(Self::Web(text)),
        }
    }
}

/// The column of pictures: of the concept `image`, else of attachments if the producer says that they are pictures.
pub(crate) fn picture_column<'a>(dataset: &Dataset, columns: &'a [Column]) -> Option<&'a Column> {
    let image = concept::by_id("image");
    let is_image = |column: &&Column| {
        let uri = column.refers_to.as_deref();
        image.is_some_and(|concept| uri.is_some_and(|uri| concept.identifiers.contains(&uri)))
    };
    let attached = dataset.description.get("attachmentsAsImage").and_then(Value::as_bool).unwrap_or(false);
    let is_attachment = |column: &&Column| attached && column.refers_to.as_deref() == Some(ATTACHMENT);
    columns.iter().find(is_image).or_else(|| columns.iter().find(is_attachment))
}

/// The address of the small picture of a line, below that of the dataset. `None` when the value is no picture.
pub(crate) fn address(column: &Column, value: &str, size_px: (u32, u32)) -> Option<String> {
    let named = if column.refers_to.as_deref() == Some(ATTACHMENT) {
        format!("{ATTACHMENTS}{value}")
    } else {
        Some(value.trim()).filter(|url| is_web(url))?.to_owned()
    };
    let (width, height) = size_px;
    Some(format!("/thumbnail/{}?width={width}&height={height}", hex::encode(named)))
}

/// `thumbnail=true` or `WxH`: the size in pixels; 400 for anything else.
pub(crate) fn size_px(text: &str) -> DatasetsResult<(u32, u32)> {
    if text == "true" {
        return Ok(SIZE_DEFAULT_PX);
    }
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let sound = sides.filter(|(width, height)| {
        let is_sound = |side: u32| (1..=SIDE_PX_MAX).contains(&side);
        is_sound(*width) && is_sound(*height)
    });
    sound.ok_or_else(|| {
        DatasetsError::BadRequest(format!(
            "Le paramètre \"thumbnail\" vaut \"true\" ou largeur et hauteur en pixels, comme \"300x200\", au plus {SIDE_PX_MAX}, pas \"{text}\"."
        ))
    })
}

/// The frame that `width`, `height`, `fit` and `position` ask for. Without `fit`, the dataset's own way:
/// `thumbnails.resizeMode`. 400 names the parameter.
pub(crate) fn frame<'p>(dataset: &Dataset, get: impl Fn(&str) -> Option<&'p str>) -> DatasetsResult<Frame> {
    let side = |name: &str, default: u32| match get(name) {
        None => Ok(default),
        Some(text) => text.parse().ok().filter(|side| (1..=SIDE_PX_MAX).contains(side)).ok_or_else(|| {
            DatasetsError::BadRequest(format!(
                "Le paramètre \"{name}\" est un nombre de pixels de 1 à {SIDE_PX_MAX}, pas \"{text}\"."
            ))
        }),
    };
    let mode = dataset.description.get("thumbnails").and_then(|thumbnails| thumbnails["resizeMode"].as_str());
    let fit = match get("fit") {
        None if mode == Some("fitIn") => Fit::Inside,
        None | Some("cover") => Fit::Cover,
        Some("contain") => Fit::Contain,
        Some("fill") => Fit::Fill,
        Some("inside") => Fit::Inside,
        Some("outside") => Fit::Outside,
        Some(other) => {
            let among = "cover, contain, fill, inside, outside";
            let message = format!("Le paramètre \"fit\" ne connaît pas \"{other}\". Au choix : {among}.");
            return Err(DatasetsError::BadRequest(message));
        }
    };
    Ok(Frame {
        width_px: side("width", SIZE_DEFAULT_PX.0)?,
        height_px: side("height", SIZE_DEFAULT_PX.1)?,
        fit,
        anchor_percent: anchor(get("position").unwrap_or("center")),
    })
}

/// Which part stays, in words such as `top`, `right bottom`; the middle for what is no place (`entropy`, `attention`).
fn anchor(position: &str) -> (u8, u8) {
    let has = |words: [&str; 2]| position.split(' ').any(|word| words.contains(&word));
    let along = |low, high| match (has(low), has(high)) {
        (true, false) => 0,
        (false, true) => 100,
        _ => 50,
    };
    (along(["left", "west"], ["right", "east"]), along(["top", "north"], ["bottom", "south"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use halle_model::ColumnKind;

    #[test]
    fn an_address_names_the_picture_again() {
        let mut column = Column::new("photo", ColumnKind::Text);
        let address_of = |column: &Column, value: &str| {
            let address = address(column, value, (30, 20))?;
            let hex = address.strip_prefix("/thumbnail/")?.strip_suffix("?width=30&height=20")?.to_owned();
            Source::of_hex(&hex)
        };
        let url = "https://example.org/é.png";
        assert_eq!(address_of(&column, url), Some(Source::Web(url.to_owned())));
        assert_eq!(address_of(&column, "file:///etc/passwd"), None);
        column.refers_to = Some(ATTACHMENT.to_owned());
        assert_eq!(address_of(&column, "a/b.png"), Some(Source::Attachment("a/b.png".to_owned())));
        for nothing in ["zz", "6", "ff", &hex::encode("ftp://a")] {
            assert_eq!(Source::of_hex(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn sizes_and_places_are_read() {
        assert_eq!(size_px("true").unwrap(), SIZE_DEFAULT_PX);
        assert_eq!(size_px("40x30").unwrap(), (40, 30));
        for wrong in ["40", "0x3", "3x9999", "axb"] {
            assert!(size_px(wrong).unwrap_err().to_string().contains("\"thumbnail\""), "{wrong}");
        }
        assert_eq!(
            (anchor("center"), anchor("top"), anchor("right bottom"), anchor("northwest")),
            ((50, 50), (50, 0), (100, 100), (50, 50))
        );
    }
}
