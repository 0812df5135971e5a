//! A door in front of a server that a test can close: connections are refused, or cut in the middle.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes connections on to a server while it is open.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    door: watch::Sender<Door>,
    passed: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

/// A number that changes cuts every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Door {
    open: bool,
    cuts: u64,
}

/// What a Kafka broker says of its own address is replaced by the proxy's, or clients would walk around it.
#[derive(Debug, Clone)]
struct Advertised {
    theirs: Vec<u8>,
    ours: Vec<u8>,
}

impl Proxy {
    /// In front of a server of any protocol, at `host:port`.
    pub async fn before(server: &str) -> Self {
        Self::start(server, false).await
    }

    /// In front of a single Kafka broker at `host:port`, which advertises exactly that host and port.
    pub async fn before_kafka(broker: &str) -> Self {
        Self::start(broker, true).await
    }

    async fn start(server: &str, kafka: bool) -> Self {
        let listener =
            TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("no free port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no port: {error}"));
        let advertised = kafka.then(|| Advertised::new(server, address.port()));
        let (door, watched) = watch::channel(Door { open: true, cuts: 0 });
        let passed = Arc::new(AtomicU64::new(0));
        let accepting =
            tokio::spawn(accept(listener, server.to_owned(), advertised, watched, passed.clone()));
        Self { address, door, passed, accepting }
    }

    /// `host:port` of the proxy.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Cuts every connection and lets nobody in until it is opened again.
    pub fn close(&self) {
        self.door.send_modify(|door| *door = Door { open: false, cuts: door.cuts + 1 });
    }

    /// Lets connections through again.
    pub fn open(&self) {
        self.door.send_modify(|door| door.open = true);
    }

    /// Cuts every connection that there is; new ones may come at once.
    pub fn cut(&self) {
        self.door.send_modify(|door| door.cuts += 1);
    }

    /// How many bytes the server has answered so far.
    pub fn answered(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.close();
        self.accepting.abort();
    }
}

impl Advertised {
    fn new(broker: &str, port: u16) -> Self {
        let (host, theirs) = broker.rsplit_once(':').unwrap_or_else(|| panic!("{broker} is not host:port"));
        let theirs: u16 = theirs.parse().unwrap_or_else(|error| panic!("{broker} has no port: {error}"));
        let named = |port: u16| [host.as_bytes(), &u32::from(port).to_be_bytes()].concat();
        Self { theirs: named(theirs), ours: named(port) }
    }

    fn replace(&self, answer: &mut [u8]) {
        let length = self.theirs.len();
        let mut at = 0;
        while at + length <= answer.len() {
            if answer[at..at + length] == self.theirs[..] {
                answer[at..at + length].copy_from_slice(&self.ours);
                at += length;
            } else {
                at += 1;
            }
        }
    }
}

async fn accept(
    listener: TcpListener,
    server: String,
    advertised: Option<Advertised>,
    door: watch::Receiver<Door>,
    passed: Arc<AtomicU64>,
) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        if !door.borrow().open {
            continue;
        }
        let (server, advertised) = (server.clone(), advertised.clone());
        let (mut door, passed) = (door.clone(), Arc::clone(&passed));
        tokio::spawn(async move {
            let mut since = *door.borrow_and_update();
            let Ok(upstream) = TcpStream::connect(&server).await else { return };
            let cut = async {
                while door.changed().await.is_ok() {
                    let now = *door.borrow_and_update();
                    if now.cuts != since.cuts {
                        return;
                    }
                    since = now;
                }
            };
            tokio::select! {
                () = pass(client, upstream, advertised, &passed) => {}
                () = cut => {}
            }
        });
    }
}

async fn pass(client: TcpStream, server: TcpStream, advertised: Option<Advertised>, passed: &AtomicU64) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut asking, answering) = client.into_split();
    let (answers, mut questions) = server.into_split();
    let asked = async {
        let _ = tokio::io::copy(&mut asking, &mut questions).await;
    };
    // When either side hangs up, so do we on both.
    tokio::select! {
        () = asked => {}
        () = answer(answers, answering, advertised, passed) => {}
    }
}

async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    advertised: Option<Advertised>,
    passed: &AtomicU64,
) {
    loop {
        let chunk = match &advertised {
            Some(advertised) => kafka_answer(&mut from, advertised).await,
            None => some_bytes(&mut from).await,
        };
        let Some(chunk) = chunk else { return };
        passed.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        if to.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

async fn some_bytes(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut chunk = vec![0; 16 * 1024];
    let length = from.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
    chunk.truncate(length);
    Some(chunk)
}

/// Kafka's answers have their length in front.
async fn kafka_answer(from: &mut OwnedReadHalf, advertised: &Advertised) -> Option<Vec<u8>> {
    let length = from.read_u32().await.ok()?;
    let mut answer = length.to_be_bytes().to_vec();
    answer.resize(4 + length as usize, 0);
    from.read_exact(&mut answer[4..]).await.ok()?;
    advertised.replace(&mut answer[4..]);
    Some(answer)
}
