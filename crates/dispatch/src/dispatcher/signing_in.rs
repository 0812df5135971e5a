//! Who somebody is, as far as their password says.

use kernel::{Decider, Secret, StreamName, TenantId};
use uuid::Uuid;

use super::Dispatcher;
use crate::CommandError;

impl Dispatcher {
    /// The stream that holds a claimed value, where the password is that stream's. Takes as long where nobody holds
    /// the value, or the tenant has never been heard of, as where the password is wrong; and leaves no trace of either.
    pub async fn holder_with_password(
        &self,
        context: &str,
        tenant: &TenantId,
        claim: (&str, &str),
        password: &Secret,
    ) -> Result<Option<StreamName>, CommandError> {
        let found = self.log.password_of_holder(context, tenant, claim).await?;
        let (stream, hash) = found.unzip();
        let matches = self.passwords.check(password, hash.as_ref()).await?;
        Ok(stream.filter(|_| matches))
    }

    /// The state of a stream as the log has it now; the default where it has not begun or is of no command's kind.
    pub async fn state_of<D: Decider>(
        &self,
        context: &'static str,
        tenant: &TenantId,
        id: Uuid,
    ) -> Result<D::State, CommandError> {
        let state = self.commands.kind(context, D::STREAM);
        let Some(kind) = state else { return Ok(D::State::default()) };
        let key =
            crate::warm::StreamKey { context, tenant: tenant.clone(), stream: StreamName::of(D::STREAM, id) };
        let loaded = self.streams.read(&**kind, &key).await?;
        loaded
            .state
            .downcast_ref::<D::State>()
            .cloned()
            .ok_or_else(|| crate::kind::FoldError::OtherKind.into())
    }
}
