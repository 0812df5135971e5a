//! Letters in Redis: keys of the lane that they are of, written by the same script as its rows.

use std::collections::{BTreeSet, HashMap};

use kernel::{Lane, Sequence, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys::lettered_lanes_key;
use super::{Operations, RedisRows, range_after};
use crate::{
    Advance, Checkpoint, DeadRecord, Letter, LetterId, LetterStore, Reason, Request, RowChange, StoreError,
    Subject, Which,
};

/// Letters that are read at once.
const PAGE: usize = 100;

/// A letter's value.
#[derive(Serialize, Deserialize)]
struct Kept {
    subject: String,
    sequence: u64,
    reason: String,
    why: String,
    record: DeadRecord,
    attempts: u32,
    parked_at: Timestamp,
}

/// What is remembered of letters that were given up.
#[derive(Serialize)]
struct Discarded<'a> {
    subject: String,
    since: u64,
    letters: usize,
    by: &'a str,
    reason: &'a str,
}

impl RedisRows {
    /// Adds what keeps these letters. That the lane has letters is noted before it has them: noted for nothing, it
    /// does no harm.
    pub(super) async fn keep(
        &self,
        lane: Lane,
        letters: &[Letter],
        operations: &mut Operations,
    ) -> Result<(), StoreError> {
        if letters.is_empty() {
            return Ok(());
        }
        let lettered = lettered_lanes_key(&self.0.prefix, self.0.view.view, self.0.view.version);
        let () = self.query(redis::cmd("SADD").arg(lettered).arg(lane.number())).await?;
        let (keys, version) = (self.keys(lane), self.0.view.version);
        for letter in letters {
            let (id, subject) = (letter.id().id.to_string(), letter.subject.to_string());
            let since = letter.sequence.number();
            operations.add(keys.letter(version, &id), "s", kept(letter)?);
            operations.add(keys.letters_of(version, &subject), "a", id.as_str());
            operations.add(keys.letters(version), "a", id.as_str());
            operations.add(keys.untold_letters(version), "a", id);
            operations.add(keys.parked(version), "p", format!("{since} {subject}"));
            match &letter.subject {
                Subject::Row(at) => {
                    let key = keys.parked_row(version, &at.tenant, at.key.as_str());
                    operations.add(key, "n", since.to_string());
                }
                Subject::Stream { tenant, .. } => {
                    operations.add(keys.parked_tenant(version, tenant), "n", since.to_string());
                }
                Subject::Record { .. } => {}
            }
        }
        Ok(())
    }

    /// Adds what takes a subject's letters out; says how many they are. `parked` is what is parked in the lane.
    async fn take_out(
        &self,
        lane: Lane,
        subject: &Subject,
        parked: &mut HashMap<Subject, Sequence>,
        operations: &mut Operations,
    ) -> Result<usize, StoreError> {
        let (keys, version) = (self.keys(lane), self.0.view.version);
        let named = subject.to_string();
        let of = keys.letters_of(version, &named);
        let ids: Vec<String> = self.query(redis::cmd("ZRANGE").arg(&of).arg(0).arg(-1)).await?;
        for id in &ids {
            operations.add(keys.letter(version, id), "d", "");
            operations.add(keys.letters(version), "r", id.as_str());
            operations.add(keys.untold_letters(version), "r", id.as_str());
        }
        operations.add(of, "d", "");
        operations.add(keys.parked(version), "u", named.as_str());
        operations.add(keys.requests(version), "u", named);
        parked.remove(subject);
        match subject {
            Subject::Row(at) => {
                operations.add(keys.parked_row(version, &at.tenant, at.key.as_str()), "d", "");
            }
            Subject::Stream { tenant, .. } => {
                let of_tenant = |other: &Subject| matches!(other, Subject::Stream { tenant: whose, .. } if whose == tenant);
                let left = parked.iter().filter(|(other, _)| of_tenant(other)).map(|(_, since)| since);
                let key = keys.parked_tenant(version, tenant);
                match left.min() {
                    Some(since) => operations.add(key, "s", since.to_string()),
                    None => operations.add(key, "d", ""),
                }
            }
            Subject::Record { .. } => {}
        }
        Ok(ids.len())
    }

