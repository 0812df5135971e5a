//! A command as a question: what would it record?

use std::time::Instant;

use event_log::ClaimChange;
use kernel::{Lane, StreamName, StreamVersion};
use serde_json::Value;
use uuid::Uuid;

use super::case::{Case, Confirmed};
use super::{CommandRequest, Dispatcher};
use crate::CommandError;
use crate::registry::CommandEntry;
use crate::telemetry::Outcome;

/// What a command would have recorded. By the time it is sent in earnest it may be decided otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct DryRun {
    /// The stream.
    pub stream: StreamName,
    /// Its id; where the command named none, the next one will have another.
    pub id: Uuid,
    /// The version that it would have.
    pub version: StreamVersion,
    /// The tenant's lane, where it has one already.
    pub lane: Option<Lane>,
    /// What would have happened.
    pub events: Vec<PreviewedEvent>,
}

/// An event that was not recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewedEvent {
    /// Its type.
    pub event_type: &'static str,
    /// What it would say.
    pub data: Value,
}

impl Dispatcher {
    /// Decides a command on what the log holds now and records nothing: no event, no claim, no once-only key, not
    /// even a lane. The answer is the one that the command itself would have had, refusals and all; a once-only
    /// key is not looked at.
    pub async fn try_out(
        &self,
        command: &CommandEntry,
        request: CommandRequest<'_>,
    ) -> Result<DryRun, CommandError> {
        let started = Instant::now();
        let tried = self.decide_only(command, &request).await;
        let outcome = tried.as_ref().map_or_else(CommandError::outcome, |_| Outcome::DryRun);
        command.meters.ended(outcome, started.elapsed());
        tried
    }

    async fn decide_only(
        &self,
        command: &CommandEntry,
        request: &CommandRequest<'_>,
    ) -> Result<DryRun, CommandError> {
        let mut question = command.reader.read(request.body)?;
        let mut case = Case::open(self, command, request, &*question);
        case.load_main().await?;
        for decision in 0..self.options.decisions_max {
            self.pause(decision).await;
            let decided = case.decide(&mut *question).await?;
            if case.confirm().await? == Confirmed::No {
                continue;
            }
            let claims = decided?.claims;
            if let Some(index) = self.first_taken(&case, &claims).await? {
                if claims.get(index).is_some_and(|change| case.read_as_fact(change)) {
                    case.forget_claims();
                    continue;
                }
                return Err(question.claim_refusal(index).into());
            }
            let events = question.preview().map_err(|error| CommandError::Failed(error.into()))?;
            return Ok(DryRun {
                stream: case.stream().clone(),
                id: case.id(),
                version: case.version().plus(events.len() as u64),
                lane: self.log.known_lane(case.tenant()).await?,
                events: events
                    .into_iter()
                    .map(|(event_type, data)| PreviewedEvent { event_type, data })
                    .collect(),
            });
        }
        Err(CommandError::Contended)
    }

    /// The first claim that another stream holds.
    pub(super) async fn first_taken(
        &self,
        case: &Case<'_>,
        claims: &[ClaimChange],
    ) -> Result<Option<usize>, CommandError> {
        let wanted = claims.iter().enumerate().filter_map(|(index, change)| match change {
            ClaimChange::Take { set, value } => Some((index, (*set, value.as_str()))),
            ClaimChange::Release { .. } => None,
        });
        let (indices, wanted): (Vec<usize>, Vec<_>) = wanted.unzip();
        if wanted.is_empty() {
            return Ok(None);
        }
        let held = self.log.claims_held(case.command.context(), case.tenant(), &wanted).await?;
        let taken =
            held.iter().position(|holder| holder.as_ref().is_some_and(|holder| holder != case.stream()));
        Ok(taken.and_then(|at| indices.get(at).copied()))
    }
}
