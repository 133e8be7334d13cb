//! Assistance: who may give it, what it may not do, when it ends, and that all of it is recorded.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use commerce_auth::{
    AdminId, AuthConfig, CustomerId, CustomerStore, Email, Error, ErrorKind, Origin, PasswordHash, SignIn,
    TokenStore, Website,
    account::{AccountStatus, CustomerRecord, Permission},
    audit::{
        Action,
        Outcome::{Begun, Refused, Succeeded},
        Refusal,
    },
    error::{AssistanceError, InputError, SignInError, StoreError, TokenError},
    flow::Keep,
    store::memory::{MemoryCustomers, MemoryStore},
    token::{AssistanceEnd, Bearer, Obtained, Subject},
};
use support::{EMAIL, PASSWORD, REASON, Shop, fast, fresh::fresh, shop, sink::told};

fn customer() -> CustomerId {
    CustomerId::from(1)
}

#[tokio::test]
async fn an_admin_user_signs_in_as_a_customer_by_either_road() {
    let shop = shop();
    let admin = shop.admin_token().await;
    let own = *shop.auth.verify_admin(&admin).await.unwrap().grant();
    for (road, obtained) in
        [Obtained::AsAdmin, Obtained::OneTimeCode, Obtained::OneTimeCode].into_iter().enumerate()
    {
        let token = shop.assisting(&admin, road).await.unwrap();
        let who = shop.auth.verify_customer(&token).await.unwrap();
        assert_eq!((who.customer_id(), who.obtained()), (&customer(), obtained));
        assert_eq!((who.actor(), who.reason()), (Some(&AdminId::from(7)), Some(REASON)));
        assert_eq!(who.expires_at() - who.auth_time(), Duration::from_secs(15 * 60));
        let trail = shop.trail().await;
        for event in trail.iter().filter(|event| event.grant == Some(*who.grant())) {
            assert_eq!(event.subject, Some(Subject::Customer(customer())));
            assert_eq!(
                (event.actor.as_ref(), event.parent, event.reason.as_deref()),
                (Some(&AdminId::from(7)), Some(own), Some(REASON))
            );
        }
    }
    let code = shop.auth.generate_one_time_code(&admin, &customer(), REASON).await.unwrap();
    let text = code.code().expose();
    assert!(
        text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    );
    assert_eq!(code.expires_at(), shop.now() + Duration::from_secs(30));
    assert_eq!((code.customer_id(), code.website()), (&customer(), &Website::default()));
}

#[tokio::test]
async fn no_assistance_outlives_the_admin_users_own_token() {
    let shop = shop();
    let admin = shop.admin_token().await;
    let own = shop.auth.verify_admin(&admin).await.unwrap().expires_at();
    shop.advance(4 * 60 * 60 - 10);
    for road in 0..3 {
        let token = shop.assisting(&admin, road).await.unwrap();
        assert_eq!(shop.auth.verify_customer(&token).await.unwrap().expires_at(), own);
    }
    let code = shop.auth.generate_one_time_code(&admin, &customer(), REASON).await.unwrap();
    assert_eq!(code.expires_at(), own);
}

