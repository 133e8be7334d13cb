//! The victim's view: one source or many sources try to lock out a customer or an admin user, or to
//! fill the store.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use commerce_auth::{
    AdminId, AdminSignIn, Auth, CustomerId, Error, ErrorKind, Origin, SignIn, SignedIn,
    audit::{Action, AuditEvent},
    challenge::{Challenge, ChallengeAnswer, Pressure},
    error::{SignInError, StoreError},
    flow::{AdminChange, CustomerChange, PasswordReset, PasswordResetRequest},
    notifier::{AdminNotice, Notice},
    store::memory::MemoryStore,
};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, authenticator::Authenticator, fast, hooked::Hooked,
    keyring, shop, size, with_second_factor,
};

const HOME: &str = "192.0.2.77";
const ELSEWHERE: &str = "198.51.100.9";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}

/// Returns an address in one of the /64 networks of a household's /56.
fn of_household(number: u32) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8_0000_0100_u128 + u128::from(number)) << 64 | 1))
}

/// Sends 102 wrong passwords from 17 networks of one household. They use up the account's budget
/// over all sources.
async fn attack_customer(shop: &Shop) {
    for number in 0..102 {
        let wrong = SignIn::new(EMAIL, WRONG).origin(of_household(number / 6));
        shop.auth.generate_customer_token(wrong).await.unwrap_err();
    }
}

async fn attack_admin(shop: &Shop) {
    for number in 0..102 {
        let wrong = AdminSignIn::new(ADMIN, WRONG).origin(of_household(number / 6));
        shop.auth.generate_admin_token(wrong).await.unwrap_err();
    }
}

fn is_refused<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::SignIn(SignInError::Refused)))
}

fn is_limited<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::SignIn(SignInError::TooManyRequests)))
}

// ---- Known devices ----------------------------------------------------------------------------------------

#[tokio::test]
async fn a_customer_signs_in_from_home_while_strangers_try_her_account() {
    let shop = shop();
    shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    attack_customer(&shop).await;
    for hours in [0, 1, 11, 12] {
        shop.advance(hours * 3600);
        shop.sign_in_from(HOME, PASSWORD).await.expect("the account knows the source");
        attack_customer(&shop).await;
    }
    // The customer's own typing errors have their usual budget.
    for _ in 0..5 {
        assert!(is_refused(&shop.sign_in_from(HOME, WRONG).await));
    }
    shop.sign_in_from(HOME, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_customer_signs_in_with_her_device_from_anywhere_while_strangers_try_her_account() {
    let shop = shop();
    let device = shop.sign_in_from(HOME, PASSWORD).await.unwrap().device().unwrap().clone();
    attack_customer(&shop).await;
    assert!(is_refused(&shop.sign_in_from(ELSEWHERE, PASSWORD).await), "an unknown device waits");
    let with = |device: &str| SignIn::new(EMAIL, PASSWORD).device(device).origin(ip(ELSEWHERE));
    for forged in ["", TOKEN, &device.expose().to_uppercase(), &format!("{}0", device.expose())] {
        assert!(is_refused(&shop.auth.generate_customer_token(with(forged)).await), "{forged}");
    }
    let signed_in = shop.auth.generate_customer_token(with(device.expose())).await.unwrap();
    assert!(signed_in.device().is_none(), "the client keeps its secret");
}

#[tokio::test]
async fn a_device_secret_is_of_one_account() {
    let shop = shop();
    let hers = shop.sign_in_from(HOME, PASSWORD).await.unwrap().device().unwrap().clone();
    let unknown = SignIn::new("nobody@example.com", PASSWORD).device(hers.expose());
    assert!(is_refused(&shop.auth.generate_customer_token(unknown).await));
    let at_work = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).origin(ip("203.0.113.1"));
    shop.auth.generate_admin_token(at_work).await.unwrap();
    attack_admin(&shop).await;
    let admin = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).device(hers.expose()).origin(ip(ELSEWHERE));
    assert!(is_refused(&shop.auth.generate_admin_token(admin).await));
}

