//! A link between a process and a server that can be cut, slowed down and parted.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Bytes that are passed on in one go.
const CHUNK: usize = 16 * 1024;

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    /// Nothing gets through, in either direction; what is sent waits.
    parted: bool,
    /// How late everything arrives, each way.
    delay: Duration,
    /// A number that changes cuts every connection.
    cuts: u64,
}

/// Passes connections on to a server, as it is told.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

/// What a Kafka broker says of its own address is replaced by the proxy's, or clients would walk around it.
#[derive(Debug, Clone)]
struct Advertised {
    theirs: Vec<u8>,
    ours: Vec<u8>,
}

impl Proxy {
    /// In front of whoever listens on this port of this machine, or will; `kafka` where that is a broker.
    pub(crate) async fn before(port: u16, kafka: bool) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port for a proxy")?;
        let address = listener.local_addr()?;
        let advertised =
            kafka.then(|| Advertised { theirs: advertised(port), ours: advertised(address.port()) });
        let (state, watched) = watch::channel(State { parted: false, delay: Duration::ZERO, cuts: 0 });
        let accepting = tokio::spawn(accept(listener, port, advertised, watched));
        Ok(Self { address, state, accepting })
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Cuts every connection that there is; new ones may come at once.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Lets nothing through until told otherwise. Connections stay, and know nothing of it.
    pub(crate) fn part(&self, parted: bool) {
        self.state.send_modify(|state| state.parted = parted);
    }

    /// Has everything arrive so late.
    pub(crate) fn delay(&self, delay: Duration) {
        self.state.send_modify(|state| state.delay = delay);
    }

    /// As it was at first.
    pub(crate) fn heal(&self) {
        self.state.send_modify(|state| *state = State { parted: false, delay: Duration::ZERO, ..*state });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

/// As the protocol writes it.
fn advertised(port: u16) -> Vec<u8> {
    [b"127.0.0.1".as_slice(), &u32::from(port).to_be_bytes()].concat()
}

impl Advertised {
    /// Both are equally long, so no length in the answer changes.
    fn replace(&self, answer: &mut [u8]) {
        let length = self.theirs.len();
        let mut at = 0;
        while let Some(part) = answer.get_mut(at..at + length) {
            if *part == self.theirs[..] {
                part.copy_from_slice(&self.ours);
                at += length;
            } else {
                at += 1;
            }
        }
    }
}

async fn accept(
    listener: TcpListener,
    port: u16,
    advertised: Option<Advertised>,
    watched: watch::Receiver<State>,
) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(carry(client, port, advertised.clone(), watched.clone()));
    }
}

async fn carry(
    client: TcpStream,
    port: u16,
    advertised: Option<Advertised>,
    mut watched: watch::Receiver<State>,
) {
    let cuts = watched.borrow_and_update().cuts;
    let passing = async {
        passes(&mut watched.clone()).await;
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (asking, answering) = client.into_split();
        let (answers, questions) = server.into_split();
        // When either side hangs up, so do we on both.
        tokio::select! {
            () = pass(asking, questions, None, watched.clone()) => {}
            () = pass(answers, answering, advertised, watched.clone()) => {}
        }
    };
    let mut watching = watched.clone();
    let cut = watching.wait_for(|state| state.cuts != cuts);
    tokio::select! {
        () = passing => {}
        _ = cut => {}
    }
}

/// Waits until something may get through, and how late that is to be.
async fn passes(watched: &mut watch::Receiver<State>) -> Duration {
    watched.wait_for(|state| !state.parted).await.map(|state| state.delay).unwrap_or_default()
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    advertised: Option<Advertised>,
    mut watched: watch::Receiver<State>,
) {
    loop {
        let chunk = match &advertised {
            Some(advertised) => kafka_answer(&mut from, advertised).await,
            None => some_bytes(&mut from).await,
        };
        let Some(chunk) = chunk else { return };
        let delay = passes(&mut watched).await;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

async fn some_bytes(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut chunk = vec![0; CHUNK];
    let length = from.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
    chunk.truncate(length);
    Some(chunk)
}

/// Kafka's answers have their length in front.
async fn kafka_answer(from: &mut OwnedReadHalf, advertised: &Advertised) -> Option<Vec<u8>> {
    let length = from.read_u32().await.ok()?;
    let mut answer = length.to_be_bytes().to_vec();
    answer.resize(4 + usize::try_from(length).ok()?, 0);
    from.read_exact(answer.get_mut(4..)?).await.ok()?;
    advertised.replace(answer.get_mut(4..)?);
    Some(answer)
}
