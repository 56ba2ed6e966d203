//! TCP towards a destination. What is written in many pieces goes out in few, because each write to a socket costs more than its bytes.

use crate::dns::HostResolver;
use bytes::{Buf, BytesMut};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;
use tower_service::Service;

/// So many bytes are written at once, at least. A frame of HTTP/2 has up to 16 KiB.
const GATHERED: usize = 128 << 10;

/// A connection that gathers what is written until its writer has nothing more.
///
/// HTTP/2 flushes after each frame, and once more when there are no more frames; TLS flushes after each record. So a flush that follows a write is
/// not obeyed yet: the task is woken, and what it does next, a flush, a read or the end, sends everything.
#[derive(Debug)]
pub struct GatheredStream<S> {
    stream: S,
    gathered: BytesMut,
    /// Something was written since the last flush.
    is_fresh: bool,
}

impl<S: Write + Unpin> GatheredStream<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            gathered: BytesMut::new(),
            is_fresh: false,
        }
    }

    /// Sends what is gathered.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.gathered.is_empty() {
            let written = Pin::new(&mut self.stream).poll_write(context, &self.gathered);
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.gathered.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Room for more; sends what is gathered where there is none.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.gathered.len() < GATHERED {
            true => Poll::Ready(Ok(())),
            false => self.poll_send(context),
        }
    }
}

impl<S: Write + Unpin> Write for GatheredStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(context))?;
        self.gathered.extend_from_slice(bytes);
        self.is_fresh = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(context))?;
        for part in parts {
            self.gathered.extend_from_slice(part);
        }
        self.is_fresh = true;
        Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.is_fresh) {
            context.waker().wake_by_ref();
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: Read + Write + Unpin> Read for GatheredStream<S> {
    /// Who waits for an answer has nothing more to write.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(Err(error)) = self.poll_send(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: Connection> Connection for GatheredStream<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

/// Connects over TCP.
#[derive(Clone, Debug)]
pub(super) struct TcpConnector(HttpConnector<HostResolver>);

impl TcpConnector {
    pub(super) fn new(connect_timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(HostResolver);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        tcp.enforce_http(false);
        Self(tcp)
    }
}

/// Why there is no connection.
pub(super) type ConnectError = Box<dyn Error + Send + Sync>;
/// A connection that is being made.
pub(super) type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, ConnectError>> + Send>>;

impl Service<Uri> for TcpConnector {
    type Response = GatheredStream<TokioIo<TcpStream>>;
    type Error = ConnectError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async { Ok(GatheredStream::new(connecting.await?)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    /// A socket: what each write brought, and how much room it has for the next ones. Without an entry it has room for everything.
    #[derive(Default)]
    struct Socket {
        writes: Vec<Vec<u8>>,
        room: VecDeque<usize>,
        is_shut: bool,
    }

    impl Write for Socket {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let room = self.room.pop_front().unwrap_or(bytes.len());
            if room == 0 {
                return Poll::Pending;
            }
            let written = room.min(bytes.len());
            self.writes.push(bytes[..written].to_vec());
            Poll::Ready(Ok(written))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.is_shut = true;
            Poll::Ready(Ok(()))
        }
    }

    impl Read for Socket {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What a writer does.
    enum WriterStep<'a> {
        Write(&'a [u8]),
        Flush,
        Read,
        Shutdown,
    }

    fn is_ready(
        stream: &mut GatheredStream<Socket>,
        step: &WriterStep<'_>,
        wakes: &Arc<Wakes>,
    ) -> bool {
        let waker = Arc::clone(wakes).into();
        let context = &mut Context::from_waker(&waker);
        let stream = Pin::new(stream);
        match step {
            WriterStep::Write(bytes) => match stream.poll_write(context, bytes) {
                Poll::Ready(written) => written.expect("written") == bytes.len(),
                Poll::Pending => false,
            },
            WriterStep::Flush => stream.poll_flush(context).is_ready(),
            WriterStep::Shutdown => stream.poll_shutdown(context).is_ready(),
            WriterStep::Read => {
                let mut memory = [0; 8];
                let mut buffer = hyper::rt::ReadBuf::new(&mut memory);
                stream.poll_read(context, buffer.unfilled()).is_ready()
            }
        }
    }

    /// What the socket got after these steps, all of which were ready.
    fn after(steps: &[WriterStep<'_>]) -> (GatheredStream<Socket>, usize) {
        let wakes = Arc::new(Wakes::default());
        let mut stream = GatheredStream::new(Socket::default());
        for step in steps {
            let reads = matches!(step, WriterStep::Read);
            assert_eq!(is_ready(&mut stream, step, &wakes), !reads);
        }
        let wakes = wakes.0.load(Ordering::Relaxed);
        (stream, wakes)
    }

    #[test]
    fn frames_go_out_together_when_there_are_no_more() {
        use WriterStep::{Flush, Write};
        let steps = [
            Write(b"one "),
            Flush,
            Write(b"two "),
            Flush,
            Write(b"three"),
            Flush,
            Flush,
        ];
        let (stream, wakes) = after(&steps[..6]);
        assert!(stream.stream.writes.is_empty());
        assert_eq!(wakes, 3, "who flushes after a write is asked again");
        let (stream, _) = after(&steps);
        assert_eq!(stream.stream.writes, [b"one two three"]);
    }

    #[test]
    fn who_reads_or_ends_has_nothing_more_to_write() {
        for end in [WriterStep::Read, WriterStep::Shutdown] {
            let is_end = matches!(end, WriterStep::Shutdown);
            let (stream, _) = after(&[WriterStep::Write(b"hello"), WriterStep::Flush, end]);
            assert_eq!(stream.stream.writes, [b"hello"]);
            assert_eq!(stream.stream.is_shut, is_end);
        }
    }

    #[test]
    fn what_is_gathered_has_a_limit_and_a_full_socket_is_waited_for() {
        let wakes = Arc::new(Wakes::default());
        let mut stream = GatheredStream::new(Socket::default());
        stream.stream.room = [5, 0].into();
        let frame = vec![7; GATHERED];
        assert!(is_ready(&mut stream, &WriterStep::Write(&frame), &wakes));
        assert!(!is_ready(&mut stream, &WriterStep::Write(b"more"), &wakes));
        assert_eq!(stream.stream.writes, [&frame[..5]]);
        assert!(is_ready(&mut stream, &WriterStep::Write(b"more"), &wakes));
        assert!(is_ready(&mut stream, &WriterStep::Shutdown, &wakes));
        let all = stream.stream.writes.concat();
        assert_eq!(all, [&frame[..], b"more"].concat());
    }
}
