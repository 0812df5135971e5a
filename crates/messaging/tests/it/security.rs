//! A Kafka that shows a certificate and asks for a password. One of the tests' own: the run's has neither.

use std::path::PathBuf;
use std::time::Duration;

use local_servers::{Broker, Home, Port, Secured, Servers, Wanted};
use messaging::{Connection, MessagingError, TopicSpec, Topics};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use service_runtime::config::{KafkaConfig, KafkaSecurityConfig, SaslMechanism, SecurityProtocol};
use tempfile::TempDir;

use crate::support::{PATIENCE, within};

const PASSWORD: &str = "correct-horse";
const WRONG: &str = "hunter2-battery";
/// Long enough for a broker that is there to say no, again and again.
const REFUSED_WITHIN: Duration = Duration::from_secs(10);

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn file(folder: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// What an operator says who shows the password that the file holds.
fn told(broker: &str, ca: PathBuf, password: PathBuf, mechanism: SaslMechanism) -> KafkaConfig {
    KafkaConfig {
        brokers: broker.to_owned(),
        topic_prefix: "test".to_owned(),
        replication: 1,
        security: KafkaSecurityConfig {
            protocol: Some(SecurityProtocol::SaslSsl),
            ca_file: Some(ca),
            sasl_mechanism: Some(mechanism),
            username: Some("relay".to_owned()),
            password: None,
            password_file: Some(password),
        },
        properties: Vec::new(),
    }
}

fn topics(config: &KafkaConfig, patience: Duration) -> Topics {
    let properties = config.all_properties().unwrap();
    let connection = Connection { brokers: config.brokers.clone(), properties };
    assert!(!format!("{connection:?} {config:?}").contains(PASSWORD));
    Topics::new(&connection, patience).unwrap()
}

/// What is said of a Kafka that refuses; never the password.
async fn refusal(config: &KafkaConfig) -> String {
    let error = within(topics(config, REFUSED_WITHIN).describe("any")).await.unwrap_err();
    assert!(matches!(error, MessagingError::Unavailable(_)), "{error:?}");
    let said = format!("{error} {error:?}");
    assert!(!said.contains(PASSWORD) && !said.contains(WRONG), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_right_authority_and_password_is_let_in_and_all_others_hear_why_not() {
    let (folder, home) = (tempfile::tempdir().unwrap(), Home::throw_away().await.unwrap());
    let believed = authority("believed");
    let key = KeyPair::generate().unwrap();
    let shown = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &believed).unwrap();
    let secured = Secured::new(&shown.pem(), &key.serialize_pem(), "relay", PASSWORD).unwrap();
    let wanted = Wanted { broker: Some((Broker::Kafka, Port::Free)), ..Wanted::default() };
    let servers = Servers::start_secured(&home, wanted, &secured).await.unwrap();

    let broker = format!("localhost:{}", secured.kafka_port());
    let ca = file(&folder, "ca.pem", &believed.pem());
    let password = file(&folder, "password", &format!("{PASSWORD}\n"));
    let right = |mechanism| told(&broker, ca.clone(), password.clone(), mechanism);
    for mechanism in [SaslMechanism::ScramSha256, SaslMechanism::ScramSha512] {
        let topics = topics(&right(mechanism), PATIENCE);
        let name = format!("made-with-{mechanism:?}");
        let spec = TopicSpec { name: name.clone(), partitions: 1, replication: 1, config: Vec::new() };
        assert_eq!(within(topics.ensure(&spec)).await.unwrap().partitions, 1);
    }
    let right = right(SaslMechanism::ScramSha512);

    let wrong =
        KafkaSecurityConfig { password_file: Some(file(&folder, "wrong", WRONG)), ..right.security.clone() };
    let said = refusal(&KafkaConfig { security: wrong, ..right.clone() }).await;
    assert!(said.contains("SASL authentication error"), "{said}");

    let stranger = file(&folder, "stranger.pem", &authority("stranger").pem());
    let wrong = KafkaSecurityConfig { ca_file: Some(stranger), ..right.security.clone() };
    let said = refusal(&KafkaConfig { security: wrong, ..right.clone() }).await;
    assert!(said.contains("certificate verify failed"), "{said}");

    let said = refusal(&KafkaConfig { security: KafkaSecurityConfig::default(), ..right.clone() }).await;
    assert!(said.contains("security.protocol"), "{said}");
    servers.stop().await;
}
