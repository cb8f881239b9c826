//! Making the next version of a dataset from what is there, after a change of what is said of it.

use halle_base::new_id;
use halle_model::Dataset;
use halle_model::dataset::{Building, Status};

use crate::service::{columns, names};
use crate::state::Datasets;

impl Datasets {
    /// Starts another version from `from`: [`Status::Validated`] takes the rows that are there,
    /// [`Status::ValidationUpdated`] checks them first, [`Status::Stored`] reads the upload again. With `checks_only`, the
    /// served version stays once its rows are found to obey. Returns the versions that nobody needs any more, or `None`
    /// when there are no data.
    pub(crate) fn restart(
        &self,
        dataset: &mut Dataset,
        from: Status,
        checks_only: bool,
    ) -> Option<Vec<String>> {
        let (next, retired) = match dataset.building.take() {
            Some(failed) => {
                let validated = dataset.error_status.is_some_and(has_rows);
                let rows = if validated { Some(failed.id.clone()) } else { None };
                // Rows that were taken from another version may not have come yet.
                let rows_from = failed.rows_from.clone().or(rows);
                let retired =
                    if rows_from.as_deref() == Some(&failed.id) { None } else { Some(failed.id.clone()) };
                let upload = Some(names::upload_of_building(&failed).to_owned());
                let checks_only = checks_only && failed.checks_only;
                let id = new_id(&*self.dice);
                let fresh = Building { id, upload, rows_from, checks_only, summary: None, ..failed };
                (Building { diagnostic: None, ..fresh }, retired)
            }
            None => {
                let served = dataset.served.as_ref()?;
                let next = Building {
                    original_file: dataset.original_file.clone(),
                    file: dataset.file.clone(),
                    schema: columns::of_the_file(&dataset.schema),
                    upload: Some(names::upload_of(served).to_owned()),
                    rows_from: Some(served.whole().to_owned()),
                    attachments: served.attachments.clone(),
                    checks_only,
                    ..Building::new(new_id(&*self.dice))
                };
                (next, None)
            }
        };
        let failed_at = dataset.error_status;
        let from = match from {
            Status::Validated | Status::ValidationUpdated if next.rows_from.is_none() => {
                failed_at.unwrap_or(Status::Loaded)
            }
            // The rows have not been found to obey yet.
            Status::Validated if failed_at == Some(Status::ValidationUpdated) => Status::ValidationUpdated,
            from => from,
        };
        let from_rows = matches!(from, Status::Validated | Status::ValidationUpdated);
        let rows_from = next.rows_from.clone().filter(|_| from_rows);
        dataset.building = Some(Building { rows_from, ..next });
        dataset.status = from;
        dataset.error_status = None;
        Some(retired.into_iter().collect())
    }
}

/// Whether a version in this status has its canonical rows.
fn has_rows(status: Status) -> bool {
    matches!(status, Status::Validated | Status::Extended | Status::Indexed)
}
