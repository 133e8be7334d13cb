//! A new generation ends everything that was begun under the earlier one: writes of passwords,
//! sign-ins, and credentials whose token store was wiped. And a subject has a bounded number of
//! tokens.

use std::{
    collections::HashSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use commerce_auth::{
    AdminId, AdminSignIn, Auth, AuthConfig, CustomerId, CustomerStore, Error, SignIn, TokenStore, Website,
    credential::Argon2Params,
    error::{SignInError, TokenError},
    flow::{PasswordReset, PasswordResetRequest},
    notifier::Notice,
    store::memory::MemoryStore,
    token::{AssistanceEnd, Subject},
};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, fast, fresh::fresh, hooked::Hooked, table::Table,
};

const NEW: &str = "N3w-password";

fn customer() -> Subject {
    Subject::Customer(CustomerId::from(1))
}

type Act = Box<dyn Fn() + Send + Sync>;

/// A hook that runs once, just after a password is written to the host's table.
#[derive(Clone, Default)]
struct AfterTheWrite(Arc<OnceLock<Act>>, Arc<AtomicBool>);

impl AfterTheWrite {
    fn happens(&self, act: impl Fn() + Send + Sync + 'static) {
        assert!(self.0.set(Box::new(act)).is_ok());
        self.1.store(true, Ordering::SeqCst);
    }

    /// Returns a host's table that runs the hook.
    fn table<T>(&self) -> Table<T> {
        let Self(act, armed) = self.clone();
        Table::new(move |moment| {
            if moment == "after replace_password_hash" && armed.swap(false, Ordering::SeqCst) {
                act.get().expect("there is an event")();
            }
        })
    }
}

struct World {
    shop: Shop,
    tokens: Arc<Hooked>,
    written: AfterTheWrite,
}

fn world(config: AuthConfig) -> World {
    let (tokens, written) = (Arc::new(Hooked::default()), AfterTheWrite::default());
    let (customers, admins) = (written.table(), written.table());
    let shop = Shop::open(MemoryStore::new(), config, |builder| {
        builder.tokens(tokens.clone()).customers(customers.clone()).admins(admins.clone())
    });
    customers.fill(shop.customers.clone());
    admins.fill(shop.admins.clone());
    World { shop, tokens, written }
}

impl World {
    async fn reset_token(&self) -> String {
        self.shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
        self.shop.outbox.reset_token().unwrap()
    }

    /// Once the password is written, another caller revokes all tokens of the subject. Then someone
    /// signs in with the new password under the new generation. Returns the token of that sign-in,
    /// once there is one.
    fn is_revoked_meanwhile(
        &self,
        subject: Subject,
        sign_in: impl Fn(&Auth) -> Result<String, Error> + Send + Sync + 'static,
    ) -> Arc<OnceLock<String>> {
        let (tokens, auth, now) = (self.tokens.clone(), self.shop.auth.clone(), self.shop.now());
        let token = Arc::new(OnceLock::new());
        let had = Arc::clone(&token);
        self.written.happens(move || {
            pollster::block_on(tokens.revoke_all(&subject, None, fresh(), now)).unwrap();
            had.set(sign_in(&auth).expect("the new password is written")).unwrap();
        });
        token
    }
}

fn signed_in(auth: &Auth) -> Result<String, Error> {
    let signed_in = pollster::block_on(auth.generate_customer_token(SignIn::new(EMAIL, NEW)))?;
    Ok(signed_in.token().expose().to_owned())
}

#[tokio::test]
async fn a_changed_password_does_not_outlive_a_revoke_that_came_first() {
    let world = world(fast());
    let shop = &world.shop;
    let own = shop.sign_in(PASSWORD).await.unwrap();
    let meanwhile = world.is_revoked_meanwhile(customer(), signed_in);
    let changed = shop.auth.change_password(own.token(), PASSWORD, NEW).await;
    assert!(matches!(changed, Err(Error::Token(TokenError::Invalid))), "{changed:?}");
    for token in [own.token().expose(), meanwhile.get().unwrap().as_str()] {
        assert!(matches!(shop.auth.verify_customer(token).await, Err(Error::Token(TokenError::Invalid))));
    }
    assert!(matches!(shop.sign_in(NEW).await, Err(Error::SignIn(SignInError::Refused))));
    shop.sign_in(PASSWORD).await.expect("the password is unchanged");
}

#[tokio::test]
async fn a_token_that_ended_before_its_generation_was_read_changes_no_password() {
    let world = world(fast());
    let shop = &world.shop;
    let own = shop.sign_in(PASSWORD).await.unwrap();
    world.tokens.wipe_before("generation");
    let changed = shop.auth.change_password(own.token(), PASSWORD, NEW).await;
    assert!(matches!(changed, Err(Error::Token(TokenError::Invalid))), "{changed:?}");
    shop.sign_in(PASSWORD).await.expect("the password is unchanged");
    let own = shop.admin_token().await;
    world.tokens.wipe_before("generation");
    let changed = shop.auth.change_admin_password(&own, ADMIN_PASSWORD, NEW).await;
    assert!(matches!(changed, Err(Error::Token(TokenError::Invalid))), "{changed:?}");
    shop.admin_token().await;
}

