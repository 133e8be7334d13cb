//! A new password: by reset token, and by the current password.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use commerce_auth::{
    Auth, CustomerId, CustomerStore, Error, ErrorKind, Origin, SignIn, Website,
    account::AccountStatus,
    audit::{
        Action,
        Outcome::{Failed, Refused, Succeeded},
        Refusal,
    },
    error::{SignInError, StoreError, TokenError},
    flow::{PasswordReset, PasswordResetRequest},
    notifier::{Notice, Notification, Notifier},
    store::memory::{MemoryCustomers, MemoryStore},
    token::Bearer,
};
use support::{EMAIL, PASSWORD, Shop, WRONG, fast, hooked::Hooked, shop, sink::told};

const NEW: &str = "N3w-password";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

async fn request(auth: &Auth, email: &str) -> Result<(), Error> {
    auth.request_password_reset(PasswordResetRequest::new(email)).await
}

async fn reset(auth: &Auth, token: &str, new: &str) -> Result<(), Error> {
    auth.reset_password(PasswordReset::new(EMAIL, token, new)).await
}

/// Returns the token that a request mails to customer 1.
async fn mailed(shop: &Shop) -> String {
    request(&shop.auth, EMAIL).await.unwrap();
    shop.outbox.reset_token().expect("a mail")
}

#[tokio::test]
async fn a_reset_ends_tokens_codes_reset_tokens_and_locks() {
    let shop = shop();
    let admin = shop.admin_token().await;
    let (own, assisted) = (
        shop.sign_in(PASSWORD).await.unwrap(),
        shop.auth.generate_customer_token_as_admin(&admin, EMAIL, "").await.unwrap(),
    );
    let (other_mail, token) = (mailed(&shop).await, mailed(&shop).await);
    let code = shop.code().await;
    for _ in 0..6 {
        assert!(matches!(shop.sign_in(WRONG).await, Err(Error::SignIn(SignInError::Refused))));
        assert!(matches!(
            shop.auth.confirm_password(own.token(), WRONG).await,
            Err(Error::SignIn(SignInError::WrongPassword))
        ));
    }
    assert!(matches!(shop.sign_in(PASSWORD).await, Err(Error::SignIn(SignInError::Refused))), "locked");

    reset(&shop.auth, &token, NEW).await.expect("a lock does not stop a reset");

    for ended in [own.token(), assisted.token()] {
        assert!(matches!(shop.auth.verify_customer(ended).await, Err(Error::Token(TokenError::Invalid))));
    }
    let again = shop.sign_in(NEW).await.expect("the lock is gone, too");
    shop.auth.confirm_password(again.token(), NEW).await.expect("and the other lock");
    for ended in [PASSWORD, &code, &other_mail, &token] {
        assert!(matches!(shop.sign_in(ended).await, Err(Error::SignIn(SignInError::Refused))), "{ended}");
    }
    for ended in [&other_mail, &token] {
        assert!(matches!(
            reset(&shop.auth, ended, NEW).await,
            Err(Error::SignIn(SignInError::ResetTokenMismatched))
        ));
    }
    let mails = shop.outbox.take();
    let reset = mails.iter().position(|mail| matches!(mail.notice, Notice::PasswordReset));
    let [_, ended, ..] = &mails[reset.unwrap()..] else { panic!("{mails:?}") };
    assert!(matches!(ended.notice, Notice::AssistanceEnded { .. }), "and with it the assistance");
}

#[tokio::test]
async fn a_mail_goes_to_the_stored_address_and_says_until_when() {
    let shop = shop();
    shop.set_customer(|row| row.email = "BobLobLaw@Example.com".into());
    let origin = Origin::from(std::net::IpAddr::from([192, 0, 2, 1])).user_agent("Mozilla/5.0");
    let asked = PasswordResetRequest::new("BOBLOBLAW@EXAMPLE.COM").origin(origin.clone());
    shop.auth.request_password_reset(asked).await.unwrap();
    let Notification { email, customer, website, notice, origin: from, .. } =
        shop.outbox.take().pop().unwrap();
    assert_eq!((email.as_str(), customer), ("BobLobLaw@Example.com", CustomerId::from(1)));
    assert_eq!((website, from), (Website::default(), origin));
    let Notice::ResetRequested { token, expires_at } = notice else { panic!("a reset token") };
    assert_eq!((token.expose().len(), expires_at), (32, shop.now() + time::Duration::hours(2)));
    shop.advance(2 * 60 * 60 - 1);
    reset(&shop.auth, token.expose(), "short").await.unwrap_err();
    shop.advance(1);
    assert!(
        matches!(
            reset(&shop.auth, token.expose(), NEW).await,
            Err(Error::SignIn(SignInError::ResetTokenMismatched))
        ),
        "expired"
    );
}

