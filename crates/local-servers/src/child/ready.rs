//! How a server shows that it answers: not that its port is open, but that it speaks.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

/// A question that only a ready server answers.
#[derive(Debug, Clone)]
pub(crate) enum Ready {
    /// `pg_isready`, by its path.
    Postgres(PathBuf),
    /// `PING`.
    Redis,
    /// The Kafka protocol's `ApiVersions`.
    Kafka,
}

impl Ready {
    pub(crate) async fn answers(&self, port: u16) -> bool {
        let asked = async {
            match self {
                Self::Postgres(program) => postgres(program, port).await,
                Self::Redis => redis(port).await,
                Self::Kafka => kafka(port).await,
            }
        };
        matches!(timeout(ANSWER_DEADLINE, asked).await, Ok(Ok(true)))
    }
}

async fn postgres(program: &PathBuf, port: u16) -> io::Result<bool> {
    let mut command = Command::new(program);
    command.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    Ok(command.status().await?.success())
}

/// A Redis that still loads its data answers `-LOADING`.
async fn redis(port: u16) -> io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    Ok(&answer == b"+PONG")
}

/// A broker answers requests only once it has joined its cluster.
async fn kafka(port: u16) -> io::Result<bool> {
    const CORRELATION: [u8; 4] = *b"2fld";
    let mut request = Vec::from(10_u32.to_be_bytes());
    request.extend(18_i16.to_be_bytes()); // ApiVersions
    request.extend(0_i16.to_be_bytes()); // of version 0
    request.extend(CORRELATION);
    request.extend((-1_i16).to_be_bytes()); // from a client without a name
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(&request).await?;
    let mut answer = [0; 10];
    stream.read_exact(&mut answer).await?;
    Ok(answer[4..8] == CORRELATION && answer[8..] == [0, 0])
}
