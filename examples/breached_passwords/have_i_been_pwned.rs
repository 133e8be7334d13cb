//! A client of the range queries of Have I Been Pwned (<https://haveibeenpwned.com/API/v3#PwnedPasswords>).

use std::time::Duration;

use commerce_auth::{
    async_trait,
    credential::{BreachedPasswords, PasswordSha1},
    error::StoreError,
};
use tokio::task;

/// The decision about a new password if the request to the service failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOutage {
    /// The password is refused, and the caller tries again later: 503.
    Refuse,
    /// The password is accepted. The policy of the shop has checked it.
    LetPass,
}

/// An answer has about 1,000 lines of 40 bytes.
const LONGEST_ANSWER: u64 = 256 * 1024;

/// Requests the breached passwords whose SHA-1 begins with the same five digits. No other part of
/// the password leaves the process.
#[derive(Clone, Debug)]
pub struct HaveIBeenPwned {
    agent: ureq::Agent,
    base: String,
    on_outage: OnOutage,
}

impl HaveIBeenPwned {
    /// Returns a client. `base` is `https://api.pwnedpasswords.com` in a shop. `time_limit` limits
    /// the whole request, because a customer waits for it.
    pub fn at(base: &str, time_limit: Duration, on_outage: OnOutage) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(time_limit))
            .max_redirects(0)
            .user_agent("commerce-auth-example");
        Self { agent: config.build().into(), base: base.to_owned(), on_outage }
    }

    /// Requests the lines with a prefix: `SUFFIX:COUNT` each. An error does not contain the prefix.
    fn range(&self, prefix: &str) -> Result<String, ureq::Error> {
        let request = self.agent.get(format!("{}/range/{prefix}", self.base)).header("Add-Padding", "true");
        request.call()?.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string()
    }
}

#[async_trait]
impl BreachedPasswords for HaveIBeenPwned {
    async fn contains(&self, password: &PasswordSha1) -> Result<bool, StoreError> {
        let (client, prefix) = (self.clone(), password.prefix().to_owned());
        let range = task::spawn_blocking(move || client.range(&prefix)).await.map_err(StoreError::new)?;
        match range {
            Ok(lines) => Ok(is_in(&lines, password)),
            Err(_) if self.on_outage == OnOutage::LetPass => Ok(false),
            Err(error) => Err(StoreError::new(error)),
        }
    }
}

/// Padding has a count of 0. Every line is compared, so that the time does not reveal which one
/// matched.
fn is_in(lines: &str, password: &PasswordSha1) -> bool {
    let suffixes =
        lines.lines().filter_map(|line| line.trim().split_once(':')).filter(|(_, count)| *count != "0");
    suffixes.fold(false, |found, (suffix, _)| found | password.ends_with(suffix))
}