#[tokio::test]
async fn a_reset_password_does_not_outlive_a_revoke_that_came_first() {
    let world = world(fast());
    let shop = &world.shop;
    let token = world.reset_token().await;
    let meanwhile = world.is_revoked_meanwhile(customer(), signed_in);
    let reset = shop.auth.reset_password(PasswordReset::new(EMAIL, token, NEW)).await;
    assert!(matches!(reset, Err(Error::SignIn(SignInError::ResetTokenMismatched))), "{reset:?}");
    let had = meanwhile.get().unwrap().as_str();
    assert!(matches!(shop.auth.verify_customer(had).await, Err(Error::Token(TokenError::Invalid))));
    assert!(matches!(shop.sign_in(NEW).await, Err(Error::SignIn(SignInError::Refused))));
    shop.sign_in(PASSWORD).await.expect("the password is unchanged");
}

#[tokio::test]
async fn an_account_without_a_password_is_left_with_none_that_works() {
    let world = world(fast());
    let shop = &world.shop;
    shop.set_customer(|row| row.password_hash = None);
    let token = world.reset_token().await;
    world.is_revoked_meanwhile(customer(), signed_in);
    let reset = shop.auth.reset_password(PasswordReset::new(EMAIL, token, NEW)).await;
    assert!(matches!(reset, Err(Error::SignIn(SignInError::ResetTokenMismatched))), "{reset:?}");
    for password in [NEW, PASSWORD] {
        assert!(matches!(shop.sign_in(password).await, Err(Error::SignIn(SignInError::Refused))));
    }
    let token = world.reset_token().await;
    shop.auth.reset_password(PasswordReset::new(EMAIL, token, NEW)).await.expect("another reset");
    shop.sign_in(NEW).await.unwrap();
}

#[tokio::test]
async fn an_admin_users_password_does_not_outlive_a_revoke_that_came_first() {
    let world = world(fast());
    let shop = &world.shop;
    let own = shop.admin_token().await;
    let meanwhile = world.is_revoked_meanwhile(Subject::Admin(AdminId::from(7)), |auth| {
        let signed_in = pollster::block_on(auth.generate_admin_token(AdminSignIn::new(ADMIN, NEW)))?;
        Ok(signed_in.token().expose().to_owned())
    });
    let changed = shop.auth.change_admin_password(&own, ADMIN_PASSWORD, NEW).await;
    assert!(matches!(changed, Err(Error::Token(TokenError::Invalid))), "{changed:?}");
    for token in [own.as_str(), meanwhile.get().unwrap()] {
        assert!(matches!(shop.auth.verify_admin(token).await, Err(Error::Token(TokenError::Invalid))));
    }
    let with = |password| shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, password));
    assert!(matches!(with(NEW).await, Err(Error::SignIn(SignInError::Refused))));
    with(ADMIN_PASSWORD).await.expect("the password is unchanged");
}

#[tokio::test]
async fn a_password_that_was_changed_again_is_not_put_back() {
    let world = world(fast());
    let shop = &world.shop;
    let own = shop.sign_in(PASSWORD).await.unwrap();
    let third = shop.auth.hash_new_password(EMAIL, "Th1rd-password").await.unwrap();
    let (customers, tokens, now) = (shop.customers.clone(), world.tokens.clone(), shop.now());
    world.written.happens(move || {
        let id = CustomerId::from(1);
        let mut row = pollster::block_on(customers.find_by_id(&id)).unwrap().unwrap();
        row.password_hash = Some(third.clone());
        customers.upsert(row).unwrap();
        pollster::block_on(tokens.revoke_all(&customer(), None, fresh(), now)).unwrap();
    });
    let changed = shop.auth.change_password(own.token(), PASSWORD, NEW).await;
    assert!(matches!(changed, Err(Error::Token(TokenError::Invalid))), "{changed:?}");
    for password in [PASSWORD, NEW] {
        assert!(matches!(shop.sign_in(password).await, Err(Error::SignIn(SignInError::Refused))));
    }
    shop.sign_in("Th1rd-password").await.unwrap();
}

#[tokio::test]
async fn a_hash_made_anew_stays() {
    let outdated = support::shop().auth.hash_new_password(EMAIL, PASSWORD).await.unwrap();
    let mut config = fast();
    config.argon2 = Argon2Params::default();
    let world = world(config);
    let shop = &world.shop;
    shop.set_customer(|row| row.password_hash = Some(outdated.clone()));
    let (tokens, now) = (world.tokens.clone(), shop.now());
    world.written.happens(move || {
        pollster::block_on(tokens.revoke_all(&customer(), None, fresh(), now)).unwrap();
    });
    shop.sign_in(PASSWORD).await.unwrap();
    let row = shop.customers.find_by_id(&CustomerId::from(1)).await.unwrap().unwrap();
    assert_ne!(row.password_hash.unwrap().expose(), outdated.expose());
}

