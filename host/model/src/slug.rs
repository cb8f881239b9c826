//! Slugs as Data Fair makes them: lower case, ASCII, strict.

/// Longest slug, in bytes.
pub const SLUG_BYTES_MAX: usize = 150;

/// Slug of a title, with `-` between words. Never empty.
pub fn title_slug(title: &str) -> String {
    let slug = slugify(title, '-');
    if slug.is_empty() { "sans-titre".to_owned() } else { slug }
}

/// Key of a column, from its header: like a slug, with `_`. Empty when the header has no letter or digit.
pub fn column_key(header: &str) -> String {
    slugify(header, '_')
}

/// Folds text for search and sort: lower case, no diacritics, single spaces.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        for c in word.chars() {
            if c.is_ascii() {
                folded.push(c.to_ascii_lowercase());
            } else if c.is_alphabetic() {
                folded.push_str(&deunicode::deunicode_char(c).unwrap_or("").to_lowercase());
            } else {
                folded.push(c);
            }
        }
    }
    folded
}

/// Lower-cases, removes diacritics and symbols, joins words with `separator`. `>`, `<`, `&`, `%`, `$` and `€` become
/// words, as in Data Fair (`Superficie >100 m2` gives `superficie_greater100_m2`).
fn slugify(text: &str, separator: char) -> String {
    let mut slug = String::with_capacity(text.len());
    let mut pending = false;
    for c in text.trim().chars() {
        let word = symbol_word(c);
        if word.is_none() && (c.is_whitespace() || c == '-' || c == '_') {
            pending = !slug.is_empty();
            continue;
        }
        let letter = || if c.is_alphanumeric() { deunicode::deunicode_char(c).unwrap_or("") } else { "" };
        let ascii = word.unwrap_or_else(letter);
        for c in ascii.chars().filter(char::is_ascii_alphanumeric) {
            if std::mem::take(&mut pending) {
                slug.push(separator);
            }
            slug.push(c.to_ascii_lowercase());
        }
        if slug.len() >= SLUG_BYTES_MAX {
            break;
        }
    }
    slug
}

fn symbol_word(c: char) -> Option<&'static str> {
    Some(match c {
        '>' => "greater",
        '<' => "less",
        '&' => "and",
        '%' => "percent",
        '$' => "dollar",
        '€' => "euro",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_get_the_keys_that_data_fair_gives() {
        for (header, key) in [
            ("Superficie des logements >100 m2", "superficie_des_logements_greater100_m2"),
            ("Groupe d'aliment", "groupe_daliment"),
            (r#"This key has "escaped quotes" in it"#, "this_key_has_escaped_quotes_in_it"),
            ("Région", "region"),
            ("  ", ""),
            ("Code_postal_(BAN)", "code_postal_ban"),
        ] {
            assert_eq!(column_key(header), key, "{header:?}");
        }
    }

    #[test]
    fn titles_get_the_slugs_that_data_fair_gives() {
        assert_eq!(title_slug("1 Réponse N° 1"), "1-reponse-n-1");
        assert_eq!(title_slug("—"), "sans-titre");
    }
}
