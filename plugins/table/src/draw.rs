//! The picture: as many lines as there is room for.

use drawing::svg::{Anchor, Colours, Style, Svg, fit, width_of};
use drawing::{Frame, MARGIN};

use crate::Shown;

/// Pixels between two columns.
const GAP: f64 = 18.0;

/// Draws the lines, which are some.
pub fn draw(frame: &Frame, lines: usize, columns: &[Shown], alt: &str) -> String {
    let (mut svg, top) = frame.begin(alt);
    let small = frame.small();
    let row = small * 1.9;
    let fitting = |bottom: f64| (((bottom - top) / row) as usize).saturating_sub(1).max(1);
    let whole = frame.height - MARGIN / 2.0;
    // The note about the lines that do not fit has a line of its own.
    let count = if lines > fitting(whole) { fitting(whole - small * 1.6) } else { lines };
    let widths = widths(frame, columns, count);
    let line = |index: usize| top + row * (index as f64 + 1.0);
    svg.rect(
        [MARGIN, top, frame.width - 2.0 * MARGIN, row],
        4.0,
        &Colours::between(&frame.colours.background, &frame.colours.primary, 0.14),
    );
    let mut x = MARGIN + GAP / 2.0;
    for (column, width) in columns.iter().zip(&widths) {
        let header = Style { strong: true, ..frame.plain(anchor(column)) };
        text(&mut svg, column, &column.title, [x, top + row * 0.66], *width, header);
        x += width + GAP;
    }
    svg.begin_list(&frame.title);
    for index in 0..count {
        svg.begin_item(&told(columns, index));
        if index % 2 == 1 {
            let back = Colours::between(&frame.colours.background, &frame.colours.grid, 0.45);
            svg.rect([MARGIN, line(index), frame.width - 2.0 * MARGIN, row], 0.0, &back);
        }
        let mut x = MARGIN + GAP / 2.0;
        for (column, width) in columns.iter().zip(&widths) {
            if let Some(bars) = &column.bars {
                let back = Colours::between(&frame.colours.background, &frame.colours.primary, 0.3);
                let length = (width * bars[index]).max(1.0);
                svg.rect([x + width - length, line(index) + row * 0.12, length, row * 0.76], 2.0, &back);
            }
            let style = frame.plain(anchor(column));
            text(&mut svg, column, &column.cells[index], [x, line(index) + row * 0.66], *width, style);
            x += width + GAP;
        }
        svg.end();
    }
    svg.end();
    if lines > count {
        let note = frame.locale.pick("autres lignes dans le tableau", "more lines in the table");
        let text = format!("+ {} {note}", lines - count);
        svg.text(MARGIN + GAP / 2.0, line(count) + small * 1.3, &text, frame.muted(Anchor::Start));
    }
    svg.finish()
}

/// A line, told in words.
fn told(columns: &[Shown], index: usize) -> String {
    let cells = columns.iter().filter(|column| !column.cells[index].is_empty());
    let cells: Vec<String> =
        cells.map(|column| format!("{} {}", column.title, column.cells[index])).collect();
    cells.join(" · ")
}

fn anchor(column: &Shown) -> Anchor {
    if column.is_number { Anchor::End } else { Anchor::Start }
}

fn text(svg: &mut Svg, column: &Shown, text: &str, [x, y]: [f64; 2], width: f64, style: Style<'_>) {
    let at = if column.is_number { x + width - 3.0 } else { x };
    svg.text(at, y, &fit(text, style.size, width), style);
}

/// Pixels of each column: what its texts want, less from the widest where that is too much.
fn widths(frame: &Frame, columns: &[Shown], count: usize) -> Vec<f64> {
    let small = frame.small();
    let wanted = |column: &Shown| {
        let cells = column.cells[..count].iter().map(|cell| width_of(cell, small) + 6.0);
        let least = if column.bars.is_some() { small * 8.0 } else { small * 2.0 };
        cells.fold(width_of(&column.title, small * 1.08), f64::max).max(least)
    };
    let mut widths: Vec<f64> = columns.iter().map(wanted).collect();
    let room = frame.width - 2.0 * MARGIN - GAP * columns.len() as f64;
    let mut cap = room;
    // Halving the excess over a common cap converges in a few steps.
    for _ in 0..40 {
        let total: f64 = widths.iter().map(|width| width.min(cap)).sum();
        if total <= room {
            break;
        }
        cap *= 0.93;
    }
    widths.iter_mut().for_each(|width| *width = width.min(cap));
    let left = (room - widths.iter().sum::<f64>()).max(0.0) / columns.len() as f64;
    widths.iter().map(|width| width + left).collect()
}
