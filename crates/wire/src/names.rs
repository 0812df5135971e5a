//! Names on the broker and in the registry.

use kernel::{StreamName, TenantId};

/// The topic of a context: `<prefix>.<context>.events`.
pub fn topic(prefix: &str, context: &str) -> String {
    format!("{prefix}.{context}.events")
}

/// The key of a record: `<tenant>/<stream>`. Neither part can hold a slash, so that it reads back unambiguously.
pub fn record_key(tenant: &TenantId, stream: &StreamName) -> String {
    let (tenant, stream) = (tenant.as_str(), stream.as_str());
    let mut key = String::with_capacity(tenant.len() + 1 + stream.len());
    key.push_str(tenant);
    key.push('/');
    key.push_str(stream);
    key
}

/// The registry's subject for a record type on a topic: `<topic>-<full name>`, Confluent's
/// `TopicRecordNameStrategy`, which lets one topic carry several types.
pub fn subject(topic: &str, full_name: &str) -> String {
    format!("{topic}-{full_name}")
}
