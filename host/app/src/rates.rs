//! Configuration of how much somebody may ask: the rates of [`RateLimits`].

use clap::Args;
use clap::builder::RangedU64ValueParser;
use halle_base::Secret;
use halle_http::rate_limit::{Allowance, RateLimits};

/// A rate: nothing at all would be a server that answers nobody.
fn rate() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..)
}

/// Rates beyond which requests are refused, or answers slowed down. Anonymous rates are for each address, the others for each
/// person or API key; all are counted by each process.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rates")]
pub struct RateArgs {
    /// Requests a minute of an address without a session.
    #[arg(long, env = "HALLE_RATE_ANONYMOUS_REQUESTS", default_value_t = 600, value_parser = rate(), value_name = "N")]
    pub rate_anonymous_requests: u32,
    /// Milliseconds of searches a minute of an address without a session.
    #[arg(long, env = "HALLE_RATE_ANONYMOUS_SEARCH_MS", default_value_t = 20_000, value_parser = rate(), value_name = "MS")]
    pub rate_anonymous_search_ms: u32,
    /// Bytes a second of computed answers to an address without a session.
    #[arg(long, env = "HALLE_RATE_ANONYMOUS_DYNAMIC_BYTES", default_value_t = 500_000, value_parser = rate(), value_name = "BYTES")]
    pub rate_anonymous_dynamic_bytes: u32,
    /// Bytes a second of files to an address without a session.
    #[arg(long, env = "HALLE_RATE_ANONYMOUS_STATIC_BYTES", default_value_t = 8_000_000, value_parser = rate(), value_name = "BYTES")]
    pub rate_anonymous_static_bytes: u32,
    /// Requests a minute of a person or key.
    #[arg(long, env = "HALLE_RATE_REQUESTS", default_value_t = 1_200, value_parser = rate(), value_name = "N")]
    pub rate_requests: u32,
    /// Milliseconds of searches a minute of a person or key.
    #[arg(long, env = "HALLE_RATE_SEARCH_MS", default_value_t = 60_000, value_parser = rate(), value_name = "MS")]
    pub rate_search_ms: u32,
    /// Bytes a second of computed answers to a person or key.
    #[arg(long, env = "HALLE_RATE_DYNAMIC_BYTES", default_value_t = 1_000_000, value_parser = rate(), value_name = "BYTES")]
    pub rate_dynamic_bytes: u32,
    /// Bytes a second of files to a person or key.
    #[arg(long, env = "HALLE_RATE_STATIC_BYTES", default_value_t = 16_000_000, value_parser = rate(), value_name = "BYTES")]
    pub rate_static_bytes: u32,
    /// Pictures of applications a minute, of anybody.
    #[arg(long, env = "HALLE_RATE_CAPTURES", default_value_t = 5, value_parser = rate(), value_name = "N")]
    pub rate_captures: u32,
    /// How many periods' worth may come at once after a quiet time.
    #[arg(long, env = "HALLE_RATE_BURST_FACTOR", default_value_t = 4, value_parser = rate(), value_name = "N")]
    pub rate_burst_factor: u32,
}

impl RateArgs {
    /// The limits of the process, with the secret of services that have none.
    pub fn limits(&self, ignore_secret: Option<Secret<String>>) -> RateLimits {
        RateLimits {
            anonymous: Allowance {
                requests_per_minute: self.rate_anonymous_requests,
                search_ms_per_minute: self.rate_anonymous_search_ms,
                dynamic_bytes_per_s: self.rate_anonymous_dynamic_bytes,
                static_bytes_per_s: self.rate_anonymous_static_bytes,
            },
            authenticated: Allowance {
                requests_per_minute: self.rate_requests,
                search_ms_per_minute: self.rate_search_ms,
                dynamic_bytes_per_s: self.rate_dynamic_bytes,
                static_bytes_per_s: self.rate_static_bytes,
            },
            captures_per_minute: self.rate_captures,
            burst_factor: self.rate_burst_factor,
            ignore_secret,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        rates: RateArgs,
    }

    fn limits(arguments: &[&str]) -> Result<RateLimits, clap::Error> {
        let command = Command::try_parse_from(["halle"].iter().chain(arguments))?;
        Ok(command.rates.limits(None))
    }

    #[test]
    fn rates_are_those_of_the_reference_unless_something_else_is_said() {
        let default = RateLimits::default();
        let found = limits(&[]).unwrap();
        assert_eq!(found.anonymous, default.anonymous);
        assert_eq!(found.authenticated, default.authenticated);
        assert_eq!(found.captures_per_minute, default.captures_per_minute);
        assert_eq!(found.burst_factor, default.burst_factor);
        let given = limits(&["--rate-anonymous-requests", "7", "--rate-captures", "9"]).unwrap();
        assert_eq!((given.anonymous.requests_per_minute, given.captures_per_minute), (7, 9));
        assert_eq!(given.authenticated, default.authenticated);
        assert!(limits(&["--rate-requests", "0"]).is_err());
    }
}
