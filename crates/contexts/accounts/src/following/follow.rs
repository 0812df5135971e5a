use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Following, FollowingRejection, FollowingState, UserFollowed};
use crate::User;

/// Lets one active user follow another. Following twice changes nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUser {
    /// Who follows.
    pub user_id: Uuid,
    /// Who is followed.
    pub followed_id: Uuid,
}

impl Command for FollowUser {
    const NAME: &'static str = "follow-user";
    type Decider = Following;
    type Rejection = FollowingRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(Following::id(self.user_id, self.followed_id))
    }

    fn reads(&self, _: Uuid, _: &FollowingState) -> Reads {
        Reads::of::<User>(self.user_id).and::<User>(self.followed_id)
    }

    fn decide(&self, state: &FollowingState, facts: &Facts) -> Verdict<Self> {
        if self.user_id == self.followed_id {
            return Err(FollowingRejection::SelfFollow);
        }
        facts.state::<User>(self.user_id).active()?;
        facts.state::<User>(self.followed_id).active()?;
        Ok(match state {
            FollowingState::Follows => Decision::nothing(),
            FollowingState::Apart => {
                Decision::record(UserFollowed { user_id: self.user_id, followed_id: self.followed_id })
            }
        })
    }
}
