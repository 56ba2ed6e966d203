//! I/O. The addresses of a destination, from `/etc/hosts` and the name servers of `/etc/resolv.conf`.
//!
//! The C library is not asked: in a static binary it loads the modules of `/etc/nsswitch.conf` from the machine, and the process ends with a signal where
//! they are of another version of that library. Programs in Go without cgo, such as Prometheus, resolve names in the same way.

use hickory_resolver::config::{
    NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name as DomainName, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{Hosts, TokioResolver};
use hyper_util::client::legacy::connect::dns::Name;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::vec::IntoIter;
use tower_service::Service;

/// Resolves the host names of destinations for hyper's connector. It reads the files again for each name, because connections are rare, and keeps no answer.
#[derive(Clone, Copy, Debug)]
pub struct HostResolver;

/// Why a host has no address.
#[derive(Debug)]
pub struct DnsError(String);

impl std::fmt::Display for DnsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DnsError {}

impl DnsError {
    fn of(host: &str, error: &NetError) -> Self {
        Self(match error.is_no_records_found() {
            true => format!("no address of {host} in /etc/hosts or DNS"),
            false => format!("the address of {host} cannot be looked up in DNS: {error}"),
        })
    }
}

type Resolving = Pin<Box<dyn Future<Output = Result<IntoIter<SocketAddr>, DnsError>> + Send>>;

impl Service<Name> for HostResolver {
    type Response = IntoIter<SocketAddr>;
    type Error = DnsError;
    type Future = Resolving;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DnsError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Resolving {
        Box::pin(async move {
            let hosts = Hosts::from_system().unwrap_or_default();
            let found = addresses(name.as_str(), &hosts, name_servers()).await?;
            // The connector sets the port.
            let found: Vec<_> = found.into_iter().map(|ip| (ip, 0).into()).collect();
            Ok(found.into_iter())
        })
    }
}

/// Those of this machine. Like for the C library, one on this machine if there is no usable `resolv.conf`.
fn name_servers() -> (ResolverConfig, ResolverOpts) {
    read_system_conf().unwrap_or_else(|_| {
        let own = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![own]);
        (config, ResolverOpts::default())
    })
}

async fn addresses(
    host: &str,
    hosts: &Hosts,
    (config, mut options): (ResolverConfig, ResolverOpts),
) -> Result<Vec<IpAddr>, DnsError> {
    let failed = |error: NetError| DnsError::of(host, &error);
    let listed = listed(host, hosts).map_err(failed)?;
    if !listed.is_empty() {
        return Ok(listed);
    }
    options.use_hosts_file = ResolveHosts::Never;
    // The second name server is for when the first does not answer. It may not know the names of a private network.
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    options.num_concurrent_reqs = 1;
    let (domain, search, servers) = config.into_parts();
    // A search list replaces the domain of the machine.
    let domain = domain.filter(|_| search.is_empty());
    let config = ResolverConfig::from_parts(domain, search, servers);
    let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .build()
        .map_err(failed)?;
    let found = resolver.lookup_ip(host).await.map_err(failed)?;
    Ok(found.iter().collect())
}

