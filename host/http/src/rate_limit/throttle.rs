//! Bandwidth: an answer of somebody who had more than their share is sent more slowly.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body::{Frame, SizeHint};

use super::Buckets;

/// Bytes that are sent before the share is looked at again.
const CHUNK_BYTES: usize = 64 << 10;

/// Whose share the bytes of an answer count in. The inner layer knows who asks and leaves this on the answer; the outer one
/// counts the bytes as they leave, compressed.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub(super) buckets: Arc<Buckets>,
    pub(super) name: String,
}

/// Middleware, outside compression: sends an answer no faster than the share of its caller allows.
pub async fn throttle(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(share) = response.extensions_mut().remove::<Share>() else { return response };
    response.map(|body| Body::new(Throttled { inner: body, rest: Bytes::new(), pause: None, share }))
}

/// A body in small pieces, with a pause after each that is more than the share.
struct Throttled {
    inner: Body,
    /// What is left of the last frame.
    rest: Bytes,
    pause: Option<BoxFuture<'static, ()>>,
    share: Share,
}

impl HttpBody for Throttled {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.poll_unpin(context));
                self.pause = None;
            }
            if !self.rest.is_empty() {
                let length = self.rest.len().min(CHUNK_BYTES);
                let chunk = self.rest.split_to(length);
                let wait = self.share.buckets.spend(&self.share.name, length as f64);
                if !wait.is_zero() {
                    self.pause = Some(tokio::time::sleep(wait).boxed());
                }
                return Poll::Ready(Some(Ok(Frame::data(chunk))));
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.inner.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use halle_base::{Clock, ManualClock, Timestamp};

    use super::*;

    fn body(bytes: usize, per_second: u32) -> Throttled {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let buckets = Arc::new(Buckets::flowing(&clock, per_second, 1));
        let share = Share { buckets, name: "a".to_owned() };
        Throttled { inner: Body::from(vec![7; bytes]), rest: Bytes::new(), pause: None, share }
    }

    #[tokio::test]
    async fn a_body_within_the_share_comes_whole_with_its_length() {
        let throttled = body(CHUNK_BYTES * 3 + 1, 10_000_000);
        assert_eq!(throttled.size_hint().exact(), Some(CHUNK_BYTES as u64 * 3 + 1));
        let bytes = axum::body::to_bytes(Body::new(throttled), usize::MAX).await.unwrap();
        assert!(bytes.len() == CHUNK_BYTES * 3 + 1 && bytes.iter().all(|byte| *byte == 7));
    }

    #[tokio::test]
    async fn what_exceeds_the_share_waits() {
        let mut throttled = body(CHUNK_BYTES * 2, 1_000);
        let context = &mut Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut throttled).poll_frame(context).is_ready(), "the first piece goes at once");
        assert!(Pin::new(&mut throttled).poll_frame(context).is_pending(), "the second one a minute later");
        assert_eq!(throttled.size_hint().exact(), Some(CHUNK_BYTES as u64));
    }
}
