use std::sync::Arc;

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::config::ListenConfig;
use crate::{BindError, bind};

const LONG: Duration = Duration::from_secs(30);

struct Running {
    address: SocketAddr,
    token: CancellationToken,
    done: JoinHandle<io::Result<()>>,
}

async fn start(router: Router, drain: Duration) -> Running {
    start_lingering(router, drain, LINGER).await
}

async fn start_lingering(router: Router, drain: Duration, linger: Duration) -> Running {
    let listener = bind(&ListenConfig::at("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let address = listener.local_addr().unwrap();
    let token = CancellationToken::new();
    let times = Times { linger, head: LONG };
    let done = tokio::spawn(serve_within(listener.tcp, None, router, token.clone(), drain, times));
    Running { address, token, done }
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

async fn ask(stream: &mut TcpStream, path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes()).await.unwrap();
}

/// Reads until the answer's body, which every route here ends with a full stop.
async fn answer(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b".") {
        let mut chunk = [0; 1024];
        let count = stream.read(&mut chunk).await.unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8(read).unwrap()
}

async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // A reset is a way of closing too.
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}

/// A route that says when it has begun and answers when it is let go.
fn gate() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (began, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, waits) = (Arc::clone(&began), Arc::clone(&go));
    let slow = move || async move {
        begins.notify_one();
        waits.notified().await;
        "late."
    };
    (Router::new().route("/slow", get(slow)).route("/", get(|| async { "here." })), began, go)
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = bind(&ListenConfig::at("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let address = first.local_addr().unwrap();
    let error = bind(&ListenConfig::at(address)).await.unwrap_err();
    assert!(matches!(error, BindError::Taken { .. }));
    assert_eq!(
        error.to_string(),
        format!("port {} is taken: another process listens on {address}", address.port())
    );
}

#[tokio::test]
async fn a_request_in_flight_is_answered_after_the_stop() {
    let (router, began, go) = gate();
    let running = start(router, LONG).await;
    let mut stream = connect(running.address).await;
    ask(&mut stream, "/slow").await;
    began.notified().await;
    running.token.cancel();
    go.notify_one();
    let answer = answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    closed(&mut stream).await;
    running.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn requests_that_were_on_their_way_are_answered_and_their_connections_closed() {
    let (router, began, go) = gate();
    let running = start_lingering(router, LONG, LONG).await;
    let mut holding = connect(running.address).await;
    ask(&mut holding, "/slow").await;
    began.notified().await;
    // One connection that has been used and is kept alive, one that sits in the backlog.
    let mut kept = connect(running.address).await;
    ask(&mut kept, "/").await;
    assert!(answer(&mut kept).await.starts_with("HTTP/1.1 200"));
    running.token.cancel();
    let mut fresh = connect(running.address).await;
    for stream in [&mut kept, &mut fresh] {
        ask(stream, "/").await;
        let answer = answer(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
        closed(stream).await;
    }
    go.notify_one();
    assert!(answer(&mut holding).await.starts_with("HTTP/1.1 200"));
    running.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_stop() {
    let (router, ..) = gate();
    let running = start(router, LONG).await;
    let mut idle = connect(running.address).await;
    ask(&mut idle, "/").await;
    answer(&mut idle).await;
    running.token.cancel();
    running.done.await.unwrap().unwrap();
    closed(&mut idle).await;
    assert!(TcpStream::connect(running.address).await.is_err(), "the port is free");
}

#[tokio::test]
async fn what_outlasts_the_deadline_is_cut_off() {
    let (router, began, _go) = gate();
    let running = start(router, Duration::from_millis(20)).await;
    let mut stream = connect(running.address).await;
    ask(&mut stream, "/slow").await;
    began.notified().await;
    running.token.cancel();
    running.done.await.unwrap().unwrap();
    closed(&mut stream).await;
}

#[tokio::test]
async fn nonsense_and_endless_heads_are_answered_and_hurt_nobody_else() {
    let (router, ..) = gate();
    let running = start(router, LONG).await;
    let many: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    let long = format!("x-long: {}\r\n", "y".repeat(40 * 1024));
    for (request, status) in [
        ("\u{0}\u{1}garbage\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), "HTTP/1.1 431"),
        (format!("GET / HTTP/1.1\r\n{long}\r\n"), "HTTP/1.1 431"),
    ] {
        let mut stream = connect(running.address).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut read = [0; 12];
        stream.read_exact(&mut read).await.unwrap();
        assert_eq!(str::from_utf8(&read).unwrap(), status);
    }
    let mut stream = connect(running.address).await;
    ask(&mut stream, "/").await;
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    running.token.cancel();
    running.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (router, ..) = gate();
    let running = start(router, LONG).await;
    let mut stream = connect(running.address).await;
    // Two requests in one segment are answered in order.
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\nGET / HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut read = String::new();
    stream.read_to_string(&mut read).await.unwrap();
    assert_eq!(read.matches("HTTP/1.1 200").count(), 2, "{read}");
    running.token.cancel();
    running.done.await.unwrap().unwrap();
}

/// A service where a head may take a moment only.
async fn start_hurried(router: Router) -> Running {
    let listener = bind(&ListenConfig::at("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let address = listener.local_addr().unwrap();
    let token = CancellationToken::new();
    let times = Times { linger: LINGER, head: Duration::from_millis(100) };
    let done = tokio::spawn(serve_within(listener.tcp, None, router, token.clone(), LONG, times));
    Running { address, token, done }
}

#[tokio::test]
async fn whoever_begins_a_head_and_does_not_end_it_is_hung_up_on_though_a_letter_comes_now_and_then() {
    let (router, ..) = gate();
    let running = start_hurried(router).await;
    let (mut reads, mut writes) = connect(running.address).await.into_split();
    let dripping = async {
        let letters = b"GET / HTTP/1.1\r\nx: ".iter().copied().chain(std::iter::repeat(b'x'));
        for letter in letters {
            if writes.write_all(&[letter]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let hung_up = async {
        let mut rest = Vec::new();
        let _ = reads.read_to_end(&mut rest).await;
        rest
    };
    tokio::select! {
        rest = hung_up => assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest)),
        () = dripping => {}
    }
    running.token.cancel();
    running.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn whoever_says_nothing_at_all_is_hung_up_on() {
    let (router, ..) = gate();
    let running = start_hurried(router).await;
    closed(&mut connect(running.address).await).await;
}

#[tokio::test]
async fn the_head_of_a_later_request_has_to_come_to_its_end_too() {
    let (router, ..) = gate();
    let running = start_hurried(router).await;
    let mut stream = connect(running.address).await;
    ask(&mut stream, "/").await;
    answer(&mut stream).await;
    stream.write_all(b"GET / HTT").await.unwrap();
    closed(&mut stream).await;
}

#[tokio::test]
async fn an_answer_may_take_longer_than_a_head_and_so_may_a_pause_after_it() {
    let (router, began, go) = gate();
    let running = start_hurried(router).await;
    let mut stream = connect(running.address).await;
    ask(&mut stream, "/slow").await;
    began.notified().await;
    let mut another = connect(running.address).await;
    closed(&mut another).await;
    go.notify_one();
    assert!(answer(&mut stream).await.ends_with("late."));
    let mut another = connect(running.address).await;
    closed(&mut another).await;
    ask(&mut stream, "/").await;
    assert!(answer(&mut stream).await.ends_with("here."));
}
