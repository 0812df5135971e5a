//! What a person reads when everything runs.

use std::time::Duration;

use http_api::{AuthConfig, Claims, mint};
use kernel::TenantId;
use local_servers::Home;

use super::demo::{self, Loaded};
use super::scopes;
use super::services::Addresses;
use crate::home::System;

const TOKEN_LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// Prints it.
pub(super) fn print(
    addresses: &Addresses,
    system: &System,
    held: &Home,
    auth: &AuthConfig,
    took: Duration,
    demo: Option<Loaded>,
) -> anyhow::Result<()> {
    let (commands, queries) = (addresses.commands, addresses.queries);
    println!("Twofold is up ({:.1} s).\n", took.as_secs_f64());
    println!("  commands          http://{commands}   to try them: http://{commands}/docs");
    println!("  queries           http://{queries}   to try them: http://{queries}/docs");
    println!("  schema registry   {}", addresses.registry_url);
    println!("  kafka             {}   topics {}.<context>.events", system.kafka, system.topic_prefix);
    let others: Vec<_> = addresses.others.iter().map(|(name, address)| format!("{name} {address}")).collect();
    println!("  health, metrics   /readyz and /metrics of the above, and of {}", others.join(", "));
    let account = held.account().map(|name| format!(" (local servers run as {name})")).unwrap_or_default();
    println!("  data              {}{account}", held.data().display());
    if let Some(Loaded { commands, refused, took }) = demo {
        let refused = if refused == 0 { String::new() } else { format!(", {refused} of them there before") };
        let (took, tenants) = (took.as_secs_f64(), demo::TENANTS.join(", "));
        println!("  demo data         {commands} commands in {took:.1} s{refused}: tenants {tenants}");
    }
    if let Some(secret) = auth.secret()? {
        let claims = Claims::new(&TenantId::new("acme")?, "developer", &scopes(), TOKEN_LIFE);
        let token = mint(&secret, &claims)?;
        println!("\nA token for tenant acme, good for 12 hours (more: twofold token --help):\n");
        println!("  export TOKEN={token}");
        println!("\nA first command, and the query that sees it:\n");
        println!(
            "  curl -sS http://{commands}/v1/catalog/create-category -H \"Authorization: Bearer $TOKEN\" \\\n    \
             -H 'Content-Type: application/json' -d '{{\"name\":\"Books\"}}'"
        );
        println!("  curl -sS http://{queries}/v1/catalog/categories -H \"Authorization: Bearer $TOKEN\"");
    }
    println!("\nCtrl-C stops everything; the data stay.");
    Ok(())
}
