use kernel::{Command, Decision, Facts, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Post, PostPublished, PostRejection, PostState};
use crate::User;
use crate::texts::{TITLE_LONGEST, trimmed};

/// Publishes a post of an active user.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishPost {
    /// Who publishes it.
    pub user_id: Uuid,
    /// The post's id; one is made where none is given.
    pub post_id: Option<Uuid>,
    /// Its title.
    #[schemars(length(min = 1, max = TITLE_LONGEST))]
    pub title: String,
}

impl Command for PublishPost {
    const NAME: &'static str = "publish-post";
    type Decider = Post;
    type Rejection = PostRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.line("title", &self.title, TITLE_LONGEST);
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.post_id
    }

    fn reads(&self, _: Uuid, _: &PostState) -> Reads {
        Reads::of::<User>(self.user_id)
    }

    fn decide(&self, state: &PostState, facts: &Facts) -> Verdict<Self> {
        facts.state::<User>(self.user_id).active()?;
        if *state != PostState::Unknown {
            return Err(PostRejection::PostExists);
        }
        let title = trimmed(&self.title);
        Ok(Decision::record(PostPublished { post_id: facts.id, user_id: self.user_id, title }))
    }
}
