//! Bodies of answers, capped in bytes and in time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt};
use halle_extensions::types::Problem;
use tokio::time::Instant;

use crate::problem;

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    pub(crate) bytes_max: u64,
    pub(crate) deadline: Instant,
    pub(crate) idle: Duration,
}

/// One exchange, for the log line that is written when it ends.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) status: u16,
    pub(crate) start: Instant,
    pub(crate) bytes: u64,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let ms = self.start.elapsed().as_millis();
        tracing::info!(method = %self.method, host = %self.host, status = self.status, bytes = self.bytes, ms, "outgoing request");
    }
}

/// A body as it comes.
pub(crate) struct Body {
    pub(crate) response: reqwest::Response,
    pub(crate) limits: BodyLimits,
    pub(crate) exchange: Exchange,
}

impl Body {
    /// The next piece; `None` at the end. Bytes are counted after decompression.
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let host = self.exchange.host.clone();
        let until = self.limits.deadline.min(Instant::now() + self.limits.idle);
        let piece = tokio::time::timeout_at(until, self.response.chunk())
            .await
            .map_err(|_| problem::timeout(&host))?
            .map_err(|error| problem::of_client(&host, &error))?;
        self.exchange.bytes += piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
        Ok(piece)
    }

    /// The whole body. Beyond `truncate_at` the rest is left out and `true` returned; beyond the limit it is a problem.
    pub(crate) async fn whole(mut self, truncate_at: Option<u64>) -> Result<(Bytes, bool), Problem> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if let Some(max) = truncate_at.filter(|max| self.exchange.bytes > *max) {
                let room = usize::try_from(max).unwrap_or(usize::MAX).saturating_sub(whole.len());
                whole.extend_from_slice(&piece[..room.min(piece.len())]);
                return Ok((whole.freeze(), true));
            }
            if self.exchange.bytes > self.limits.bytes_max {
                return Err(problem::too_large(&self.exchange.host, self.limits.bytes_max));
            }
            whole.extend_from_slice(&piece);
        }
        Ok((whole.freeze(), false))
    }

    /// The body piece by piece; ends with a problem when a limit is reached.
    pub(crate) fn stream(self) -> BoxStream<'static, Result<Bytes, Problem>> {
        let pieces = stream::unfold(Some(self), |body| async move {
            let mut body = body?;
            match body.next().await {
                Ok(None) => None,
                Ok(Some(_)) if body.exchange.bytes > body.limits.bytes_max => {
                    Some((Err(problem::too_large(&body.exchange.host, body.limits.bytes_max)), None))
                }
                Ok(Some(piece)) => Some((Ok(piece), Some(body))),
                Err(problem) => Some((Err(problem), None)),
            }
        });
        pieces.boxed()
    }
}
