use clap::Args;

use super::*;

#[derive(Debug, Clone, Args)]
struct Everything {
    #[command(flatten)]
    listen: ListenConfig,
    #[command(flatten)]
    telemetry: TelemetryConfig,
    #[command(flatten)]
    lanes: LanesConfig,
    #[command(flatten)]
    log: LogDatabaseConfig,
    #[command(flatten)]
    views: ViewsDatabaseConfig,
    #[command(flatten)]
    redis: RedisConfig,
    #[command(flatten)]
    kafka: KafkaConfig,
    #[command(flatten)]
    registry: RegistryConfig,
}

const NEEDED: [&str; 10] = [
    "--log-url",
    "postgres://user:hunter2@db/log",
    "--views-url",
    "postgres://user:hunter2@db/views",
    "--redis-url",
    "redis://:hunter2@cache",
    "--kafka",
    "broker:9092",
    "--registry-url",
    "http://user:hunter2@registry",
];

fn read(arguments: &[&str]) -> Result<Everything, clap::Error> {
    let given = ["everything"].iter().chain(&NEEDED).chain(arguments);
    let matches = command::<Everything>("everything", "0.0.0.0:8080").try_get_matches_from(given)?;
    Everything::from_arg_matches(&matches)
}

use clap::FromArgMatches;

#[test]
fn every_piece_can_stand_in_one_command() {
    command::<Everything>("everything", "0.0.0.0:8080").debug_assert();
}

#[test]
fn what_is_not_said_has_its_default() {
    let config = read(&[]).unwrap();
    assert_eq!(config.listen.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.lanes.lanes, 12);
    assert_eq!(config.telemetry.filter, "info");
    assert_eq!(config.telemetry.format, LogFormat::Text);
    assert_eq!(config.kafka.topic_prefix, "twofold");
    assert_eq!(config.kafka.replication, 1);
    assert!(config.kafka.properties.is_empty());
}

#[test]
fn a_service_that_does_not_listen_has_no_such_flag() {
    let command = command::<LanesConfig>("quiet", "0.0.0.0:8080");
    assert!(command.get_arguments().all(|argument| argument.get_id() != "listen"));
}

#[test]
fn no_secret_is_in_what_a_configuration_prints() {
    let config = read(&["--kafka-properties", "sasl.username=me,sasl.password=hunter2"]).unwrap();
    let printed = format!("{config:?} {config:#?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("sasl.password"), "{printed}");
    assert_eq!(config.kafka.properties[1].1, "hunter2");
}

#[test]
fn a_value_that_does_not_parse_is_an_error_about_its_flag() {
    for (flag, value) in [
        ("--listen", "nonsense"),
        ("--lanes", "0"),
        ("--lanes", "1025"),
        ("--log-pool-max", "0"),
        ("--topic-replication", "0"),
        ("--topic-prefix", "a b"),
        ("--log-format", "xml"),
        ("--kafka-properties", "no-equals-sign"),
    ] {
        let error = read(&[flag, value]).unwrap_err().to_string();
        assert!(error.contains(flag), "{error}");
    }
}

#[test]
fn secrets_from_the_environment_do_not_show_in_the_help() {
    let mut command = command::<Everything>("everything", "0.0.0.0:8080");
    let help = command.render_long_help().to_string();
    assert!(help.contains("TWOFOLD_LOG_URL") && help.contains("TWOFOLD_KAFKA_PROPERTIES"), "{help}");
    for argument in command.get_arguments().filter(|argument| {
        ["log_url", "views_url", "redis_url", "registry_url", "properties"]
            .contains(&argument.get_id().as_str())
    }) {
        assert!(argument.is_hide_env_values_set(), "{}", argument.get_id());
    }
}
