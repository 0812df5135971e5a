//! All three, as `twofold up` starts them.

use std::process::Command;

use local_servers::{Broker, Home, Port, Servers, Wanted};

use crate::reachable_folder;

fn psql(url: &str, statement: &str) -> String {
    let output = Command::new("psql").args(["-X", "-A", "-t", "-q", "-c", statement, url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn all_servers_start_side_by_side_and_find_their_data_again() {
    let wanted = Wanted {
        postgres: Some(Port::Free),
        redis: Some(Port::Free),
        broker: Some((Broker::Kafka, Port::Free)),
    };
    let folder = reachable_folder();
    let home = Home::open(folder.path()).await.unwrap();
    let servers = Servers::start(&home, wanted).await.unwrap();
    let postgres = servers.postgres.clone().unwrap();
    psql(&postgres, "CREATE TABLE kept AS SELECT 42 AS answer");
    assert_eq!(psql(&postgres, "SHOW synchronous_commit"), "on");
    assert_eq!(psql(&postgres, "SHOW fsync"), "on");
    assert!(servers.redis.is_some() && servers.kafka.is_some());
    servers.stop().await;

    let servers = Servers::start(&home, wanted).await.unwrap();
    assert_eq!(psql(servers.postgres.as_deref().unwrap(), "SELECT answer FROM kept"), "42");
    servers.stop().await;
}

#[tokio::test]
async fn a_connection_without_the_password_is_refused() {
    let home = Home::throw_away().await.unwrap();
    let wanted = Wanted { postgres: Some(Port::Free), ..Wanted::default() };
    let servers = Servers::start(&home, wanted).await.unwrap();
    let url = servers.postgres.clone().unwrap();
    let place = url.split_once('@').unwrap().1;
    let output = Command::new("psql")
        .args(["-X", "-w", "-c", "SELECT 1", &format!("postgres://postgres@{place}")])
        .output()
        .unwrap();
    assert!(!output.status.success());
    servers.stop().await;
}
