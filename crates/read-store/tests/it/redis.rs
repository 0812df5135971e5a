//! What Redis has of its own.

use std::process::Stdio;
use std::time::Duration;

use read_store::{BuildOptions, BuildState, Builds, ReadError, RedisReader, RedisRows, RowStore, StoreError};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::bench::*;

/// A Redis of the test's own, set up as no shared one should be. It goes with the test.
struct OwnRedis {
    url: String,
    _process: Child,
    _folder: TempDir,
}

impl OwnRedis {
    async fn start(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("redis.sock");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--dir")
            .arg(folder.path())
            .args(settings)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let url = format!("redis+unix://{}", socket.display());
        let client = redis::Client::open(url.as_str()).unwrap();
        let answers = async {
            while client.get_multiplexed_async_connection().await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), answers).await.unwrap();
        Self { url, _process: process, _folder: folder }
    }
}

#[tokio::test]
async fn a_build_that_comes_to_be_read_after_everything_was_lost_is_known_to_whoever_feeds_builds() {
    let bench = Redis::new().await;
    let first = bench.prepared().await;
    assert!(first.caught_up(LANE, &at(0)).await.unwrap());
    let second = first.of_build(first.begin_build(&[LANE], BuildOptions::default()).await.unwrap());
    second.begin(LANE).await.unwrap();
    bench.empty().await;
    // The lane of the second goes on before anybody has looked which builds there are.
    let (checkpoint, _) = second.begin(LANE).await.unwrap();
    assert!(second.caught_up(LANE, &checkpoint).await.unwrap());
    first.enter(true).await.unwrap();
    let tracked = first.tracked(&[LANE]).await.unwrap();
    let known: Vec<_> = tracked.iter().map(|build| (build.build, build.state)).collect();
    assert!(known.contains(&(2, BuildState::Serving)), "{known:?}");
}

#[tokio::test]
async fn a_redis_that_may_evict_is_refused() {
    let redis = OwnRedis::start(&["--maxmemory-policy", "allkeys-lru"]).await;
    let rows = RedisRows::new(&redis.url, "p", version(1)).unwrap();
    let error = rows.prepare().await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured(why) if why.contains("allkeys-lru")), "{error}");
    assert!(error.is_retryable(), "it is waited for until somebody sets it right");
}

#[tokio::test]
async fn a_redis_that_is_full_writes_a_batch_as_a_whole_or_not_at_all() {
    let redis = OwnRedis::start(&["--maxmemory", "3mb"]).await;
    let rows = RedisRows::new(&redis.url, "p", version(1)).unwrap();
    rows.prepare().await.unwrap();
    rows.begin(LANE).await.unwrap();
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(2000));
    let mut round = 0;
    let refused = loop {
        let keys: Vec<String> = (0..20).map(|n| format!("{round}-{n}")).collect();
        let batch: Vec<_> = keys.iter().map(|key| row(&acme(), key, round + 1, &body, &["l"])).collect();
        if let Err(error) = rows.write(LANE, &step(round, round + 1), &batch, &[]).await {
            break error;
        }
        round += 1;
    };
    assert!(matches!(&refused, StoreError::Unavailable(why) if why.contains("OOM")), "{refused:?}");
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(round)));
    assert_eq!(found(&rows, &acme(), "l").await.len(), usize::try_from(round * 20).unwrap());
    assert_eq!(crate::bench::body(&rows, &acme(), &format!("{round}-0")).await, None);
}

#[tokio::test]
async fn a_lane_is_away_until_it_has_caught_up() {
    let bench = Redis::new().await;
    assert!(matches!(bench.read(&acme(), "a").await, Err(ReadError::Away(_))));
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 2), &[row(&acme(), "a", 2, "{}", &[])], &[]).await.unwrap();
    assert!(matches!(bench.read(&acme(), "a").await, Err(ReadError::Away(_))), "it may have more to come");
    assert!(matches!(bench.wait_until(2, 60).await, Err(ReadError::Away(_))));
    rows.caught_up(LANE, &at(2)).await.unwrap();
    assert_eq!(bench.read(&acme(), "a").await.unwrap().reflects.number(), 2);
}

