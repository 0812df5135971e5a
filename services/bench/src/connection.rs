//! A keep-alive HTTP/1.1 connection that costs the load generator as little as possible.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ANSWER_MAX: usize = 256 * 1024;
const HEADERS_MAX: usize = 64;

/// One connection; one request at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The value of `Twofold-Sequence`, where there was one.
    pub(crate) sequence: Option<&'a str>,
    /// The body.
    pub(crate) body: &'a [u8],
}

impl Connection {
    /// Opens it.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(4096) })
    }

    /// Sends a whole request and reads its whole answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let (head, body) = loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the server closed the connection");
            }
            if let Some((head, body)) = lengths(&self.answer)? {
                break (head, body);
            }
            if self.answer.len() > ANSWER_MAX {
                bail!("an answer with endless headers");
            }
        };
        if body > ANSWER_MAX {
            bail!("an answer of {body} bytes");
        }
        while self.answer.len() < head + body {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the server closed the connection");
            }
        }
        read(&self.answer, head, body)
    }
}

/// The lengths of head and body, once the head is whole.
fn lengths(answer: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(answer)? else { return Ok(None) };
    let length = header(response.headers, "content-length").map_or(Ok(0), str::parse)?;
    Ok(Some((head, length)))
}

fn read(answer: &[u8], head: usize, body: usize) -> anyhow::Result<Answer<'_>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let _ = response.parse(answer)?;
    Ok(Answer {
        status: response.code.unwrap_or(0),
        sequence: header(response.headers, "twofold-sequence"),
        body: &answer[head..head + body],
    })
}

fn header<'a>(headers: &[httparse::Header<'a>], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(found.value).ok()
}

/// A request with a JSON body.
pub(crate) fn post(path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\n{authorization}content-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A request without a body; `headers` are whole lines.
pub(crate) fn get(path: &str, token: Option<&str>, headers: &str) -> Vec<u8> {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{authorization}{headers}\r\n").into_bytes()
}
