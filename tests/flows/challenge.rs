//! A host's challenge, such as a captcha: when it is required, and what an attempt without a right
//! answer costs.

use std::{
    net::IpAddr,
    num::NonZero,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use commerce_auth::{
    AdminSignIn, Auth, Error, ErrorKind, SignIn,
    audit::{Action, Outcome, Refusal},
    challenge::{Challenge, ChallengeAction, ChallengeAnswer, ChallengeResponse, Pressure},
    credential::{Argon2Params, HashingStats},
    error::{SignInError, StoreError},
    flow::{ConfirmationRequest, EmailConfirmation, PasswordReset, PasswordResetRequest, Registration},
    store::memory::MemoryStore,
};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, fast,
    hooked::Hooked,
    sink::{Breakable, told},
};

const RIGHT: &str = "right answer";
const NEW: &str = "An0ther-Password";
/// A code or a reset token that was never issued.
const NO_TOKEN: &str = "0123456789abcdef0123456789abcdef";

const ACTIONS: [ChallengeAction; 8] = [
    ChallengeAction::CustomerSignIn,
    ChallengeAction::CodeExchange,
    ChallengeAction::AdminSignIn,
    ChallengeAction::ResetRequest,
    ChallengeAction::PasswordReset,
    ChallengeAction::Registration,
    ChallengeAction::ConfirmationRequest,
    ChallengeAction::EmailConfirmation,
];

/// A verified answer: the action, the website, the account and the source.
type Seen = (ChallengeAction, Option<String>, String, Option<IpAddr>);

/// Uses the trait's default for when a challenge is required, and records the answers that it
/// verifies.
#[derive(Clone, Debug, Default)]
struct UnderPressure {
    is_down: bool,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[async_trait]
impl Challenge for UnderPressure {
    async fn verify(&self, answer: &ChallengeAnswer<'_>) -> Result<bool, StoreError> {
        let website = answer.website.map(ToString::to_string);
        let seen = (answer.action, website, answer.account.to_owned(), answer.origin.source);
        self.seen.lock().unwrap().push(seen);
        if self.is_down { Err(StoreError::new("no route to host")) } else { Ok(answer.response == RIGHT) }
    }
}

/// As above, but always requires a challenge.
#[derive(Clone, Debug, Default)]
struct Always(UnderPressure);

impl Always {
    fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.seen.lock().unwrap())
    }
}

#[async_trait]
impl Challenge for Always {
    async fn verify(&self, answer: &ChallengeAnswer<'_>) -> Result<bool, StoreError> {
        self.0.verify(answer).await
    }

    fn is_asked(&self, _: &Pressure) -> bool {
        true
    }
}

fn source() -> IpAddr {
    [192, 0, 2, 1].into()
}

fn challenged(challenge: &Always) -> Shop {
    Shop::open(MemoryStore::new(), fast(), |builder| builder.challenge(challenge.clone()))
}

/// Makes an attempt with a wrong credential, if the action takes one.
async fn attempt(
    auth: &Auth,
    action: ChallengeAction,
    account: &str,
    response: impl Into<ChallengeResponse>,
) -> Result<(), Error> {
    let sign_in = |credential| SignIn::new(account, credential).origin(source());
    match action {
        ChallengeAction::CustomerSignIn => {
            auth.generate_customer_token(sign_in(WRONG).challenge(response)).await.map(drop)
        }
        ChallengeAction::CodeExchange => {
            auth.exchange_one_time_code(sign_in(NO_TOKEN).challenge(response)).await.map(drop)
        }
        ChallengeAction::AdminSignIn => {
            let sign_in = AdminSignIn::new(account, WRONG).origin(source()).challenge(response);
            auth.generate_admin_token(sign_in).await.map(drop)
        }
        ChallengeAction::ResetRequest => {
            let request = PasswordResetRequest::new(account).origin(source()).challenge(response);
            auth.request_password_reset(request).await
        }
        ChallengeAction::Registration => {
            let registration = Registration::new(account, Some(NEW.into())).origin(source());
            auth.begin_registration(registration.challenge(response)).await.map(drop)
        }
        ChallengeAction::ConfirmationRequest => {
            let request = ConfirmationRequest::new(account).origin(source()).challenge(response);
            auth.request_confirmation(request).await
        }
        ChallengeAction::EmailConfirmation => {
            let confirmation = EmailConfirmation::new(account, NO_TOKEN).origin(source()).challenge(response);
            auth.confirm_email(confirmation).await.map(drop)
        }
        _ => {
            let reset = PasswordReset::new(account, NO_TOKEN, NEW).origin(source()).challenge(response);
            auth.reset_password(reset).await
        }
    }
}

