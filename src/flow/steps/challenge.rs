//! The check of the client's response to the host's challenge. The check runs before a password is
//! hashed.

use crate::{
    account::Website,
    audit::Refusal,
    challenge::{ChallengeAction, ChallengeAnswer, ChallengeResponse, Pressure},
    credential::Lane,
    error::SignInError,
    service::{Services, attempts::Opened, stop::Stop},
    token::Origin,
};

/// An attempt that the host can challenge, as a client sent it.
pub(in crate::flow) struct Challenged<'a> {
    pub(in crate::flow) action: ChallengeAction,
    pub(in crate::flow) website: Option<&'a Website>,
    pub(in crate::flow) account: &'a str,
    pub(in crate::flow) response: &'a ChallengeResponse,
    pub(in crate::flow) origin: &'a Origin,
}

/// Refuses an attempt if the host challenges it and the client's response is missing or wrong.
///
/// A sign-in from a known device of the account is not challenged. Call this function before the
/// account is looked up, so that the refusal does not reveal if the account exists. `opened` is
/// none for a registration without an IP address, because no budget limits such a registration.
pub(in crate::flow) async fn require_answer(
    services: &Services,
    opened: Option<&Opened<'_>>,
    Challenged { action, website, account, response, origin }: Challenged<'_>,
) -> Result<(), Stop> {
    let Some(challenge) = &services.challenge else { return Ok(()) };
    if opened.is_some_and(Opened::has_device) {
        return Ok(());
    }
    let lane = match action {
        ChallengeAction::AdminSignIn => Lane::Admins,
        _ => Lane::Strangers,
    };
    let is_suspicious = opened.map_or_else(|| services.attempts.is_attacked(), Opened::is_suspicious);
    let queue_is_half_full = services.passwords.is_half_full(lane);
    let pressure = Pressure { action, queue_is_half_full, is_suspicious };
    if !challenge.is_asked(&pressure) {
        return Ok(());
    }
    let is_right = match response.text() {
        Some(response) => {
            challenge.verify(&ChallengeAnswer { response, action, website, account, origin }).await?
        }
        None => false,
    };
    if is_right { Ok(()) } else { Err(Refusal::UnansweredChallenge.told(SignInError::ChallengeRequired)) }
}
