//! Why a token is not accepted.

use axum::http::{HeaderValue, header};

use crate::{Problem, ProblemType};

/// Each says something that its sender may know. That a tenant exists, or which keys there are, is not among it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("send a token as `Authorization: Bearer <token>`")]
    Missing,
    #[error("the token is not a JWT")]
    Malformed,
    #[error("the token's algorithm is not one that this service verifies")]
    Algorithm,
    #[error("the token was not signed with a key that this service knows")]
    Signature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    Early,
    #[error("the token's claim `{0}` is missing or not of the expected form")]
    Claim(&'static str),
    #[error("the token is from another issuer")]
    Issuer,
    #[error("the token is meant for another audience")]
    Audience,
    #[error("the keys that tokens are verified with cannot be fetched at the moment")]
    KeysAway(String),
}

impl Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::Early => "not-yet-valid",
            Self::Claim(_) => "claim",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::KeysAway(_) => "keys-away",
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match &refused {
            Refused::Missing => Self::new(ProblemType::Unauthenticated).detail(refused.to_string()),
            Refused::KeysAway(cause) => Self::new(ProblemType::Unavailable)
                .detail(refused.to_string())
                .code(refused.code())
                .cause(cause.clone()),
            _ => {
                let challenge =
                    format!("Bearer error=\"invalid_token\", error_description=\"{}\"", refused.code());
                let challenge = HeaderValue::try_from(challenge);
                Self::new(ProblemType::InvalidToken).detail(refused.to_string()).code(refused.code()).header(
                    header::WWW_AUTHENTICATE,
                    challenge.unwrap_or_else(|_| HeaderValue::from_static("Bearer")),
                )
            }
        }
    }
}
