//! Stands before a Collector, passes requests on as they are and keeps the SHA-256 of each body: what a Collector writes is encoded anew.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use ring::digest::{SHA256, digest};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The length of the frame before a message of gRPC.
const FRAME: usize = 5;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// gRPC and HTTP on one port of 127.0.0.1. It ends when it is dropped.
pub struct Tap {
    pub address: SocketAddr,
    passed: Arc<Mutex<Passed>>,
    _accepting: JoinSet<()>,
}

/// The bodies in hexadecimal digits of their digest, and what a Collector acknowledged of them.
#[derive(Clone, Default)]
pub struct Passed {
    pub all: BTreeSet<String>,
    pub accepted: BTreeSet<String>,
}

struct Next {
    grpc: SocketAddr,
    http: SocketAddr,
    http1: Client<HttpConnector, Full<Bytes>>,
    http2: Client<HttpConnector, Full<Bytes>>,
    passed: Arc<Mutex<Passed>>,
}

impl Tap {
    /// Passes on to a Collector that listens at two addresses.
    pub async fn start(grpc: SocketAddr, http: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let passed: Arc<Mutex<Passed>> = Arc::default();
        let mut http2 = Client::builder(TokioExecutor::new());
        let next = Arc::new(Next {
            grpc,
            http,
            http1: Client::builder(TokioExecutor::new()).build_http(),
            http2: http2.http2_only(true).build_http(),
            passed: Arc::clone(&passed),
        });
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let next = Arc::clone(&next);
                connections.spawn(async move {
                    let service = service_fn(move |request| pass(request, Arc::clone(&next)));
                    let server = auto::Builder::new(TokioExecutor::new());
                    // Baton is killed at any time.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            address,
            passed,
            _accepting: accepting,
        }
    }

    pub fn passed(&self) -> Passed {
        self.passed.lock().expect("no panic").clone()
    }
}

/// Sends a request on and its answer back; without one, the connection is cut, as it would be without this tap.
async fn pass(
    request: Request<Incoming>,
    next: Arc<Next>,
) -> Result<Answer, hyper_util::client::legacy::Error> {
    let (mut head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        // Baton was killed before its end.
        return Ok(Response::new(Full::new(Bytes::new()).boxed()));
    };
    let body = body.to_bytes();
    let grpc = head.headers.get("te").is_some();
    let message = if grpc { &body[FRAME..] } else { &body[..] };
    let digest = hexadecimal(digest(&SHA256, message).as_ref());
    next.passed
        .lock()
        .expect("no panic")
        .all
        .insert(digest.clone());
    let (address, client) = if grpc {
        (next.grpc, &next.http2)
    } else {
        (next.http, &next.http1)
    };
    let url = format!("http://{address}{}", head.uri.path());
    head.uri = url.parse::<Uri>().expect("a URL");
    let request = Request::from_parts(head, Full::new(body));
    let (head, body) = client.request(request).await?.into_parts();
    let Ok(body) = body.collect().await else {
        // The Collector was killed: an answer that is none.
        return Ok(Response::builder()
            .status(502)
            .body(Full::new(Bytes::new()).boxed())
            .expect("an answer"));
    };
    let trailers = body.trailers().cloned();
    if head.status.is_success() && said_ok(&head.headers, trailers.as_ref(), grpc) {
        next.passed
            .lock()
            .expect("no panic")
            .accepted
            .insert(digest);
    }
    let body = Full::new(body.to_bytes()).with_trailers(async move { trailers.map(Ok) });
    Ok(Response::from_parts(head, body.boxed()))
}

/// Whether an answer of gRPC, which has its status in the trailers or, without a body, in the headers, says OK.
fn said_ok(headers: &HeaderMap, trailers: Option<&HeaderMap>, grpc: bool) -> bool {
    let status = trailers.unwrap_or(headers).get("grpc-status");
    !grpc || status.is_some_and(|status| status == "0")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text");
        text
    })
}
