//! One server on loopback, spelled in every way that a URL allows: none of them reaches it, whatever was granted.

use std::collections::BTreeSet;

use crate::server::Server;
use crate::{Names, code, egress, get, policy};

/// Hosts that mean loopback, a private network, a cloud's metadata or nothing, to some program or other.
const HOSTS: [&str; 72] = [
    // Loopback as browsers, curl and old libraries read it.
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.000.000.001",
    "127.0.0.01",
    "0177.0.0.1",
    "0177.0.0.01",
    "0x7f.0.0.1",
    "0x7f.1",
    "0x7f000001",
    "0x7F000001",
    "0X7f.0x0.0x0.0x1",
    "2130706433",
    "017700000001",
    "127.0.0.2",
    "127.255.255.254",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "１２７.0.0.1",
    "127。0。0。1",
    "127｡0｡0｡1",
    "①②⑦.0.0.1",
    "⑯⑨。②⑤④。⑯⑨｡②⑤④",
    // The unspecified address, which dials this machine.
    "0",
    "0.0.0.0",
    "0x0",
    "00000",
    "0.0",
    // Six.
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:7f00:0001::1]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "[::1%25lo]",
    // Private networks and metadata.
    "10.0.0.1",
    "012.0.0.1",
    "0xa.0.0.1",
    "167772161",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "0xc0.0xa8.0.1",
    "3232235521",
    "169.254.169.254",
    "169.254.43518",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "2852039166",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "255.255.255.255",
];

/// Names that look up to loopback, however they are written.
const NAMES: [&str; 8] = [
    "localhost",
    "localhost.",
    "LOCALHOST",
    "local\u{2060}host",
    "ｌｏｃａｌｈｏｓｔ",
    "intern.test",
    "INTERN.test",
    "a.localhost",
];

#[tokio::test]
async fn no_spelling_of_an_address_that_is_not_public_is_dialled() {
    assert_eq!(HOSTS.iter().collect::<BTreeSet<_>>().len(), HOSTS.len());
    let server = Server::start().await;
    let loopback = &[&["127.0.0.1", "::1"][..]][..];
    let names = ["localhost", "localhost.", "intern.test", "a.localhost"];
    let names = names.iter().fold(Names::default(), |names, name| names.with(name, loopback));
    let egress = egress(&[], names);
    for host in HOSTS.iter().chain(&NAMES) {
        let url = format!("http://{host}:{}/hello", server.port);
        // Granted as it is written, as it is meant, and by a name with a star.
        let written = format!("http://{host}:{}", server.port);
        let meant = format!("http://127.0.0.1:{}", server.port);
        let star = format!("http://*.0.0.1:{}", server.port);
        let code = code(&egress, &policy(&[&written, &meant, &star]), get(&url)).await;
        assert!(matches!(code.as_str(), "denied/address" | "denied/http"), "{host}: {code}");
    }
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn no_spelling_hides_in_a_redirect_either() {
    let (server, inner) = (Server::start().await, Server::start().await);
    let egress = egress(&[&server.origin], Names::default());
    for host in HOSTS {
        let written = format!("http://{host}:{}", inner.port);
        let granted = policy(&[&server.origin, &written, &inner.origin]);
        let code = code(&egress, &granted, get(&server.url(&format!("/to?{written}/")))).await;
        assert!(matches!(code.as_str(), "denied/address" | "denied/http"), "{host}: {code}");
    }
    assert_eq!(inner.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn of_mixed_answers_only_the_public_ones_are_dialled() {
    let server = Server::start().await;
    // 192.0.2.0/24 is for documentation: refused like all the others here.
    let names = Names::default().with("mixed.test", &[&["10.0.0.1", "127.0.0.1", "192.0.2.1", "::1"]]);
    let egress = egress(&[], names);
    let origin = format!("http://mixed.test:{}", server.port);
    assert_eq!(code(&egress, &policy(&[&origin]), get(&origin)).await, "denied/address");
    assert_eq!(server.requests(), Vec::<String>::new());
}
