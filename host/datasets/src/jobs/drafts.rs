//! What becomes of a draft whose rows were checked: it is published, waits with a sample of its rows, or is dropped.

use halle_base::new_id;
use halle_model::dataset::{Building, Status};
use halle_model::draft::{DraftMode, breaking_changes};
use halle_model::journal::Diagnostic;
use halle_store::EntityExt;

use crate::jobs::diagnostic::{Entry, ErrorType, Report};
use crate::jobs::pipeline::{Side, Stage, StageError, StageResult, Told, current};
use crate::jobs::rows::temporary;
use crate::service::drafts::{publish, retire};
use crate::service::names;

/// What becomes of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Publish,
    Wait,
    Cancel,
}

/// What becomes of a draft in this mode that breaks something or not. A first draft always waits.
fn verdict(mode: DraftMode, is_first: bool, breaks: bool) -> Verdict {
    match mode {
        _ if is_first => Verdict::Wait,
        DraftMode::Always => Verdict::Publish,
        DraftMode::Never => Verdict::Wait,
        _ if !breaks => Verdict::Publish,
        DraftMode::Compatible => Verdict::Wait,
        DraftMode::CompatibleOrCancel => Verdict::Cancel,
    }
}

/// Whether a draft is dropped when its rows do not obey.
pub(super) fn is_dropped_with_wrong_rows(stage: &Stage<'_>) -> bool {
    let mode = stage.dataset.draft_reason.as_ref().map(|reason| reason.validation_mode);
    mode == Some(DraftMode::CompatibleOrCancel)
}

/// Ends the validation of a draft whose rows obey, or are let through with `told`.
pub(super) async fn decide(
    stage: &Stage<'_>,
    told: Option<Told>,
    diagnostic: Option<Diagnostic>,
) -> StageResult<()> {
    let Some(reason) = &stage.dataset.draft_reason else { return Err(StageError::Superseded) };
    let mut unit = stage.datasets.store.begin().await?;
    let mut side = current(unit.as_mut(), &stage.dataset, &stage.building).await?;
    let is_first = side.stored.served.is_none();
    let published = if is_first { &[][..] } else { &side.stored.schema };
    let breaks = breaking_changes(published, &stage.building.schema);
    let verdict = verdict(reason.validation_mode, is_first, !breaks.is_empty());
    let mut told: Vec<Told> = told.into_iter().collect();
    if !breaks.is_empty() {
        let texts: Vec<&str> = breaks.iter().map(|(_, text)| text.as_str()).collect();
        let text = format!("La structure du fichier n'est plus compatible : {}.", texts.join(" ; "));
        if verdict == Verdict::Cancel {
            drop(unit);
            return cancel(stage, text, structure_report(stage, &breaks)?).await;
        }
        told.push(Told { diagnostic: Some(Diagnostic::default()), ..Told::new("validation-error", text) });
    }
    told.push(Told::plain("validate-end"));
    let now = stage.datasets.clock.now();
    if let Some(building) = &mut side.building {
        building.diagnostic = diagnostic;
    }
    if verdict == Verdict::Publish {
        let building = side.building.take().ok_or(StageError::Superseded)?;
        publish(stage.datasets, unit.as_mut(), side.stored, building, now).await?;
        told.push(Told::plain("draft-validated").of_published());
    } else {
        let whole = side.building.take().ok_or(StageError::Superseded)?;
        side.building = Some(sample_of(whole, || new_id(&*stage.datasets.dice)));
        side.status = Status::Validated;
        side.save(unit.as_mut(), now).await?;
    }
    let events = stage.tell(unit.as_mut(), told).await?;
    unit.commit().await?;
    stage.announce(&events);
    Ok(())
}

/// The version of the first rows of `whole`: a draft shows those.
fn sample_of(whole: Building, id: impl FnOnce() -> String) -> Building {
    if whole.rows_from.is_some() {
        return whole;
    }
    let upload = Some(names::upload_of_building(&whole).to_owned());
    Building { id: id(), upload, rows_from: Some(whole.id.clone()), ..whole }
}

/// Drops the draft: what is published stays, and the list of what was wrong can be downloaded.
pub(super) async fn cancel(stage: &Stage<'_>, text: String, report: Report) -> StageResult<()> {
    let (file, found) = report.finish()?;
    let key = names::diagnostic(&stage.dataset.id, names::CANCELLED_DRAFT)?;
    stage.datasets.blobs.put_file(&key, file.path()).await?;
    let mut unit = stage.datasets.store.begin().await?;
    let Side { mut stored, .. } = current(unit.as_mut(), &stage.dataset, &stage.building).await?;
    let now = stage.datasets.clock.now();
    let Some(draft) = stored.draft.take() else { return Err(StageError::Superseded) };
    stored.cancelled_draft = Some(found);
    unit.save(&mut stored, now).await?;
    retire(unit.as_mut(), &stored.id, &draft, now).await?;
    let told = vec![
        Told { diagnostic: Some(found), ..Told::new("validation-error", text.clone()) },
        Told::plain("validate-end"),
        Told::new("draft-cancelled", text).of_published(),
    ];
    let events = stage.tell(unit.as_mut(), told).await?;
    unit.commit().await?;
    stage.announce(&events);
    Ok(())
}

/// The list of what the file breaks.
fn structure_report(stage: &Stage<'_>, breaks: &[(String, String)]) -> StageResult<Report> {
    let mut report = Report::new(temporary(stage)?)?;
    for (field, message) in breaks {
        // Columns are named by the first line.
        report.add(Entry { line: 1, error_type: ErrorType::Structure, field, message, value: "" })?;
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_has_its_verdict() {
        use DraftMode::{Always, Compatible, CompatibleOrCancel, Never};
        for (mode, sound, breaking) in [
            (Always, Verdict::Publish, Verdict::Publish),
            (Compatible, Verdict::Publish, Verdict::Wait),
            (CompatibleOrCancel, Verdict::Publish, Verdict::Cancel),
            (Never, Verdict::Wait, Verdict::Wait),
        ] {
            assert_eq!((verdict(mode, false, false), verdict(mode, false, true)), (sound, breaking));
            assert_eq!(verdict(mode, true, true), Verdict::Wait);
        }
    }

    #[test]
    fn a_sample_is_made_once() {
        let first = sample_of(Building::new("a"), || "b".to_owned());
        assert_eq!(
            (first.id.as_str(), first.rows_from.as_deref(), first.upload.as_deref()),
            ("b", Some("a"), Some("a"))
        );
        assert_eq!(sample_of(first.clone(), || "c".to_owned()), first);
    }
}