#[tokio::test]
async fn a_device_secret_signs_nobody_in_and_is_in_no_log() {
    let shop = shop();
    let signed_in = shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    let device = signed_in.device().unwrap().expose();
    assert_eq!(device.len(), 32);
    assert!(is_refused(&shop.sign_in_from(HOME, device).await));
    assert!(shop.auth.verify_customer(device).await.is_err());
    let shown = format!("{signed_in:?} {:?}", SignIn::new(EMAIL, PASSWORD).device(device));
    assert!(!shown.contains(device), "{shown}");
    let another = shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    assert_ne!(another.device().unwrap().expose(), device, "no two devices have the same secret");
}

/// The browser of an assisting admin user does not become a known device of the customer.
#[tokio::test]
async fn assistance_makes_no_known_device() {
    let shop = shop();
    let code = shop.code().await;
    let by_code = SignIn::new(EMAIL, code.as_str()).origin(ip(ELSEWHERE));
    assert!(shop.auth.generate_customer_token(by_code).await.unwrap().device().is_none());
    attack_customer(&shop).await;
    assert!(is_refused(&shop.sign_in_from(ELSEWHERE, PASSWORD).await));
}

#[tokio::test]
async fn a_device_is_forgotten_after_ninety_days_and_by_a_change_of_the_account() {
    let shop = shop();
    let known = async |shop: &Shop| {
        attack_customer(shop).await;
        shop.sign_in_from(HOME, PASSWORD).await.is_ok()
    };
    shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    shop.advance(90 * 86_400 - 1);
    assert!(known(&shop).await);
    shop.advance(90 * 86_400);
    assert!(!known(&shop).await);
    shop.advance(86_400);
    shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    assert!(known(&shop).await);
    shop.auth.customer_changed(&CustomerId::from(1), CustomerChange::Disabled).await.unwrap();
    assert!(!known(&shop).await);
}

/// The devices of an address's earlier owner are not known for its new owner, and the other way
/// round.
#[tokio::test]
async fn devices_go_with_the_account_and_not_with_its_address() {
    let shop = shop();
    shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    shop.set_customer(|row| row.email = "bob@example.com".into());
    shop.auth
        .customer_changed(&CustomerId::from(1), CustomerChange::EmailChanged { from: EMAIL.into() })
        .await
        .unwrap();
    shop.set_customer(|row| row.email = EMAIL.into());
    attack_customer(&shop).await;
    assert!(
        is_refused(&shop.sign_in_from(HOME, PASSWORD).await),
        "found by the customer, not by the address"
    );
}

#[tokio::test]
async fn an_erased_customer_leaves_no_device() {
    let shop = shop();
    shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    shop.auth.erase_customer(&CustomerId::from(1)).await.unwrap();
    shop.advance(100 * 86_400);
    assert_eq!(shop.auth.purge(100).await.unwrap().documents, 0);
}

#[tokio::test]
async fn a_strict_shop_keeps_ten_failures_for_known_devices() {
    let mut config = commerce_auth::AuthConfig::strict();
    config.argon2 = fast().argon2;
    config.admin_second_factor = fast().admin_second_factor;
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    attack_customer(&shop).await;
    let begun = shop.auth.hashing_stats().begun;
    for days in [0, 1, 300] {
        shop.advance(days * 86_400 / 4);
        assert!(is_refused(&shop.sign_in_from(ELSEWHERE, PASSWORD).await), "until a reset");
    }
    assert_eq!(shop.auth.hashing_stats().begun, begun, "90 of 100, and no more");
    shop.sign_in_from(HOME, PASSWORD).await.expect("the account knows the source");
    let token = shop.reset_token().await;
    let new = "a much longer pass phrase";
    shop.auth.reset_password(PasswordReset::new(EMAIL, token.as_str(), new)).await.unwrap();
    shop.sign_in_from(ELSEWHERE, new).await.expect("a reset lifts the lock");
}

// ---- Notices to the owner ---------------------------------------------------------------------------------

