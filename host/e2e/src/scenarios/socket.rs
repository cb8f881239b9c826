//! Messages as they happen: the sockets that the callers of a file have open (reference §1.13).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::compare;
use super::format::Expected;
use super::placeholders::Kept;
use crate::client::Client;

/// How long a message may take.
const HEARD_WITHIN: Duration = Duration::from_secs(60);

/// How long nothing must come for a channel to count as silent.
const SILENT_FOR: Duration = Duration::from_millis(300);

/// Messages that are kept for steps that come later.
const WAITING_MAX: usize = 10_000;

/// What a step does with a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Subscribes to a channel; what must come is the server's answer.
    Subscribe(String),
    /// Leaves a channel; what must come is the server's answer.
    Unsubscribe(String),
    /// Waits for a message of the channel; what must come is its data, in one of those that were not heard yet. With the
    /// expectation `!`, none may be there.
    Hear(String),
}

/// The sockets of a file, one per caller.
#[derive(Default)]
pub struct Sockets(BTreeMap<String, Socket>);

struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// Messages of channels that no step heard yet.
    waiting: VecDeque<Value>,
}

impl Sockets {
    /// Does a step as a caller.
    pub async fn play(
        &mut self,
        (name, client): (&str, &Client),
        step: &Step,
        json: Option<&Value>,
        expected: &Expected,
        kept: &Kept,
    ) -> Result<()> {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Socket::open(client).await?);
        }
        let socket = self.0.get_mut(name).context("the socket was just opened")?;
        match step {
            Step::Subscribe(channel) => {
                let answer = socket.ask("subscribe", &kept.in_text(channel), client, json).await?;
                let expected =
                    expected.body.clone().unwrap_or_else(|| json!({ "type": "subscribe-confirm" }));
                compare::json(&expected, &answer)
            }
            Step::Unsubscribe(channel) => {
                let answer = socket.ask("unsubscribe", &kept.in_text(channel), client, json).await?;
                let expected =
                    expected.body.clone().unwrap_or_else(|| json!({ "type": "unsubscribe-confirm" }));
                compare::json(&expected, &answer)
            }
            Step::Hear(channel) => {
                let body = expected.body.clone().unwrap_or_else(|| json!("?"));
                let channel = kept.in_text(channel);
                if body == "!" { socket.silent(&channel).await } else { socket.hear(&channel, &body).await }
            }
        }
    }
}

impl Socket {
    async fn open(client: &Client) -> Result<Self> {
        let address = client.base.strip_prefix("http://").context("the server is on plain HTTP")?;
        let mut request = format!("ws://{address}/data-fair/").into_client_request()?;
        if let Some(cookie) = client.session() {
            request.headers_mut().insert("cookie", cookie.parse()?);
        }
        let stream = TcpStream::connect(address).await?;
        let (stream, _answer) = tokio_tungstenite::client_async(request, stream).await?;
        Ok(Self { stream, waiting: VecDeque::new() })
    }

    /// Sends a message about a channel; the server's answer to it.
    async fn ask(
        &mut self,
        kind: &str,
        channel: &str,
        client: &Client,
        more: Option<&Value>,
    ) -> Result<Value> {
        let mut message = json!({ "type": kind, "channel": channel });
        if let Some(key) = client.key() {
            message["apiKey"] = key.into();
        }
        for (name, value) in more.and_then(Value::as_object).into_iter().flatten() {
            message[name.as_str()] = value.clone();
        }
        self.stream.send(Message::text(message.to_string())).await?;
        let deadline = tokio::time::Instant::now() + HEARD_WITHIN;
        loop {
            let message = tokio::time::timeout_at(deadline, self.next()).await;
            let message = message.with_context(|| format!("{kind} {channel}: no answer came"))??;
            if message["type"] != "message" {
                return Ok(message);
            }
            self.keep(message)?;
        }
    }

    /// Waits for a message of the channel whose data is the expected one, and takes it out of what waits. The others wait on.
    async fn hear(&mut self, channel: &str, expected: &Value) -> Result<()> {
        let deadline = tokio::time::Instant::now() + HEARD_WITHIN;
        let is_it = |message: &Value| {
            message["channel"] == channel && compare::json(expected, &message["data"]).is_ok()
        };
        loop {
            if let Some(at) = self.waiting.iter().position(is_it) {
                self.waiting.remove(at);
                return Ok(());
            }
            match tokio::time::timeout_at(deadline, self.next()).await {
                Ok(message) => self.keep(message?)?,
                Err(_elapsed) => {
                    let heard: Vec<String> = self.waiting.iter().map(Value::to_string).collect();
                    bail!("no message on {channel} is {expected}; there were {}", heard.join(" "));
                }
            }
        }
    }

    /// Fails for a message of the channel that waits, or comes now.
    async fn silent(&mut self, channel: &str) -> Result<()> {
        while let Ok(message) = tokio::time::timeout(SILENT_FOR, self.next()).await {
            self.keep(message?)?;
        }
        match self.waiting.iter().find(|message| message["channel"] == channel) {
            Some(message) => bail!("nothing was expected on {channel}, and {message} came"),
            None => Ok(()),
        }
    }

    fn keep(&mut self, message: Value) -> Result<()> {
        if self.waiting.len() == WAITING_MAX {
            bail!("more than {WAITING_MAX} messages wait to be heard");
        }
        self.waiting.push_back(message);
        Ok(())
    }

    /// The next message of the server.
    async fn next(&mut self) -> Result<Value> {
        loop {
            match self.stream.next().await.context("the server closed the socket")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Close(frame) => bail!("the server closed the socket: {frame:?}"),
                _ => {}
            }
        }
    }
}