#[tokio::test]
async fn refusals_are_in_commerces_words() {
    let shop = shop();
    let admin = shop.admin_token().await;
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let own = signed_in.token().expose();
    let assisted = shop.assisting(&admin, 0).await.unwrap();
    type Change = fn(&Shop);
    let nothing: Change = |_| ();
    let cases: [(Change, &str, &str, &str, ErrorKind); 12] = [
        (nothing, &admin, "", "Specify the \"customer email\" value.", ErrorKind::Input),
        (nothing, &admin, " \t", "Specify the \"customer email\" value.", ErrorKind::Input),
        (
            nothing,
            &admin,
            "a@example.com,b@example.com",
            "The email address has an invalid format.",
            ErrorKind::Input,
        ),
        (nothing, "x", EMAIL, "Composite reader could not read a token", ErrorKind::Authentication),
        (nothing, own, EMAIL, "The current customer isn't authorized.", ErrorKind::Authorization),
        (nothing, &assisted, EMAIL, "The current customer isn't authorized.", ErrorKind::Authorization),
        (nothing, &admin, "nobody@example.com", "Customer email provided does not exist", ErrorKind::Input),
        (
            |shop| shop.set_admin(|row| row.permissions.clear()),
            &admin,
            EMAIL,
            "Login as Customer is disabled.",
            ErrorKind::Authorization,
        ),
        (
            |shop| shop.set_admin(|row| row.permissions = vec![Permission::Login]),
            &admin,
            EMAIL,
            "Allow remote shopping assistance is disabled.",
            ErrorKind::Authorization,
        ),
        (
            |shop| shop.set_customer(|row| row.allows_assistance = false),
            &admin,
            EMAIL,
            "Login as Customer assistance is disabled for this Customer.",
            ErrorKind::Authorization,
        ),
        (
            |shop| shop.set_customer(|row| row.status = AccountStatus::Disabled),
            &admin,
            EMAIL,
            "The customer's account is disabled.",
            ErrorKind::Authorization,
        ),
        (
            |shop| shop.set_customer(|row| row.status = AccountStatus::Unconfirmed),
            &admin,
            EMAIL,
            "This account isn't confirmed. Verify and try again.",
            ErrorKind::Authentication,
        ),
    ];
    for (change, bearer, email, message, kind) in cases {
        shop.set_admin(|_| ());
        shop.set_customer(|_| ());
        change(&shop);
        let error = shop.auth.generate_customer_token_as_admin(bearer, email, REASON).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (message, kind));
    }
    shop.set_customer(|_| ());
    let error = shop.auth.generate_one_time_code(&admin, &CustomerId::from(2), REASON).await.unwrap_err();
    let words = "Customer with this ID no longer exists.";
    assert_eq!((error.to_string().as_str(), error.kind()), (words, ErrorKind::NotFound));
}

/// A customer table that counts its calls.
struct Counting(MemoryCustomers, Arc<AtomicUsize>);

#[async_trait]
impl CustomerStore for Counting {
    type Row = CustomerRecord;

    async fn find_by_email(
        &self,
        website: &Website,
        email: &Email,
    ) -> Result<Option<CustomerRecord>, StoreError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.find_by_email(website, email).await
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.find_by_id(id).await
    }

    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        self.0.replace_password_hash(id, expected, new).await
    }

    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        self.0.set_assistance(id, allowed).await
    }
}

#[tokio::test]
async fn without_the_permission_nobody_is_looked_up() {
    let (customers, asked) = (MemoryCustomers::new(), Arc::new(AtomicUsize::new(0)));
    let counting = Counting(customers, Arc::clone(&asked));
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.customers(counting));
    let admin = shop.admin_token().await;
    for permissions in [vec![], vec![Permission::Login], vec![Permission::AllowShoppingAssistance]] {
        shop.set_admin(|row| row.permissions = permissions);
        for email in [EMAIL, "nobody@example.com"] {
            shop.auth.generate_customer_token_as_admin(&admin, email, REASON).await.unwrap_err();
        }
        shop.auth.generate_one_time_code(&admin, &customer(), REASON).await.unwrap_err();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    shop.set_admin(|_| ());
    let refused = shop.auth.generate_customer_token_as_admin(&admin, EMAIL, REASON).await;
    assert!(
        matches!(refused, Err(Error::Assistance(AssistanceError::NoSuchEmail)))
            && asked.load(Ordering::SeqCst) > 0,
        "with the permission, the token is issued"
    );
}

#[tokio::test]
async fn a_blank_reason_is_the_default_one_or_refused() {
    let shop = shop();
    let admin = shop.admin_token().await;
    for blank in ["", "  \t\n", "\u{1}\u{2} "] {
        let token = shop.auth.generate_customer_token_as_admin(&admin, EMAIL, blank).await.unwrap();
        let who = shop.auth.verify_customer(token.token()).await.unwrap();
        assert_eq!(who.reason(), Some("No reason given"));
    }
    let long = format!(" a\0b{}", "é".repeat(1 << 20));
    let token = shop.auth.generate_customer_token_as_admin(&admin, EMAIL, &long).await.unwrap();
    let who = shop.auth.verify_customer(token.token()).await.unwrap();
    let kept = who.reason().unwrap();
    assert!(kept.starts_with("a bé") && kept.len() <= 1024, "{} bytes", kept.len());

    let mut config = fast();
    config.default_assistance_reason = Some(" c\0d\n".into());
    let token = shop.node(config).generate_customer_token_as_admin(&admin, EMAIL, " ").await.unwrap();
    let who = shop.auth.verify_customer(token.token()).await.unwrap();
    assert_eq!(who.reason(), Some("c d"), "it becomes text as every reason does");

    let mut config = fast();
    config.default_assistance_reason = AuthConfig::strict().default_assistance_reason;
    let strict = shop.node(config);
    let error = strict.generate_customer_token_as_admin(&admin, EMAIL, " \u{1}").await.unwrap_err();
    let words = "Specify the \"reason\" value.";
    assert_eq!((error.to_string().as_str(), error.kind()), (words, ErrorKind::Input));
    let refused = strict.generate_one_time_code(&admin, &customer(), "").await;
    assert!(matches!(refused, Err(Error::Input(InputError::Required(_)))));
    strict.generate_one_time_code(&admin, &customer(), REASON).await.unwrap();
}

