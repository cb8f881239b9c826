//! How failures of the ports reach clients, so that every feature that uses a port answers alike.

use halle_extensions::{PluginError, Problem};
use halle_store::StoreError;

use crate::error::{ApiError, StatusCode};

impl From<StoreError> for ApiError {
    /// 409 for a value that is taken and for a change by somebody else, 500 for the rest.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate { key, value, .. } => Self::conflict(format!(
                "`{value}` est déjà utilisé ({key}) : choisissez une autre valeur. `{value}` is taken."
            )),
            StoreError::Stale { .. } => Self::conflict(
                "Cette ressource vient d'être modifiée par quelqu'un d'autre : rechargez-la. It was changed by someone \
                 else meanwhile.",
            ),
            error @ (StoreError::Unreadable { .. } | StoreError::Engine(_)) => Self::internal(error),
        }
    }
}

impl From<Problem> for ApiError {
    /// 400: what a plugin, or the check of its configuration, has to say to the person who configures.
    fn from(problem: Problem) -> Self {
        let refused = |text: String| Self::new(StatusCode::BAD_REQUEST, "plugin-refused", text);
        match problem.field {
            Some(field) => {
                refused(format!("`config{field}` : {}", problem.message)).at(format!("/config{field}"))
            }
            None => refused(problem.message),
        }
    }
}

impl From<PluginError> for ApiError {
    /// 400 for what the plugin said, 409 when it is not to be had, 429 when the account used up its share, 502 when it was
    /// stopped, 503 when the machine is at fault and later may be better.
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::Reported(problem) => problem.into(),
            PluginError::OverQuota { message, .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "quota-exceeded", message)
            }
            PluginError::Temporary(message) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "plugin-unavailable", message)
            }
            PluginError::Unavailable(message) => Self::new(StatusCode::CONFLICT, "plugin-missing", message),
            PluginError::Stopped { .. } | PluginError::Cancelled => {
                Self::new(StatusCode::BAD_GATEWAY, "plugin-failed", error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_engine_is_not_told() {
        let error = ApiError::from(StoreError::Engine("password of the database".to_owned()));
        assert_eq!(error.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!error.message.contains("password"), "{error}");
    }

    #[test]
    fn a_refused_configuration_names_its_field() {
        let problem = Problem { field: Some("/url".to_owned()), ..Problem::new("config/invalid", "no URL") };
        let error = ApiError::from(PluginError::from(problem));
        assert_eq!((error.status.as_u16(), error.message.as_str()), (400, "`config/url` : no URL"));
        assert_eq!(error.pointer.as_deref(), Some("/config/url"));
    }

    #[test]
    fn a_plugin_that_is_not_there_is_a_conflict_and_one_that_was_stopped_a_bad_gateway() {
        let absent = ApiError::from(PluginError::Unavailable("install it".to_owned()));
        let stopped = PluginError::Stopped { code: "plugin/cpu", message: "10 s".to_owned() };
        assert_eq!((absent.status.as_u16(), ApiError::from(stopped).status.as_u16()), (409, 502));
        let until = "2026-01-16T00:00:00Z".parse().unwrap();
        let spent = ApiError::from(PluginError::OverQuota { message: "tomorrow".to_owned(), until });
        assert_eq!((spent.status.as_u16(), spent.message.as_str()), (429, "tomorrow"));
        let later = ApiError::from(PluginError::Temporary("in a moment".to_owned()));
        assert_eq!((later.status.as_u16(), later.message.as_str()), (503, "in a moment"));
    }
}
