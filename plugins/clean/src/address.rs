//! Postal addresses on one line: case, spacing and abbreviations, as the national address base writes them
//! (`12 bis Rue de la République 35000 Rennes`).
//!
//! - Runs of spaces and line ends become one space; a comma keeps one space after it and none before; the comma after the
//!   number goes.
//! - `12bis` becomes `12 bis`, `12B` becomes `12 B`.
//! - Street types are expanded where a street type stands: in the first word that is not a number (`av.` → `Avenue`).
//!   Anywhere else only `St` and `Ste` are (`Saint`, `Sainte`).
//! - Words in capitals or in small letters get a capital, small words (`de`, `la`, `sur`...) none. Words in mixed case are
//!   kept, as are Roman numerals, road numbers (`D123`), `BP`, `CS`, `TSA`, `CEDEX`, `ZA`, `ZAC` and `ZI`.
//!
//! Nothing is looked up: whether the street exists is for a geocoder to say.

use crate::Cleaned;

/// Abbreviations of street types, without their dot, and what they stand for.
const TYPES: [(&str, &str); 38] = [
    ("all", "Allée"),
    ("av", "Avenue"),
    ("ave", "Avenue"),
    ("bd", "Boulevard"),
    ("bld", "Boulevard"),
    ("blvd", "Boulevard"),
    ("boul", "Boulevard"),
    ("bvd", "Boulevard"),
    ("car", "Carrefour"),
    ("ch", "Chemin"),
    ("che", "Chemin"),
    ("chem", "Chemin"),
    ("chs", "Chaussée"),
    ("cité", "Cité"),
    ("crs", "Cours"),
    ("dom", "Domaine"),
    ("esp", "Esplanade"),
    ("fbg", "Faubourg"),
    ("fg", "Faubourg"),
    ("ham", "Hameau"),
    ("imp", "Impasse"),
    ("ld", "Lieu-dit"),
    ("lot", "Lotissement"),
    ("mte", "Montée"),
    ("pas", "Passage"),
    ("pass", "Passage"),
    ("pl", "Place"),
    ("prom", "Promenade"),
    ("qu", "Quai"),
    ("r", "Rue"),
    ("res", "Résidence"),
    ("rés", "Résidence"),
    ("rpt", "Rond-Point"),
    ("rte", "Route"),
    ("rle", "Ruelle"),
    ("sen", "Sentier"),
    ("sq", "Square"),
    ("trav", "Traverse"),
];
/// Words without a capital, but for the first of a street.
const SMALL_WORDS: [&str; 19] = [
    "à", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "lès", "lez", "ou", "par",
    "sous", "sur",
];
/// Words in capitals.
const CAPITALS: [&str; 9] = ["BP", "CEDEX", "CS", "TSA", "ZA", "ZAC", "ZAE", "ZI", "ZUP"];
/// What repeats a number, in small letters.
const REPEATS: [&str; 4] = ["bis", "ter", "quater", "quinquies"];

/// The address.
pub fn normalise(written: &str) -> Cleaned<String> {
    if !written.chars().any(char::is_alphabetic) {
        return Err("pas de nom de voie");
    }
    if written.contains('@') {
        return Err("adresse électronique, pas postale");
    }
    let mut line = String::with_capacity(written.len() + 16);
    // Whether the street type is still to come: only numbers have been seen.
    let mut is_before_type = true;
    for word in words(written) {
        if word == "," {
            if !line.is_empty() && !is_before_type && !line.ends_with(',') {
                line.push(',');
            }
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        if is_before_type && is_number(&word) {
            push_number(&mut line, &word);
        } else if is_before_type && !line.is_empty() && is_repeat(&word) {
            push_repeat(&mut line, &word);
        } else {
            line.push_str(&in_street(&word, is_before_type));
            is_before_type = false;
        }
    }
    line.truncate(line.trim_end_matches([',', ' ']).len());
    if is_before_type { Err("pas de nom de voie") } else { Ok(line) }
}

/// Words, and commas as words of their own.
fn words(written: &str) -> Vec<String> {
    let spaced = written.replace(',', " , ").replace('\u{2019}', "'").replace('\u{200b}', "");
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// Whether a word is a number of a street: digits, then at most a letter or a repetition (`12`, `12-14`, `12B`, `12bis`).
fn is_number(word: &str) -> bool {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '/'));
    word.starts_with(|c: char| c.is_ascii_digit()) && (rest.is_empty() || is_repeat(rest))
}

fn is_repeat(word: &str) -> bool {
    let lower = word.to_lowercase();
    // `R` and `L` begin streets: `12 R Pasteur`, `12 L'Orée`.
    REPEATS.contains(&lower.as_str()) || matches!(lower.as_bytes(), [b'a'..=b'h'])
}

