use super::*;

fn auth(secret: &str) -> AuthConfig {
    AuthConfig::with_secret(SecretString::from(secret))
}

const TOKEN_SECRET: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn without_a_secret_of_its_own_it_is_derived_from_the_token_secret() {
    let derived = OnceConfig::default().secret(&auth(TOKEN_SECRET)).unwrap();
    assert_ne!(derived, TOKEN_SECRET.as_bytes());
    assert_eq!(derived, OnceConfig::default().secret(&auth(TOKEN_SECRET)).unwrap());
    let other = OnceConfig::default().secret(&auth(&TOKEN_SECRET.replace('0', "x"))).unwrap();
    assert_ne!(derived, other);
}

#[test]
fn a_secret_of_its_own_counts_and_must_not_be_short() {
    let own = |text: &str| OnceConfig { once_secret: Some(text.into()), once_secret_file: None };
    let secret = "another 32 bytes for the hashes..";
    assert_eq!(own(secret).secret(&auth(TOKEN_SECRET)).unwrap(), secret.as_bytes());
    assert!(own("short").secret(&auth(TOKEN_SECRET)).is_err());
}

#[test]
fn with_public_keys_only_there_is_nothing_to_derive_it_from() {
    let public = AuthConfig { jwks_url: Some("https://example.com/keys".into()), ..AuthConfig::default() };
    assert!(OnceConfig::default().secret(&public).is_err());
}

#[test]
fn no_debug_output_shows_a_secret() {
    let once = OnceConfig { once_secret: Some(TOKEN_SECRET.into()), once_secret_file: None };
    assert!(!format!("{once:?}").contains(TOKEN_SECRET));
}
