//! Baseline sinks: gRPC servers that do as little as possible with a request.

use bytes::{Buf, BufMut, Bytes};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tonic::Status;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

pub const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Bytes as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Discard,
    Count,
}

#[derive(Clone)]
struct Service {
    work: Work,
    counts: Arc<Mutex<SpanCounts>>,
}

impl tonic::server::NamedService for Service {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

type Answering = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl tower_service::Service<http::Request<Body>> for Service {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answering {
        let service = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Raw).max_decoding_message_size(64 << 20);
            Ok(grpc.unary(service, request).await)
        })
    }
}

impl tonic::server::UnaryService<Bytes> for Service {
    type Response = Bytes;
    type Future = std::future::Ready<Result<tonic::Response<Bytes>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        if self.work == Work::Count {
            let mut counts = self.counts.lock().expect("no panic");
            count_spans(&request.into_inner(), &mut counts);
        }
        std::future::ready(Ok(tonic::Response::new(Bytes::new())))
    }
}

/// Serves on one thread until it is killed.
pub async fn serve(address: SocketAddr, work: Work) {
    let service = Service {
        work,
        counts: Arc::default(),
    };
    tonic::transport::Server::builder()
        .add_service(service)
        .serve(address)
        .await
        .expect("it serves");
}

/// Six dimensions, as spanmetrics is told to have: the values of these attributes.
const DIMENSIONS: [&[u8]; 6] = [
    b"gen_ai.operation.name",
    b"gen_ai.agent.name",
    b"gen_ai.request.model",
    b"gen_ai.tool.name",
    b"customer.tier",
    b"user.intent",
];

/// Calls and nanoseconds by dimensions.
type SpanCounts = HashMap<Vec<u8>, (u64, u64)>;

/// Decodes resource spans, scope spans, spans and attributes once, without a copy, and counts spans.
fn count_spans(request: &[u8], counts: &mut SpanCounts) {
    let mut key = Vec::new();
    fields(request, |field, resource| {
        if field == 1 {
            fields(resource.bytes(), |field, scope| {
                if field == 2 {
                    fields(scope.bytes(), |field, span| {
                        if field == 2 {
                            count(span.bytes(), counts, &mut key);
                        }
                    });
                }
            });
        }
    });
}

fn count(span: &[u8], counts: &mut SpanCounts, key: &mut Vec<u8>) {
    let mut values: [&[u8]; 6] = [b""; 6];
    let (mut start, mut end) = (0, 0);
    fields(span, |field, value| match field {
        7 => start = value.number(),
        8 => end = value.number(),
        9 => {
            let (mut name, mut text): (&[u8], &[u8]) = (b"", b"");
            fields(value.bytes(), |field, part| match field {
                1 => name = part.bytes(),
                2 => fields(part.bytes(), |field, any| {
                    if field == 1 {
                        text = any.bytes();
                    }
                }),
                _ => {}
            });
            if let Some(place) = DIMENSIONS.iter().position(|known| *known == name) {
                values[place] = text;
            }
        }
        _ => {}
    });
    key.clear();
    for value in values {
        key.extend_from_slice(value);
        key.push(0);
    }
    let total = match counts.get_mut(key.as_slice()) {
        Some(total) => total,
        None => counts.entry(key.clone()).or_default(),
    };
    total.0 += 1;
    total.1 += end - start;
}

/// One value of the wire.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Bytes(_) => 0,
        }
    }

    fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) => b"",
        }
    }
}

/// The fields of one message; the load is well formed.
fn fields<'a>(mut message: &'a [u8], mut take: impl FnMut(u64, Value<'a>)) {
    while !message.is_empty() {
        let tag = varint(&mut message);
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut message)),
            1 => Value::Number(message.get_u64_le()),
            5 => Value::Number(u64::from(message.get_u32_le())),
            _ => {
                let length = varint(&mut message) as usize;
                let (bytes, rest) = message.split_at(length);
                message = rest;
                Value::Bytes(bytes)
            }
        };
        take(tag >> 3, value);
    }
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = message.get_u8();
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}
