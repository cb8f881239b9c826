//! Where the host places a secret in a request.

/// A place of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `Authorization: Bearer <secret>`.
    Bearer,
    /// `Authorization: Basic <user:secret in base64>`. The user is in the configuration, or the secret is `user:password`.
    Basic {
        /// JSON pointer of the user name.
        user: Option<String>,
    },
    /// A header with the secret as its value.
    Header(Text),
    /// A query parameter with the secret as its value.
    Query(Text),
}

/// A name that is fixed, or typed in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Fixed by the manifest.
    Fixed(String),
    /// A JSON pointer into the configuration.
    Config(String),
}

impl Text {
    fn parse(text: &str) -> Self {
        if text.starts_with('/') { Self::Config(text.to_owned()) } else { Self::Fixed(text.to_owned()) }
    }

    /// The name itself, under a configuration.
    pub fn resolve<'a>(&'a self, config: &'a serde_json::Value) -> Option<&'a str> {
        match self {
            Self::Fixed(text) => Some(text),
            Self::Config(pointer) => config.pointer(pointer)?.as_str(),
        }
    }
}

impl Place {
    /// Reads `bearer`, `basic`, `basic:/pointer/to/user`, `header:<name>`, `query:<name>`; a name that starts with `/` is a
    /// JSON pointer into the configuration.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "bearer" => Ok(Self::Bearer),
            None if text == "basic" => Ok(Self::Basic { user: None }),
            Some(("basic", user)) if user.starts_with('/') => Ok(Self::Basic { user: Some(user.to_owned()) }),
            Some(("header", name)) if is_token(name) || name.starts_with('/') => {
                Ok(Self::Header(Text::parse(name)))
            }
            Some(("query", name)) if !name.is_empty() => Ok(Self::Query(Text::parse(name))),
            _ => Err(format!(
                "`{text}` is none of `bearer`, `basic`, `basic:/user`, `header:<name>`, `query:<name>`"
            )),
        }
    }
}

/// Whether a text can be the name of a header.
pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_others_refused() {
        assert_eq!(Place::parse("bearer"), Ok(Place::Bearer));
        assert_eq!(
            Place::parse("basic:/auth/user"),
            Ok(Place::Basic { user: Some("/auth/user".to_owned()) })
        );
        assert_eq!(Place::parse("header:x-apiKey"), Ok(Place::Header(Text::Fixed("x-apiKey".to_owned()))));
        assert_eq!(
            Place::parse("header:/auth/name"),
            Ok(Place::Header(Text::Config("/auth/name".to_owned())))
        );
        for bad in ["", "cookie", "header:", "header:a b", "query:", "bearer:x"] {
            assert!(Place::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
