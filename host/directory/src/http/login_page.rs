//! `GET /simple-directory/login`: a form that works without JavaScript.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use halle_http::{ApiResult, BaseUrl, Params};

use crate::http::auth::safe_redirect;

/// The page's own policy: its form goes to this site, its style is inline, nothing else loads.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem;\
    color:#1a1a1a;background:#fff}label{display:block;margin-top:1rem}input:not([type=checkbox]){font:inherit;\
    width:100%;padding:.5rem;border:1px solid #595959;border-radius:4px;box-sizing:border-box}button{font:inherit;\
    margin-top:1.5rem;padding:.6rem 1.2rem;border:0;border-radius:4px;background:#1e4fa3;color:#fff}\
    [role=alert]{border-left:4px solid #b00020;padding:.5rem 1rem;background:#fdecee}";

/// Texts in one language.
struct Texts {
    lang: &'static str,
    title: &'static str,
    email: &'static str,
    password: &'static str,
    remember: &'static str,
    admin: &'static str,
    submit: &'static str,
}

const FRENCH: Texts = Texts {
    lang: "fr",
    title: "Connexion",
    email: "Adresse e-mail",
    password: "Mot de passe",
    remember: "Rester connecté",
    admin: "Mode super-administrateur",
    submit: "Se connecter",
};

const ENGLISH: Texts = Texts {
    lang: "en",
    title: "Sign in",
    email: "E-mail address",
    password: "Password",
    remember: "Stay signed in",
    admin: "Superadmin mode",
    submit: "Sign in",
};

/// Shows the form, with the reason of a refusal.
pub async fn show(base: BaseUrl, params: Params, headers: HeaderMap) -> ApiResult<Response> {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let texts = if accepted.starts_with("en") { &ENGLISH } else { &FRENCH };
    let redirect = safe_redirect(&base, params.get("redirect"));
    let alert = params.get("error").map(|code| error_text(code, texts.lang));
    let page = page(texts, redirect.as_str(), alert);
    let policy = HeaderValue::from_static(POLICY);
    let kept = HeaderValue::from_static("no-store");
    Ok(([(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, kept)], Html(page))
        .into_response())
}

fn page(texts: &Texts, redirect: &str, alert: Option<&str>) -> String {
    let Texts { lang, title, email, password, remember, admin, submit } = texts;
    let alert = alert.map(|text| format!("<p role=\"alert\">{text}</p>\n")).unwrap_or_default();
    let redirect = escape(redirect);
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<main>\n<h1>{title}</h1>\n{alert}\
         <form method=\"post\" action=\"api/auth/password\">\n\
         <input type=\"hidden\" name=\"redirect\" value=\"{redirect}\">\n\
         <label for=\"email\">{email}</label>\n\
         <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"username\" required>\n\
         <label for=\"password\">{password}</label>\n\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\n\
         <label><input type=\"checkbox\" name=\"rememberMe\" value=\"true\"> {remember}</label>\n\
         <label><input type=\"checkbox\" name=\"adminMode\" value=\"true\"> {admin}</label>\n\
         <button type=\"submit\">{submit}</button>\n</form>\n</main>\n</body>\n</html>\n"
    )
}

/// The text of an error code; the code itself is never shown, it came from the address.
fn error_text(code: &str, lang: &str) -> &'static str {
    match (code, lang) {
        ("tooManyAttempts", "en") => "Too many attempts: wait a minute, then try again.",
        ("tooManyAttempts", _) => "Trop de tentatives : patientez une minute, puis réessayez.",
        ("adminModeOnly", "en") => "This account is no superadmin: sign in without the superadmin mode.",
        ("adminModeOnly", _) => "Ce compte n'est pas super-administrateur : connectez-vous sans ce mode.",
        ("expiredLink" | "brokenLink", "en") => "This link has expired: sign in again.",
        ("expiredLink" | "brokenLink", _) => "Ce lien n'est plus valable : connectez-vous à nouveau.",
        (_, "en") => "Wrong e-mail address or password.",
        _ => "Adresse e-mail ou mot de passe incorrect.",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_escapes_what_came_from_the_address() {
        let html = page(&FRENCH, "https://example.org/?a=\"><script>", Some(error_text("<b>", "fr")));
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
        assert!(html.contains("role=\"alert\"") && html.contains("lang=\"fr\""));
    }
}