fn push_number(line: &mut String, word: &str) {
    let digits = word.trim_end_matches(char::is_alphabetic);
    line.push_str(digits);
    if digits.len() < word.len() {
        line.push(' ');
        push_repeat(line, &word[digits.len()..]);
    }
}

fn push_repeat(line: &mut String, word: &str) {
    let is_letter = word.chars().count() == 1;
    line.push_str(&if is_letter { word.to_uppercase() } else { word.to_lowercase() });
}

/// A word of the name of a street, of a place or of a town.
fn in_street(word: &str, is_type: bool) -> String {
    let bare = word.strip_suffix('.').unwrap_or(word).to_lowercase();
    if is_type && let Some((_, whole)) = TYPES.iter().find(|(short, _)| *short == bare) {
        return (*whole).to_owned();
    }
    match bare.as_str() {
        "st" => return "Saint".to_owned(),
        "ste" => return "Sainte".to_owned(),
        _ => {}
    }
    let mut parts = word.split('-').enumerate().map(|(at, part)| {
        let has_more = word.len() > part.len();
        match part.to_lowercase().as_str() {
            "st" if has_more => "Saint".to_owned(),
            "ste" if has_more => "Sainte".to_owned(),
            _ => apostrophes(part, is_type && at == 0),
        }
    });
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |joined, part| joined + "-" + &part)
}

/// `L'ORÉE` as `l'Orée`, or `L'Orée` when it comes first.
fn apostrophes(word: &str, is_first: bool) -> String {
    let mut parts = word.split('\'').enumerate().map(|(at, part)| cased(part, is_first && at == 0));
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |joined, part| joined + "'" + &part)
}

fn cased(word: &str, is_first: bool) -> String {
    let (lower, upper) = (word.to_lowercase(), word.to_uppercase());
    if CAPITALS.contains(&upper.as_str()) || is_road(&upper) {
        return upper;
    }
    if SMALL_WORDS.contains(&lower.as_str()) && !is_first {
        return lower;
    }
    let is_roman = word.len() >= 2 && word.bytes().all(|byte| b"IVX".contains(&byte));
    if is_roman || (word != lower && word != upper) {
        return word.to_owned();
    }
    let mut chars = lower.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Whether a word is the number of a road: `D123`, `RN7`.
fn is_road(upper: &str) -> bool {
    let digits = upper.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let letters = &upper[..upper.len() - digits.len()];
    matches!(letters, "A" | "C" | "D" | "N" | "RD" | "RN")
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_one_form() {
        for (written, address) in [
            ("12 rue de la république", "12 Rue de la République"),
            ("12, RUE DE LA RÉPUBLIQUE", "12 Rue de la République"),
            ("12bis  av. du Gal   Leclerc", "12 bis Avenue du Gal Leclerc"),
            ("12 BIS AV DE L'EUROPE", "12 bis Avenue de l'Europe"),
            ("3B bd St-Michel , 75005 PARIS", "3 B Boulevard Saint-Michel, 75005 Paris"),
            ("3 b r. d\u{2019}Alésia", "3 B Rue d'Alésia"),
            ("1-3 pl ste anne\n35000 RENNES CEDEX 7", "1-3 Place Sainte Anne 35000 Rennes CEDEX 7"),
            ("ZA DE L'ORÉE RD12", "ZA de l'Orée RD12"),
            ("LE BOURG", "Le Bourg"),
            ("l'hermitage", "L'Hermitage"),
            ("8 quai LOUIS XIV", "8 Quai Louis XIV"),
            ("5 Rue McAuliffe", "5 Rue McAuliffe"),
            ("4 imp des st-pères bp 123", "4 Impasse des Saint-Pères BP 123"),
            ("rue du 8 mai 1945", "Rue du 8 Mai 1945"),
            ("7 allée A. Camus", "7 Allée A. Camus"),
            ("10 rue de Ménil-sur-Saulx,", "10 Rue de Ménil-sur-Saulx"),
        ] {
            assert_eq!(normalise(written).as_deref(), Ok(address), "{written}");
            assert_eq!(normalise(address).as_deref(), Ok(address), "a clean address is left as it is");
        }
    }

    #[test]
    fn reasons_say_what_is_wrong() {
        for written in ["12", "35000", "12 bis", "12, B", "-"] {
            assert_eq!(normalise(written), Err("pas de nom de voie"), "{written}");
        }
        assert_eq!(normalise("a@b.fr"), Err("adresse électronique, pas postale"));
    }
}
