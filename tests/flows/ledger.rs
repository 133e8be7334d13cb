//! The ledger of assistance: who assists and who has assisted. It is correct whenever it is read,
//! and customers are notified of it.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use commerce_auth::{
    AdminId, AuthConfig, BearerToken, CustomerId, Error, ErrorKind, Origin, SignIn, TokenStore,
    account::{AccountStatus, Permission},
    audit::{Action, Outcome, Refusal},
    config::RevokeScope,
    error::{StoreError, TokenError},
    flow::{AdminChange, CustomerChange, Keep, PasswordReset, PasswordResetRequest},
    notifier::Notice,
    store::memory::MemoryStore,
    token::{AssistanceEnd, AssistanceEntry, Bearer, GrantId, Obtained, Subject},
};
use support::{EMAIL, PASSWORD, REASON, Shop, fast, hooked::Hooked, outbox::Outbox, shop, sink::Breakable};

/// Returns the customer's own token.
async fn own<S: commerce_auth::Store>(shop: &Shop<S>) -> BearerToken {
    shop.sign_in(PASSWORD).await.unwrap().token().clone()
}

/// Returns the entries that the customer sees.
async fn listed(shop: &Shop) -> Vec<AssistanceEntry> {
    shop.auth.list_assistance(&own(shop).await).await.unwrap()
}

/// Returns the reasons for which assistance ended, from the customer's notices since the last call.
fn told_ends(outbox: &Outbox) -> Vec<AssistanceEnd> {
    let ends = outbox.take().into_iter().filter_map(|told| match told.notice {
        Notice::AssistanceEnded { actor, end, .. } => {
            assert_eq!((told.email.as_str(), actor), (EMAIL, AdminId::from(7)));
            Some(end)
        }
        _ => None,
    });
    ends.collect()
}

#[tokio::test]
async fn the_customer_sees_who_assists_why_and_from_where_and_is_told() {
    for (road, obtained) in
        [Obtained::AsAdmin, Obtained::OneTimeCode, Obtained::OneTimeCode].into_iter().enumerate()
    {
        let shop = shop();
        let admin = shop.admin_token().await;
        assert!(listed(&shop).await.is_empty());
        let token = shop.assisting(&admin, road).await.unwrap();
        let who = shop.auth.verify_customer(&token).await.unwrap();
        let told = shop.outbox.take();
        let [told] = &told[..] else { panic!("{told:?}") };
        let Notice::AssistanceBegan { actor, reason, grant, expires_at } = &told.notice else {
            panic!("{told:?}")
        };
        assert_eq!((actor, reason.as_str(), grant), (&AdminId::from(7), REASON, who.grant()));
        assert_eq!((told.email.as_str(), *expires_at), (EMAIL, who.expires_at()));
        let entries = listed(&shop).await;
        let [entry] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((entry.grant, &entry.customer), (*who.grant(), &CustomerId::from(1)));
        assert_eq!((&entry.assistance.actor, entry.assistance.reason.as_str()), (actor, REASON));
        assert_eq!((entry.obtained, entry.began_at, entry.ended_at), (obtained, shop.now(), None));
        assert_eq!(shop.auth.current_assistance(&admin).await.unwrap(), entries);
    }
}

#[tokio::test]
async fn it_says_from_where() {
    let shop = shop();
    let admin = shop.admin_token().await;
    let origin = Origin::from(std::net::IpAddr::from([192, 0, 2, 1])).user_agent("Mozilla/5.0");
    let bearer = Bearer::from(&admin).origin(&origin);
    shop.auth.generate_customer_token_as_admin(bearer, EMAIL, REASON).await.unwrap();
    assert_eq!(listed(&shop).await[0].origin, origin);
}

