//! Cases of the generations of the shop and of a subject.

use super::{
    Generation, GenerationId, Insert, Subject, TokenStore, UNCAPPED, at, ensure, fresh, generation, grant,
    insert_under, is_live, issued, revoke_all, subject,
};
use crate::conformance::Failure;

/// The verb `generation` stores the first generation that the store gets for the shop, and ignores
/// later ones. A subject has no generation before its first revoke-all.
pub(in crate::conformance) async fn a_shop_begins_with_what_it_is_handed<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let first = fresh()?;
    let expected = Generation { shop: first, subject: None };
    for (number, handed) in [(1, first), (1, fresh()?), (2, fresh()?)] {
        let answer = store.generation(&subject(number), handed).await?;
        ensure!(answer == expected, "a shop that began with {first:?} returned {answer:?}");
    }
    Ok(())
}

/// If the shop has no generation, then an insertion is refused, and does not create a generation.
pub(in crate::conformance) async fn an_insertion_begins_no_shop<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let earlier = [GenerationId::from_bytes([0; 16]), fresh()?];
    for (number, shop) in (1..).zip(earlier) {
        let grant = grant(&format!("{number}"), number);
        let known = Generation { shop, subject: None };
        let answer = insert_under(store, &grant, known, UNCAPPED).await?;
        ensure!(
            answer == Insert::Revoked,
            "an insertion into a shop without a generation returned {answer:?}"
        );
        ensure!(!is_live(store, &grant.id).await?, "a shop without a generation has a live grant");
    }
    let begun = generation(store, &subject(1)).await?.shop;
    ensure!(!earlier.contains(&begun), "an insertion stored {begun:?} as the shop's generation");
    Ok(())
}

/// A revoke-all and a revoke-everything replace the generation by the value that the caller passed,
/// and return the new generation.
pub(in crate::conformance) async fn revokes_answer_the_new_generation<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    // The very first revoke-all also creates the shop's generation.
    for round in 1..=3 {
        let own = fresh()?;
        let answer = store.revoke_all(&subject(1), None, own, at(0)).await?;
        ensure!(answer.subject == Some(own), "a revoke-all with {own:?} returned {answer:?}");
        holds(store, &subject(1), answer, "a revoke-all").await?;
        let later = issued(&format!("later {round}"), 1, 1);
        let stored = insert_under(store, &later, answer, UNCAPPED).await?;
        ensure!(
            stored == Insert::Stored,
            "an insertion under the generation of a revoke-all returned {stored:?}"
        );

        let shop = fresh()?;
        let everybodys = store.revoke_everything(shop, at(0)).await?;
        ensure!(everybodys == shop, "a revoke-everything with {shop:?} returned {everybodys:?}");
        holds(store, &subject(1), Generation { shop, ..answer }, "a revoke-everything").await?;
    }
    Ok(())
}

async fn holds<S: TokenStore>(
    store: &S,
    subject: &Subject,
    expected: Generation,
    after: &str,
) -> Result<(), Failure> {
    let current = generation(store, subject).await?;
    ensure!(current == expected, "after {after} the generation is {current:?} and not {expected:?}");
    Ok(())
}

/// A purge removes no generation, even if its subject has no grants.
pub(in crate::conformance) async fn purging_keeps_generations<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    generation(store, &subject(1)).await?;
    revoke_all(store, &subject(1), None).await?;
    let moved = generation(store, &subject(1)).await?;
    for _ in 0..10 {
        store.purge_tokens(at(9_000), 1_000).await?;
    }
    holds(store, &subject(1), moved, "a purge").await
}
