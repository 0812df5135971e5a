use std::ffi::OsString;

use clap::{Args, FromArgMatches};

use super::parse::command;
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
    #[command(flatten)]
    trust: TrustConfig,
    #[arg(long, hide_env_values = true)]
    inline_url: Option<String>,
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

/// What is said of a configuration with these arguments in place of the ones that are needed.
fn mistakes_of(arguments: &[&str]) -> Vec<String> {
    let given: Vec<OsString> = ["everything"].iter().chain(arguments).map(OsString::from).collect();
    mistakes::of(command::<Everything>("everything", "0.0.0.0:8080"), &given)
}

fn mistakes_beside_what_is_needed(arguments: &[&str]) -> Vec<String> {
    mistakes_of(&NEEDED.iter().chain(arguments).copied().collect::<Vec<_>>())
}

#[test]
fn a_value_that_does_not_parse_is_a_mistake_with_a_name() {
    for (flag, value) in [
        ("--listen", "nonsense"),
        ("--lanes", "0"),
        ("--lanes", "1025"),
        ("--log-pool-max", "0"),
        ("--topic-replication", "0"),
        ("--topic-prefix", "a b"),
        ("--log-format", "xml"),
        ("--kafka-properties", "no-equals-sign"),
        ("--log-url", "mysql://db/log"),
        ("--redis-url", "cache:6379"),
        ("--registry-url", "registry:8081"),
    ] {
        // Said after what is needed: of a value that is said twice the last one counts.
        let needed = NEEDED.chunks(2).filter(|pair| pair[0] != flag).flatten().copied();
        let found = mistakes_of(&needed.chain([flag, value]).collect::<Vec<_>>());
        assert!(found.len() == 1 && found[0].contains(&format!("({flag})")), "{flag} {value}: {found:?}");
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let found = mistakes_of(&["--lanes", "0", "--log-format", "xml", "--redis-url", "redis://cache"]);
    let about = |name: &str| found.iter().any(|mistake| mistake.starts_with(name));
    for name in [
        "TWOFOLD_LANES (--lanes): \"0\" ",
        "TWOFOLD_LOG_FORMAT (--log-format): \"xml\" is not one of text, json",
    ] {
        assert!(about(name), "{name}: {found:?}");
    }
    for variable in ["TWOFOLD_LOG_URL", "TWOFOLD_VIEWS_URL", "TWOFOLD_KAFKA", "TWOFOLD_REGISTRY_URL"] {
        assert!(about(variable), "{variable}: {found:?}");
    }
    assert!(!about("TWOFOLD_REDIS_URL"), "{found:?}");
    assert_eq!(found.len(), 6, "{found:?}");
}

#[test]
fn a_flag_that_there_is_not_is_a_mistake() {
    let found = mistakes_beside_what_is_needed(&["--lames", "3"]);
    assert!(found.len() == 1 && found[0].contains("--lames"), "{found:?}");
}

#[test]
fn no_secret_is_in_what_is_said_of_a_mistake() {
    let found = mistakes_of(&["--log-url", "db/hunter2", "--kafka-properties", "hunter2"]);
    let told = mistakes::report("everything", &found);
    assert!(told.contains("TWOFOLD_LOG_URL") && told.contains("TWOFOLD_KAFKA_PROPERTIES"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

fn printed_with(arguments: &[&str]) -> String {
    let given = ["everything"].iter().chain(&NEEDED).chain(arguments);
    let command = command::<Everything>("everything", "0.0.0.0:8080");
    printed::values(&command, &command.clone().try_get_matches_from(given).unwrap())
}

#[test]
fn a_configuration_is_printed_with_where_each_value_comes_from() {
    let printed = printed_with(&["--lanes", "24"]);
    for line in [
        "TWOFOLD_LANES=24  # flag",
        "TWOFOLD_TOPIC_PREFIX=twofold  # default",
        "TWOFOLD_LISTEN=0.0.0.0:8080  # default",
        "# TWOFOLD_KAFKA_PROPERTIES is not set",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line}: {printed}");
    }
}

#[test]
fn of_a_url_is_printed_where_it_points_and_of_a_list_what_it_names() {
    let printed = printed_with(&["--kafka-properties", "sasl.username=me,sasl.password=hunter2=="]);
    for line in [
        "TWOFOLD_LOG_URL=postgres://[redacted]@db/log  # flag",
        "TWOFOLD_REDIS_URL=redis://[redacted]@cache  # flag",
        "TWOFOLD_KAFKA_PROPERTIES=sasl.username=[redacted],sasl.password=[redacted]  # flag",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line}: {printed}");
    }
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[test]
fn of_a_url_that_is_not_quite_one_nothing_is_printed() {
    for (password, url) in [
        ("hun@ter2", "postgres://user:hun@ter2@db/log"),
        ("hunter2", "postgres://user:hunter2/@db/log"),
        ("hunter2", "postgres://user:hun?ter2hunter2@db/log"),
        ("hunter2", "postgres://user:hunter2"),
        ("hunter2", "postgres://db/log?password=hunter2"),
        ("hunter2", "postgres://db/log?password=a@hunter2"),
    ] {
        let printed = printed_with(&["--inline-url", url]);
        assert!(!printed.contains(password) && !printed.contains("ter2"), "{printed}");
        assert!(printed.contains("--inline-url=") && printed.contains("[redacted]"), "{printed}");
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

#[test]
fn spans_go_where_open_telemetry_says_and_nowhere_unless_told() {
    let traces = |arguments: &[&str]| read(arguments).unwrap().telemetry.traces;
    assert_eq!(traces(&[]).url(), None);
    assert!(read(&["--otlp-endpoint", "collector:4317"]).is_err(), "no http");
    let collector = ["--otlp-endpoint", "http://collector:4318/"];
    assert_eq!(traces(&collector).url().unwrap(), "http://collector:4318/v1/traces");
    let other = ["--otlp-endpoint", "http://collector:4318", "--otlp-traces-endpoint", "http://other/spans"];
    assert_eq!(traces(&other).url().unwrap(), "http://other/spans");
}

#[test]
fn samplers_have_open_telemetrys_names() {
    let sampling = |name: &str| {
        let said =
            read(&["--traces-sampler", name, "--traces-sampler-arg", "0.25"]).unwrap().telemetry.traces;
        let sampling = said.sampling();
        assert!((sampling.ratio - 0.25).abs() < f64::EPSILON);
        (sampling.sampler, sampling.hears_caller)
    };
    use ::traces::Sampler::{Always, Never, Ratio};
    assert_eq!(sampling("always_on"), (Always, false));
    assert_eq!(sampling("always_off"), (Never, false));
    assert_eq!(sampling("traceidratio"), (Ratio, false));
    assert_eq!(sampling("parentbased_always_on"), (Always, true));
    assert_eq!(sampling("parentbased_always_off"), (Never, true));
    assert_eq!(sampling("parentbased_traceidratio"), (Ratio, true));
    for wrong in ["2", "-1", "half", "NaN"] {
        let argument = format!("--traces-sampler-arg={wrong}");
        assert!(read(&[&argument]).is_err(), "{wrong}");
    }
}

#[test]
fn a_certificate_without_its_key_is_a_mistake_and_so_is_a_file_that_holds_none() {
    let folder = tempfile::tempdir().unwrap();
    let tls = crate::tls::tests::Authority::new("believed").issue(&folder, "localhost");
    let (cert, key) = tls.files().unwrap();
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    read(&["--tls-cert", cert, "--tls-key", key]).unwrap();
    let halves = [["--tls-cert", cert, "TWOFOLD_TLS_KEY"], ["--tls-key", key, "TWOFOLD_TLS_CERT"]];
    for [flag, path, lacks] in halves {
        let found = mistakes_beside_what_is_needed(&[flag, path]);
        assert!(found.len() == 1 && found[0].starts_with(lacks), "{found:?}");
    }
    let found =
        mistakes_beside_what_is_needed(&["--tls-cert", key, "--tls-key", cert, "--http-ca-file", "/no"]);
    for name in ["TWOFOLD_TLS_CERT", "TWOFOLD_TLS_KEY", "TWOFOLD_HTTP_CA_FILE"] {
        assert!(found.iter().any(|mistake| mistake.starts_with(name)), "{found:?}");
    }
    assert!(!found.join("").contains("PRIVATE KEY"), "{found:?}");
}

#[test]
fn kafka_is_told_who_asks_in_its_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let config = read(&[
        "--kafka-security-protocol",
        "SASL_SSL",
        "--kafka-sasl-mechanism",
        "scram-sha-256",
        "--kafka-username",
        "relay",
        "--kafka-password-file",
        file.to_str().unwrap(),
        "--kafka-properties",
        "sasl.username=another",
    ])
    .unwrap();
    let told: Vec<String> = config
        .kafka
        .all_properties()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        told,
        [
            "security.protocol=sasl_ssl",
            "sasl.mechanism=SCRAM-SHA-256",
            "sasl.username=relay",
            "sasl.password=hunter2",
            "sasl.username=another"
        ]
    );
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_name_for_kafka_without_a_password_is_a_mistake_and_two_passwords_are() {
    let found = mistakes_beside_what_is_needed(&["--kafka-username", "relay"]);
    assert!(found.len() == 1 && found[0].contains("TWOFOLD_KAFKA_PASSWORD"), "{found:?}");
    let both = ["--kafka-username", "relay", "--kafka-password", "hunter2", "--kafka-password-file", "/no"];
    let found = mistakes_beside_what_is_needed(&both);
    assert!(!found.is_empty() && !found.join("").contains("hunter2"), "{found:?}");
}

#[test]
fn a_name_is_not_shown_to_a_kafka_that_does_not_ask() {
    let shown = |arguments: &[&str]| read(arguments).unwrap().kafka.all_properties();
    let named = ["--kafka-username", "relay", "--kafka-password", "hunter2"];
    assert!(shown(&named).unwrap().contains(&("security.protocol".to_owned(), "sasl_ssl".to_owned())));
    shown(&[&named[..], &["--kafka-security-protocol", "ssl"]].concat()).unwrap_err();
    shown(&["--kafka-security-protocol", "sasl-ssl"]).unwrap_err();
    assert!(shown(&[]).unwrap().is_empty());
}