#[tokio::test]
async fn a_customer_is_told_once_that_strangers_try_her_account() {
    let shop = shop();
    attack_customer(&shop).await;
    shop.advance(15 * 60);
    shop.sign_in_from(ELSEWHERE, WRONG).await.unwrap_err();
    let mails = shop.outbox.take();
    assert!(matches!(&mails[..], [mail] if matches!(mail.notice, Notice::Locked) && mail.email == EMAIL));
    // A lock of one source alone is not reported to the owner.
    shop.advance(86_400);
    for _ in 0..7 {
        shop.sign_in_from(ELSEWHERE, WRONG).await.unwrap_err();
    }
    assert_eq!(shop.outbox.take().len(), 0);
}

#[tokio::test]
async fn an_admin_user_is_mailed_a_link_that_unlocks_once() {
    let shop = shop();
    let sign_in = || shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD).origin(ip(HOME)));
    attack_admin(&shop).await;
    assert!(is_refused(&sign_in().await));
    let mails = shop.outbox.take_admins();
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    let AdminNotice::Locked { token, expires_at } = &mail.notice else { panic!("{mail:?}") };
    assert_eq!((*expires_at - shop.now()).whole_hours(), 1);
    let origin = Origin::from(ip(ELSEWHERE));
    let unlock =
        async |username: &str, token: &str| shop.auth.unlock_admin_by_link(username, token, &origin).await;
    for (username, token) in [("nobody", token.expose()), (ADMIN, TOKEN)] {
        let refused = unlock(username, token).await;
        assert!(matches!(refused, Err(Error::SignIn(SignInError::InvalidUnlockToken))), "{refused:?}");
    }
    assert!(is_refused(&sign_in().await));
    unlock(ADMIN, token.expose()).await.unwrap();
    sign_in().await.expect("the link lifts the lock");
    assert!(unlock(ADMIN, token.expose()).await.is_err(), "it works once");
    let told = shop.trail().await;
    let unlocks = told.iter().filter(|event| event.action == Action::Unlock);
    assert_eq!(unlocks.filter(|event| event.subject.is_some()).count(), 1, "the trail names the admin user");
}

/// The admin user has only this link. If the store fails while the link is used, the link must stay
/// valid.
#[tokio::test]
async fn an_unlock_link_is_not_lost_to_a_store_that_fails() {
    for failing in 1.. {
        let left = Arc::new(AtomicUsize::new(0));
        let store = Hooked::new({
            let left = Arc::clone(&left);
            move |_| match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
                Ok(1) => Err(StoreError::new("down")),
                _ => Ok(()),
            }
        });
        let shop = Shop::open(store, with_second_factor(), |builder| builder.keyring(keyring()));
        let authenticator = Authenticator::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        shop.auth.import_admin_factor(&AdminId::from(7), authenticator.secret()).await.unwrap();
        let sign_in = |otp: &str, from: IpAddr| AdminSignIn::new(ADMIN, ADMIN_PASSWORD).otp(otp).origin(from);
        // First the second factor is locked, then the password.
        for _ in 0..5 {
            shop.auth.generate_admin_token(sign_in("000000", ip(ELSEWHERE))).await.unwrap_err();
        }
        for number in 0..102 {
            let wrong = AdminSignIn::new(ADMIN, WRONG).origin(of_household(number / 6));
            shop.auth.generate_admin_token(wrong).await.unwrap_err();
        }
        let AdminNotice::Locked { token, .. } = shop.outbox.take_admins().pop().unwrap().notice else {
            panic!()
        };
        let origin = Origin::default();
        let unlock = || shop.auth.unlock_admin_by_link(ADMIN, token.expose(), &origin);
        left.store(failing, Ordering::SeqCst);
        let first = unlock().await;
        left.store(0, Ordering::SeqCst);
        match &first {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{failing}: {error:?}");
                unlock().await.unwrap_or_else(|error| panic!("{failing}: {error:?}"));
            }
        }
        let code = authenticator.unused_code(shop.now()).unwrap();
        shop.auth.generate_admin_token(sign_in(&code, ip(HOME))).await.expect("both are unlocked");
        if first.is_ok() {
            assert!(failing > 4, "{failing} verbs");
            return;
        }
    }
}

