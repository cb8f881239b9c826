//! Giving a dataset to another account (reference §1.4).

use halle_base::AccountRef;
use halle_http::ApiError;
use halle_model::dataset::Author;
use halle_model::permission::{can_give_to, default_grants};
use halle_model::{Caller, Dataset};
use halle_store::EntityExt;

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::create::free_slug;
use crate::service::load::load_in;
use crate::state::Datasets;

impl Datasets {
    /// Makes `target` the owner. Grants to the old owner are replaced by those that a new dataset of the target has;
    /// another account's sites no longer show it. 403 unless the caller belongs to the target; 400 when its extensions or
    /// its children are what the caller or the target may not read.
    pub async fn change_owner(
        &self,
        caller: &Caller,
        id: &str,
        target: AccountRef,
    ) -> DatasetsResult<Dataset> {
        let dataset = self.load(caller, id, "changeOwner").await?;
        if !can_give_to(caller, &target) {
            let message = format!(
                "Vous n'appartenez pas au compte `{target}` : vous ne pouvez pas lui donner ce jeu de données."
            );
            return Err(ApiError::forbidden(message).into());
        }
        let moves = dataset.owner.kind != target.kind || dataset.owner.id != target.id;
        if moves {
            self.check_room(&target, dataset.stored_bytes(), 1).await?;
        }
        let is_same = dataset.owner.is_same(&target);
        if !is_same {
            // They are going to read as the target, and to show the caller what they find.
            let given = Dataset { owner: target.clone(), ..dataset.entity.clone() };
            self.check_sources(caller, &given, &given.extensions).await?;
            self.check_children(caller, &given).await?;
        }
        let checked = (dataset.entity.extensions, dataset.entity.union);
        let now = self.clock.now();
        let mut unit = self.store.begin().await?;
        let mut dataset = load_in(unit.as_mut(), caller, id, "changeOwner").await?;
        if !is_same && (&dataset.extensions, &dataset.union) != (&checked.0, &checked.1) {
            let message =
                "Les extensions ou les enfants de ce jeu de données viennent d'être modifiés : réessayez.";
            return Err(DatasetsError::Conflict(message.to_owned()));
        }
        if !dataset.owner.is_same(&target) {
            dataset.slug = free_slug(unit.as_mut(), &target, &dataset.slug.clone()).await?;
        }
        let (kind, old) = (dataset.owner.kind, dataset.owner.id.clone());
        dataset.permissions.retain(|entry| entry.kind != Some(kind) || entry.id.as_ref() != Some(&old));
        let mut grants = default_grants(&target);
        grants.append(&mut dataset.permissions);
        dataset.permissions = grants;
        if moves {
            for sites in ["publicationSites", "requestedPublicationSites"] {
                dataset.description.shift_remove(sites);
            }
        }
        if moves {
            self.forget_read_keys(&mut dataset, now);
        }
        dataset.owner = target;
        dataset.entity.updated_at = now;
        dataset.updated_by = caller.user.as_ref().map(|user| Author { id: user.id.clone() });
        unit.save(&mut dataset, now).await?;
        unit.commit().await?;
        Ok(dataset.entity)
    }
}
