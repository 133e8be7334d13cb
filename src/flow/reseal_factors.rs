use crate::{error::Error, service::Services};

/// Number of second factors that are read in one request.
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
                // `false` means that another call has changed the second factor in the meantime.
                Ok(resealed) => done += usize::from(resealed),
                // If one secret cannot be decrypted, the loop goes on and encrypts the remaining
                // secrets with the current key. At its end, the function returns the first error.
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
