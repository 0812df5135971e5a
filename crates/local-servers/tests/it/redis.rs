//! One server, the quickest to start, through everything that can happen to any.

use std::io::{BufRead, BufReader, Write};
use std::mem;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use local_servers::{Home, LocalServerError, Port, Servers, Wanted};

use crate::reachable_folder;

fn redis(port: Port) -> Wanted {
    Wanted { redis: Some(port), ..Wanted::default() }
}

fn ask(url: &str, question: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("redis://")).unwrap();
    stream.write_all(format!("{question}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer.trim_end().to_owned()
}

fn kill(id: u32) {
    assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn data_survive_a_stop_and_a_start() {
    let folder = reachable_folder();
    let home = Home::open(folder.path()).await.unwrap();
    let servers = Servers::start(&home, redis(Port::Free)).await.unwrap();
    assert_eq!(ask(servers.redis.as_deref().unwrap(), "SET kept yes"), "+OK");
    servers.stop().await;
    drop(home);

    let home = Home::open(folder.path()).await.unwrap();
    let servers = Servers::start(&home, redis(Port::Free)).await.unwrap();
    assert_eq!(ask(servers.redis.as_deref().unwrap(), "EXISTS kept"), ":1");
    servers.stop().await;
}

#[tokio::test]
async fn nothing_is_evicted() {
    let home = Home::throw_away().await.unwrap();
    let servers = Servers::start(&home, redis(Port::Free)).await.unwrap();
    let url = servers.redis.clone().unwrap();
    let mut stream = TcpStream::connect(url.trim_start_matches("redis://")).unwrap();
    stream.write_all(b"CONFIG GET maxmemory-policy\r\n").unwrap();
    let lines: Vec<_> = BufReader::new(stream).lines().take(5).map(Result::unwrap).collect();
    assert_eq!(lines.last().unwrap(), "noeviction");
    servers.stop().await;
}

#[tokio::test]
async fn a_killed_server_is_noticed_and_started_again_on_its_port() {
    let home = Home::throw_away().await.unwrap();
    let mut servers = Servers::start(&home, redis(Port::Free)).await.unwrap();
    let url = servers.redis.clone().unwrap();
    kill(servers.running()[0].id().unwrap());
    let (which, how) = servers.one_ended().await;
    assert_eq!(how, "signal 9");
    servers.running()[which].start_again().await.unwrap();
    assert_eq!(ask(&url, "PING"), "+PONG");
    servers.stop().await;
}

#[tokio::test]
async fn what_a_killed_process_left_running_is_stopped_before_the_next_start() {
    let folder = reachable_folder();
    let home = Home::open(folder.path()).await.unwrap();
    let servers = Servers::start(&home, redis(Port::Free)).await.unwrap();
    let url = servers.redis.clone().unwrap();
    // As after a kill: nobody stops the server, and the lock is free.
    mem::forget(servers);
    drop(home);
    assert_eq!(ask(&url, "SET kept yes"), "+OK");

    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let home = Home::open(folder.path()).await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    let servers = Servers::start(&home, redis(Port::Fixed(port))).await.unwrap();
    assert_eq!(ask(&url, "EXISTS kept"), ":1");
    servers.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let home = Home::throw_away().await.unwrap();
    let error = Servers::start(&home, redis(Port::Fixed(port))).await.unwrap_err();
    assert!(matches!(error, LocalServerError::PortTaken { server: "redis", .. }), "{error}");
    assert!(error.to_string().contains(&format!("port {port} for redis is taken")), "{error}");
}
