//! With which statuses an operation may be refused, whatever it does: what the layers around every route answer, and what
//! the shape of the request alone leads to. Features describe what is their own.

/// How a request of an operation looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Whether the operation only reads.
    pub reads: bool,
    /// Whether the path names something.
    pub names: bool,
    /// Whether the request may have a body, be it one that the operation does not need.
    pub has_body: bool,
}

impl Shape {
    /// The statuses, ascending.
    pub fn refusals(self) -> Vec<u16> {
        let mut statuses = vec![400, 401, 403];
        if self.names {
            statuses.push(404);
        }
        if self.names || !self.reads {
            // What is named, or to be changed, may not be ready for it.
            statuses.push(409);
        }
        if self.has_body {
            statuses.extend([411, 413, 415]);
        }
        statuses.extend([429, 500]);
        statuses
    }
}

/// What a refusal means; `None` for a status that operations describe themselves.
pub fn meaning(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => "Un paramètre, un en-tête ou le corps est incorrect ; le texte dit lequel.",
        401 => "Il faut se connecter, ou la session ou la clé d'API n'est pas connue.",
        403 => "Une permission manque, ou la clé d'API n'a pas la portée nécessaire.",
        404 => "Ce qui est nommé n'existe pas, ou pas pour qui demande.",
        409 => "L'état de la ressource ne permet pas l'opération, ou quelqu'un d'autre vient de la modifier.",
        411 => "La longueur du corps manque.",
        413 => "Le corps est trop grand.",
        415 => "Le corps n'est pas d'un type attendu.",
        429 => "Trop de requêtes, ou de temps de recherche, ou une limite du compte est atteinte.",
        500 => "Une erreur interne, que le journal du serveur décrit.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_meaning_and_the_shape_decides() {
        for bits in 0..8 {
            let shape = Shape { reads: bits & 1 != 0, names: bits & 2 != 0, has_body: bits & 4 != 0 };
            let statuses = shape.refusals();
            assert!(statuses.is_sorted() && statuses.iter().all(|status| meaning(*status).is_some()));
            assert_eq!(statuses.contains(&404), shape.names);
            assert_eq!(statuses.contains(&415), shape.has_body);
        }
    }
}
