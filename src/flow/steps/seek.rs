//! The account of a name, looked up beside the reservation of an attempt.

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

/// The account of a name, or the decoy that stands in for none.
pub(in crate::flow) struct Sought<A: Account> {
    pub(in crate::flow) row: Option<A>,
    pub(in crate::flow) id: A::Id,
    /// Read after the row and before any credential is checked.
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

/// Reserves the charge of an attempt and looks up the account meanwhile. If the charge had to wait for room,
/// the account is looked up again. Returns no charge once a budget is spent.
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
