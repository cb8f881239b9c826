//! `loaded` to `stored`: the digest of the upload.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use halle_model::dataset::Status;
use md5::{Digest, Md5};
use tokio_util::sync::CancellationToken;

use crate::jobs::pipeline::{Stage, StageError, StageResult};
use crate::jobs::rows::{blocking, local};
use crate::service::names;

/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 << 10;

pub(super) async fn run(stage: &Stage<'_>) -> StageResult<()> {
    stage.started().await?;
    let upload = names::upload_of_building(&stage.building);
    let blob = local(stage, &names::original(&stage.dataset.id, upload)?).await?;
    let cancel = stage.context.cancel.clone();
    let md5 = blocking(move || digest(&blob.path, &cancel)).await?;
    stage
        .ended(Status::Stored, Vec::new(), move |dataset, _now| {
            let file = dataset.building.as_mut().and_then(|building| building.original_file.as_mut());
            if let Some(file) = file {
                file.md5 = Some(md5);
            }
        })
        .await
}

fn digest(path: &Path, cancel: &CancellationToken) -> StageResult<String> {
    let mut file = File::open(path).map_err(StageError::machine)?;
    let mut digest = Md5::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        if cancel.is_cancelled() {
            return Err(StageError::Cancelled);
        }
        match file.read(&mut buffer).map_err(StageError::machine)? {
            0 => return Ok(hex::encode(digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}
