//! How the limits of an account are stored: under its key, departments having none of their own.

use halle_base::AccountRef;
use halle_model::limits::Limits;

use crate::Entity;

impl Entity for Limits {
    const COLLECTION: &'static str = "limits";

    fn id(&self) -> &str {
        &self.key
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.account)
    }

    fn title(&self) -> &str {
        &self.account.name
    }
}