    async fn all_parked(&self, lane: Lane) -> Result<HashMap<Subject, Sequence>, StoreError> {
        let parked = self.keys(lane).parked(self.0.view.version);
        let found: HashMap<String, u64> = self.query(redis::cmd("HGETALL").arg(parked)).await?;
        found.into_iter().map(|(named, since)| Ok((subject(&named)?, Sequence::new(since)))).collect()
    }

    async fn lettered_lanes(&self) -> Result<BTreeSet<u16>, StoreError> {
        let lettered = lettered_lanes_key(&self.0.prefix, self.0.view.view, self.0.view.version);
        self.query(redis::cmd("SMEMBERS").arg(lettered)).await
    }

    async fn read_letters(&self, lane: Lane, ids: &[String]) -> Result<Vec<Letter>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.keys(lane);
        let mut command = redis::cmd("MGET");
        for id in ids {
            command.arg(keys.letter(self.0.view.version, id));
        }
        let found: Vec<Option<String>> = self.query(&command).await?;
        found.into_iter().flatten().map(|text| letter(lane, &text)).collect()
    }
}

impl LetterStore for RedisRows {
    async fn parked(&self, lane: Lane, most: usize) -> Result<Vec<(Subject, Sequence)>, StoreError> {
        Ok(self.all_parked(lane).await?.into_iter().take(most).collect())
    }

    async fn count_letters(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        for lane in self.lettered_lanes().await? {
            let letters = self.keys(Lane::new(lane)).letters(self.0.view.version);
            count += self.query::<u64>(redis::cmd("ZCARD").arg(letters)).await?;
        }
        Ok(count)
    }

    async fn letters(
        &self,
        tenant: Option<&TenantId>,
        after: Option<LetterId>,
        most: usize,
    ) -> Result<Vec<Letter>, StoreError> {
        let mut letters = Vec::new();
        for lane in self.lettered_lanes().await? {
            let lane = Lane::new(lane);
            if after.is_some_and(|after| lane < after.lane) {
                continue;
            }
            let names = self.keys(lane).letters(self.0.view.version);
            let mut last = after.filter(|after| after.lane == lane).map(|after| after.id.to_string());
            while letters.len() < most {
                let ids: Vec<String> =
                    self.query(&range_after(&names, last.as_deref().unwrap_or_default(), PAGE)).await?;
                let Some(end) = ids.last() else { break };
                last = Some(end.clone());
                let page = self.read_letters(lane, &ids).await?;
                letters
                    .extend(page.into_iter().filter(|letter| {
                        tenant.is_none_or(|tenant| letter.subject.tenant() == Some(tenant))
                    }));
            }
        }
        letters.truncate(most);
        Ok(letters)
    }

    async fn untold(&self, lane: Lane, most: usize) -> Result<Vec<Letter>, StoreError> {
        let untold = self.keys(lane).untold_letters(self.0.view.version);
        let ids: Vec<String> = self.query(&range_after(&untold, "", most)).await?;
        self.read_letters(lane, &ids).await
    }

    async fn told(&self, lane: Lane, letters: &[LetterId]) -> Result<(), StoreError> {
        let mut command = redis::cmd("ZREM");
        command.arg(self.keys(lane).untold_letters(self.0.view.version));
        for letter in letters {
            command.arg(letter.id.to_string());
        }
        if letters.is_empty() { Ok(()) } else { self.query(&command).await }
    }

    async fn letter(&self, id: LetterId) -> Result<Option<Letter>, StoreError> {
        Ok(self.read_letters(id.lane, &[id.id.to_string()]).await?.pop())
    }

    async fn request(&self, which: &Which, request: &Request) -> Result<u64, StoreError> {
        let mut asked = 0;
        match which {
            Which::Rows { lane, rows } => {
                let subjects: Vec<Subject> = rows.iter().cloned().map(Subject::Row).collect();
                asked += self.ask(*lane, &subjects, request).await?;
            }
            Which::Letter(id) => {
                if let Some(letter) = self.letter(*id).await? {
                    asked += self.ask(id.lane, &[letter.subject], request).await?;
                }
            }
            Which::All { tenant } => {
                for lane in self.lettered_lanes().await?.into_iter().map(Lane::new) {
                    let mut subjects: Vec<Subject> = self.all_parked(lane).await?.into_keys().collect();
                    subjects.retain(|subject| tenant.is_none() || subject.tenant() == tenant.as_ref());
                    asked += self.ask(lane, &subjects, request).await?;
                }
            }
        }
        Ok(asked)
    }