/// Each way to end an assistance: how it is reported, and that it is reported once, however often
/// the ledger is read afterwards.
#[tokio::test]
async fn each_end_is_told_once_and_ends_it_for_good() {
    enum Ending {
        /// The ledger shows the end at once.
        Flow(fn(Ends) -> BoxFuture),
        /// The host's table changes without a call to the crate. The ledger shows the end when it
        /// is read.
        Host(fn(&Shop)),
    }
    type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()>>>;
    /// The objects that an ending may need.
    struct Ends {
        shop: Arc<Shop>,
        own: BearerToken,
        admin: String,
        token: String,
        grant: GrantId,
    }
    use Ending::{Flow, Host};
    let endings: [(&str, Ending, AssistanceEnd); 17] = [
        (
            "the admin user signs out of it",
            Flow(|e| {
                Box::pin(async move {
                    e.shop.auth.revoke_customer_token(&e.token).await.unwrap();
                })
            }),
            AssistanceEnd::SignedOut,
        ),
        (
            "the customer ends it",
            Flow(|e| {
                Box::pin(async move {
                    assert!(e.shop.auth.end_assistance(&e.own, &e.grant).await.unwrap());
                })
            }),
            AssistanceEnd::EndedByCustomer,
        ),
        (
            "the customer ends its token",
            Flow(|e| {
                Box::pin(async move {
                    assert!(e.shop.auth.revoke_listed_customer_token(&e.own, &e.grant).await.unwrap());
                })
            }),
            AssistanceEnd::EndedByCustomer,
        ),
        (
            "the customer withdraws consent",
            Flow(|e| {
                Box::pin(async move {
                    e.shop.auth.set_remote_shopping_assistance(&e.own, false).await.unwrap();
                    e.shop.auth.set_remote_shopping_assistance(&e.own, true).await.unwrap();
                })
            }),
            AssistanceEnd::ConsentWithdrawn,
        ),
        (
            "the customer signs out everywhere else",
            Flow(|e| {
                Box::pin(async move {
                    e.shop.auth.revoke_all_customer_tokens(&e.own, Keep::Presented).await.unwrap();
                })
            }),
            AssistanceEnd::Withdrawn,
        ),
        (
            "the customer has a new password",
            Flow(|e| {
                Box::pin(async move {
                    e.shop.auth.change_password(&e.own, PASSWORD, "N3w-password").await.unwrap();
                })
            }),
            AssistanceEnd::Withdrawn,
        ),
        (
            "the customer's password is reset",
            Flow(|e| {
                Box::pin(async move {
                    e.shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
                    let token = e.shop.outbox.reset_token().unwrap();
                    e.shop
                        .auth
                        .reset_password(PasswordReset::new(EMAIL, token, "N3w-password"))
                        .await
                        .unwrap();
                })
            }),
            AssistanceEnd::Withdrawn,
        ),
        (
            "the host has disabled the customer",
            Flow(|e| {
                Box::pin(async move {
                    let customer = CustomerId::from(1);
                    let changed = e.shop.auth.customer_changed(&customer, CustomerChange::Disabled);
                    changed.await.unwrap();
                })
            }),
            AssistanceEnd::Withdrawn,
        ),
        (
            "the admin user signs out",
            Flow(|e| {
                Box::pin(async move {
                    e.shop.auth.revoke_admin_token(&e.admin).await.unwrap();
                })
            }),
            AssistanceEnd::Withdrawn,
        ),
        (
            "the host has disabled the admin user",
            Flow(|e| {
                Box::pin(async move {
                    e.shop.auth.admin_changed(&AdminId::from(7), AdminChange::Disabled).await.unwrap();
                })
            }),
            AssistanceEnd::Withdrawn,
        ),
        (
            "the admin user has a new password",
            Flow(|e| {
                Box::pin(async move {
                    // The admin user signs in from another device.
                    let other = e.shop.admin_token().await;
                    let current = support::ADMIN_PASSWORD;
                    e.shop.auth.change_admin_password(&other, current, "An0ther-passw0rd").await.unwrap();
                })
            }),
            AssistanceEnd::Withdrawn,
        ),
        ("it runs out", Host(|shop| shop.advance(15 * 60)), AssistanceEnd::Expired),
        (
            "the consent is gone",
            Host(|shop| shop.set_customer(|row| row.allows_assistance = false)),
            AssistanceEnd::ConsentWithdrawn,
        ),
        (
            "the customer is disabled",
            Host(|shop| shop.set_customer(|row| row.status = AccountStatus::Disabled)),
            AssistanceEnd::Withdrawn,
        ),
        (
            "the admin user is disabled",
            Host(|shop| shop.set_admin(|row| row.status = AccountStatus::Disabled)),
            AssistanceEnd::Withdrawn,
        ),
        (
            "the permission is gone",
            Host(|shop| shop.set_admin(|row| row.permissions = vec![Permission::Login])),
            AssistanceEnd::Withdrawn,
        ),
        (
            "everything is revoked",
            Flow(|e| {
                Box::pin(async move {
                    e.shop.auth.revoke_everything().await.unwrap();
                    e.shop.auth.purge(1000).await.unwrap();
                })
            }),
            AssistanceEnd::Withdrawn,
        ),
    ];
    for (what, ending, end) in endings {
        let shop = Arc::new(shop());
        let (admin, own) = (shop.admin_token().await, own(&shop).await);
        let token = shop.assisting(&admin, 0).await.unwrap();
        let grant = *shop.auth.verify_customer(&token).await.unwrap().grant();
        assert_eq!(told_ends(&shop.outbox), [], "{what}");
        let expires_at = shop.now() + Duration::from_secs(15 * 60);
        match ending {
            Flow(ending) => {
                let ends = Ends { shop: Arc::clone(&shop), own, admin, token: token.clone(), grant };
                ending(ends).await;
            }
            Host(ending) => {
                ending(&shop);
                assert_eq!(told_ends(&shop.outbox), [], "{what}: the ledger was not read yet");
                shop.auth.purge(1000).await.unwrap();
            }
        }
        // The ledger was not read in the meantime.
        assert_eq!(told_ends(&shop.outbox), [end], "{what}");
        let ended_at = shop.now().min(expires_at);
        shop.advance(1);
        // Everything is restored except the assistance.
        shop.set_customer(|_| ());
        shop.set_admin(|_| ());
        let [entry] = &listed(&shop).await[..] else { panic!("{what}: one entry") };
        assert_eq!((entry.grant, entry.end, entry.ended_at), (grant, Some(end), Some(ended_at)), "{what}");
        let used = shop.auth.verify_customer(&token).await;
        assert!(matches!(used, Err(Error::Token(TokenError::Invalid))), "{what}: it does not revive");
        shop.auth.purge(1000).await.unwrap();
        assert_eq!(listed(&shop).await[0], *entry, "{what}");
        assert_eq!(told_ends(&shop.outbox), [], "{what}: notified once");
    }
}

