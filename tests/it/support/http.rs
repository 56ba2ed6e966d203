//! A plain HTTP request and its answer.

use std::io::{Read, Write};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The answer to a GET: its head and its body.
pub async fn get(server: SocketAddr, path: &str) -> String {
    try_get(server, path).await.expect("it answers")
}

async fn try_get(server: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("GET {path} HTTP/1.0\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// The body of a good answer; `None` where nobody listens yet, or the answer is another one.
pub async fn body(server: SocketAddr, path: &str) -> Option<String> {
    let answer = try_get(server, path).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?;
    status.starts_with('2').then(|| body.to_owned())
}

/// The answer to a whole request, for tests without a runtime: its status, head and body.
pub fn answer(server: SocketAddr, request: &[u8]) -> (u16, String, String) {
    let mut stream = std::net::TcpStream::connect(server).expect("it listens");
    stream.write_all(request).expect("sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    (status.expect("a status"), head.to_owned(), body.to_owned())
}
