use async_graphql::{Context, Guard, Result};

use super::error::error;
use crate::{
    account::Permission,
    error::{Error, InternalError, Part, TokenError},
    http::Caller,
    token::{AdminIdentity, Bearer, CustomerIdentity, Identity},
};

/// The caller of a request and the identity that the bearer token proves.
/// [`Admission`](super::Admission) puts them into the data of the request.
pub(super) struct Visit {
    pub(super) caller: Caller,
    pub(super) identity: Option<Identity>,
}

/// Returns the caller and the identity of a request. If the request has not gone through
/// [`Admission`](super::Admission), the host has made a mistake, and the result is an error.
fn visit<'a>(ctx: &Context<'a>) -> Result<&'a Visit> {
    ctx.data::<Visit>().map_err(|_| error(Error::Internal(InternalError::NotConfigured(Part::Admission))))
}

/// Returns the caller of a request, for a host's own resolvers.
///
/// # Errors
///
/// An error of the category `internal`, if the request has not gone through
/// [`Admission::admit`](super::Admission::admit).
pub fn caller<'a>(ctx: &Context<'a>) -> Result<&'a Caller> {
    Ok(&visit(ctx)?.caller)
}

/// Returns the customer whose token the request presents. An admin user may be acting for the
/// customer. The token was verified once, before the execution of the request.
///
/// # Errors
///
/// The errors of [`caller`]. If the caller is anonymous or presents an admin user's token, the
/// error is `The current customer isn't authorized.` (`graphql-authorization`).
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

/// Returns the caller and the bearer token, for an operation of [`Auth`](crate::Auth) that takes
/// the token. Refuses an anonymous caller.
pub(super) fn bearer<'a>(ctx: &Context<'a>) -> Result<(&'a Caller, Bearer<'a>)> {
    let caller = caller(ctx)?;
    // The token may have ended since the request was admitted, or may be for another website. The
    // operation verifies the token again and refuses it then.
    let bearer = caller.bearer().ok_or_else(|| error(Error::Token(TokenError::NotAuthorized)))?;
    Ok((caller, bearer))
}

/// A guard of a field for customers. An admin user who acts for a customer may use the field, too.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct RequireCustomer;

impl Guard for RequireCustomer {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        customer(ctx).map(drop)
    }
}

/// A guard of a field that only the customer may use. An admin user who acts for the customer is
/// refused. Use the guard for changes of payment data, of delivery addresses or of consent, for
/// example.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct RequireSelf;

impl Guard for RequireSelf {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        customer(ctx)?.require_self().map_err(error)
    }
}

/// A guard of a field that only an admin user with a permission may use.
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