#[tokio::test]
async fn the_list_is_true_although_nobody_told_the_ledger() {
    let shop = shop();
    let admin = shop.admin_token().await;
    let token = shop.assisting(&admin, 0).await.unwrap();
    let grant = *shop.auth.verify_customer(&token).await.unwrap().grant();
    // The node stopped after it revoked the token and before it closed the entry.
    shop.store.revoke(&grant, shop.now(), shop.now()).await.unwrap();
    assert_eq!(told_ends(&shop.outbox), [], "the end was not noticed yet");
    assert!(shop.auth.current_assistance(&admin).await.unwrap().is_empty());
    assert_eq!(listed(&shop).await[0].end, Some(AssistanceEnd::Withdrawn));
}

#[tokio::test]
async fn only_the_customer_sees_it_and_ends_it() {
    let shop = shop();
    let (admin, own) = (shop.admin_token().await, own(&shop).await);
    let token = shop.assisting(&admin, 0).await.unwrap();
    let grant = *shop.auth.verify_customer(&token).await.unwrap().grant();
    for stranger in [token.as_str(), admin.as_str()] {
        assert!(matches!(
            shop.auth.list_assistance(stranger).await,
            Err(Error::Token(TokenError::NotAuthorized))
        ));
        assert!(matches!(
            shop.auth.end_assistance(stranger, &grant).await,
            Err(Error::Token(TokenError::NotAuthorized))
        ));
    }
    // Another customer cannot see or end the assistance.
    let hash = shop.auth.hash_new_password("other@example.com", PASSWORD).await.unwrap();
    let other = commerce_auth::account::CustomerRecord {
        id: CustomerId::from(2),
        website: commerce_auth::Website::default(),
        email: "other@example.com".into(),
        password_hash: Some(hash),
        status: AccountStatus::Active,
        allows_assistance: true,
    };
    shop.customers.upsert(other).unwrap();
    let other = SignIn::new("other@example.com", PASSWORD);
    let other = shop.auth.generate_customer_token(other).await.unwrap().token().clone();
    assert!(shop.auth.list_assistance(&other).await.unwrap().is_empty());
    assert!(!shop.auth.end_assistance(&other, &grant).await.unwrap());
    // A grant of another kind cannot be ended this way.
    let own_grant = *shop.auth.verify_customer(&own).await.unwrap().grant();
    assert!(!shop.auth.end_assistance(&own, &own_grant).await.unwrap());
    shop.auth.verify_customer(&token).await.unwrap();
    shop.auth.verify_customer(&own).await.unwrap();
    assert!(shop.auth.end_assistance(&own, &grant).await.unwrap());
    assert!(!shop.auth.end_assistance(&own, &grant).await.unwrap());
    let trail = shop.trail().await;
    let ended: Vec<_> = trail.iter().filter(|event| event.action == Action::AssistanceEnd).collect();
    let [refused, ended] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!(refused.outcome, Outcome::Refused(Refusal::Assisting));
    assert_eq!((ended.outcome, ended.grant), (Outcome::Succeeded, Some(grant)));
    assert_eq!(ended.actor, Some(AdminId::from(7)));
}