#[tokio::test]
async fn an_unlock_link_expires() {
    let shop = shop();
    attack_admin(&shop).await;
    let AdminNotice::Locked { token, .. } = shop.outbox.take_admins().remove(0).notice else { panic!() };
    shop.advance(3600);
    let late = shop.auth.unlock_admin_by_link(ADMIN, token.expose(), &Origin::default()).await;
    assert!(matches!(late, Err(Error::SignIn(SignInError::InvalidUnlockToken))), "{late:?}");
}

/// A stolen password alone does not make a device known: the second factor is checked first.
#[tokio::test]
async fn an_admin_users_device_is_known_after_the_second_factor() {
    let shop = Shop::open(MemoryStore::new(), with_second_factor(), |builder| builder.keyring(keyring()));
    let authenticator = Authenticator::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    shop.auth.import_admin_factor(&AdminId::from(7), authenticator.secret()).await.unwrap();
    let sign_in = |from: &str| AdminSignIn::new(ADMIN, ADMIN_PASSWORD).origin(ip(from));
    shop.auth.generate_admin_token(sign_in(ELSEWHERE)).await.unwrap_err();
    let code = authenticator.unused_code(shop.now()).unwrap();
    let signed_in = shop.auth.generate_admin_token(sign_in(HOME).otp(code.as_str())).await.unwrap();
    let device = signed_in.device().unwrap().expose().to_owned();
    attack_admin(&shop).await;
    shop.advance(60);
    let code = authenticator.unused_code(shop.now()).unwrap();
    let thief = sign_in(ELSEWHERE).otp(code.as_str());
    assert!(is_refused(&shop.auth.generate_admin_token(thief).await), "no device of the admin user's");
    let known = sign_in("203.0.113.5").otp(code.as_str()).device(&device);
    shop.auth.generate_admin_token(known).await.expect("the device is known");
    shop.auth.admin_changed(&AdminId::from(7), AdminChange::PasswordChanged).await.unwrap();
    shop.advance(60);
    attack_admin(&shop).await;
    let code = authenticator.unused_code(shop.now()).unwrap();
    let forgotten = sign_in("203.0.113.6").otp(code.as_str()).device(&device);
    assert!(is_refused(&shop.auth.generate_admin_token(forgotten).await));
}

// ---- The budget of a source over all accounts -------------------------------------------------------------

/// Tries one of the sign-in paths that strangers can use, at the account of this number.
async fn stranger(shop: &Shop, path: usize, number: u32, source: IpAddr) -> Result<(), Error> {
    let (auth, email) = (&shop.auth, format!("{number}@example.com"));
    match path {
        0 => auth.generate_customer_token(SignIn::new(email, WRONG).origin(source)).await.map(drop),
        1 => auth.exchange_one_time_code(SignIn::new(email, TOKEN).origin(source)).await.map(drop),
        2 => {
            let reset = PasswordReset::new(email, TOKEN, "An0ther-password");
            auth.reset_password(reset.origin(source)).await
        }
        3 => auth.generate_admin_token(AdminSignIn::new(email, WRONG).origin(source)).await.map(drop),
        4 => auth.set_up_admin_factor(TOKEN, &Origin::from(source)).await.map(drop),
        5 => auth.activate_admin_factor(TOKEN, "123456", &Origin::from(source)).await.map(drop),
        6 => auth.unlock_admin_by_link("admin", TOKEN, &Origin::from(source)).await,
        _ => auth.request_password_reset(PasswordResetRequest::new(email).origin(source)).await,
    }
}

