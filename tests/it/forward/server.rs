//! A receiver of OTLP that keeps what it gets and answers as the test says: gRPC and HTTP on one port of 127.0.0.1.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use futures_util::{FutureExt, stream};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use std::convert::Infallible;
use std::io::{Error, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One request as it arrived, decompressed and without the frame of gRPC.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// It was answered with OK.
    pub accepted: bool,
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    Ok,
    /// OK, with so many rejected items.
    Partial(u8),
    /// A status of HTTP, and seconds of `Retry-After`.
    Http(u16, Option<u32>),
    /// A status of gRPC.
    Grpc(u8),
    /// A page for people, without a status of gRPC.
    Page,
    /// As [`Reply::Partial`], with so many bytes of explanation.
    Long(u8, usize),
    /// The beginning of an answer; then the connection breaks.
    Half,
    /// The beginning of an answer, and never the rest.
    Stalled,
    /// None, ever.
    Silence,
}

/// The number of the request, from 0, and the request: what is answered.
pub type Script = Arc<dyn Fn(usize, &Arrived) -> Reply + Send + Sync>;

/// The receiver. It ends when it is dropped, and its connections with it.
pub struct OtlpServer {
    pub address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    count: watch::Sender<usize>,
    accepting: JoinHandle<()>,
}

impl Drop for OtlpServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl OtlpServer {
    /// One that accepts everything.
    pub async fn start() -> Self {
        Self::scripted(|_, _| Reply::Ok).await
    }

    /// An address with its URL at which nobody listens, until another one does.
    pub async fn nobody() -> (SocketAddr, String) {
        let server = Self::start().await;
        let found = (server.address, server.url());
        server.close().await;
        found
    }

    /// Gives its address free: another one may listen there when this returns.
    pub async fn close(mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }

    pub async fn scripted(
        script: impl Fn(usize, &Arrived) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::listening(
            TcpListener::bind(free).await.expect("a port"),
            Arc::new(script),
        )
    }

    /// One at the address of another that was closed, or at one that is free.
    pub async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("the port is free");
        Self::listening(listener, Arc::new(|_, _| Reply::Ok))
    }

    fn listening(listener: TcpListener, script: Script) -> Self {
        let arrived: Arc<Mutex<Vec<Arrived>>> = Arc::default();
        let count = watch::Sender::new(0);
        let address = listener.local_addr().expect("bound");
        let state = (Arc::clone(&arrived), count.clone(), script);
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let state = state.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(request, state.clone()));
                    let server = auto::Builder::new(TokioExecutor::new());
                    // A client may go away at any time.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            address,
            arrived,
            count,
            accepting,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far, in the order of their arrival.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().expect("no panic").clone()
    }

    /// The bodies that were accepted, sorted.
    pub fn bodies(&self) -> Vec<Bytes> {
        let arrived = self.arrived().into_iter();
        let accepted = arrived.filter(|request| request.accepted);
        let mut bodies: Vec<Bytes> = accepted.map(|request| request.body).collect();
        bodies.sort_unstable();
        bodies
    }

    /// Ends when so many requests have arrived.
    pub async fn wait(&self, requests: usize) {
        let mut count = self.count.subscribe();
        let enough = count.wait_for(|count| *count >= requests).await;
        enough.expect("the server lives");
    }
}

type State = (Arc<Mutex<Vec<Arrived>>>, watch::Sender<usize>, Script);
type Answer = Response<BoxBody<Bytes, Error>>;

