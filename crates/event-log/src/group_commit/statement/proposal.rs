//! The links of the chain, made before the head is locked.

use std::time::{SystemTime, UNIX_EPOCH};

use kernel::{ChainHash, Sequence, Timestamp};

use crate::group_commit::Command;

/// Where an appender left its log. Another appender may have gone on since; then what is proposed from here is not
/// taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) sequence: Sequence,
    pub(crate) recorded_at: Timestamp,
    pub(crate) chain: ChainHash,
}

/// The time and the links that a batch has if the log's head is where it was left and none of its commands loses.
#[derive(Debug)]
pub(super) struct Proposal {
    pub(super) head: [u8; 32],
    pub(super) recorded_at: Timestamp,
    links: Vec<ChainHash>,
}

impl Proposal {
    pub(super) fn at(head: &Head, batch: &[Command]) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        let recorded_at = now.max(head.recorded_at);
        let (mut chain, mut sequence) = (head.chain, head.sequence);
        let digests = batch.iter().flat_map(|command| &command.digests);
        let links = digests.map(|digest| {
            sequence = sequence.plus(1);
            chain = chain.extend(digest, sequence, recorded_at);
            chain
        });
        let links = links.collect();
        Self { head: *head.chain.as_bytes(), recorded_at, links }
    }

    pub(super) fn links(&self) -> Vec<&[u8]> {
        self.links.iter().map(|link| &link.as_bytes()[..]).collect()
    }
}