#[tokio::test]
async fn a_source_has_a_hundred_failures_in_an_hour_over_all_accounts_on_every_path() {
    for path in 0..8 {
        let mut config = with_second_factor();
        config.reset_source_budget.failures = 1_000;
        let shop = Shop::open(MemoryStore::new(), config, |builder| builder.keyring(keyring()));
        for number in 0..100 {
            let answer = stranger(&shop, path, number, ip(HOME)).await;
            assert!(!is_limited(&answer), "{path} {number}: {answer:?}");
        }
        for other in 0..8 {
            let answer = stranger(&shop, other, 1_000, ip(HOME)).await;
            assert!(is_limited(&answer), "{other} after {path}: {answer:?}");
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::TooManyRequests);
        }
        assert!(!is_limited(&stranger(&shop, path, 1_000, ip(ELSEWHERE)).await), "another source");
        shop.advance(3600);
        assert!(!is_limited(&stranger(&shop, path, 1_000, ip(HOME)).await), "an hour later");
    }
}

#[tokio::test]
async fn right_sign_ins_do_not_use_up_the_budget_of_a_source() {
    let shop = shop();
    for _ in 0..200 {
        shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    }
}

/// A customer shares the attacker's address and uses her own known telephone.
#[tokio::test]
async fn a_known_device_is_not_refused_because_of_its_neighbours() {
    let shop = shop();
    let device = shop.sign_in_from(HOME, PASSWORD).await.unwrap().device().unwrap().clone();
    for number in 0..100 {
        stranger(&shop, 0, number, ip(HOME)).await.unwrap_err();
    }
    assert!(is_limited(&shop.sign_in_from(HOME, PASSWORD).await));
    let with_device = SignIn::new(EMAIL, PASSWORD).device(device.expose()).origin(ip(HOME));
    shop.auth.generate_customer_token(with_device).await.unwrap();
}

#[tokio::test]
async fn a_network_has_a_thousand_failures_over_all_its_64s() {
    let shop = shop();
    let of_network = |number: u32| {
        IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8_0007_0000_u128 + u128::from(number)) << 64 | 1))
    };
    let answer = async |number| stranger(&shop, 2, number, of_network(number)).await;
    for number in 0..1_000 {
        assert!(!is_limited(&answer(number).await), "{number}");
    }
    assert!(is_limited(&answer(1_000).await));
    assert!(!is_limited(&stranger(&shop, 2, 1, of_household(0)).await), "another network");
}

// ---- One-time credentials ---------------------------------------------------------------------------------

/// Each attempt comes from another address. The number of an account's counters must not grow with
/// the number of addresses.
#[tokio::test]
async fn wrong_one_time_credentials_leave_a_hundred_counters_and_lock_no_right_one() {
    let shop = shop();
    let token = shop.reset_token().await;
    let sources = size(1_000, 10_000);
    for number in 0..sources {
        let source = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number));
        let wrong = PasswordReset::new(EMAIL, TOKEN, "An0ther-password").origin(source);
        let refused = shop.auth.reset_password(wrong).await;
        assert!(matches!(refused, Err(Error::SignIn(SignInError::ResetTokenMismatched))), "{refused:?}");
    }
    let right = PasswordReset::new(EMAIL, token.as_str(), "An0ther-password").origin(ip(ELSEWHERE));
    shop.auth.reset_password(right).await.expect("a right token is never locked");
    shop.advance(86_400 + 3600);
    // The documents are: two at the account for each counted source, one for each source over all
    // accounts, and the account's own.
    let documents = shop.auth.purge(usize::MAX).await.unwrap().documents;
    assert!(documents <= 2 * 100 + usize::try_from(sources).unwrap() + 5, "{documents} documents");
}

// ---- Attacks on the whole shop ----------------------------------------------------------------------------

fn suspicions(events: &[AuditEvent]) -> Vec<(Option<IpAddr>, String)> {
    let suspected = events.iter().filter(|event| event.action == Action::AttackSuspected);
    suspected.map(|event| (event.origin.source, event.reason.clone().unwrap_or_default())).collect()
}

#[tokio::test]
async fn a_source_that_tries_ten_accounts_is_told_once() {
    let shop = shop();
    for number in 0..30 {
        stranger(&shop, 0, number / 2, ip(HOME)).await.unwrap_err();
    }
    let told = suspicions(&shop.trail().await);
    let numbers = "19 failures at 10 accounts, 19 at unknown names";
    assert_eq!(told, [(Some(ip(HOME)), numbers.to_owned())]);
}