async fn answer(
    request: Request<Incoming>,
    (arrived, count, script): State,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(plain(400, None));
    };
    let is_grpc = head.headers["content-type"] == "application/grpc";
    // As the server of Go does: the answer has the compression of the request.
    let packs = head.headers.get("grpc-encoding").is_some();
    let mut request = Arrived {
        path: head.uri.path().to_owned(),
        body: message(body.to_bytes(), &head.headers, is_grpc),
        headers: head.headers,
        accepted: false,
    };
    let reply = {
        let mut arrived = arrived.lock().expect("no panic");
        let reply = script(arrived.len(), &request);
        request.accepted = matches!(reply, Reply::Ok | Reply::Partial(_) | Reply::Long(..));
        arrived.push(request);
        reply
    };
    count.send_modify(|count| *count += 1);
    // Field 1: {1: rejected}.
    let body = |rejected: u8| Bytes::from(vec![0x0a, 2, 0x08, rejected]);
    Ok(match reply {
        Reply::Ok if is_grpc => grpc(Bytes::new(), 0, packs),
        Reply::Partial(rejected) if is_grpc => grpc(body(rejected), 0, packs),
        Reply::Grpc(code) => grpc(Bytes::new(), code, false),
        Reply::Ok => answered(Full::default()),
        Reply::Partial(rejected) => answered(Full::new(body(rejected))),
        Reply::Http(code, wait) => plain(code, wait),
        Reply::Long(rejected, bytes) if is_grpc => grpc(explained(rejected, bytes), 0, packs),
        Reply::Long(rejected, bytes) => answered(Full::new(explained(rejected, bytes))),
        Reply::Page => {
            let mut answer = plain(200, None);
            let media = HeaderValue::from_static("text/html; charset=utf-8");
            answer.headers_mut().insert("content-type", media);
            answer
        }
        Reply::Half => begun(Some(Err(Error::other("broken")))),
        Reply::Stalled => begun(None),
        Reply::Silence => std::future::pending().await,
    })
}

/// The message in a body.
fn message(mut body: Bytes, headers: &HeaderMap, is_grpc: bool) -> Bytes {
    let mut packed = headers.get("content-encoding").is_some();
    if is_grpc {
        packed = body.get_u8() == 1;
        assert_eq!(body.get_u32() as usize, body.len());
    }
    if !packed {
        return body;
    }
    let mut plain = Vec::new();
    let read = GzDecoder::new(&*body).read_to_end(&mut plain);
    read.expect("gzip");
    plain.into()
}

fn plain(code: u16, wait: Option<u32>) -> Answer {
    let mut answer = answered(Full::default());
    *answer.status_mut() = code.try_into().expect("a status");
    if let Some(wait) = wait {
        answer.headers_mut().insert("retry-after", wait.into());
    }
    answer
}

fn answered(body: impl Body<Data = Bytes, Error = Infallible> + Send + Sync + 'static) -> Answer {
    Response::new(body.map_err(|never| match never {}).boxed())
}

/// A partial success with its message.
fn explained(rejected: u8, bytes: usize) -> Bytes {
    let partial_success = Some(ExportTracePartialSuccess {
        rejected_spans: rejected.into(),
        error_message: "x".repeat(bytes),
    });
    ExportTraceServiceResponse { partial_success }
        .encode_to_vec()
        .into()
}

/// Two bytes of a body, and what comes next; `None`: nothing, ever.
fn begun(next: Option<Result<Frame<Bytes>, Error>>) -> Answer {
    let rest = async move {
        // What is there is sent before the stream goes on.
        tokio::task::yield_now().await;
        match next {
            Some(next) => next,
            None => std::future::pending().await,
        }
    };
    let begin = std::future::ready(Ok(Frame::data(Bytes::from_static(b"\0\0"))));
    let parts = [begin.left_future(), rest.right_future()];
    Response::new(StreamBody::new(stream::FuturesOrdered::from_iter(parts)).boxed())
}

fn grpc(message: Bytes, code: u8, packs: bool) -> Answer {
    let mut framed = BytesMut::new();
    let message = match packs {
        true => packed(&message),
        false => message,
    };
    if code == 0 {
        framed.put_u8(packs.into());
        framed.put_u32(message.len() as u32);
        framed.put(message);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(u16::from(code)));
    let body = Full::new(framed.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut answer = answered(body);
    let media = HeaderValue::from_static("application/grpc");
    answer.headers_mut().insert("content-type", media);
    if packs {
        let gzip = HeaderValue::from_static("gzip");
        answer.headers_mut().insert("grpc-encoding", gzip);
    }
    answer
}

fn packed(message: &[u8]) -> Bytes {
    let mut packed = Vec::new();
    let read = GzEncoder::new(message, Compression::fast()).read_to_end(&mut packed);
    read.expect("memory");
    packed.into()
}