#[tokio::test]
async fn every_address_is_the_same_work_and_the_same_answer() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let verbs = Arc::clone(&log);
    let store = Hooked::new(move |verb| {
        verbs.lock().unwrap().push(verb.to_owned());
        Ok(())
    });
    let shop = Shop::open(store, fast(), |builder| builder);
    let mut seen = Vec::new();
    type Change = fn(&Shop<Hooked>);
    let changes: [(&str, Change, bool); 5] = [
        (EMAIL, |_| (), true),
        ("nobody@example.com", |_| (), false),
        (EMAIL, |shop| shop.set_customer(|row| row.status = AccountStatus::Disabled), false),
        (EMAIL, |shop| shop.set_customer(|row| row.status = AccountStatus::Unconfirmed), true),
        (EMAIL, |shop| shop.set_customer(|row| row.password_hash = None), true),
    ];
    for (email, change, mails) in changes {
        shop.set_customer(|_| ());
        change(&shop);
        for website in ["base", "outlet"] {
            log.lock().unwrap().clear();
            let asked = PasswordResetRequest::new(email).website(website.parse().unwrap());
            shop.auth
                .request_password_reset(asked.origin(std::net::IpAddr::from([192, 0, 2, 1])))
                .await
                .unwrap();
            seen.push(std::mem::take(&mut *log.lock().unwrap()));
            assert_eq!(shop.outbox.take().len() == 1, mails && website == "base", "{email} on {website}");
        }
    }
    // All budgets are loaded before one of them is charged.
    let looked = ["load budgets", "load budgets", "load tally"];
    let counted = ["commit budgets"; 4];
    let mailed = ["load tally", "commit tally", "generation", "load codes", "commit codes"];
    let expected = [&looked[..], &counted, &mailed].concat();
    assert!(seen.iter().all(|verbs| *verbs == expected), "{seen:#?}");

    // Every refused reset does the same work as well.
    let begun = shop.auth.hashing_stats().begun;
    for (email, change, _) in changes {
        shop.set_customer(|_| ());
        change(&shop);
        log.lock().unwrap().clear();
        let refused = shop.auth.reset_password(PasswordReset::new(email, TOKEN, NEW)).await;
        assert!(matches!(refused, Err(Error::SignIn(SignInError::ResetTokenMismatched))));
        assert_eq!(
            *log.lock().unwrap(),
            [
                "load budgets",
                "load tally",
                "commit budgets",
                "generation",
                "load codes",
                "commit budgets",
                "load tally",
                "commit tally"
            ]
        );
    }
    assert_eq!(shop.auth.hashing_stats().begun, begun);
}

#[tokio::test]
async fn requests_are_limited_by_address_known_or_not_and_by_source() {
    let shop = shop();
    for email in [EMAIL, "nobody@example.com"] {
        for _ in 0..5 {
            request(&shop.auth, email).await.unwrap();
        }
        let error = request(&shop.auth, email).await.unwrap_err();
        let words = "We received too many requests. Please wait and try again later.";
        assert_eq!((error.to_string().as_str(), error.kind()), (words, ErrorKind::TooManyRequests));
    }
    assert_eq!(shop.outbox.take().len(), 5);
    shop.advance(60 * 60);
    let from = |source: [u8; 4], number: usize| {
        let asked = PasswordResetRequest::new(format!("customer-{number}@example.com"));
        shop.auth.request_password_reset(asked.origin(std::net::IpAddr::from(source)))
    };
    for number in 0..20 {
        from([203, 0, 113, 9], number).await.unwrap();
    }
    assert!(matches!(from([203, 0, 113, 9], 20).await, Err(Error::SignIn(SignInError::TooManyRequests))));
    from([192, 0, 2, 1], 20).await.expect("another source");
    request(&shop.auth, EMAIL).await.expect("no source, no limit by source");
    let trail = told(&shop.trail().await);
    assert!(trail.contains(&(Action::ResetRequest, Refused(Refusal::UnknownAccount))));
    assert!(trail.contains(&(Action::ResetRequest, Refused(Refusal::BudgetSpent))));
}