    async fn requests(&self, lane: Lane, most: usize) -> Result<Vec<(Subject, Request)>, StoreError> {
        let requests = self.keys(lane).requests(self.0.view.version);
        let found: HashMap<String, String> = self.query(redis::cmd("HGETALL").arg(requests)).await?;
        let request = |(named, text): (String, String)| {
            let request = serde_json::from_str(&text);
            Ok((subject(&named)?, request.map_err(|_| StoreError::Corrupt("a request".to_owned()))?))
        };
        found.into_iter().take(most).map(request).collect()
    }

    async fn mend(
        &self,
        lane: Lane,
        at: &Checkpoint,
        changes: &[RowChange],
        subjects: &[Subject],
    ) -> Result<(), StoreError> {
        let mut operations = self.operations(lane, changes);
        let mut parked = self.all_parked(lane).await?;
        for subject in subjects {
            self.take_out(lane, subject, &mut parked, &mut operations).await?;
        }
        self.run_write(lane, &Advance { from: *at, to: *at }, &operations).await
    }

    async fn discard(
        &self,
        lane: Lane,
        at: &Checkpoint,
        subject: &Subject,
        by: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let mut operations = Operations::default();
        let mut parked = self.all_parked(lane).await?;
        let since = parked.get(subject).copied().unwrap_or_default().number();
        let letters = self.take_out(lane, subject, &mut parked, &mut operations).await?;
        let discarded = json(&Discarded { subject: subject.to_string(), since, letters, by, reason })?;
        operations.add(self.keys(lane).discarded(self.0.view.version), "a", discarded);
        self.run_write(lane, &Advance { from: *at, to: *at }, &operations).await
    }

    async fn refuse(&self, lane: Lane, subject: &Subject, why: &str) -> Result<(), StoreError> {
        let (keys, version) = (self.keys(lane), self.0.view.version);
        let named = subject.to_string();
        let of = keys.letters_of(version, &named);
        let first: Vec<String> = self.query(redis::cmd("ZRANGE").arg(of).arg(0).arg(0)).await?;
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        if let Some(mut letter) = self.read_letters(lane, &first).await?.pop() {
            letter.attempts += 1;
            why.clone_into(&mut letter.why);
            let key = keys.letter(version, &letter.id().id.to_string());
            // Only where it still is: it may have been taken out.
            pipeline.cmd("SET").arg(key).arg(kept(&letter)?).arg("XX").ignore();
        }
        pipeline.cmd("HDEL").arg(keys.requests(version)).arg(named).ignore();
        self.pipeline(&pipeline).await
    }
}

impl RedisRows {
    async fn ask(&self, lane: Lane, subjects: &[Subject], request: &Request) -> Result<u64, StoreError> {
        if subjects.is_empty() {
            return Ok(0);
        }
        let text = json(request)?;
        let mut command = redis::cmd("HSET");
        command.arg(self.keys(lane).requests(self.0.view.version));
        for subject in subjects {
            command.arg(subject.to_string()).arg(&text);
        }
        let () = self.query(&command).await?;
        Ok(subjects.len() as u64)
    }
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Refused(format!("a letter has no JSON: {error}")))
}

fn kept(letter: &Letter) -> Result<String, StoreError> {
    json(&Kept {
        subject: letter.subject.to_string(),
        sequence: letter.sequence.number(),
        reason: letter.reason.as_str().to_owned(),
        why: letter.why.clone(),
        record: letter.record.clone(),
        attempts: letter.attempts,
        parked_at: letter.parked_at,
    })
}

fn subject(named: &str) -> Result<Subject, StoreError> {
    named.parse().map_err(|_| StoreError::Corrupt("what is parked".to_owned()))
}

fn letter(lane: Lane, text: &str) -> Result<Letter, StoreError> {
    let unreadable = || StoreError::Corrupt("a letter".to_owned());
    let kept: Kept = serde_json::from_str(text).map_err(|_| unreadable())?;
    Ok(Letter {
        lane,
        subject: subject(&kept.subject)?,
        sequence: Sequence::new(kept.sequence),
        reason: Reason::named(&kept.reason).ok_or_else(unreadable)?,
        why: kept.why,
        record: kept.record,
        attempts: kept.attempts,
        parked_at: kept.parked_at,
    })
}