/// Each condition of an assistance is read again at the very next use. The trail names the
/// condition that failed.
#[tokio::test]
async fn the_next_use_is_refused_and_the_trail_says_why() {
    type Change = fn(&Shop);
    let cases: [(Change, Refusal); 7] = [
        (|shop| shop.set_customer(|row| row.allows_assistance = false), Refusal::NoConsent),
        (|shop| shop.set_admin(|row| row.status = AccountStatus::Disabled), Refusal::AdminDisabled),
        (|shop| assert!(shop.admins.remove(&AdminId::from(7))), Refusal::AdminDisabled),
        (|shop| shop.set_admin(|row| row.permissions = vec![Permission::Login]), Refusal::NoPermission),
        (
            |shop| shop.set_admin(|row| row.permissions = vec![Permission::AllowShoppingAssistance]),
            Refusal::NoPermission,
        ),
        (
            // The node stopped after it revoked the token and before it closed the ledger entry.
            |shop| {
                let admin = Subject::Admin(AdminId::from(7));
                let revoked = shop.store.revoke_all(&admin, None, fresh(), shop.now());
                pollster::block_on(revoked).unwrap();
            },
            Refusal::AdminSignedOut,
        ),
        (|shop| shop.set_customer(|row| row.status = AccountStatus::Disabled), Refusal::AccountDisabled),
    ];
    for (change, why) in cases {
        for road in 0..3 {
            let shop = shop();
            let admin = shop.admin_token().await;
            let token = shop.assisting(&admin, road).await.unwrap();
            let who = shop.auth.verify_customer(&token).await.unwrap();
            change(&shop);
            let origin = Origin::from(std::net::IpAddr::from([192, 0, 2, 1])).correlation_id("request 1");
            let used = shop.auth.verify(Bearer::from(&token).origin(&origin)).await;
            assert!(matches!(used, Err(Error::Token(TokenError::Invalid))), "{why:?}: {used:?}");
            let trail = shop.trail().await;
            let last = trail.last().unwrap();
            assert_eq!((last.action, last.outcome), (Action::AssistanceUse, Refused(why)), "{trail:#?}");
            assert_eq!(last.subject, Some(Subject::Customer(customer())));
            assert_eq!((last.actor.as_ref(), last.grant), (Some(&AdminId::from(7)), Some(*who.grant())));
            assert_eq!((&last.origin, last.at), (&origin, shop.now()));
        }
    }
}