#[tokio::test]
async fn a_strangers_requests_do_not_kill_the_link_in_the_mail() {
    let shop = shop();
    let tokens = [mailed(&shop).await, mailed(&shop).await, mailed(&shop).await, mailed(&shop).await];
    assert!(
        matches!(
            reset(&shop.auth, &tokens[0], NEW).await,
            Err(Error::SignIn(SignInError::ResetTokenMismatched))
        ),
        "the fourth newest"
    );
    reset(&shop.auth, &tokens[1], NEW).await.expect("the newest three tokens are valid");
}

#[tokio::test]
async fn what_is_refused_for_its_form_burns_no_token() {
    let shop = shop();
    let token = mailed(&shop).await;
    let long = "x".repeat(1 << 20);
    for (email, given, new, words) in [
        ("", token.as_str(), NEW, "You must specify an email address."),
        ("nobody", &token, NEW, "The email address has an invalid format."),
        (EMAIL, "", NEW, "resetPasswordToken must be specified"),
        (EMAIL, &token, "", "newPassword must be specified"),
        (
            EMAIL,
            &token,
            "short",
            "The password needs at least 8 characters. Create a new password and try again.",
        ),
        (EMAIL, &token, &long, "Please enter a password with at most 256 characters."),
        (
            EMAIL,
            &token,
            EMAIL,
            "The password can't be the same as the email address. Create a new password and try again.",
        ),
        (EMAIL, &long, NEW, "The password token is mismatched. Reset and try again."),
    ] {
        let error = shop.auth.reset_password(PasswordReset::new(email, given, new)).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (words, ErrorKind::Input));
    }
    for (email, words) in
        [("", "You must specify an email address."), ("a@b@c", "The email address has an invalid format.")]
    {
        assert_eq!(request(&shop.auth, email).await.unwrap_err().to_string(), words);
    }
    reset(&shop.auth, &token, NEW).await.expect("the token is still valid");
}

#[tokio::test]
async fn a_token_of_another_customer_website_or_kind_is_mismatched() {
    let shop = shop();
    let token = mailed(&shop).await;
    let elsewhere = PasswordReset::new(EMAIL, token.as_str(), NEW).website("outlet".parse().unwrap());
    assert!(matches!(
        shop.auth.reset_password(elsewhere).await,
        Err(Error::SignIn(SignInError::ResetTokenMismatched))
    ));
    let others = PasswordReset::new("nobody@example.com", token.as_str(), NEW);
    assert!(matches!(
        shop.auth.reset_password(others).await,
        Err(Error::SignIn(SignInError::ResetTokenMismatched))
    ));
    let code = shop.code().await;
    assert!(matches!(
        reset(&shop.auth, &code, NEW).await,
        Err(Error::SignIn(SignInError::ResetTokenMismatched))
    ));
    shop.sign_in(&code).await.expect("the code was not spent");
    shop.set_customer(|row| row.status = AccountStatus::Disabled);
    assert!(matches!(
        reset(&shop.auth, &token, NEW).await,
        Err(Error::SignIn(SignInError::ResetTokenMismatched))
    ));
    shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    reset(&shop.auth, &token, NEW).await.expect("an unconfirmed account may have a new password");
    assert!(
        matches!(shop.sign_in(NEW).await, Err(Error::SignIn(SignInError::NotConfirmed))),
        "and stays unconfirmed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_resets_by_one_token_one_succeeds() {
    let mut config = fast();
    config.source_budget.failures = 1000;
    let shop = Arc::new(Shop::open(MemoryStore::new(), config, |builder| builder));
    let token = mailed(&shop).await;
    let resets: Vec<_> = (0..100)
        .map(|number| {
            let (shop, token) = (Arc::clone(&shop), token.clone());
            tokio::spawn(async move { reset(&shop.auth, &token, &format!("N3w-password-{number}")).await })
        })
        .collect();
    let mut done = Vec::new();
    for (number, reset) in resets.into_iter().enumerate() {
        match reset.await.unwrap() {
            Ok(()) => done.push(number),
            Err(error) => {
                assert!(matches!(error, Error::SignIn(SignInError::ResetTokenMismatched)), "{error:?}");
            }
        }
    }
    assert_eq!(done.len(), 1);
    shop.sign_in(&format!("N3w-password-{}", done[0])).await.expect("the password is the winner's");
}

#[tokio::test]
async fn resets_have_a_budget_of_their_own_for_each_source() {
    let shop = shop();
    let token = mailed(&shop).await;
    let from = |source: [u8; 4], token: &str| {
        shop.auth.reset_password(PasswordReset::new(EMAIL, token, NEW).origin(std::net::IpAddr::from(source)))
    };
    for _ in 0..6 {
        assert!(matches!(
            from([203, 0, 113, 9], TOKEN).await,
            Err(Error::SignIn(SignInError::ResetTokenMismatched))
        ));
    }
    assert!(matches!(from([203, 0, 113, 9], &token).await, Err(Error::SignIn(SignInError::TooManyRequests))));
    shop.sign_in_from("203.0.113.9", PASSWORD).await.expect("sign-in has a separate budget");
    from([192, 0, 2, 1], &token).await.expect("another source has a budget, too");
}

#[tokio::test]
async fn without_a_notifier_there_is_no_reset_to_be_asked_for() {
    let auth =
        Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new()).without_notifier().config(fast());
    let auth = auth.build().unwrap();
    let error = request(&auth, EMAIL).await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        ("The notifier is not configured.", ErrorKind::Internal)
    );
}

