//! Configuration, from the command line and the environment.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use halle_base::Secret;
use halle_model::limits::{LimitValues, UNLIMITED};

use crate::rates::RateArgs;

/// Where the data is: what every command needs.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Folder of the data: database, files, indexes, keys. Made if need be.
    #[arg(long, env = "HALLE_DATA_DIR", default_value = "data", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// PostgreSQL to use in place of the embedded database: `postgres://user:password@host/name`.
    #[arg(long, env = "HALLE_DATABASE_URL", hide_env_values = true, value_name = "URL", value_parser = secret)]
    pub database_url: Option<Secret<String>>,
    /// Keys whose signatures on plugins are accepted: `name=hex`, separated by commas.
    #[arg(long, env = "HALLE_TRUSTED_KEYS", value_delimiter = ',', value_name = "KEYS")]
    pub trusted_keys: Vec<String>,
    /// Origins on private or loopback addresses that plugins may call if they are granted them, separated by commas.
    #[arg(long, env = "HALLE_ALLOWED_PRIVATE_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub allowed_private_origins: Vec<String>,
}

/// What `halle serve` needs besides.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// Address to listen on.
    #[arg(long, env = "HALLE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Address of figures for operators, `/metrics` in the format of Prometheus: one that only they reach. None when absent.
    #[arg(long, env = "HALLE_OBSERVER_LISTEN", value_name = "ADDR")]
    pub observer_listen: Option<SocketAddr>,
    /// Address under which users know the server; `http://` and the listening address when absent.
    #[arg(long, env = "HALLE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Name of the public site.
    #[arg(long, env = "HALLE_TITLE", default_value = "Données ouvertes", value_name = "TITLE")]
    pub title: String,
    /// E-mail address of the first superadmin, created if there is no such user.
    #[arg(long, env = "HALLE_ADMIN_EMAIL", requires = "admin_password", value_name = "EMAIL")]
    pub admin_email: Option<String>,
    /// Password of the first superadmin.
    #[arg(long, env = "HALLE_ADMIN_PASSWORD", hide_env_values = true, value_name = "PASSWORD", value_parser = secret)]
    pub admin_password: Option<Secret<String>>,
    /// Directory whose sessions are accepted, in place of the built-in one: the address of its JWKS.
    #[arg(long, env = "HALLE_JWKS_URL", value_name = "URL")]
    pub jwks_url: Option<String>,
    /// Bytes of one uploaded file.
    #[arg(long, env = "HALLE_UPLOAD_BYTES_MAX", default_value_t = halle_base::limits::UPLOAD_BYTES_MAX, value_name = "BYTES")]
    pub upload_bytes_max: u64,
    /// Bytes that the datasets of an account may take, unless something else is set for it; -1 is no limit.
    #[arg(long, env = "HALLE_LIMIT_STORE_BYTES", default_value_t = UNLIMITED, allow_negative_numbers = true, value_name = "BYTES")]
    pub limit_store_bytes: i64,
    /// Bytes that the indexes of an account may take, unless something else is set for it; -1 is no limit.
    #[arg(long, env = "HALLE_LIMIT_INDEXED_BYTES", default_value_t = UNLIMITED, allow_negative_numbers = true, value_name = "BYTES")]
    pub limit_indexed_bytes: i64,
    /// Datasets that an account may have, unless something else is set for it; -1 is no limit.
    #[arg(long, env = "HALLE_LIMIT_DATASETS", default_value_t = UNLIMITED, allow_negative_numbers = true, value_name = "N")]
    pub limit_datasets: i64,
    /// Seconds that plugins may compute for an account each day (UTC), unless something else is set for it; -1 is no limit.
    #[arg(long, env = "HALLE_LIMIT_PLUGIN_SECONDS", default_value_t = UNLIMITED, allow_negative_numbers = true, value_name = "SECONDS")]
    pub limit_plugin_seconds: i64,
    /// Secret of trusted services, which read and set limits with `?key=`.
    #[arg(long, env = "HALLE_SERVICES_KEY", hide_env_values = true, value_name = "SECRET", value_parser = secret)]
    pub services_key: Option<Secret<String>>,
    /// Jobs of the pipeline at a time.
    #[arg(long, env = "HALLE_PIPELINE_JOBS", default_value_t = 2, value_name = "N")]
    pub pipeline_jobs: usize,
    /// Proxies of yours in front, which append to `X-Forwarded-For`.
    #[arg(long, env = "HALLE_TRUSTED_PROXIES", default_value_t = 0, value_name = "N")]
    pub trusted_proxies: usize,
    /// Secret of trusted services, whose requests are not limited: the header `x-ignore-rate-limiting`.
    #[arg(long, env = "HALLE_RATE_LIMITS_SECRET", hide_env_values = true, value_name = "SECRET", value_parser = secret)]
    pub rate_limits_secret: Option<Secret<String>>,
    /// Serve without limits on requests, search time and bandwidth.
    #[arg(long, env = "HALLE_NO_RATE_LIMITS")]
    pub no_rate_limits: bool,
    /// Limits on requests, search time and bandwidth.
    #[command(flatten)]
    pub rates: RateArgs,
    /// Write logs as JSON lines.
    #[arg(long, env = "HALLE_LOG_JSON")]
    pub log_json: bool,
}

impl ServeArgs {
    /// What accounts may keep for which nothing else was set.
    pub fn limits(&self) -> LimitValues {
        LimitValues {
            store_bytes: self.limit_store_bytes,
            indexed_bytes: self.limit_indexed_bytes,
            nb_datasets: self.limit_datasets,
            plugin_seconds: self.limit_plugin_seconds,
        }
    }

    /// Address under which users know the server, without a trailing slash.
    pub fn public_url(&self) -> String {
        let default = || format!("http://{}", self.listen);
        let url = self.public_url.clone().unwrap_or_else(default);
        url.trim_end_matches('/').to_owned()
    }
}

/// Reads a secret; never fails.
pub fn secret(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}
