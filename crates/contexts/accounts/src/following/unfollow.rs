use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Following, FollowingRejection, FollowingState, UserUnfollowed};
use crate::User;

/// Ends an active user's following of another, whatever has become of the other. Where there is none, nothing
/// changes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnfollowUser {
    /// Who follows.
    pub user_id: Uuid,
    /// Who is followed.
    pub followed_id: Uuid,
}

impl Command for UnfollowUser {
    const NAME: &'static str = "unfollow-user";
    type Decider = Following;
    type Rejection = FollowingRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(Following::id(self.user_id, self.followed_id))
    }

    fn reads(&self, _: Uuid, _: &FollowingState) -> Reads {
        Reads::of::<User>(self.user_id)
    }

    fn decide(&self, state: &FollowingState, facts: &Facts) -> Verdict<Self> {
        if self.user_id == self.followed_id {
            return Err(FollowingRejection::SelfFollow);
        }
        facts.state::<User>(self.user_id).active()?;
        Ok(match state {
            FollowingState::Apart => Decision::nothing(),
            FollowingState::Follows => {
                Decision::record(UserUnfollowed { user_id: self.user_id, followed_id: self.followed_id })
            }
        })
    }
}
