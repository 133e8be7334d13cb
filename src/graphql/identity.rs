use async_graphql::{Context, Guard, Result};

use super::error::error;
use crate::{
    account::Permission,
    error::{Error, InternalError, Part, TokenError},
    http::Caller,
    token::{AdminIdentity, Bearer, CustomerIdentity, Identity},
};

/// The record that [`Admission`](super::Admission) leaves in the data of a request.
pub(super) struct Visit {
    pub(super) caller: Caller,
    pub(super) identity: Option<Identity>,
}

/// A request that was not admitted is the host's mistake, and tells nobody anything.
fn visit<'a>(ctx: &Context<'a>) -> Result<&'a Visit> {
    ctx.data::<Visit>().map_err(|_| error(Error::Internal(InternalError::NotConfigured(Part::Admission))))
}

/// Who calls: for a host's own resolvers.
///
/// # Errors
///
/// When the request was not [admitted](super::Admission::admit).
pub fn caller<'a>(ctx: &Context<'a>) -> Result<&'a Caller> {
    Ok(&visit(ctx)?.caller)
}

/// The customer who calls, or for whom an admin user does, as of when the request was admitted.
///
/// # Errors
///
/// `The current customer isn't authorized.` (`graphql-authorization`) to anybody else.
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

/// The caller and their token, for a flow that takes it; a guest is told that they are not authorized.
pub(super) fn bearer<'a>(ctx: &Context<'a>) -> Result<(&'a Caller, Bearer<'a>)> {
    let caller = caller(ctx)?;
    // A token of another website, or of nobody any more, is what the flow says it is.
    let bearer = caller.bearer().ok_or_else(|| error(Error::Token(TokenError::NotAuthorized)))?;
    Ok((caller, bearer))
}

/// A guard: a customer, or an admin user acting for one.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct RequireCustomer;

impl Guard for RequireCustomer {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        customer(ctx).map(drop)
    }
}

/// A guard: a customer, and no admin user acting for one. For payment data, addresses, consent: what is the customer's own.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct RequireSelf;

impl Guard for RequireSelf {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        customer(ctx)?.require_self().map_err(error)
    }
}

/// A guard: an admin user with a permission.
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