/// One attempt at each account, from sources that each try little. Only the sum over all nodes
/// shows the attack.
#[tokio::test]
async fn stuffing_from_many_sources_is_told_by_one_of_two_nodes() {
    let shop = shop();
    let nodes = [shop.auth.clone(), shop.node(fast())];
    for number in 0..600_u32 {
        let source = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number % 200));
        let wrong = SignIn::new(format!("{number}@example.com"), WRONG).origin(source);
        nodes[(number % 2) as usize].generate_customer_token(wrong).await.unwrap_err();
        if number % 10 == 9 {
            shop.advance(1);
        }
    }
    nodes[1].flush_audit().await;
    let told = suspicions(&shop.trail().await);
    // The trail reports first that names are tried, then that passwords are tried, and each only
    // once.
    let [(None, names), (None, passwords)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(names, "50 failures, 50 at unknown names, 0 sign-ins");
    assert_eq!(passwords, "125 failures, 125 at unknown names, 0 sign-ins");
}

/// Suspicion of one source or one network concerns only that source or network. Callers elsewhere
/// get no challenge.
#[tokio::test]
async fn one_source_and_one_network_put_nobody_else_under_suspicion() {
    let of_network = |number: u32| {
        IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8_0007_0000_u128 + u128::from(number)) << 64 | 1))
    };
    let one = |_| ip(HOME);
    for source in [&one as &dyn Fn(u32) -> IpAddr, &of_network] {
        let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.challenge(Word));
        for number in 0..2_000 {
            // Every second attempt is at an existing account.
            let email = if number % 2 == 0 { EMAIL.to_owned() } else { format!("{number}@example.com") };
            let wrong = SignIn::new(email, WRONG).origin(source(number));
            let _: Result<SignedIn, _> = shop.auth.generate_customer_token(wrong).await;
            if number % 50 == 49 {
                shop.advance(1);
            }
        }
        let honest = SignIn::new("nobody@example.com", PASSWORD).origin(ip(ELSEWHERE));
        assert!(is_refused(&shop.auth.generate_customer_token(honest).await), "asked for no challenge");
        let told = suspicions(&shop.trail().await);
        assert!(!told.is_empty() && told.iter().all(|(source, _)| source.is_some()), "{told:?}");
    }
}

#[tokio::test]
async fn a_busy_shop_with_typing_errors_is_not_suspected() {
    let shop = shop();
    for number in 0..1_000_u32 {
        let source = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number));
        let password = if number % 3 == 0 { WRONG } else { PASSWORD };
        let _: Result<SignedIn, _> =
            shop.auth.generate_customer_token(SignIn::new(EMAIL, password).origin(source)).await;
        if number % 5 == 4 {
            shop.advance(1);
        }
    }
    assert_eq!(suspicions(&shop.trail().await), []);
}

/// Requires the answer "word" from every suspicious caller.
#[derive(Debug)]
struct Word;

#[async_trait]
impl Challenge for Word {
    async fn verify(&self, answer: &ChallengeAnswer<'_>) -> Result<bool, StoreError> {
        Ok(answer.response == "right")
    }

    fn is_asked(&self, pressure: &Pressure) -> bool {
        pressure.is_suspicious
    }
}

fn is_challenged<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::SignIn(SignInError::ChallengeRequired)))
}

#[tokio::test]
async fn a_source_that_tries_ten_accounts_is_challenged_and_others_are_not() {
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.challenge(Word));
    let device = shop.sign_in_from(HOME, PASSWORD).await.unwrap().device().unwrap().clone();
    for number in 0..10 {
        assert!(is_refused(&stranger(&shop, 0, number, ip(HOME)).await), "{number}");
    }
    assert!(is_challenged(&shop.sign_in_from(HOME, PASSWORD).await));
    shop.sign_in_from(ELSEWHERE, PASSWORD).await.expect("another source");
    let sign_in = || SignIn::new(EMAIL, PASSWORD).origin(ip(HOME));
    shop.auth.generate_customer_token(sign_in().challenge("right")).await.unwrap();
    shop.auth.generate_customer_token(sign_in().device(device.expose())).await.expect("a known device");
}

