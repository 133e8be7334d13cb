//! The look-up of an account, parallel to the reservation of the attempt.

use futures_lite::future;

use crate::{
    service::{
        accounts::{Account, Accounts},
        attempts::{Charged, Opened},
        stop::Stop,
        tokens::Tokens,
    },
    store::Generation,
};

/// The result of looking up an account by its name. If no account has the name, `row` is none and
/// `id` is the id of a decoy account.
pub(in crate::flow) struct Sought<A: Account> {
    pub(in crate::flow) row: Option<A>,
    pub(in crate::flow) id: A::Id,
    /// The account's generation. It was read after the account row and before any credential is
    /// checked.
    pub(in crate::flow) generation: Generation,
}

pub(in crate::flow) async fn seek<A: Account>(
    accounts: &Accounts<A>,
    tokens: &Tokens,
    name: &A::Name,
) -> Result<Sought<A>, Stop> {
    let row = accounts.find_by_name(name).await?;
    let id = accounts.id_or_decoy(row.as_ref(), name);
    let generation = tokens.generation(&A::subject_of(&id)).await?;
    Ok(Sought { row, id, generation })
}

/// Reserves the charge of an attempt and looks up the account in parallel.
///
/// If the charge had to wait for other attempts, the first look-up is possibly outdated, so the
/// account is looked up again. Returns none in place of the charge if a budget is spent.
pub(in crate::flow) async fn reserve_beside<'a, A: Account>(
    opened: Opened<'a>,
    accounts: &Accounts<A>,
    tokens: &Tokens,
    name: &A::Name,
) -> Result<(Option<Charged<'a>>, Sought<A>), Stop> {
    let (charged, sought) = future::zip(opened.reserve(), seek(accounts, tokens, name)).await;
    let mut charged = charged?;
    let again = charged.as_ref().is_some_and(Charged::waited);
    let sought = if again { seek(accounts, tokens, name).await } else { sought }?;
    if let Some(charged) = charged.as_mut().filter(|_| sought.row.is_none()) {
        charged.note_unknown();
    }
    Ok((charged, sought))
}
