//! Waiting until every service answers, and telling what is missing meanwhile.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Client;
use tokio::time::Instant;

use super::services::Addresses;

const ASK_EVERY: Duration = Duration::from_millis(20);
/// After this long, and again and again, it is told what is still waited for.
const TELL_EVERY: Duration = Duration::from_secs(15);

/// Returns when each is ready. Can be cancelled.
pub(super) async fn wait(addresses: &Addresses) {
    let client = Client::new();
    let mut tell_at = Instant::now() + TELL_EVERY;
    let mut waiting = addresses.all();
    while let Some(&(name, address)) = waiting.last() {
        match missing(&client, address).await {
            None => {
                waiting.pop();
            }
            Some(why) => {
                if Instant::now() >= tell_at {
                    eprintln!("still waiting for {name}: {why}");
                    tell_at += TELL_EVERY;
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
    }
}

/// What `/readyz` says is missing; none when it is ready.
async fn missing(client: &Client, address: SocketAddr) -> Option<String> {
    let answer = client.get(format!("http://{address}/readyz")).timeout(Duration::from_secs(2)).send().await;
    match answer {
        Ok(answer) if answer.status().is_success() => None,
        Ok(answer) => Some(answer.text().await.unwrap_or_default()),
        Err(error) => Some(error.to_string()),
    }
}
