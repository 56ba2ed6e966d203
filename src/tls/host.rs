//! Which URLs need no TLS, because nobody is on the way.

use http::Uri;
use std::net::IpAddr;

/// Whether the host of a URL is this machine, by its name or its address.
pub fn is_local(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
