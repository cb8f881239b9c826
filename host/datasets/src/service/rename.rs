//! Giving a dataset another slug.

use halle_base::{Timestamp, parse_id};
use halle_model::slug::title_slug;
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;
use halle_store::{EntityExt, UnitOfWork};
use jiff::SignedDuration;

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::load::check;

/// Gives the dataset another slug: `wanted`, or the one of its title. 400 when it is taken.
pub(super) async fn rename(
    unit: &mut dyn UnitOfWork,
    caller: &Caller,
    stored: &mut Stored<Dataset>,
    wanted: Option<&str>,
    now: Timestamp,
) -> DatasetsResult<()> {
    let wanted = wanted.map_or_else(|| title_slug(&stored.title), str::to_owned);
    if wanted == stored.slug {
        return Ok(());
    }
    check(caller, "writeDescriptionBreaking", stored)?;
    parse_id(&wanted).map_err(|error| DatasetsError::bad_request(error.to_string()))?;
    let key = format!("{}/{wanted}", stored.owner.key());
    if unit.find::<Dataset>("owner-slug", &key).await?.is_some() {
        return Err(DatasetsError::bad_request("Ce slug est déjà utilisé"));
    }
    stored.slug = wanted;
    // Caches keyed by the slug must not revalidate what they keep.
    let next = now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(now);
    stored.finalized_at = stored.finalized_at.map(|_| next);
    Ok(())
}
