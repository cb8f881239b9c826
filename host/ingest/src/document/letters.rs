//! Letters by their names: the glyphs of PDF fonts (`eacute`, `circumflex` accents) and the entities of HTML (`ecirc`).

/// Letters with an accent: its names in both lists, then pairs of plain letter and letter with it.
const ACCENTS: &[(&[&str], &str)] = &[
    (&["acute"], "aáeéiíoóuúyýcćnńsśzźlĺrŕAÁEÉIÍOÓUÚYÝCĆNŃSŚZŹLĹRŔ"),
    (&["grave"], "aàeèiìoòuùnǹAÀEÈIÌOÒUÙNǸ"),
    (&["circumflex", "circ"], "aâeêiîoôuûcĉgĝhĥjĵsŝwŵyŷAÂEÊIÎOÔUÛCĈGĜHĤJĴSŜWŴYŶ"),
    (&["dieresis", "uml"], "aäeëiïoöuüyÿAÄEËIÏOÖUÜYŸ"),
    (&["tilde"], "aãnñoõiĩuũAÃNÑOÕIĨUŨ"),
    (&["cedilla", "cedil"], "cçsşAÇCÇSŞ"),
    (&["ring"], "aåuůAÅUŮ"),
    (&["slash"], "oøOØ"),
    (&["caron"], "cčdďeěnňrřsštťzžCČDĎEĚNŇRŘSŠTŤZŽ"),
];

/// Other names, of either list.
const NAMES: &[(&str, &str)] = &[
    ("space", " "),
    ("nbsp", " "),
    ("nbspace", " "),
    ("exclam", "!"),
    ("quotedbl", "\""),
    ("quot", "\""),
    ("numbersign", "#"),
    ("dollar", "$"),
    ("percent", "%"),
    ("ampersand", "&"),
    ("amp", "&"),
    ("quotesingle", "'"),
    ("apos", "'"),
    ("quoteright", "’"),
    ("rsquo", "’"),
    ("quoteleft", "‘"),
    ("lsquo", "‘"),
    ("quotedblleft", "“"),
    ("ldquo", "“"),
    ("quotedblright", "”"),
    ("rdquo", "”"),
    ("quotesinglbase", "‚"),
    ("quotedblbase", "„"),
    ("parenleft", "("),
    ("parenright", ")"),
    ("asterisk", "*"),
    ("plus", "+"),
    ("comma", ","),
    ("hyphen", "-"),
    ("minus", "-"),
    ("period", "."),
    ("slash", "/"),
    ("zero", "0"),
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("colon", ":"),
    ("semicolon", ";"),
    ("less", "<"),
    ("lt", "<"),
    ("equal", "="),
    ("greater", ">"),
    ("gt", ">"),
    ("question", "?"),
    ("at", "@"),
    ("bracketleft", "["),
    ("backslash", "\\"),
    ("bracketright", "]"),
    ("underscore", "_"),
    ("braceleft", "{"),
    ("bar", "|"),
    ("braceright", "}"),
    ("guillemotleft", "«"),
    ("laquo", "«"),
    ("guillemotright", "»"),
    ("raquo", "»"),
    ("bullet", "•"),
    ("bull", "•"),
    ("ellipsis", "…"),
    ("hellip", "…"),
    ("endash", "–"),
    ("ndash", "–"),
    ("emdash", "—"),
    ("mdash", "—"),
    ("euro", "€"),
    ("Euro", "€"),
    ("degree", "°"),
    ("deg", "°"),
    ("section", "§"),
    ("sect", "§"),
    ("copyright", "©"),
    ("copy", "©"),
    ("registered", "®"),
    ("reg", "®"),
    ("trademark", "™"),
    ("periodcentered", "·"),
    ("middot", "·"),
    ("onesuperior", "¹"),
    ("twosuperior", "²"),
    ("sup2", "²"),
    ("threesuperior", "³"),
    ("ordmasculine", "º"),
    ("ordfeminine", "ª"),
    ("germandbls", "ß"),
    ("szlig", "ß"),
    ("ae", "æ"),
    ("aelig", "æ"),
    ("AE", "Æ"),
    ("AElig", "Æ"),
    ("oe", "œ"),
    ("oelig", "œ"),
    ("OE", "Œ"),
    ("OElig", "Œ"),
    ("dotlessi", "ı"),
    ("fi", "fi"),
    ("fl", "fl"),
    ("ff", "ff"),
    ("ffi", "ffi"),
    ("ffl", "ffl"),
    ("f_i", "fi"),
    ("f_l", "fl"),
    ("f_f", "ff"),
    ("f_f_i", "ffi"),
    ("f_f_l", "ffl"),
];

/// The text of a name; `None` for one that no list has.
pub(super) fn by_name(name: &str) -> Option<String> {
    let mut characters = name.chars();
    if let (Some(only), None) = (characters.next(), characters.next()) {
        return Some(only.to_string());
    }
    if let Some((_, text)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some((*text).to_owned());
    }
    accented(name).map(String::from).or_else(|| by_code(name))
}

/// `eacute`: a letter, then the name of its accent.
fn accented(name: &str) -> Option<char> {
    let letter = name.chars().next()?;
    let accent = &name[letter.len_utf8()..];
    let (_, pairs) = ACCENTS.iter().find(|(names, _)| names.contains(&accent))?;
    let mut pairs = pairs.chars();
    while let (Some(plain), Some(with)) = (pairs.next(), pairs.next()) {
        if plain == letter {
            return Some(with);
        }
    }
    None
}

/// `uni00E9`, `u1F600`, what comes after a point (`a.sc`) left out.
fn by_code(name: &str) -> Option<String> {
    let name = name.split('.').next().unwrap_or(name);
    let digits = name.strip_prefix("uni").or_else(|| name.strip_prefix('u'))?;
    if !(4..=6).contains(&digits.len()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_names() {
        for (name, text) in [
            ("a", "a"),
            ("eacute", "é"),
            ("Ecircumflex", "Ê"),
            ("ocirc", "ô"),
            ("iuml", "ï"),
            ("ccedil", "ç"),
            ("Ccedilla", "Ç"),
            ("ffi", "ffi"),
            ("uni00E8", "è"),
            ("slash", "/"),
            ("oslash", "ø"),
        ] {
            assert_eq!(by_name(name).as_deref(), Some(text), "{name}");
        }
        for nothing in ["", "g123", "uniXYZW", "éacute", "uniD800"] {
            assert_eq!(by_name(nothing), None, "{nothing}");
        }
    }
}
