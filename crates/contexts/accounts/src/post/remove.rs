use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Post, PostRejection, PostRemoved, PostState};
use crate::User;

/// Takes a post away, for good. Only who published it can; doing it twice changes nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovePost {
    /// Who published it.
    pub user_id: Uuid,
    /// The post.
    pub post_id: Uuid,
}

impl Command for RemovePost {
    const NAME: &'static str = "remove-post";
    type Decider = Post;
    type Rejection = PostRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.post_id)
    }

    fn reads(&self, _: Uuid, _: &PostState) -> Reads {
        Reads::of::<User>(self.user_id)
    }

    fn decide(&self, state: &PostState, facts: &Facts) -> Verdict<Self> {
        facts.state::<User>(self.user_id).active()?;
        let (PostState::Published { by } | PostState::Removed { by }) = *state else {
            return Err(PostRejection::UnknownPost);
        };
        if by != self.user_id {
            return Err(PostRejection::NotTheAuthor);
        }
        Ok(match state {
            PostState::Removed { .. } => Decision::nothing(),
            PostState::Published { .. } | PostState::Unknown => {
                Decision::record(PostRemoved { post_id: self.post_id, user_id: self.user_id })
            }
        })
    }
}