/// One attempt at each account, from sources that each try little. Within a minute both nodes
/// challenge every unknown device.
#[tokio::test]
async fn an_attack_on_the_shop_raises_the_challenge_on_both_nodes_within_a_minute() {
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.challenge(Word));
    let other = Auth::builder(Arc::clone(&shop.store))
        .customers(shop.customers.clone())
        .without_notifier()
        .clock(Arc::clone(&shop.clock))
        .config(fast())
        .challenge(Word)
        .build()
        .unwrap();
    let nodes = [&shop.auth, &other];
    let device = shop.sign_in_from(HOME, PASSWORD).await.unwrap().device().unwrap().clone();
    let fresh = |number: u32| {
        SignIn::new(EMAIL, PASSWORD).origin(IpAddr::V4(Ipv4Addr::from_bits(0x0b00_0000 + number)))
    };
    for second in 0..60_u32 {
        for number in 0..10 {
            let number = second * 10 + number;
            let source = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number));
            let wrong = SignIn::new(format!("{number}@example.com"), WRONG).origin(source);
            // All attempts of the attack go to one node.
            let _: Result<SignedIn, _> = shop.auth.generate_customer_token(wrong).await;
        }
        shop.advance(1);
    }
    for (number, node) in nodes.into_iter().enumerate() {
        let number = u32::try_from(number).unwrap();
        // The first attempt after a while loads the watch document.
        let _: Result<SignedIn, _> = node.generate_customer_token(fresh(10 * number)).await;
        assert!(is_challenged(&node.generate_customer_token(fresh(10 * number + 1)).await), "{number}");
        let answered = fresh(10 * number + 2).challenge("right");
        node.generate_customer_token(answered).await.expect("exactly one challenge");
        let known = fresh(10 * number + 3).device(device.expose());
        node.generate_customer_token(known).await.expect("known devices get no challenge");
    }
    shop.advance(20 * 60);
    let _: Result<SignedIn, _> = other.generate_customer_token(fresh(100)).await;
    other.generate_customer_token(fresh(101)).await.expect("the attack is over");
}

/// A signed-in customer changes her password while strangers guess it. She can do so from any
/// address.
#[tokio::test]
async fn whoever_is_signed_in_changes_the_password_while_strangers_try_it() {
    let shop = shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let admin = shop.admin_token().await;
    attack_customer(&shop).await;
    attack_admin(&shop).await;
    let new = "An0ther-password";
    shop.auth.confirm_password(signed_in.token(), PASSWORD).await.unwrap();
    shop.auth.change_password(signed_in.token(), PASSWORD, new).await.unwrap();
    shop.auth.change_admin_password(admin.as_str(), ADMIN_PASSWORD, new).await.unwrap();
    // A thief of the token has six guesses in half an hour.
    for _ in 0..6 {
        shop.auth.confirm_password(signed_in.token(), WRONG).await.unwrap_err();
    }
    let locked = shop.auth.confirm_password(signed_in.token(), new).await;
    assert!(matches!(locked, Err(Error::SignIn(SignInError::Locked))), "{locked:?}");
}

/// The client of an address's new owner gets a new device secret, even if it still had one from the
/// earlier owner.
#[tokio::test]
async fn a_new_owner_of_the_address_gets_a_secret_of_her_own() {
    let shop = shop();
    let earlier = shop.sign_in_from(HOME, PASSWORD).await.unwrap().device().unwrap().clone();
    assert!(shop.customers.remove(&CustomerId::from(1)));
    shop.set_customer(|row| row.id = CustomerId::from(2));
    let sign_in = |device: &str| SignIn::new(EMAIL, PASSWORD).device(device).origin(ip(ELSEWHERE));
    let signed_in = shop.auth.generate_customer_token(sign_in(earlier.expose())).await.unwrap();
    let hers = signed_in.device().expect("not the earlier owner's").expose();
    assert!(shop.auth.generate_customer_token(sign_in(hers)).await.unwrap().device().is_none());
}
