//! Processings: work on a schedule or on demand.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::kinds::Prepared;
use crate::problem::Result;

/// Why a run began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Trigger {
    /// `schedule`, `manual` or `webhook`.
    pub reason: String,
    /// Identifier of the run.
    pub run_id: String,
    /// When it began, RFC 3339: the only clock of a run.
    pub started_at: String,
}

/// How a run ended well.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// A sentence for the run's page.
    pub summary: String,
    /// Anything else.
    pub details: Option<Value>,
}

/// Does work on a schedule.
pub trait Processing: 'static {
    /// The configuration.
    type Config: DeserializeOwned;

    /// Title for people.
    fn title() -> String;

    /// Checks a configuration that somebody is about to save. By default it only has to be readable.
    fn prepare(draft: Value) -> Result<Prepared> {
        crate::config::read::<Self::Config>(&draft.to_string())?;
        Ok(Prepared::unchanged(draft))
    }

    /// Runs to the end. A problem fails the run.
    fn run(config: Self::Config, trigger: Trigger) -> Result<Outcome>;
}

/// Makes a type that implements [`Processing`] the plugin of this crate.
#[macro_export]
macro_rules! export_processing {
    ($plugin:ty) => {
        $crate::__export!($plugin, Processing, processing);
    };
}
