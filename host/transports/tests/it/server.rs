//! A server of a few lines, so that each byte of an answer is ours.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Server {
    pub origin: String,
    pub port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&log)));
            }
        });
        Self { origin: format!("http://127.0.0.1:{port}"), port, seen, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// What was received, each request whole.
    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, log: Arc<Mutex<Vec<String>>>) {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !is_whole(&text) {
        match socket.read(&mut buffer).await {
            Ok(n) if n > 0 => text.push_str(&String::from_utf8_lossy(&buffer[..n])),
            _ => return,
        }
        if text.starts_with("PUT /deaf") {
            // Keeps the connection, and reads no more of it.
            return std::future::pending().await;
        }
    }
    let path = text.split(' ').nth(1).unwrap_or("/").to_owned();
    log.lock().unwrap().push(text);
    let answer = match path.split_once('?').map_or(path.as_str(), |(path, _)| path) {
        "/to" => {
            format!("HTTP/1.1 302 Found\r\nlocation: {}\r\n", path.split_once('?').unwrap_or(("", "")).1)
        }
        "/loop" => "HTTP/1.1 302 Found\r\nlocation: /loop\r\n".to_owned(),
        "/large" => {
            let body = "x".repeat(100_000);
            let _ = socket
                .write_all(
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100000\r\n\r\n{body}")
                        .as_bytes(),
                )
                .await;
            return;
        }
        "/drip" => return drip(socket).await,
        "/stall" => {
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhe").await;
            return std::future::pending().await;
        }
        "/gzip" => return send_packed(socket).await,
        "/silent" => return std::future::pending().await,
        "/headers" => format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n", "x".repeat(70_000)),
        _ => "HTTP/1.1 200 OK\r\nX-Answer: yes\r\n".to_owned(),
    };
    let body = if answer.starts_with("HTTP/1.1 200") { "hello" } else { "" };
    let answer = format!("{answer}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let _ = socket.write_all(answer.as_bytes()).await;
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// A byte every 20 ms, for ever.
async fn drip(mut socket: TcpStream) {
    let mut sent = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
    while sent.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        sent = socket.write_all(b"x").await;
    }
}

/// Ten million zeroes, packed.
async fn send_packed(mut socket: TcpStream) {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &vec![0; 10_000_000]).unwrap();
    let packed = packed.finish().unwrap();
    let length = packed.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
    let _ = socket.write_all(&[head.as_bytes(), &packed].concat()).await;
}
