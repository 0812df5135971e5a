use http_api::Authenticator;
use service_runtime::config::ExposeSecret;

use super::*;

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

#[tokio::test]
async fn a_token_that_is_made_is_the_tenants_own_and_allows_what_processes_do() {
    let auth = AuthConfig::with_secret("a secret of at least thirty-two bytes".into());
    let tokens = Tokens::new(&ProcessTokenConfig::default(), &auth).unwrap();
    let authenticator = Authenticator::new(&auth).unwrap();
    for name in ["acme", "globex"] {
        let token = tokens.token(&tenant(name)).unwrap();
        let value = format!("Bearer {}", token.expose_secret()).parse().unwrap();
        let headers = [(axum::http::header::AUTHORIZATION, value)].into_iter().collect();
        let caller = authenticator.authenticate(&headers).await.unwrap();
        assert_eq!(caller.tenant, tenant(name));
        assert!(caller.require(PROCESS).is_ok());
        assert!(caller.require("ops").is_err());
    }
}

#[test]
fn without_a_secret_each_tenant_has_a_file() {
    let folder = std::env::temp_dir().join(format!("twofold-tokens-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("acme.jwt"), "a token\n").unwrap();
    let path = format!("{}/{{tenant}}.jwt", folder.display());
    let config = ProcessTokenConfig { process_token_files: Some(path) };
    let tokens = Tokens::new(&config, &AuthConfig::default()).unwrap();
    assert_eq!(tokens.token(&tenant("acme")).unwrap().expose_secret(), "a token");
    assert!(tokens.token(&tenant("globex")).is_err());
    assert!(tokens.token(&tenant("..")).is_err());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn it_does_not_start_without_tokens() {
    let one_file = ProcessTokenConfig { process_token_files: Some("/run/token".to_owned()) };
    for config in [ProcessTokenConfig::default(), one_file] {
        assert!(Tokens::new(&config, &AuthConfig::default()).is_err());
    }
}