/// The flow that ends a token is recorded, and the ledger has the end. A later use of the token is
/// not recorded, because a holder of the token could repeat it without limit.
#[tokio::test]
async fn the_end_of_a_token_is_recorded_and_its_later_use_is_not() {
    #[derive(Clone, Copy, Debug)]
    enum End {
        Withdraw,
        EndedByCustomer,
        SignOutOfIt,
        AdminSignsOut,
        AdminChanged,
        Expire,
    }
    let cases = [
        (End::Withdraw, Some(Action::ConsentWithdrawn), AssistanceEnd::ConsentWithdrawn),
        (End::EndedByCustomer, Some(Action::AssistanceEnd), AssistanceEnd::EndedByCustomer),
        (End::SignOutOfIt, Some(Action::TokenRevoke), AssistanceEnd::SignedOut),
        (End::AdminSignsOut, Some(Action::TokenRevoke), AssistanceEnd::Withdrawn),
        (End::AdminChanged, Some(Action::AccountChange), AssistanceEnd::Withdrawn),
        (End::Expire, None, AssistanceEnd::Expired),
    ];
    for (end, recorded, how) in cases {
        let shop = shop();
        let (auth, admin) = (&shop.auth, shop.admin_token().await);
        let own = shop.sign_in(PASSWORD).await.unwrap();
        let token = shop.assisting(&admin, 0).await.unwrap();
        let grant = *auth.verify_customer(&token).await.unwrap().grant();
        let before = shop.trail().await.len();
        match end {
            End::Withdraw => auth.set_remote_shopping_assistance(own.token(), false).await.unwrap(),
            End::EndedByCustomer => assert!(auth.end_assistance(own.token(), &grant).await.unwrap()),
            End::SignOutOfIt => auth.revoke_customer_token(&token).await.unwrap(),
            End::AdminSignsOut => auth.revoke_admin_token(&admin).await.unwrap(),
            End::AdminChanged => {
                let disabled = commerce_auth::flow::AdminChange::Disabled;
                auth.admin_changed(&AdminId::from(7), disabled).await.unwrap();
            }
            End::Expire => shop.advance(15 * 60),
        }
        assert!(matches!(auth.verify(&token).await, Err(Error::Token(TokenError::Invalid))), "{end:?}");
        let trail = shop.trail().await;
        let new: Vec<_> = trail[before..].iter().map(|event| (event.action, event.outcome)).collect();
        assert_eq!(new, recorded.map(|action| (action, Succeeded)).as_slice(), "{end:?}");
        let listed = auth.list_assistance(own.token()).await.unwrap();
        assert_eq!((listed[0].grant, listed[0].end), (grant, Some(how)), "{end:?}");
    }
}

/// The admin user's own token, after the admin user lost the right to act.
#[tokio::test]
async fn an_admin_users_own_token_is_checked_live_and_the_trail_says_why() {
    let shop = shop();
    let admin = shop.admin_token().await;
    shop.set_admin(|row| row.status = AccountStatus::Disabled);
    assert!(matches!(shop.auth.verify_admin(&admin).await, Err(Error::Token(TokenError::Invalid))));
    let trail = shop.trail().await;
    let last = trail.last().unwrap();
    assert_eq!((last.action, last.outcome), (Action::AdminUse, Refused(Refusal::AdminDisabled)));
    assert_eq!(last.subject, Some(Subject::Admin(AdminId::from(7))));
    // An expired token is treated like an unknown one.
    shop.set_admin(|_| ());
    shop.advance(4 * 60 * 60);
    assert!(matches!(shop.auth.verify_admin(&admin).await, Err(Error::Token(TokenError::Invalid))));
    assert_eq!(shop.trail().await, trail);
}

#[tokio::test]
async fn an_assistance_token_is_refused_every_act_of_the_customers_own() {
    for road in 0..3 {
        let shop = shop();
        let admin = shop.admin_token().await;
        let own = shop.sign_in(PASSWORD).await.unwrap();
        let own_grant = *shop.auth.verify_customer(own.token()).await.unwrap().grant();
        let token = shop.assisting(&admin, road).await.unwrap();
        let auth = &shop.auth;
        let refused = [
            (Action::PasswordChange, auth.change_password(&token, PASSWORD, "N3w-password").await),
            (Action::PasswordConfirmation, auth.confirm_password(&token, PASSWORD).await),
            (Action::ConsentGiven, auth.set_remote_shopping_assistance(&token, true).await),
            (Action::ConsentWithdrawn, auth.set_remote_shopping_assistance(&token, false).await),
            (Action::TokenList, auth.list_customer_tokens(&token).await.map(drop)),
            (Action::AllTokensRevoke, auth.revoke_all_customer_tokens(&token, Keep::Presented).await),
            (Action::AllTokensRevoke, auth.revoke_all_customer_tokens(&token, Keep::Nothing).await),
            (Action::TokenRevoke, auth.revoke_listed_customer_token(&token, &own_grant).await.map(drop)),
            (
                Action::AssistanceToken,
                auth.generate_customer_token_as_admin(&token, EMAIL, REASON).await.map(drop),
            ),
            (Action::CodeMint, auth.generate_one_time_code(&token, &customer(), REASON).await.map(drop)),
            (Action::AdminUse, auth.verify_admin(&token).await.map(drop)),
            (Action::AdminUse, auth.revoke_admin_token(&token).await),
        ];
        let trail = shop.trail().await;
        for (action, answer) in refused {
            let Err(error) = answer else { panic!("{action:?} succeeded") };
            let words = "The current customer isn't authorized.";
            assert_eq!((error.to_string().as_str(), error.kind()), (words, ErrorKind::Authorization));
            let why = match action {
                Action::AdminUse => continue,
                Action::AssistanceToken | Action::CodeMint => Refusal::NotAnAdmin,
                _ => Refusal::Assisting,
            };
            let told = trail.iter().any(|event| {
                (event.action, event.outcome, &event.actor) == (action, Refused(why), &Some(AdminId::from(7)))
            });
            assert!(told, "{action:?} is not in the trail");
        }
        // The refused operations had no effect. The assistance token can revoke itself.
        shop.sign_in(PASSWORD).await.expect("the password is unchanged");
        auth.verify_customer(own.token()).await.expect("the customer is signed in");
        auth.verify_customer(&token).await.expect("consent is unchanged");
        auth.revoke_customer_token(&token).await.unwrap();
        assert!(auth.verify_customer(&token).await.is_err());
        auth.verify_customer(own.token()).await.expect("it ends only itself");
        // No flow renews the token, and a flow that expects a code refuses a password.
        assert!(matches!(shop.sign_in(&token).await, Err(Error::SignIn(SignInError::Refused))));
    }
}

