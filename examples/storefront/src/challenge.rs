//! A proof of work, in the place where a shop would ask for a captcha.

use commerce_auth::{
    async_trait,
    challenge::{Challenge, ChallengeAnswer, Pressure},
    error::StoreError,
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::args::Asked;

/// Asks for a number that makes the SHA-256 of the form, the account, the minute and the number begin with 16 zero
/// bits. A browser finds one in a second or two (`pages/challenge.js`). Nothing is kept: a number may be used again
/// for the same account until the next minute is over.
#[derive(Debug)]
pub(crate) struct ProofOfWork {
    pub(crate) asked: Asked,
}

#[async_trait]
impl Challenge for ProofOfWork {
    async fn verify(&self, answer: &ChallengeAnswer<'_>) -> Result<bool, StoreError> {
        let Ok(number) = answer.response.parse() else { return Ok(false) };
        let minute = OffsetDateTime::now_utc().unix_timestamp().div_euclid(60);
        let solves = |minute| is_solution(answer.action.form_id(), answer.account, minute, number);
        Ok(solves(minute) || solves(minute - 1))
    }

    fn is_asked(&self, pressure: &Pressure) -> bool {
        self.asked == Asked::Always || pressure.is_high()
    }
}

fn is_solution(form: &str, account: &str, minute: i64, number: u64) -> bool {
    Sha256::digest(format!("{form} {account} {minute} {number}")).starts_with(&[0, 0])
}
