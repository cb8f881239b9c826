//! From names to addresses, with the filter at the last moment before dialling, so that a name which changes its mind
//! between check and use gains nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::is_public;
use crate::problem::PrivateName;

/// Looks names up.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of a name. No address is an error.
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The resolver of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The hook of the client: only the addresses that survive the filter are dialled.
pub(crate) struct DialTime {
    pub(crate) resolver: Arc<dyn Resolver>,
    /// Whether private addresses may be dialled: only in the client of the origins that the operator listed.
    pub(crate) allows_private: bool,
}

impl Resolve for DialTime {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, allows_private) = (Arc::clone(&self.resolver), self.allows_private);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let addresses = resolver.resolve(&host).await?;
            let survivors: Vec<SocketAddr> = addresses
                .iter()
                .filter(|address| allows_private || is_public(**address))
                // The client puts the port of the URL in place of 0.
                .map(|address| SocketAddr::new(*address, 0))
                .collect();
            if survivors.is_empty() && !addresses.is_empty() {
                return Err(PrivateName { host, addresses }.into());
            }
            Ok(Box::new(survivors.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    struct Fixed;

    #[async_trait]
    impl Resolver for Fixed {
        async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
            Ok(["127.0.0.1", "1.1.1.1", "fd00::1", "10.0.0.1"].map(|text| text.parse().unwrap()).to_vec())
        }
    }

    #[tokio::test]
    async fn only_the_public_addresses_of_a_name_are_dialled() {
        for (allows_private, expected) in [(false, 1), (true, 4)] {
            let hook = DialTime { resolver: Arc::new(Fixed), allows_private };
            let dialled: Vec<_> = hook.resolve(Name::from_str("a.test").unwrap()).await.unwrap().collect();
            assert_eq!(dialled.len(), expected);
            assert!(dialled.contains(&"1.1.1.1:0".parse().unwrap()));
        }
    }
}
