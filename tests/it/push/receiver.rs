//! A receiver of remote write that keeps what it gets and answers as the test says, on 127.0.0.1.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use baton::export::push::remote_write::message::{LegacyRequest, RemoteWriteRequest};
use prost::Message;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

pub const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
pub const V1: &str = "application/x-protobuf";

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub method: Method,
    pub headers: HeaderMap,
    /// In the block format of snappy.
    pub packed: Bytes,
}

impl Arrived {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a text"))
    }

    fn plain(&self) -> Vec<u8> {
        let plain = snap::raw::Decoder::new().decompress_vec(&self.packed);
        plain.expect("snappy_block_format")
    }

    /// The request of 2.0.
    pub fn v2(&self) -> RemoteWriteRequest {
        assert_eq!(self.header("content-type"), V2);
        RemoteWriteRequest::decode(&*self.plain()).expect("protobuf_parseable")
    }

    /// The request of 1.0.
    pub fn v1(&self) -> LegacyRequest {
        assert_eq!(self.header("content-type"), V1);
        LegacyRequest::decode(&*self.plain()).expect("protobuf_parseable")
    }

    /// Every series with its value, as text. Both versions are read alike.
    pub fn series(&self) -> Vec<(String, i64, f64)> {
        if self.header("content-type") == V1 {
            let series = self.v1().timeseries.into_iter();
            let points = series.flat_map(|series| {
                let labels = series.labels.iter();
                let name: Vec<String> = labels.map(|l| format!("{}={}", l.name, l.value)).collect();
                let samples = series.samples.into_iter();
                samples.map(move |sample| (name.join(","), sample.timestamp, sample.value))
            });
            return points.collect();
        }
        let RemoteWriteRequest {
            symbols,
            timeseries,
        } = self.v2();
        let points = timeseries.iter().flat_map(|series| {
            let text = |at: &u32| symbols[*at as usize].as_str();
            let pairs = series.labels_refs.chunks_exact(2);
            let name: Vec<String> = pairs
                .map(|p| format!("{}={}", text(&p[0]), text(&p[1])))
                .collect();
            let samples = series.samples.iter();
            samples.map(move |sample| (name.join(","), sample.timestamp, sample.value))
        });
        points.collect()
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// All of it is written, and the headers of 2.0 say so.
    Written,
    /// So many of its samples are written.
    Part(u64),
    /// A status, and nothing else.
    Status(u16),
    /// As a receiver of 1.0 that does not look at the version: it takes everything and stores 1.0.
    Legacy,
}

/// The number of the request, from 0, and the request: what is answered.
pub type Script = dyn Fn(usize, &Arrived) -> Reply + Send + Sync;

struct Shared {
    script: Box<Script>,
    arrived: Mutex<Vec<Arrived>>,
    /// How many have arrived.
    count: watch::Sender<usize>,
    answered: AtomicUsize,
    /// `None`: it answers at once.
    gate: Option<Semaphore>,
}

/// The receiver. It ends when it is dropped.
pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub async fn start(script: impl Fn(usize, &Arrived) -> Reply + Send + Sync + 'static) -> Self {
        Self::open(Box::new(script), None).await
    }

    /// One that answers when the test lets it.
    pub async fn held(script: impl Fn(usize, &Arrived) -> Reply + Send + Sync + 'static) -> Self {
        Self::open(Box::new(script), Some(Semaphore::new(0))).await
    }

    async fn open(script: Box<Script>, gate: Option<Semaphore>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            script,
            arrived: Mutex::default(),
            count: watch::channel(0).0,
            answered: AtomicUsize::new(0),
            gate,
        });
        let router = Router::new()
            .fallback(write)
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            address,
            shared,
            serving,
        }
    }

    /// The endpoint of an exporter.
    pub fn url(&self) -> String {
        format!("http://{}/api/v1/write", self.address)
    }

    /// Waits for so many requests.
    pub async fn wait(&self, count: usize) -> Vec<Arrived> {
        let mut seen = self.shared.count.subscribe();
        seen.wait_for(|seen| *seen >= count)
            .await
            .expect("it is there");
        self.arrived()
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.shared.arrived.lock().expect("no panic").clone()
    }

    /// Requests that have arrived and are not answered.
    pub fn in_flight(&self) -> Vec<Arrived> {
        let arrived = self.arrived();
        arrived[self.shared.answered.load(Ordering::SeqCst)..].to_vec()
    }

    /// Lets so many requests be answered.
    pub fn answer(&self, count: usize) {
        let gate = self.shared.gate.as_ref().expect("it is held");
        gate.add_permits(count);
    }
}

async fn write(
    State(shared): State<Arc<Shared>>,
    method: Method,
    headers: HeaderMap,
    packed: Bytes,
) -> Response {
    let arrived = Arrived {
        method,
        headers,
        packed,
    };
    let number = {
        let mut all = shared.arrived.lock().expect("no panic");
        all.push(arrived.clone());
        shared.count.send_replace(all.len());
        all.len() - 1
    };
    if let Some(gate) = &shared.gate {
        gate.acquire().await.expect("it is open").forget();
    }
    let reply = (shared.script)(number, &arrived);
    shared.answered.fetch_add(1, Ordering::SeqCst);
    let written = |samples: u64, histograms: u64| {
        let headers = [
            (
                "x-prometheus-remote-write-samples-written",
                samples.to_string(),
            ),
            (
                "x-prometheus-remote-write-histograms-written",
                histograms.to_string(),
            ),
        ];
        (StatusCode::NO_CONTENT, headers).into_response()
    };
    match reply {
        Reply::Written if arrived.header("content-type") == V2 => {
            let series = arrived.v2().timeseries;
            let samples: usize = series.iter().map(|one| one.samples.len()).sum();
            let histograms: usize = series.iter().map(|one| one.histograms.len()).sum();
            written(samples as u64, histograms as u64)
        }
        Reply::Written | Reply::Legacy => StatusCode::NO_CONTENT.into_response(),
        Reply::Part(samples) => written(samples, 0),
        Reply::Status(status) => {
            let status = StatusCode::from_u16(status).expect("a status");
            // An answer may say much: it is not repeated anywhere.
            (status, "an answer ".repeat(20_000)).into_response()
        }
    }
}
