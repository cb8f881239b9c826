//! Requests over connections that stay open, and what they took.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Requests of one latency round at most.
const REQUESTS_MAX: usize = 1_000;

/// Requests of one latency round at least, however slow.
const REQUESTS_MIN: usize = 8;

/// Connections of a throughput round.
const CONNECTIONS: usize = 4;

/// What one round took.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Median, in milliseconds, of requests one after the other.
    pub p50_ms: f64,
    /// 99th percentile, the same.
    pub p99_ms: f64,
    /// Requests per second over four connections.
    pub per_second: f64,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    address: String,
}

impl Connection {
    /// Connects.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("{address} is not there"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, address: address.to_owned() })
    }

    /// Sends a GET and reads the answer to its end, keeping none of it; tells its length in bytes.
    pub async fn consume(&mut self, path: &str) -> Result<usize> {
        let mut body = self.send(path).await?;
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(length)
    }

    /// Sends a GET and returns the answer.
    pub async fn read(&mut self, path: &str) -> Result<Bytes> {
        Ok(self.send(path).await?.collect().await?.to_bytes())
    }

    async fn send(&mut self, path: &str) -> Result<hyper::body::Incoming> {
        self.sender.ready().await?;
        let request = Request::get(path).header(header::HOST, &self.address).body(Empty::new())?;
        let answer = self.sender.send_request(request).await?;
        ensure!(answer.status().is_success(), "GET {path} at {}: {}", self.address, answer.status());
        Ok(answer.into_body())
    }
}

/// One round over the paths, again and again.
pub async fn round(address: &str, paths: &[String], duration: Duration) -> Result<Round> {
    let (p50_ms, p99_ms) = latency(address, paths, duration).await?;
    Ok(Round { p50_ms, p99_ms, per_second: throughput(address, paths, duration).await? })
}

/// Median and 99th percentile, in milliseconds, of requests one after the other.
pub async fn latency(address: &str, paths: &[String], duration: Duration) -> Result<(f64, f64)> {
    let mut connection = Connection::open(address).await?;
    for path in paths.iter().take(3) {
        connection.consume(path).await?;
    }
    let mut took = Vec::new();
    let started = Instant::now();
    for path in paths.iter().cycle().take(REQUESTS_MAX) {
        if took.len() >= REQUESTS_MIN && started.elapsed() > duration {
            break;
        }
        let sent = Instant::now();
        connection.consume(path).await?;
        took.push(sent.elapsed().as_secs_f64() * 1_000.0);
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    Ok((at(0.5), at(0.99)))
}

async fn throughput(address: &str, paths: &[String], duration: Duration) -> Result<f64> {
    let started = Instant::now();
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|worker| {
            let (address, paths) = (address.to_owned(), paths.to_vec());
            tokio::spawn(async move {
                let mut connection = Connection::open(&address).await?;
                let mut count = 0_usize;
                for path in paths.iter().cycle().skip(worker * paths.len() / CONNECTIONS) {
                    connection.consume(path).await?;
                    count += 1;
                    if started.elapsed() > duration {
                        break;
                    }
                }
                Ok::<_, anyhow::Error>(count)
            })
        })
        .collect();
    let mut total = 0;
    for worker in workers {
        total += worker.await??;
    }
    Ok(total as f64 / started.elapsed().as_secs_f64())
}