#[derive(Debug)]
struct Full;

impl Notifier for Full {
    fn notify(&self, _: Notification) -> Result<(), StoreError> {
        Err(StoreError::new("the queue is full"))
    }
}

#[tokio::test]
async fn a_mail_that_cannot_be_queued_is_told_to_the_trail_alone() {
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.notifier(Full));
    request(&shop.auth, EMAIL).await.expect("as for an address without an account");
    assert_eq!(
        told(&shop.trail().await),
        [(Action::Notification, Failed), (Action::ResetRequest, Succeeded)]
    );
}

#[tokio::test]
async fn a_change_ends_all_other_tokens_and_one_time_credentials() {
    let shop = shop();
    let admin = shop.admin_token().await;
    let (own, other) = (shop.sign_in(PASSWORD).await.unwrap(), shop.sign_in(PASSWORD).await.unwrap());
    let assisted = shop.auth.generate_customer_token_as_admin(&admin, EMAIL, "").await.unwrap();
    let (mail, code) = (mailed(&shop).await, shop.code().await);
    let begun = shop.auth.hashing_stats().begun;
    shop.auth.change_password(own.token(), PASSWORD, NEW).await.unwrap();
    assert_eq!(
        shop.auth.hashing_stats().begun - begun,
        2,
        "the current one is checked once, the new one hashed"
    );
    shop.auth.verify_customer(own.token()).await.expect("the presented token stays");
    for ended in [other.token(), assisted.token()] {
        assert!(matches!(shop.auth.verify_customer(ended).await, Err(Error::Token(TokenError::Invalid))));
    }
    for ended in [PASSWORD, &mail, &code] {
        assert!(matches!(shop.sign_in(ended).await, Err(Error::SignIn(SignInError::Refused))));
    }
    shop.sign_in(NEW).await.unwrap();
    let mails = shop.outbox.take();
    let changed = mails.iter().position(|mail| matches!(mail.notice, Notice::PasswordChanged));
    let [_, ended, ..] = &mails[changed.unwrap()..] else { panic!("{mails:?}") };
    assert!(matches!(ended.notice, Notice::AssistanceEnded { .. }), "and with it the assistance");
}