/// Returns one existing name and one unknown name.
fn names(action: ChallengeAction) -> [&'static str; 2] {
    match action {
        ChallengeAction::AdminSignIn => [ADMIN, "nobody"],
        _ => [EMAIL, "nobody@example.com"],
    }
}

fn is_challenged<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::SignIn(SignInError::ChallengeRequired)))
}

/// Returns three refused responses: none, a wrong one, and one that would be right but is too long.
fn not_right() -> [String; 3] {
    let too_long = format!("{RIGHT}{}", " ".repeat(ChallengeResponse::MAX_BYTES));
    [String::new(), "wrong answer".into(), too_long]
}

#[tokio::test]
async fn a_wrong_or_missing_answer_is_refused_in_commerces_words() {
    let challenge = Always::default();
    let shop = challenged(&challenge);
    for action in ACTIONS {
        for response in not_right() {
            let length = response.len();
            let refused = attempt(&shop.auth, action, names(action)[0], response).await;
            assert!(is_challenged(&refused), "{action:?}, {length} bytes: {refused:?}");
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Input);
            assert_eq!(error.to_string(), "ReCaptcha validation failed, please try again");
        }
        assert_eq!(challenge.seen().len(), 1, "only a text within the bound is verified: {action:?}");
    }
    assert_eq!(shop.auth.hashing_stats().begun, 0);
}

#[tokio::test]
async fn a_right_answer_passes_and_is_verified_once() {
    let challenge = Always::default();
    let shop = challenged(&challenge);
    for action in ACTIONS {
        let [name, _] = names(action);
        let passed = attempt(&shop.auth, action, name, RIGHT).await;
        assert!(!is_challenged(&passed), "{action:?}: {passed:?}");
        let website = (action != ChallengeAction::AdminSignIn).then(|| "base".to_owned());
        assert_eq!(challenge.seen(), [(action, website, name.to_owned(), Some(source()))]);
    }
    let sign_in = SignIn::new(EMAIL, PASSWORD).challenge(RIGHT);
    shop.auth.generate_customer_token(sign_in).await.expect("password and answer are right");
    let sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).challenge(RIGHT);
    shop.auth.generate_admin_token(sign_in).await.expect("password and answer are right");
    shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL).challenge(RIGHT)).await.unwrap();
    let token = shop.outbox.reset_token().expect("a mail");
    let reset = PasswordReset::new(EMAIL, token.as_str(), NEW);
    assert!(is_challenged(&shop.auth.reset_password(reset.clone()).await), "the token is good afterwards");
    shop.auth.reset_password(reset.challenge(RIGHT)).await.expect("token and answer are right");
    let code = shop.code().await;
    let exchange = SignIn::new(EMAIL, code.as_str()).challenge(RIGHT);
    shop.auth.exchange_one_time_code(exchange).await.expect("code and answer are right");
    assert_eq!(challenge.seen().len(), 5);
}

/// The response to a captcha is valid once.
#[tokio::test]
async fn a_registration_is_challenged_once() {
    let challenge = Always::default();
    let shop = challenged(&challenge);
    let registration = Registration::new("new@example.com", None).challenge(RIGHT);
    shop.auth.begin_registration(registration).await.unwrap();
    shop.auth
        .request_confirmation(ConfirmationRequest::new("new@example.com").after_registration())
        .await
        .unwrap();
    let seen: Vec<_> = challenge.seen().into_iter().map(|(action, ..)| action).collect();
    assert_eq!(seen, [ChallengeAction::Registration]);
    let resent = shop.auth.request_confirmation(ConfirmationRequest::new("new@example.com")).await;
    assert!(is_challenged(&resent), "{resent:?}");
}

#[tokio::test]
async fn a_longest_answer_is_verified() {
    let challenge = Always::default();
    let shop = challenged(&challenge);
    let longest = "a".repeat(ChallengeResponse::MAX_BYTES);
    assert!(is_challenged(&attempt(&shop.auth, ChallengeAction::CustomerSignIn, EMAIL, longest).await));
    assert_eq!(challenge.seen().len(), 1);
}

/// Returns a shop whose store records every verb.
fn recording(challenge: impl Challenge) -> (Shop<Hooked>, Arc<Mutex<Vec<String>>>) {
    let verbs = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&verbs);
    let store = Hooked::new(move |verb| {
        noted.lock().unwrap().push(verb.to_owned());
        Ok(())
    });
    (Shop::open(store, fast(), |builder| builder.challenge(challenge)), verbs)
}