#[tokio::test]
async fn who_assists_whom_is_seen_by_those_who_may() {
    let shop = shop();
    let admin = shop.admin_token().await;
    shop.assisting(&admin, 0).await.unwrap();
    shop.set_admin(|row| row.permissions.retain(|permission| *permission != Permission::AssistanceLog));
    assert!(matches!(
        shop.auth.current_assistance(&admin).await,
        Err(Error::Token(TokenError::NotAuthorized))
    ));
    let last = shop.trail().await.pop().unwrap();
    assert_eq!(last.action, Action::AssistanceList);
    assert_eq!(last.outcome, Outcome::Refused(Refusal::NoPermission));
    assert_eq!(last.subject, Some(Subject::Admin(AdminId::from(7))));
    let own = own(&shop).await;
    assert!(matches!(shop.auth.current_assistance(&own).await, Err(Error::Token(TokenError::NotAuthorized))));
    shop.set_admin(|_| ());
    assert_eq!(shop.auth.current_assistance(&admin).await.unwrap().len(), 1);
}

/// A shop whose commits of assistance fail while the store is marked as down.
fn whose_ledger_can_fail() -> (Shop<Hooked>, Arc<AtomicBool>) {
    let down = Arc::new(AtomicBool::new(false));
    let store = Hooked::new({
        let down = Arc::clone(&down);
        move |verb| match verb {
            "commit assistance" if down.load(Ordering::SeqCst) => Err(StoreError::new("down")),
            _ => Ok(()),
        }
    });
    let shop = Shop::open(store, fast(), |builder| builder);
    (shop, down)
}