#[tokio::test]
async fn a_change_is_refused_in_commerces_words() {
    let shop = shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let token = signed_in.token().expose();
    let long = "x".repeat(1 << 20);
    for (bearer, current, new, words, kind) in [
        (token, "", NEW, "Specify the \"currentPassword\" value.", ErrorKind::Input),
        (token, PASSWORD, "", "Specify the \"newPassword\" value.", ErrorKind::Input),
        (token, &long, NEW, "The password is too long.", ErrorKind::Input),
        (token, PASSWORD, &long, "Please enter a password with at most 256 characters.", ErrorKind::Input),
        ("x", PASSWORD, NEW, "Composite reader could not read a token", ErrorKind::Authentication),
        (token, WRONG, NEW, "Invalid login or password.", ErrorKind::Authentication),
        (
            token,
            PASSWORD,
            "short",
            "The password needs at least 8 characters. Create a new password and try again.",
            ErrorKind::Input,
        ),
    ] {
        let error = shop.auth.change_password(bearer, current, new).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (words, kind));
    }
    let elsewhere = Bearer::from(token).website("outlet".parse().unwrap());
    assert!(matches!(
        shop.auth.change_password(elsewhere, PASSWORD, NEW).await,
        Err(Error::Token(TokenError::NotAuthorized))
    ));
    for _ in 0..5 {
        shop.auth.change_password(token, WRONG, NEW).await.unwrap_err();
    }
    let error = shop.auth.change_password(token, PASSWORD, NEW).await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        ("The account is locked.", ErrorKind::Authentication)
    );
    shop.sign_in(PASSWORD).await.expect("nothing was changed, and sign-in has a separate budget");
}

/// Between the check of the current password and the write of the new one, the stored hash changes.
/// If a sign-in has rehashed the same password, the change succeeds. If another change was stored,
/// the other change wins.
#[tokio::test]
async fn a_change_meets_another() {
    #[derive(Clone)]
    struct Racing(MemoryCustomers, Arc<AtomicUsize>, Arc<Mutex<Option<commerce_auth::PasswordHash>>>);
    #[async_trait::async_trait]
    impl CustomerStore for Racing {
        type Row = commerce_auth::account::CustomerRecord;
        async fn find_by_email(
            &self,
            website: &Website,
            email: &commerce_auth::Email,
        ) -> Result<Option<Self::Row>, StoreError> {
            self.0.find_by_email(website, email).await
        }
        async fn find_by_id(&self, id: &CustomerId) -> Result<Option<Self::Row>, StoreError> {
            self.0.find_by_id(id).await
        }
        async fn replace_password_hash(
            &self,
            id: &CustomerId,
            expected: Option<&commerce_auth::PasswordHash>,
            new: &commerce_auth::PasswordHash,
        ) -> Result<bool, StoreError> {
            self.1.fetch_add(1, Ordering::SeqCst);
            let first = self.2.lock().unwrap().take();
            if let Some(first) = first {
                self.0.replace_password_hash(id, expected, &first).await?;
            }
            self.0.replace_password_hash(id, expected, new).await
        }
        async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
            self.0.set_assistance(id, allowed).await
        }
    }
    for (meanwhile, succeeds) in [(PASSWORD, true), ("An0ther-password", false)] {
        let customers = MemoryCustomers::new();
        let first = Arc::new(Mutex::new(None));
        let writes = Arc::new(AtomicUsize::new(0));
        let table = Racing(customers.clone(), Arc::clone(&writes), Arc::clone(&first));
        let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.customers(table));
        let hash = |password: &'static str| shop.auth.hash_new_password(EMAIL, password);
        let row = shop.customers.find_by_id(&CustomerId::from(1)).await.unwrap().unwrap();
        customers.upsert(row).unwrap();
        let signed_in = shop.sign_in(PASSWORD).await.unwrap();
        *first.lock().unwrap() = Some(hash(meanwhile).await.unwrap());
        let changed = shop.auth.change_password(signed_in.token(), PASSWORD, NEW).await;
        let now = if succeeds {
            changed.expect("the current password is still right");
            NEW
        } else {
            assert!(matches!(changed, Err(Error::SignIn(SignInError::WrongPassword))));
            meanwhile
        };
        shop.sign_in(now).await.unwrap();
        // A reset wins over both.
        request(&shop.auth, EMAIL).await.unwrap();
        let token = shop.outbox.reset_token().unwrap();
        *first.lock().unwrap() = Some(hash("Th1rd-password").await.unwrap());
        reset(&shop.auth, &token, "F0urth-password").await.unwrap();
        shop.auth.generate_customer_token(SignIn::new(EMAIL, "F0urth-password")).await.unwrap();
        assert!(writes.load(Ordering::SeqCst) >= 3);
    }
}
