//! E-mail addresses: `local@domain`, the domain in lower case.
//!
//! The local part is left as it is, since only its own server says whether case matters there. Left out: `mailto:`, what is
//! after `?` there, the angle brackets around an address and the name before them. Syntax: an unquoted local part (RFC 5322
//! dot-atom, at most 64 bytes), a domain of at least two labels of letters, digits and hyphens, 254 bytes in all.

use crate::Cleaned;

/// Bytes of an address (RFC 5321 §4.5.3.1.3, without the brackets).
const ADDRESS_BYTES_MAX: usize = 254;
/// Bytes of the part before `@`.
const LOCAL_BYTES_MAX: usize = 64;
/// Bytes of a label of a domain.
const LABEL_BYTES_MAX: usize = 63;

/// The address.
pub fn normalise(written: &str) -> Cleaned<String> {
    let bare = bare(written);
    if bare.contains([';', ',', '/']) || bare.matches('@').count() > 1 {
        return Err("plusieurs adresses, ou une virgule");
    }
    let (local, domain) = bare.split_once('@').ok_or("pas de @")?;
    if bare.contains(char::is_whitespace) {
        return Err("espace dans l'adresse");
    }
    if bare.len() > ADDRESS_BYTES_MAX || local.len() > LOCAL_BYTES_MAX {
        return Err("adresse trop longue");
    }
    check_local(local)?;
    let domain = domain.strip_suffix('.').unwrap_or(domain).to_lowercase();
    check_domain(&domain)?;
    Ok(format!("{local}@{domain}"))
}

/// The address without what is written around it.
fn bare(written: &str) -> &str {
    let inner = match (written.rfind('<'), written.strip_suffix('>')) {
        (Some(open), Some(without)) => without.get(open + 1..).unwrap_or_default(),
        _ => written,
    };
    let scheme = inner.get(..7).filter(|start| start.eq_ignore_ascii_case("mailto:"));
    match scheme {
        Some(_) => inner[7..].split('?').next().unwrap_or_default().trim(),
        None => inner.trim(),
    }
}

fn check_local(local: &str) -> Cleaned<()> {
    if local.is_empty() {
        return Err("rien avant le @");
    }
    if !local.is_ascii() {
        return Err("accent ou caractère spécial avant le @");
    }
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-=?^_`{|}~.".contains(&byte);
    if !local.bytes().all(is_atom) {
        return Err("caractère interdit avant le @");
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err("point mal placé avant le @");
    }
    Ok(())
}

fn check_domain(domain: &str) -> Cleaned<()> {
    if !domain.is_ascii() {
        return Err("accent ou caractère spécial dans le domaine");
    }
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !domain.split('.').all(is_label) {
        return Err("domaine mal écrit");
    }
    let (_, last) = domain.rsplit_once('.').ok_or("domaine sans extension")?;
    let is_top =
        last.starts_with("xn--") || (last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic()));
    if is_top { Ok(()) } else { Err("extension du domaine mal écrite") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_what_people_write() {
        for (written, address) in [
            ("mairie@Exemple.FR", "mairie@exemple.fr"),
            ("Jean.Dupont@Ville-de-X.example.org", "Jean.Dupont@ville-de-x.example.org"),
            ("mailto:contact@exemple.fr?subject=Bonjour", "contact@exemple.fr"),
            ("Accueil <accueil+rdv@exemple.fr>", "accueil+rdv@exemple.fr"),
            ("<a@b.fr>", "a@b.fr"),
            ("o'neil@exemple.fr.", "o'neil@exemple.fr"),
            ("x@xn--caf-dma.example", "x@xn--caf-dma.example"),
        ] {
            assert_eq!(normalise(written).as_deref(), Ok(address), "{written}");
        }
    }

    #[test]
    fn reasons_say_what_is_wrong() {
        for (written, reason) in [
            ("mairie.exemple.fr", "pas de @"),
            ("a@b.fr ; c@d.fr", "plusieurs adresses, ou une virgule"),
            ("a@exemple,fr", "plusieurs adresses, ou une virgule"),
            ("a@@b.fr", "plusieurs adresses, ou une virgule"),
            ("jean dupont@b.fr", "espace dans l'adresse"),
            ("@b.fr", "rien avant le @"),
            ("hélène@b.fr", "accent ou caractère spécial avant le @"),
            ("a(b)@b.fr", "caractère interdit avant le @"),
            ("a..b@b.fr", "point mal placé avant le @"),
            ("a.@b.fr", "point mal placé avant le @"),
            ("a@mairie-hélène.fr", "accent ou caractère spécial dans le domaine"),
            ("a@b..fr", "domaine mal écrit"),
            ("a@-b.fr", "domaine mal écrit"),
            ("a@localhost", "domaine sans extension"),
            ("a@127.0.0.1", "extension du domaine mal écrite"),
        ] {
            assert_eq!(normalise(written), Err(reason), "{written}");
        }
        let long = format!("{}@b.fr", "a".repeat(65));
        assert_eq!(normalise(&long), Err("adresse trop longue"));
    }
}