/// What `/etc/hosts` says. The resolver itself looks there only after it has asked for the name in all domains of the search list.
fn listed(host: &str, hosts: &Hosts) -> Result<Vec<IpAddr>, NetError> {
    let name = DomainName::from_str(host)?.to_lowercase();
    let lookups = [RecordType::AAAA, RecordType::A]
        .map(|of| hosts.lookup_static_host(&Query::query(name.clone(), of)));
    let answers = lookups.iter().flatten().flat_map(|found| found.answers());
    Ok(answers.filter_map(|record| record.data.ip_addr()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::op::{Message, ResponseCode};
    use hickory_resolver::proto::rr::{RData, Record};
    use hickory_resolver::system_conf::parse_resolv_conf;
    use tokio::net::UdpSocket;

    const FOUND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    /// A name server that knows one name, with an IPv4 address. Answers for ever, and notes what it is asked.
    async fn serve(socket: &UdpSocket, known: &str, asked: &mut Vec<String>) {
        let mut buffer = [0; 512];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.expect("a question");
            let request = Message::from_vec(&buffer[..length]).expect("a message");
            let query = request.queries[0].clone();
            let name = query.name().to_string();
            let mut answer = request.into_response();
            if name != known {
                answer.metadata.response_code = ResponseCode::NXDomain;
            } else if query.query_type() == RecordType::A {
                let data = RData::A(FOUND.into());
                answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
            }
            if !asked.contains(&name) {
                asked.push(name);
            }
            let answer = answer.to_vec().expect("bytes");
            socket.send_to(&answer, from).await.expect("sent");
        }
    }

    type Found = Result<Vec<IpAddr>, DnsError>;

    /// What these lines of `resolv.conf` make of a name if its first name server knows only `known`, and which names that server is asked for.
    async fn resolved(host: &str, lines: &str, known: &str) -> (Found, Vec<String>) {
        let text = format!("nameserver 127.0.0.1\nnameserver 127.0.0.1\n{lines}");
        let (config, options) = parse_resolv_conf(text).expect("a resolv.conf");
        let (domain, search, mut servers) = config.into_parts();
        let mut sockets = Vec::new();
        for server in &mut servers {
            let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
            let port = socket.local_addr().expect("an address").port();
            server.connections.iter_mut().for_each(|to| to.port = port);
            sockets.push(socket);
        }
        let config = ResolverConfig::from_parts(domain, search, servers);
        let mut hosts = Hosts::default();
        let lines = "192.0.2.7 listed # comment\n2001:db8::7 Listed other\n";
        hosts.read_hosts_conf(lines.as_bytes()).expect("hosts");
        let (mut asked, mut second) = (Vec::new(), Vec::new());
        let found = tokio::select! {
            found = addresses(host, &hosts, (config, options)) => found,
            () = serve(&sockets[0], known, &mut asked) => unreachable!("it serves for ever"),
            () = serve(&sockets[1], "", &mut second) => unreachable!("it serves for ever"),
        };
        assert!(
            second.is_empty(),
            "asked while the first one answers: {second:?}"
        );
        (found, asked)
    }

    #[tokio::test]
    async fn a_name_is_looked_for_in_the_search_list_as_its_dots_say() {
        let kubernetes = "search agents.svc.test svc.test\noptions ndots:5";
        let (found, asked) = resolved("otel.obs", kubernetes, "otel.obs.svc.test.").await;
        assert_eq!(found.expect("addresses"), [IpAddr::from(FOUND)]);
        assert_eq!(asked, ["otel.obs.agents.svc.test.", "otel.obs.svc.test."]);
        let (found, asked) = resolved("otel.obs", "search svc.test", "otel.obs.").await;
        assert_eq!(found.expect("addresses"), [IpAddr::from(FOUND)]);
        assert_eq!(
            asked,
            ["otel.obs."],
            "one dot is enough unless ndots says otherwise"
        );
    }

    #[tokio::test]
    async fn a_search_list_replaces_the_domain_and_an_error_says_the_name() {
        let (found, asked) = resolved("otel", "domain a.test\nsearch b.test", "").await;
        assert_eq!(asked, ["otel.b.test.", "otel."]);
        let error = found.expect_err("no address").to_string();
        assert_eq!(error, "no address of otel in /etc/hosts or DNS");
    }

    #[tokio::test]
    async fn what_hosts_lists_is_asked_of_nobody() {
        let listed: [IpAddr; 2] = ["2001:db8::7", "192.0.2.7"].map(|ip| ip.parse().expect("ip"));
        for name in ["listed", "LISTED", "listed."] {
            let (found, asked) = resolved(name, "search svc.test", "listed.svc.test.").await;
            assert_eq!(
                (found.expect("addresses").as_slice(), asked.len()),
                (&listed[..], 0)
            );
        }
        let (found, _) = resolved("other", "search svc.test", "other.svc.test.").await;
        assert_eq!(found.expect("addresses"), listed[..1]);
    }

    #[tokio::test]
    async fn localhost_is_this_machine() {
        let name = Name::from_str("localhost").expect("a name");
        let mut local = HostResolver.call(name).await.expect("addresses");
        assert!(local.len() > 0 && local.all(|address| address.ip().is_loopback()));
    }
}
