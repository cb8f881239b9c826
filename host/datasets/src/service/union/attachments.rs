//! Files of lines, through a virtual dataset.

use halle_model::{Caller, Dataset};
use halle_search::Query;
use halle_search::ast::Operand;
use halle_search::engine::{LineFields, LinesRequest};

use super::UnionError;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::attachments::{ATTACHMENT, LineAttachment};
use crate::service::read::union::whose;
use crate::state::Datasets;

impl Datasets {
    /// The file `{child}/{path}` if a line names it that the caller sees through the virtual dataset; 404 else.
    pub(crate) async fn union_attachment(
        &self,
        caller: &Caller,
        dataset: &Dataset,
        path: &str,
    ) -> DatasetsResult<LineAttachment> {
        let missing = || DatasetsError::Missing(format!("La pièce jointe \"{path}\" n'existe pas."));
        let (child, name) = path.split_once('/').ok_or_else(missing)?;
        let column = dataset.schema.iter().find(|column| column.refers_to.as_deref() == Some(ATTACHMENT));
        let column = column.ok_or_else(missing)?;
        let leaves = self.leaves(dataset).await.map_err(UnionError::at_read)?;
        let leaf = leaves.into_iter().find(|leaf| leaf.dataset.id == child).ok_or_else(missing)?;
        let lines = self.union_index(dataset, whose(caller, dataset), Some(child)).await;
        let values = vec![Operand::Text(name.to_owned())];
        let request = LinesRequest {
            query: Query::In { column: column.key.clone(), values },
            sort: Vec::new(),
            select: Vec::new(),
            fields: LineFields::default(),
            skip: 0,
            size: 0,
            after: None,
            count: true,
            collapse: None,
            highlight: Vec::new(),
        };
        let page = lines.map_err(UnionError::at_read)?.lines(request).await?;
        if page.total.unwrap_or(0) == 0 {
            return Err(missing());
        }
        self.attachment_of(&leaf.dataset, name).await
    }
}