#[tokio::test]
async fn nobody_assists_without_an_entry() {
    let (shop, down) = whose_ledger_can_fail();
    let admin = shop.admin_token().await;
    down.store(true, Ordering::SeqCst);
    for road in 0..3 {
        let error = shop.assisting(&admin, road).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    let subject = Subject::Customer(CustomerId::from(1));
    assert!(shop.store.grants(&subject, 100, shop.now()).await.unwrap().is_empty());
    assert!(shop.outbox.take().is_empty(), "there is no notice of assistance that did not begin");
    down.store(false, Ordering::SeqCst);
    shop.assisting(&admin, 0).await.unwrap();
}

#[tokio::test]
async fn what_was_never_issued_is_not_shown() {
    let down = Arc::new(AtomicBool::new(false));
    let store = Hooked::new({
        let down = Arc::clone(&down);
        move |verb| match verb {
            "insert" if down.load(Ordering::SeqCst) => Err(StoreError::new("down")),
            _ => Ok(()),
        }
    });
    let shop = Shop::open(store, fast(), |builder| builder);
    let (admin, own) = (shop.admin_token().await, own(&shop).await);
    down.store(true, Ordering::SeqCst);
    shop.assisting(&admin, 0).await.unwrap_err();
    down.store(false, Ordering::SeqCst);
    assert!(shop.auth.list_assistance(&own).await.unwrap().is_empty());
    assert!(shop.auth.current_assistance(&admin).await.unwrap().is_empty());
    assert!(shop.outbox.take().is_empty());
}

/// Between the write of its entry and the insertion of its token, an assistance appears to have
/// ended. Then it must really end.
#[tokio::test]
async fn what_was_told_to_have_ended_does_not_begin() {
    type Look = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;
    let (look, armed) = (Look::default(), Arc::new(AtomicBool::new(false)));
    let store = Hooked::new({
        let (look, armed) = (Arc::clone(&look), Arc::clone(&armed));
        move |verb| {
            if let ("insert", Some(look)) = (verb, look.get())
                && armed.swap(false, Ordering::SeqCst)
            {
                look();
            }
            Ok(())
        }
    });
    let shop = Shop::open(store, fast(), |builder| builder);
    let (admin, own) = (shop.admin_token().await, own(&shop).await);
    let (auth, customers) = (shop.auth.clone(), own.clone());
    let looks = move || {
        let listed = pollster::block_on(auth.list_assistance(&customers)).unwrap();
        assert_eq!(listed[0].end, Some(AssistanceEnd::Withdrawn));
    };
    assert!(look.set(Box::new(looks)).is_ok());
    for road in 0..3 {
        armed.store(true, Ordering::SeqCst);
        let token = shop.assisting(&admin, road).await.unwrap();
        assert!(
            matches!(shop.auth.verify_customer(&token).await, Err(Error::Token(TokenError::Invalid))),
            "{road}"
        );
        assert!(shop.auth.current_assistance(&admin).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_ledger_that_is_down_keeps_nothing_alive() {
    let down = Arc::new(AtomicBool::new(false));
    let store = Hooked::new({
        let down = Arc::clone(&down);
        move |verb| match verb {
            "load assistance" | "commit assistance" | "list assistance" | "list open-assistance"
                if down.load(Ordering::SeqCst) =>
            {
                Err(StoreError::new("down"))
            }
            _ => Ok(()),
        }
    });
    let shop = Shop::open(store, fast(), |builder| builder);
    let (admin, own) = (shop.admin_token().await, own(&shop).await);
    let token = shop.assisting(&admin, 0).await.unwrap();
    down.store(true, Ordering::SeqCst);
    assert_eq!(shop.auth.list_assistance(&own).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(shop.auth.current_assistance(&admin).await.unwrap_err().kind(), ErrorKind::Unavailable);
    let withdrawn = shop.auth.set_remote_shopping_assistance(&own, false).await;
    assert_eq!(withdrawn.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(matches!(shop.auth.verify_customer(&token).await, Err(Error::Token(TokenError::Invalid))));
    let given = shop.auth.set_remote_shopping_assistance(&own, true).await;
    assert_eq!(given.unwrap_err().kind(), ErrorKind::Unavailable, "the ended assistance would revive");
    assert!(matches!(shop.auth.verify_customer(&token).await, Err(Error::Token(TokenError::Invalid))));
    down.store(false, Ordering::SeqCst);
    shop.outbox.take();
    shop.auth.set_remote_shopping_assistance(&own, true).await.unwrap();
    assert_eq!(told_ends(&shop.outbox), [AssistanceEnd::ConsentWithdrawn], "the notice is late, but is sent");
    assert!(
        matches!(shop.auth.verify_customer(&token).await, Err(Error::Token(TokenError::Invalid))),
        "it does not revive"
    );
}

#[tokio::test]
async fn the_history_is_kept_for_as_long_as_configured() {
    let shop = shop();
    let admin = shop.admin_token().await;
    shop.assisting(&admin, 0).await.unwrap();
    shop.advance(15 * 60);
    shop.auth.purge(1000).await.unwrap();
    let history = AuthConfig::commerce().assistance.history.as_secs();
    // The device documents of the sign-ins end earlier.
    shop.advance(history);
    shop.auth.purge(1000).await.unwrap();
    // A document is swept one hour after its end.
    shop.advance(60 * 60 - 1);
    assert_eq!(shop.auth.purge(1000).await.unwrap().documents, 0);
    assert_eq!(listed(&shop).await.len(), 1);
    shop.auth.purge(1000).await.unwrap();
    shop.advance(1);
    shop.auth.purge(1000).await.unwrap();
    assert!(listed(&shop).await.is_empty());
}

#[tokio::test]
async fn commerces_sign_out_ends_assistance_too() {
    let mut config = fast();
    config.revoke = RevokeScope::All;
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    let (admin, own) = (shop.admin_token().await, own(&shop).await);
    shop.assisting(&admin, 0).await.unwrap();
    shop.auth.revoke_customer_token(&own).await.unwrap();
    assert_eq!(told_ends(&shop.outbox), [AssistanceEnd::Withdrawn]);
}

#[tokio::test]
async fn a_forgotten_customer_leaves_no_trace() {
    let shop = shop();
    let (admin, own) = (shop.admin_token().await, own(&shop).await);
    let token = shop.assisting(&admin, 1).await.unwrap();
    shop.auth.erase_customer(&CustomerId::from(1)).await.unwrap();
    for ended in [own.expose(), &token] {
        assert!(matches!(shop.auth.verify_customer(ended).await, Err(Error::Token(TokenError::Invalid))));
    }
    let trail = shop.trail().await;
    assert_eq!(trail.last().unwrap().action, Action::Erasure);
    assert!(listed(&shop).await.is_empty());
    for event in &trail {
        assert_ne!(event.subject, Some(Subject::Customer(CustomerId::from(1))), "{event:?}");
        assert_eq!(event.reason, None, "{event:?}");
    }
    assert!(trail.iter().any(|event| event.actor == Some(AdminId::from(7))), "the admin user's action stays");
}

/// An entry that cannot be closed is not erased, and the caller learns that something is left.
#[tokio::test]
async fn a_customer_is_not_forgotten_while_an_assistance_is_open() {
    let (shop, down) = whose_ledger_can_fail();
    let admin = shop.admin_token().await;
    let token = shop.assisting(&admin, 0).await.unwrap();
    down.store(true, Ordering::SeqCst);
    let error = shop.auth.erase_customer(&CustomerId::from(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(matches!(shop.auth.verify_customer(&token).await, Err(Error::Token(TokenError::Invalid))));
    down.store(false, Ordering::SeqCst);
    shop.auth.erase_customer(&CustomerId::from(1)).await.unwrap();
    let own = own(&shop).await;
    assert!(shop.auth.list_assistance(&own).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_trail_that_cannot_forget_says_so() {
    let sink = Breakable::default();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(sink.clone()));
    let own = own(&shop).await;
    sink.keep(0);
    let error = shop.auth.erase_customer(&CustomerId::from(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    // The other parts of the erasure are done.
    assert!(matches!(shop.auth.verify_customer(&own).await, Err(Error::Token(TokenError::Invalid))));
}

/// More assistances are open than one list holds. Each is closed in the end, and its customer is
/// notified once.
#[tokio::test]
async fn more_open_assistances_than_a_page_are_all_settled() {
    const PAGE: usize = 1000;
    let mut config = fast();
    config.tokens_per_subject = 10_000.try_into().unwrap();
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    let begin = async |count: usize| {
        let admin = shop.admin_token().await;
        for _ in 0..count {
            shop.assisting(&admin, 0).await.unwrap();
        }
        shop.outbox.take();
        admin
    };
    // The customer withdraws consent: all of them end at once, so that a later consent revives
    // none.
    let token = {
        let admin = shop.admin_token().await;
        shop.assisting(&admin, 0).await.unwrap()
    };
    begin(PAGE + 5).await;
    let own = own(&shop).await;
    shop.auth.set_remote_shopping_assistance(&own, false).await.unwrap();
    assert_eq!(told_ends(&shop.outbox), vec![AssistanceEnd::ConsentWithdrawn; PAGE + 6]);
    shop.auth.set_remote_shopping_assistance(&own, true).await.unwrap();
    assert!(
        matches!(shop.auth.verify_customer(&token).await, Err(Error::Token(TokenError::Invalid))),
        "the oldest"
    );
    shop.auth.erase_customer(&CustomerId::from(1)).await.unwrap();

    // The admin user signs out: the oldest are closed at once, and the rest by the host's timer.
    // All of them are refused.
    let admin = begin(PAGE + 5).await;
    let newest = shop.assisting(&admin, 0).await.unwrap();
    shop.outbox.take();
    shop.auth.revoke_admin_token(&admin).await.unwrap();
    assert_eq!(told_ends(&shop.outbox), vec![AssistanceEnd::Withdrawn; PAGE]);
    assert!(matches!(shop.auth.verify_customer(&newest).await, Err(Error::Token(TokenError::Invalid))));
    let purge = async || {
        shop.auth.purge(4).await.unwrap();
        told_ends(&shop.outbox).len()
    };
    assert_eq!((purge().await, purge().await, purge().await), (4, 2, 0));
    let admin = shop.admin_token().await;
    assert!(shop.auth.current_assistance(&admin).await.unwrap().is_empty());
}

/// A ledger document is at most 64 KiB: the longest texts fit.
#[tokio::test]
async fn the_longest_texts_fit_into_an_entry() {
    let mut config = fast();
    // JSON writes each of these characters as two.
    config.assistance.default_reason = Some("\"".repeat(1024));
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    let admin = shop.admin_token().await;
    let long = "\"\\é".repeat(1 << 16);
    let origin = Origin::from(std::net::IpAddr::from([0xffff; 8])).user_agent(&long).correlation_id(&long);
    for reason in ["", &long] {
        let bearer = Bearer::from(&admin).origin(&origin);
        shop.auth.generate_customer_token_as_admin(bearer, EMAIL, reason).await.unwrap();
        let entry = listed(&shop).await.remove(0);
        assert_eq!(entry.origin, origin);
        assert_eq!(entry.assistance.reason.len(), 1024);
        shop.advance(1);
    }
}

/// An ended token of an admin user, a token of an assistance, and an unknown token: each costs one
/// look-up.
#[tokio::test]
async fn an_unknown_token_costs_one_call() {
    let calls = Arc::new(AtomicUsize::new(0));
    let store = Hooked::new({
        let calls = Arc::clone(&calls);
        move |_| {
            calls.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let shop = Shop::open(store, fast(), |builder| builder);
    let (admin, own) = (shop.admin_token().await, own(&shop).await);
    let assisting = shop.assisting(&admin, 0).await.unwrap();
    let (expired, other) = (shop.admin_token().await, shop.assisting(&admin, 1).await.unwrap());
    shop.auth.revoke_customer_token(&assisting).await.unwrap();
    shop.auth.revoke_admin_token(&admin).await.unwrap();
    shop.advance(4 * 60 * 60);
    // A string that another shop has issued with the same public key.
    let foreign = Shop::open(MemoryStore::new(), fast(), |builder| builder).admin_token().await;
    for unknown in [&assisting, &other, &admin, &expired, own.expose(), &foreign] {
        calls.store(0, Ordering::SeqCst);
        assert!(matches!(shop.auth.verify(unknown).await, Err(Error::Token(TokenError::Invalid))));
        assert!(matches!(shop.auth.verify_customer(unknown).await, Err(Error::Token(TokenError::Invalid))));
        assert!(matches!(shop.auth.verify_admin(unknown).await, Err(Error::Token(TokenError::Invalid))));
        assert_eq!(calls.load(Ordering::SeqCst), 3);
    }
}
