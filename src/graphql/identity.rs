use async_graphql::{Context, Guard, Result};

use super::error::error;
use crate::{
    account::Permission,
    error::{Error, InternalError, Part, TokenError},
    http::Caller,
    token::{AdminIdentity, Bearer, CustomerIdentity, Identity},
};

/// The caller and the identity, which [`Admission`](super::Admission) puts into the data of a
/// request.
pub(super) struct Visit {
    pub(super) caller: Caller,
    pub(super) identity: Option<Identity>,
}

/// Returns the caller and the identity of a request. A request that was not admitted is a mistake of
/// the host.
fn visit<'a>(ctx: &Context<'a>) -> Result<&'a Visit> {
    ctx.data::<Visit>().map_err(|_| error(Error::Internal(InternalError::NotConfigured(Part::Admission))))
}

/// Returns the caller, for a host's own resolvers.
///
/// # Errors
///
/// An error of the category `internal` if the request was not
/// [admitted](super::Admission::admit).
pub fn caller<'a>(ctx: &Context<'a>) -> Result<&'a Caller> {
    Ok(&visit(ctx)?.caller)
}

/// Returns the customer whose token the request presents. An admin user may be acting for the
/// customer. The identity is the one at the time of admission.
///
/// # Errors
///
/// As [`caller`]. `The current customer isn't authorized.` (`graphql-authorization`) if the caller
/// is anonymous or an admin user.
pub fn customer<'a>(ctx: &Context<'a>) -> Result<&'a CustomerIdentity> {
    match &visit(ctx)?.identity {
        Some(Identity::Customer(customer)) => Ok(customer),
        _ => Err(error(Error::Token(TokenError::NotAuthorized))),
    }
}

fn admin<'a>(ctx: &Context<'a>) -> Result<&'a AdminIdentity> {
    match &visit(ctx)?.identity {
        Some(Identity::Admin(admin)) => Ok(admin),
        _ => Err(error(Error::Token(TokenError::NotAuthorized))),
    }
}

/// Returns the caller and the bearer token, for a flow that takes it. Refuses an anonymous caller.
pub(super) fn bearer<'a>(ctx: &Context<'a>) -> Result<(&'a Caller, Bearer<'a>)> {
    let caller = caller(ctx)?;
    // The flow itself refuses a token of another website, or one that has ended since the
    // admission.
    let bearer = caller.bearer().ok_or_else(|| error(Error::Token(TokenError::NotAuthorized)))?;
    Ok((caller, bearer))
}

/// A guard that admits a customer, and an admin user who acts for a customer.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct RequireCustomer;

impl Guard for RequireCustomer {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        customer(ctx).map(drop)
    }
}

/// A guard that admits a customer, but no admin user who acts for the customer. Use it for
/// operations that only the customer may do, such as changes of payment data, addresses or consent.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct RequireSelf;

impl Guard for RequireSelf {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        customer(ctx)?.require_self().map_err(error)
    }
}

/// A guard that admits an admin user with a permission.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct RequirePermission(pub Permission);

impl Guard for RequirePermission {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        if admin(ctx)?.has_permission(self.0) {
            Ok(())
        } else {
            Err(error(Error::Token(TokenError::NotAuthorized)))
        }
    }
}