#[tokio::test]
async fn a_token_store_that_is_wiped_counts_as_moved() {
    let world = world(fast());
    let shop = &world.shop;
    world.tokens.wipe_before("insert");
    let refused = shop.sign_in(PASSWORD).await;
    assert!(matches!(refused, Err(Error::SignIn(SignInError::Refused))), "{refused:?}");
    let own = shop.sign_in(PASSWORD).await.expect("a later sign-in begins the shop anew");
    world.tokens.wipe();
    assert!(matches!(shop.auth.verify_customer(own.token()).await, Err(Error::Token(TokenError::Invalid))));
    // A generation that was a counter would have its first value again, and the reset would still
    // be valid.
    let (token, tokens) = (world.reset_token().await, world.tokens.clone());
    world.written.happens(move || tokens.wipe());
    let reset = shop.auth.reset_password(PasswordReset::new(EMAIL, token, NEW)).await;
    assert!(matches!(reset, Err(Error::SignIn(SignInError::ResetTokenMismatched))), "{reset:?}");
    shop.sign_in(PASSWORD).await.expect("the password is unchanged");
}

#[tokio::test]
async fn a_code_does_not_outlive_a_wiped_token_store() {
    let world = world(fast());
    let shop = &world.shop;
    let admin = shop.admin_token().await;
    let code = shop.auth.generate_one_time_code(&admin, &CustomerId::from(1), "").await.unwrap();
    world.tokens.wipe();
    // The admin user's own token is gone as well.
    let exchanged = shop.auth.exchange_one_time_code(SignIn::new(EMAIL, code.code().expose())).await;
    assert!(matches!(exchanged, Err(Error::SignIn(SignInError::Refused))), "{exchanged:?}");
}

#[tokio::test]
async fn the_oldest_token_ends_beyond_the_cap() {
    let mut config = fast();
    config.tokens_per_subject = 3.try_into().unwrap();
    let world = world(config);
    let shop = &world.shop;
    let mut own = Vec::new();
    for _ in 0..4 {
        own.push(shop.sign_in(PASSWORD).await.unwrap());
        shop.advance(1);
    }
    let first = own.remove(0);
    assert!(matches!(shop.auth.verify_customer(first.token()).await, Err(Error::Token(TokenError::Invalid))));
    let listed = shop.auth.list_customer_tokens(own[2].token()).await.unwrap();
    assert_eq!(listed.len(), 3);
    assert!(listed[0].presented, "the newest first");
}

#[tokio::test]
async fn an_assistance_that_ends_by_the_cap_is_closed_and_its_customer_told() {
    let mut config = fast();
    config.tokens_per_subject = 2.try_into().unwrap();
    let world = world(config);
    let shop = &world.shop;
    let admin = shop.admin_token().await;
    shop.assisting(&admin, 0).await.unwrap();
    shop.outbox.take();
    for _ in 0..2 {
        shop.advance(1);
        shop.sign_in(PASSWORD).await.unwrap();
    }
    for _ in 0..2 {
        shop.auth.purge(1000).await.unwrap();
    }
    let ends: Vec<_> = shop
        .outbox
        .take()
        .into_iter()
        .filter_map(|notification| match notification.notice {
            Notice::AssistanceEnded { end, .. } => Some(end),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [AssistanceEnd::Withdrawn]);
}

#[tokio::test]
async fn each_unknown_account_has_a_decoy_of_its_own() {
    let world = world(fast());
    let shop = &world.shop;
    let outlet: Website = "outlet".parse().unwrap();
    let subjects_of = async |email: &str, website: &Website| {
        world.tokens.asked();
        let sign_in = SignIn::new(email, WRONG).website(website.clone());
        shop.auth.generate_customer_token(sign_in).await.unwrap_err();
        let exchange = SignIn::new(email, WRONG).website(website.clone());
        shop.auth.exchange_one_time_code(exchange).await.unwrap_err();
        let reset = PasswordReset::new(email, WRONG, NEW).website(website.clone());
        shop.auth.reset_password(reset).await.unwrap_err();
        shop.auth
            .request_password_reset(PasswordResetRequest::new(email).website(website.clone()))
            .await
            .unwrap();
        let asked: HashSet<_> = world.tokens.asked().into_iter().collect();
        assert_eq!(asked.len(), 1, "every flow takes one decoy for {email}");
        asked.into_iter().next().unwrap()
    };
    let base = Website::default();
    let one = subjects_of("nobody@example.com", &base).await;
    assert_eq!(one, subjects_of("NOBODY@example.com", &base).await);
    let all = [
        one,
        subjects_of("nobody-else@example.com", &base).await,
        subjects_of("nobody@example.com", &outlet).await,
    ];
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), 3);

    let admins_of = async |name: &str| {
        world.tokens.asked();
        shop.auth.generate_admin_token(AdminSignIn::new(name, WRONG)).await.unwrap_err();
        world.tokens.asked()
    };
    assert_eq!(admins_of("nobody").await, admins_of("nobody").await);
    assert_ne!(admins_of("nobody").await, admins_of("nobody-else").await);
}
