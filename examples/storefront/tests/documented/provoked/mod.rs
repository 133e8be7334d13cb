//! The request that provokes each documented error, by the file and the name of its entry.

mod account;
mod assistance;
mod password;
mod second_factor;
mod token;

use serde_json::Value;

use crate::{
    site::Site,
    support::{Answer, RONI, RONIS_PASSWORD},
};

pub const NOBODY: &str = "nobody@example.com";
pub const NO_ADDRESS: &str = "no address";
pub const WRONG: &str = "Wr0ng-password";
/// A password that any policy here takes.
pub const NEW: &str = "N3w-password";
/// As a token looks that was never issued.
const UNKNOWN_TOKEN: &str = "cr0717abzoagxty1xjn4lj13kim36r6x";

/// The answer, and the part of the request that it repeats, if any.
pub struct Provoked {
    pub answer: Answer,
    pub sent: String,
}

impl From<Answer> for Provoked {
    fn from(answer: Answer) -> Self {
        Self { answer, sent: String::new() }
    }
}

impl Provoked {
    fn repeats(answer: Answer, sent: &str) -> Self {
        Self { answer, sent: sent.to_owned() }
    }
}

pub type Provoke = fn(&Site) -> Provoked;
type Provoker = (&'static str, &'static str, Provoke);

pub fn provokers() -> impl Iterator<Item = Provoker> {
    [
        account::PROVOKERS,
        assistance::PROVOKERS,
        password::PROVOKERS,
        second_factor::PROVOKERS,
        token::PROVOKERS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The one answer of several requests that are alike to the documentation.
fn all_alike(answers: Vec<Answer>) -> Provoked {
    let [first, others @ ..] = &answers[..] else { panic!("nothing was asked") };
    for other in others {
        assert_eq!((other.status, other.json()), (first.status, first.json()));
    }
    answers.into_iter().next().unwrap().into()
}

/// Asks with no token, and with each token of a customer that is no good.
fn without_a_good_token(site: &Site, method: &str, path: &str, body: &Value) -> Provoked {
    let (expired, revoked) = (expired_token(site), revoked_token(site));
    let tokens = [None, Some(UNKNOWN_TOKEN), Some(&expired), Some(&revoked)];
    all_alike(tokens.map(|token| site.rest_as(token, method, path, body)).into())
}

fn expired_token(site: &Site) -> String {
    let token = site.roni();
    site.meddle("UPDATE grants SET expires_at = issued_at");
    token
}

fn revoked_token(site: &Site) -> String {
    let token = site.roni();
    site.ask(Some(&token), "mutation { revokeCustomerToken { result } }").data("/revokeCustomerToken");
    token
}

/// Fails until not even the right password signs in.
pub fn lock_out(site: &Site) {
    for _ in 0..6 {
        assert_eq!(site.server.sign_in(RONI, WRONG).status, 401);
    }
    assert_eq!(site.server.sign_in(RONI, RONIS_PASSWORD).status, 401);
}

/// The password is still the right one.
fn unconfirm(site: &Site) {
    site.meddle("UPDATE customers SET status = 'unconfirmed' WHERE email = 'roni_cost@example.com'");
}