#[tokio::test]
async fn a_refused_challenge_writes_nothing_and_tells_nothing_of_the_account() {
    let (shop, verbs) = recording(Always::default());
    for action in ACTIONS {
        let mut called = Vec::new();
        for name in names(action) {
            for response in not_right() {
                let refused = attempt(&shop.auth, action, name, response).await;
                assert!(is_challenged(&refused), "{action:?} of {name}: {refused:?}");
                called.push(std::mem::take(&mut *verbs.lock().unwrap()));
            }
        }
        let first = called[0].clone();
        assert!(first.iter().all(|verb| verb.starts_with("load ")), "{action:?}: {first:?}");
        assert!(called.iter().all(|verbs| *verbs == first), "{action:?}: {called:?}");
    }
    assert_eq!(shop.auth.hashing_stats().begun, 0);
    assert!(shop.outbox.reset_token().is_none(), "no mail was sent");
}

#[tokio::test]
async fn a_refused_challenge_uses_no_budget() {
    let shop = challenged(&Always::default());
    for action in ACTIONS {
        for _ in 0..12 {
            assert!(is_challenged(&attempt(&shop.auth, action, names(action)[0], "wrong answer").await));
        }
    }
    assert_eq!(shop.auth.hashing_stats().begun, 0);
    let sign_in = SignIn::new(EMAIL, PASSWORD).origin(source()).challenge(RIGHT);
    shop.auth.generate_customer_token(sign_in).await.expect("no failure was counted");
    let sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).origin(source()).challenge(RIGHT);
    shop.auth.generate_admin_token(sign_in).await.expect("no failure was counted");
    for action in ACTIONS
        .into_iter()
        .filter(|action| !matches!(action, ChallengeAction::CustomerSignIn | ChallengeAction::AdminSignIn))
    {
        let passed = attempt(&shop.auth, action, EMAIL, RIGHT).await;
        let limited = matches!(passed, Err(Error::SignIn(SignInError::TooManyRequests)));
        assert!(!limited && !is_challenged(&passed), "{action:?}: {passed:?}");
    }
}

#[tokio::test]
async fn a_spent_budget_answers_as_ever_and_verifies_nothing() {
    let challenge = Always::default();
    let shop = challenged(&challenge);
    for action in ACTIONS {
        let [name, _] = names(action);
        let tries = if action == ChallengeAction::Registration { 10 } else { 6 };
        for _ in 0..tries {
            let _ = attempt(&shop.auth, action, name, RIGHT).await;
        }
        assert!(challenge.seen().len() >= 5, "{action:?}");
        for response in ["", RIGHT] {
            let refused = attempt(&shop.auth, action, name, response).await;
            let spent = match action {
                ChallengeAction::CustomerSignIn | ChallengeAction::AdminSignIn => SignInError::Refused,
                _ => SignInError::TooManyRequests,
            };
            assert!(
                matches!(&refused, Err(Error::SignIn(told)) if *told == spent),
                "{action:?}: {refused:?}"
            );
        }
        assert_eq!(challenge.seen(), [], "{action:?}");
    }
}

#[tokio::test]
async fn a_verifier_that_is_down_is_unavailable_and_costs_nothing() {
    let down = UnderPressure { is_down: true, ..UnderPressure::default() };
    let (shop, verbs) = recording(Always(down));
    for action in ACTIONS {
        let [name, _] = names(action);
        for _ in 0..7 {
            let failed = attempt(&shop.auth, action, name, RIGHT).await.unwrap_err();
            assert_eq!(failed.kind(), ErrorKind::Unavailable, "{action:?}: {failed:?}");
        }
        // Without a response, the host's verifier is not called.
        assert!(is_challenged(&attempt(&shop.auth, action, name, "").await));
    }
    assert!(verbs.lock().unwrap().iter().all(|verb| verb.starts_with("load ")));
    assert_eq!(shop.auth.hashing_stats().begun, 0);
}

#[tokio::test]
async fn the_trail_is_told_and_waited_for_by_nobody() {
    let sink = Breakable::default();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| {
        builder.challenge(Always::default()).audit(sink.clone())
    });
    for action in ACTIONS {
        assert!(is_challenged(&attempt(&shop.auth, action, names(action)[0], "wrong answer").await));
    }
    shop.auth.flush_audit().await;
    let refused = |action| (action, Outcome::Refused(Refusal::UnansweredChallenge));
    let expected = [
        Action::SignIn,
        Action::CodeRedemption,
        Action::AdminSignIn,
        Action::ResetRequest,
        Action::PasswordReset,
        Action::Registration,
        Action::ConfirmationRequest,
        Action::EmailConfirmation,
    ];
    assert_eq!(told(&sink.events()), expected.map(refused));
    sink.keep(0);
    let refused = attempt(&shop.auth, ChallengeAction::AdminSignIn, ADMIN, "wrong answer").await;
    assert!(is_challenged(&refused), "an admin user's, too: {refused:?}");
}