#[tokio::test]
async fn revoking_all_is_for_the_customer_even_where_a_sign_out_ends_all() {
    let mut config = fast();
    config.revoke = commerce_auth::config::RevokeScope::All;
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    let admin = shop.admin_token().await;
    let own = shop.sign_in(PASSWORD).await.unwrap();
    let token = shop.assisting(&admin, 0).await.unwrap();
    shop.auth.revoke_customer_token(&token).await.unwrap();
    shop.auth.verify_customer(own.token()).await.expect("an assistant ends only the assistance");
}

#[tokio::test]
async fn a_spent_code_presented_again_ends_what_it_bought_and_is_told_of() {
    for replayed_by_exchange in [false, true] {
        let shop = shop();
        let admin = shop.admin_token().await;
        let code = shop.auth.generate_one_time_code(&admin, &customer(), REASON).await.unwrap();
        let sign_in = || SignIn::new(EMAIL, code.code().expose());
        let bought = shop.auth.generate_customer_token(sign_in()).await.unwrap();
        let grant = *shop.auth.verify_customer(bought.token()).await.unwrap().grant();
        let again = if replayed_by_exchange {
            shop.auth.exchange_one_time_code(sign_in()).await
        } else {
            shop.auth.generate_customer_token(sign_in()).await
        };
        assert!(matches!(again, Err(Error::SignIn(SignInError::Refused))));
        assert!(matches!(
            shop.auth.verify_customer(bought.token()).await,
            Err(Error::Token(TokenError::Invalid))
        ));
        let trail = shop.trail().await;
        let last = trail.last().unwrap();
        assert_eq!((last.action, last.outcome), (Action::CodeReplay, Refused(Refusal::SpentCode)));
        assert_eq!((last.grant, &last.subject), (Some(grant), &Some(Subject::Customer(customer()))));
        assert_eq!((last.actor.as_ref(), last.reason.as_deref()), (Some(&AdminId::from(7)), Some(REASON)));
    }
}

#[tokio::test]
async fn a_code_that_is_right_for_an_account_that_may_not_sign_in_is_spent_and_told_of() {
    let shop = shop();
    let admin = shop.admin_token().await;
    let code = shop.auth.generate_one_time_code(&admin, &customer(), REASON).await.unwrap();
    shop.set_customer(|row| row.status = AccountStatus::Disabled);
    let code = code.code().expose();
    assert!(matches!(shop.sign_in(code).await, Err(Error::SignIn(SignInError::Refused))));
    shop.set_customer(|_| ());
    assert!(matches!(shop.sign_in(code).await, Err(Error::SignIn(SignInError::Refused))));
    let told = told(&shop.trail().await);
    let last = told.last_chunk::<3>().unwrap();
    assert_eq!(
        last,
        &[
            (Action::CodeRedemption, Begun),
            (Action::CodeRedemption, Refused(Refusal::AccountDisabled)),
            (Action::CodeReplay, Refused(Refusal::SpentCode)),
        ]
    );
}
