//! Datasets that depend on each other's lines: what follows a reference (`autoUpdate`), and what is made of children. One
//! that came to depend on itself would be told of its own changes for ever.

use halle_model::union::Union;
use halle_model::{Dataset, Extension};
use halle_store::EntityExt;
use indexmap::IndexSet;

use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// Datasets that one may depend on, through others.
const SOURCES_MAX: usize = 5_000;

/// Identifiers of the datasets whose changes change one with these extensions or children.
fn sources(extensions: &[Extension], union: Option<&Union>) -> impl Iterator<Item = String> {
    let followed = extensions.iter().filter(|extension| extension.auto_update);
    let followed = followed.filter_map(|extension| extension.reference().map(str::to_owned));
    followed.chain(union.into_iter().flat_map(|union| union.children.iter().cloned()))
}

impl Datasets {
    /// Refuses extensions and children with which the dataset `id` would depend on itself.
    pub(crate) async fn check_not_circular(
        &self,
        id: &str,
        extensions: &[Extension],
        union: Option<&Union>,
    ) -> DatasetsResult<()> {
        let mut seen: IndexSet<String> = sources(extensions, union).collect();
        if seen.is_empty() {
            return Ok(());
        }
        let mut unit = self.store.read().await?;
        let mut next = 0;
        while let Some(source) = seen.get_index(next).cloned() {
            next += 1;
            if source == id {
                let message = "Une mise à jour automatique (autoUpdate) ferait tourner ce jeu de données en rond : une de ses \
                               données de référence, ou un de ses enfants, dépend de lui.";
                return Err(DatasetsError::bad_request(message));
            }
            if let Some(found) = unit.load::<Dataset>(&source).await? {
                seen.extend(sources(&found.extensions, found.union.as_ref()));
            }
            if seen.len() > SOURCES_MAX {
                return Err(DatasetsError::bad_request(format!(
                    "Ce jeu de données dépendrait de plus de {SOURCES_MAX} autres, par ses enfants et ses mises à jour \
                     automatiques (autoUpdate) : il ne peut pas être vérifié qu'aucun ne dépend de lui. Réduisez-en le nombre."
                )));
            }
        }
        Ok(())
    }
}
