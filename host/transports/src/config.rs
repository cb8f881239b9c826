//! What the operator decides about outgoing requests.

use crate::target::Target;

/// Settings of the way out.
#[derive(Debug, Clone)]
pub struct EgressConfig {
    /// Origins (`http://127.0.0.1:5000`) that may be dialled although their addresses are private. Policies still apply.
    pub allowed_private_origins: Vec<String>,
    /// Time for a whole exchange when the request does not say, in milliseconds.
    pub timeout_ms_default: u32,
    /// Time for a whole exchange at most, in milliseconds.
    pub timeout_ms_max: u32,
    /// Time without a byte, in milliseconds.
    pub idle_ms_max: u32,
    /// Bytes of one answer, decompressed, when the policy does not say (0).
    pub response_bytes_max: u64,
    /// What servers are told about us.
    pub user_agent: String,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            allowed_private_origins: Vec::new(),
            timeout_ms_default: 30_000,
            timeout_ms_max: 600_000,
            idle_ms_max: 30_000,
            response_bytes_max: 64 << 20,
            user_agent: concat!("halle/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Why the way out cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// An entry of `allowed_private_origins` is no origin.
    #[error("`{0}` is no origin: write it as http://host:port in allowed_private_origins")]
    BadOrigin(String),
    /// The client cannot be built.
    #[error("building the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

impl EgressConfig {
    /// The private origins in their normal form.
    pub(crate) fn private_origins(&self) -> Result<Vec<String>, EgressError> {
        let normal = |origin: &String| {
            let target = Target::parse(origin).map_err(|_| EgressError::BadOrigin(origin.clone()))?;
            let is_bare = matches!(target.url().path(), "" | "/") && target.url().query().is_none();
            if is_bare { Ok(target.origin()) } else { Err(EgressError::BadOrigin(origin.clone())) }
        };
        self.allowed_private_origins.iter().map(normal).collect()
    }
}