#[tokio::test]
async fn without_pressure_nothing_is_asked() {
    let challenge = UnderPressure::default();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.challenge(challenge.clone()));
    for action in ACTIONS {
        for response in ["", "wrong answer", RIGHT] {
            let passed = attempt(&shop.auth, action, names(action)[0], response).await;
            assert!(!is_challenged(&passed), "{action:?}: {passed:?}");
        }
    }
    shop.sign_in(PASSWORD).await.expect("from another source");
    assert_eq!(*challenge.seen.lock().unwrap(), []);
}

/// Waits until the hashing pool reaches a state.
async fn until(shop: &Shop, is_reached: impl Fn(HashingStats) -> bool) {
    let reached = async {
        while !is_reached(shop.auth.hashing_stats()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(10), reached).await;
    reached.unwrap_or_else(|_| panic!("{:?}", shop.auth.hashing_stats()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_full_queue_asks_the_callers_of_its_lane() {
    let mut config = fast();
    // Each hash takes some tenths of a second, on one thread.
    config.argon2 = Argon2Params::new(64 * 1024, 8, 1).unwrap();
    config.hashing_threads = NonZero::<usize>::MIN;
    config.hashing_queue = 4;
    let challenge = UnderPressure::default();
    let shop =
        Arc::new(Shop::open(MemoryStore::new(), config, |builder| builder.challenge(challenge.clone())));
    let other = |number: u8| {
        let auth = shop.auth.clone();
        let sign_in = SignIn::new(format!("{number}@example.com"), WRONG);
        let sign_in = sign_in.origin(IpAddr::from([198, 51, 100, number]));
        tokio::spawn(async move { auth.generate_customer_token(sign_in).await })
    };
    // One hash runs, and two of four places in the queue are taken.
    let mut others = vec![other(1)];
    until(&shop, |stats| stats.running == 1).await;
    for number in 2..=3 {
        others.push(other(number));
        until(&shop, |stats| stats.waiting == usize::from(number) - 1).await;
    }
    for action in [
        ChallengeAction::CustomerSignIn,
        ChallengeAction::CodeExchange,
        ChallengeAction::ResetRequest,
        ChallengeAction::PasswordReset,
        ChallengeAction::Registration,
        ChallengeAction::ConfirmationRequest,
        ChallengeAction::EmailConfirmation,
    ] {
        let refused = attempt(&shop.auth, action, EMAIL, "").await;
        assert!(is_challenged(&refused), "{action:?}: {refused:?}");
    }
    let stats = shop.auth.hashing_stats();
    assert_eq!((stats.begun, stats.waiting), (1, 2), "it was asked while the first hash ran");
    let passed = attempt(&shop.auth, ChallengeAction::CodeExchange, EMAIL, RIGHT).await;
    assert!(!is_challenged(&passed), "{passed:?}");
    // Admin users have their own lane.
    let admin = shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD));
    admin.await.expect("admin users get no challenge");
    for other in others {
        other.abort();
        let _ = other.await;
    }
    until(&shop, |stats| stats.waiting == 0).await;
    shop.sign_in(PASSWORD).await.expect("with an empty queue there is no challenge");
    assert_eq!(challenge.seen.lock().unwrap().len(), 1);
}

#[test]
fn no_debug_shows_a_response() {
    let response = ChallengeResponse::from("C4nary");
    let shown = [
        format!("{response:?}"),
        format!("{:?}", SignIn::new(EMAIL, PASSWORD).challenge(response.clone())),
        format!("{:?}", AdminSignIn::new(ADMIN, ADMIN_PASSWORD).challenge(response.clone())),
        format!("{:?}", PasswordResetRequest::new(EMAIL).challenge(response.clone())),
        format!("{:?}", PasswordReset::new(EMAIL, NO_TOKEN, NEW).challenge(response.clone())),
        format!("{:?}", Registration::new(EMAIL, None).challenge(response.clone())),
        format!("{:?}", ConfirmationRequest::new(EMAIL).challenge(response.clone())),
        format!("{:?}", EmailConfirmation::new(EMAIL, NO_TOKEN).challenge(response)),
    ];
    for shown in shown {
        assert!(!shown.contains("C4nary"), "{shown}");
    }
}
