//! What goes wrong on the way out, in words for a person. No path, no query.

use std::net::IpAddr;

use halle_extensions::types::Problem;

/// When to ask a server again that could not be reached or did not answer, in milliseconds.
const LATER_MS: u64 = 30_000;

/// Why a name was not dialled; found again in the chain of an error of the client.
#[derive(Debug, thiserror::Error)]
#[error("every address of `{host}` is private: {addresses:?}")]
pub(crate) struct PrivateName {
    pub(crate) host: String,
    pub(crate) addresses: Vec<IpAddr>,
}

pub(crate) fn bad_url(reason: &str) -> Problem {
    Problem::denied("http", format!("L'adresse demandée est refusée : {reason}."))
}

pub(crate) fn odd_address() -> Problem {
    Problem::denied(
        "address",
        "L'adresse IP est écrite d'une façon détournée : écrivez-la en quatre nombres décimaux.",
    )
}

pub(crate) fn private_address(host: &str) -> Problem {
    Problem::denied(
        "address",
        format!(
            "« {host} » est une adresse privée ou réservée. L'administrateur de la plateforme peut autoriser cette origine dans la configuration."
        ),
    )
}

pub(crate) fn origin_not_granted(origin: &str) -> Problem {
    Problem::denied(
        "http",
        format!(
            "L'accès à « {origin} » n'a pas été autorisé. Demandez-le dans les autorisations de l'extension."
        ),
    )
}

pub(crate) fn method_not_granted(method: &str, origin: &str) -> Problem {
    Problem::denied("http", format!("La méthode {method} n'a pas été autorisée pour « {origin} »."))
}

pub(crate) fn bad_header(name: &str) -> Problem {
    Problem::denied("http", format!("L'en-tête « {name} » ne peut pas être envoyé."))
}

pub(crate) fn too_often(retry_after_ms: u64) -> Problem {
    let text = "Le nombre de requêtes par minute autorisé est atteint. Réessayez plus tard.";
    Problem { retry_after_ms: Some(retry_after_ms), ..Problem::new("limit/rate", text) }
}

pub(crate) fn too_many_redirects(host: &str) -> Problem {
    Problem::new("remote/redirects", format!("« {host} » redirige trop de fois."))
}

pub(crate) fn redirected_upload(host: &str) -> Problem {
    Problem::new(
        "remote/redirects",
        format!(
            "« {host} » demande de renvoyer le fichier ailleurs ; indiquez directement l'adresse finale."
        ),
    )
}

pub(crate) fn timeout(host: &str) -> Problem {
    passing("remote/timeout", format!("« {host} » n'a pas répondu à temps."))
}

/// What may have passed by the next try.
fn passing(code: &str, text: String) -> Problem {
    Problem { retry_after_ms: Some(LATER_MS), ..Problem::new(code, text) }
}

pub(crate) fn too_large(host: &str, bytes_max: u64) -> Problem {
    Problem::new(
        "remote/too-large",
        format!("La réponse de « {host} » dépasse la limite de {bytes_max} octets."),
    )
}

/// What an error of the client means.
pub(crate) fn of_client(host: &str, error: &reqwest::Error) -> Problem {
    if error.is_timeout() {
        return timeout(host);
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(private) = inner.downcast_ref::<PrivateName>() {
            return private_address(&private.host);
        }
        cause = inner.source();
    }
    passing("remote/unreachable", format!("« {host} » est injoignable ou a interrompu l'échange."))
}
