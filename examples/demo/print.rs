use commerce_auth::{
    BearerToken, Error,
    audit::{Outcome, Refusal},
    error::TokenError,
};

use super::DemoShop;

/// Prints the heading of a step.
pub fn step(what: &str) {
    println!("\n{what}");
}

/// Prints the refusal of a call. Returns an error if the call succeeds, or is refused with another
/// error.
pub async fn refused<T>(
    what: &str,
    call: impl Future<Output = Result<T, Error>>,
    told: Error,
) -> super::Result {
    match call.await {
        Err(error) if error.to_string() == told.to_string() => {
            println!("   {what}: refused ({:?}): {error}", error.kind());
            Ok(())
        }
        Err(error) => Err(format!("{what}: the answer is not \"{told}\" but \"{error}\"").into()),
        Ok(_) => Err(format!("{what}: not refused").into()),
    }
}

impl DemoShop {
    /// Prints the identity of a customer's token. Returns an error if the token is not live.
    pub async fn live(&self, what: &str, token: &BearerToken) -> super::Result {
        let who = self.auth.verify_customer(token).await?;
        let (customer, until) = (who.customer_id(), who.expires_at());
        print!("   {what}: customer {customer}, until {until}");
        match (who.actor(), who.reason()) {
            (Some(admin), Some(reason)) => println!(", assisted by admin user {admin}, because: {reason}"),
            _ => println!(),
        }
        Ok(())
    }

    /// Returns an error if a customer's token is still live.
    pub async fn ended(&self, what: &str, token: &BearerToken) -> super::Result {
        refused(what, self.auth.verify_customer(token), Error::Token(TokenError::Invalid)).await
    }

    /// As [`refused`], if the audit trail has a more exact reason than the caller gets. Also
    /// returns an error if the trail has another reason.
    pub async fn refused_because<T>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T, Error>>,
        told: Error,
        why: Refusal,
    ) -> super::Result {
        let before = self.audit_trail().await?.len();
        refused(what, call, told).await?;
        let after = self.audit_trail().await?;
        let outcome = after.last().filter(|_| after.len() > before).map(|event| event.outcome);
        if outcome != Some(Outcome::Refused(why)) {
            return Err(format!("{what}: the audit trail says {outcome:?}, not {why:?}").into());
        }
        println!("      for the audit trail alone: {why:?}");
        Ok(())
    }
}
