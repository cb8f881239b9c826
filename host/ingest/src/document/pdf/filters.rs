//! What streams are packed in.

use std::io::Read;

use flate2::read::{DeflateDecoder, ZlibDecoder};

use super::Budget;
use super::lexer::{Dict, Object, is_white};
use crate::error::IngestResult;

/// Filters one after the other.
const FILTERS_MAX: usize = 4;

/// A stream unpacked; `None` when it is a picture, or packed in a way that is not read.
pub(super) fn unpacked(dict: &Dict, data: &[u8], budget: &mut Budget) -> IngestResult<Option<Vec<u8>>> {
    let list = |object: Option<&Object>| match object {
        Some(Object::Array(items)) => items.clone(),
        Some(item) => vec![item.clone()],
        None => Vec::new(),
    };
    let filters = list(dict.get("Filter").or_else(|| dict.get("F")));
    let parameters = list(dict.get("DecodeParms").or_else(|| dict.get("DP")));
    if filters.len() > FILTERS_MAX {
        return Ok(None);
    }
    let mut data = std::borrow::Cow::Borrowed(data);
    for (index, filter) in filters.iter().enumerate() {
        let out = match filter.as_name() {
            Some("FlateDecode" | "Fl") => inflated(&data, budget),
            Some("ASCIIHexDecode" | "AHx") => hex(&data),
            Some("ASCII85Decode" | "A85") => ascii_85(&data),
            Some("RunLengthDecode" | "RL") => runs(&data, budget)?,
            _ => return Ok(None),
        };
        budget.take(out.len())?;
        let predicted = match parameters.get(index) {
            Some(Object::Dict(parameters)) => unpredicted(parameters, out),
            _ => Some(out),
        };
        let Some(out) = predicted else { return Ok(None) };
        data = out.into();
    }
    Ok(Some(data.into_owned()))
}

/// What a decompressor gives, up to what is left of the budget and one byte more; what comes before an error counts.
fn inflated(data: &[u8], budget: &Budget) -> Vec<u8> {
    let limit = budget.bytes as u64 + 1;
    let mut out = Vec::new();
    // A stream that ends too early, or has a wrong sum, has what it has.
    let _ = ZlibDecoder::new(data).take(limit).read_to_end(&mut out);
    if out.is_empty() && data.len() > 2 {
        let _ = DeflateDecoder::new(&data[2..]).take(limit).read_to_end(&mut out);
    }
    out
}

/// Bytes written as two digits each; a last digit alone counts as the first of two.
pub(super) fn hex(data: &[u8]) -> Vec<u8> {
    let digits = data.iter().take_while(|byte| **byte != b'>');
    let digits: Vec<u8> =
        digits.filter_map(|byte| char::from(*byte).to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|two| two[0] << 4 | two.get(1).unwrap_or(&0)).collect()
}

fn ascii_85(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut group: Vec<u32> = Vec::with_capacity(5);
    let put = |group: &[u32], out: &mut Vec<u8>| {
        let digit = |at: usize| group.get(at).copied().unwrap_or(84);
        let value = (0..5).fold(0_u32, |value, at| value.wrapping_mul(85).wrapping_add(digit(at)));
        out.extend_from_slice(&value.to_be_bytes()[..group.len().saturating_sub(1)]);
    };
    for &byte in data.iter().filter(|byte| !is_white(**byte)) {
        match byte {
            b'~' => break,
            b'z' if group.is_empty() => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => {
                group.push(u32::from(byte - b'!'));
                if group.len() == 5 {
                    put(&group, &mut out);
                    group.clear();
                }
            }
            _ => {}
        }
    }
    put(&group, &mut out);
    out
}

fn runs(data: &[u8], budget: &mut Budget) -> IngestResult<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = data;
    while let Some((&length, after)) = rest.split_first() {
        budget.step()?;
        match length {
            128 => break,
            0..=127 => {
                let (copied, after) = after.split_at(after.len().min(usize::from(length) + 1));
                out.extend_from_slice(copied);
                rest = after;
            }
            _ => {
                let Some((&byte, after)) = after.split_first() else { break };
                out.resize(out.len() + 257 - usize::from(length), byte);
                rest = after;
            }
        }
        if out.len() > budget.bytes {
            break;
        }
    }
    Ok(out)
}

/// Takes back the predictor of PNG; `None` for another.
fn unpredicted(parameters: &Dict, data: Vec<u8>) -> Option<Vec<u8>> {
    let predictor = parameters.number("Predictor").unwrap_or(1.0);
    if predictor < 2.0 {
        return Some(data);
    }
    let whole =
        |name: &str, default: f64| parameters.number(name).unwrap_or(default).clamp(1.0, 65_536.0) as usize;
    let bits = whole("Colors", 1.0).checked_mul(whole("BitsPerComponent", 8.0))?;
    let (pixel, row_bytes) = (bits.div_ceil(8), bits.checked_mul(whole("Columns", 1.0))?.div_ceil(8));
    if predictor < 10.0 || row_bytes > data.len() {
        return None;
    }
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    let mut above = vec![0_u8; row_bytes];
    for row in data.chunks(row_bytes + 1) {
        let (&kind, row) = row.split_first()?;
        let mut current = row.to_vec();
        for at in 0..current.len() {
            let left = if at >= pixel { current[at - pixel] } else { 0 };
            let corner = if at >= pixel { above[at - pixel] } else { 0 };
            let add = match kind {
                1 => left,
                2 => above[at],
                3 => u16::midpoint(u16::from(left), u16::from(above[at])) as u8,
                4 => paeth(left, above[at], corner),
                _ => 0,
            };
            current[at] = current[at].wrapping_add(add);
        }
        out.extend_from_slice(&current);
        current.resize(row_bytes, 0);
        above = current;
    }
    Some(out)
}

/// The neighbour nearest to what the three of them foretell.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(corner));
    let expected = a + b - c;
    let distance = |value: i16| (expected - value).abs();
    if distance(a) <= distance(b) && distance(a) <= distance(c) {
        left
    } else if distance(b) <= distance(c) {
        above
    } else {
        corner
    }
}
