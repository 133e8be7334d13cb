use crate::{error::Error, service::Services};

/// The number of second factors that are read at once to be resealed.
const PAGE: usize = 100;

pub(crate) async fn reseal_factors(services: &Services, limit: usize) -> Result<usize, Error> {
    let factors = &services.factors;
    let current = factors.current_key()?;
    let (mut done, mut failed, mut after) = (0, None, None);
    while done < limit {
        let asked = PAGE.min(limit - done);
        let page = factors.sealed_by_others(current, after.as_ref(), asked).await?;
        for (_, factor) in &page {
            match factors.reseal(factor).await {
                // Where it was not, somebody else has done it.
                Ok(resealed) => done += usize::from(resealed),
                // One secret that does not open is no reason to leave the others.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let is_last = page.len() < asked;
        after = page.into_iter().last().map(|(position, _)| position);
        if is_last {
            break;
        }
    }
    failed.map_or(Ok(done), Err)
}