#[tokio::test]
async fn an_emptied_redis_is_away_until_it_has_caught_up_again() {
    let bench = Redis::new().await;
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 2), &[row(&acme(), "a", 2, "{}", &[])], &[]).await.unwrap();
    rows.caught_up(LANE, &at(2)).await.unwrap();
    bench.empty().await;
    assert!(matches!(bench.read(&acme(), "a").await, Err(ReadError::Away(_))));
    assert_eq!(rows.begin(LANE).await.unwrap(), (at(0), false));
    assert!(matches!(bench.read(&acme(), "a").await, Err(ReadError::Away(_))));
}

#[tokio::test]
async fn who_does_not_know_where_the_lane_is_cannot_let_it_serve() {
    let bench = Redis::new().await;
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 2), &[], &[]).await.unwrap();
    assert_eq!(rows.caught_up(LANE, &at(0)).await, Err(read_store::StoreError::Moved));
    assert!(matches!(bench.read(&acme(), "a").await, Err(ReadError::Away(_))));
}

#[tokio::test]
async fn all_keys_of_a_lane_share_a_hash_tag() {
    let bench = Redis::new().await;
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 1), &[row(&acme(), "a{b}", 1, "{}", &["l{m}"])], &[]).await.unwrap();
    rows.caught_up(LANE, &at(1)).await.unwrap();
    let keys: Vec<String> = bench.command(&["KEYS", &format!("{{{}*", bench.server.prefix)]).await;
    assert_eq!(keys.len(), 4, "{keys:?}");
    let tag = format!("{{{}:some-things:3}}:", bench.server.prefix);
    assert!(keys.iter().all(|key| key.starts_with(&tag)), "{keys:?}");
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_away_and_unavailable() {
    let nobody = "redis://user:secret@127.0.0.1:1";
    let reader = RedisReader::new(nobody, "p").unwrap();
    let error = reader.row("some-things", LANE, &acme(), "a").await.unwrap_err();
    assert!(matches!(error, ReadError::Away(_)) && !error.to_string().contains("secret"), "{error}");
    let rows = RedisRows::new(nobody, "p", version(1)).unwrap();
    let error = rows.prepare().await.unwrap_err();
    assert!(error.is_retryable() && !format!("{error:?}").contains("secret"), "{error}");
    assert!(!format!("{rows:?}").contains("secret"));
}

/// As `docs/guide/deploy.md` gives them.
#[tokio::test]
async fn the_rights_that_are_told_to_be_enough_are_enough_and_a_reader_cannot_write() {
    let writer = "--user writer on >w ~p:* ~{p:* +@all -@admin".split(' ');
    let reader = "--user reader on >r ~p:* ~{p:* +@read +@connection".split(' ');
    let redis = OwnRedis::start(&writer.chain(reader).collect::<Vec<_>>()).await;
    let as_user = |user: &str, password: &str| format!("{}?user={user}&pass={password}", redis.url);
    let rows = RedisRows::new(&as_user("writer", "w"), "p", version(1)).unwrap();
    rows.prepare().await.unwrap();
    rows.begin(LANE).await.unwrap();
    rows.write(LANE, &step(0, 2), &[row(&acme(), "a", 2, "{}", &["l"])], &[]).await.unwrap();
    rows.caught_up(LANE, &at(2)).await.unwrap();
    assert_eq!(found(&rows, &acme(), "l").await, ["a"]);

    let reader = RedisReader::new(&as_user("reader", "r"), "p").unwrap();
    assert_eq!(reader.row("some-things", LANE, &acme(), "a").await.unwrap().reflects.number(), 2);
    assert_eq!(reader.reflects("some-things", LANE).await.unwrap().number(), 2);
    reader.lane_of(&acme()).await.unwrap();
    let client = redis::Client::open(as_user("reader", "r")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for refused in
        [&["SET", "p:x", "1"][..], &["FLUSHALL"], &["GET", "another:x"], &["EVAL", "return 1", "0"]]
    {
        let mut command = ::redis::Cmd::new();
        for part in refused {
            command.arg(*part);
        }
        let error = command.query_async::<()>(&mut connection).await.unwrap_err();
        assert_eq!(error.code(), Some("NOPERM"), "{refused:?}");
    }
}
