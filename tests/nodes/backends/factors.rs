//! The second factor of an admin user and the ledger of assistance, over two nodes.

use std::sync::Arc;

use commerce_auth::{
    AdminId, AdminSignIn, Auth, Error, Origin,
    credential::TotpSecret,
    error::{SecondFactorError, TokenError},
    flow::KeyringCheckError,
    keyring::{KeyId, Keyring},
    notifier::Notice,
    token::AssistanceEnd,
};
use futures_util::FutureExt;
use support::authenticator::Authenticator;

use crate::backends::{
    Result,
    database::keyring,
    engine::Engine,
    shop::{ADMIN, ADMIN_PASSWORD, PASSWORD, Shop, at_once},
};

const NEITHER: [bool; 2] = [false, false];

/// Enrols admin user 7: begins at one node and activates at the other.
pub(crate) async fn enrol(shop: &Shop) -> Result<(Authenticator, Vec<String>)> {
    let admin = shop.admin_token(0).await?;
    let begun = shop.node(0).begin_admin_enrolment(admin.as_str()).await?;
    let (token, origin) = (begun.token().expose().to_owned(), Origin::default());
    let setup = shop.node(1).set_up_admin_factor(token.as_str(), &origin).await?;
    let authenticator = Authenticator::new(setup.secret().to_base32().expose());
    let code = authenticator.unused_code(now(shop)).ok_or("a code is left")?;
    let codes = shop.node(1).activate_admin_factor(token.as_str(), code, &origin).await?;
    Ok((authenticator, codes.iter().map(|code| code.expose().to_owned()).collect()))
}

fn now(shop: &Shop) -> time::OffsetDateTime {
    commerce_auth::clock::Clock::now(&*shop.clock)
}

pub(crate) async fn sign_in(shop: &Shop, node: usize, code: &str) -> std::result::Result<String, Error> {
    let sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).otp(code);
    Ok(shop.node(node).generate_admin_token(sign_in).await?.token().expose().to_owned())
}

/// Tries one code a hundred times at once, over both nodes. Returns the number of sign-ins.
async fn signed_in(shop: &Arc<Shop>, code: &str) -> usize {
    let answers = at_once(100, |caller| {
        let (shop, code) = (Arc::clone(shop), code.to_owned());
        async move { sign_in(&shop, caller, &code).await }.boxed()
    })
    .await;
    let mut signed_in = 0;
    for answer in answers {
        match answer {
            Ok(_) => signed_in += 1,
            Err(Error::SecondFactor(SecondFactorError::InvalidCode)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    signed_in
}

pub(crate) async fn a_code_is_accepted_once(engine: &Engine) -> Result {
    let shop = Arc::new(Shop::open(engine).await?);
    let (authenticator, recovery) = enrol(&shop).await?;
    for _ in 0..2 {
        shop.advance(30);
        assert_eq!(signed_in(&shop, &authenticator.code_at(now(&shop))).await, 1, "one code");
        // The refused attempts have used up all or most of the wide budget.
        shop.node(0).unlock_admin(ADMIN).await?;
    }
    assert_eq!(signed_in(&shop, &recovery[4]).await, 1, "one recovery code");
    Ok(())
}

pub(crate) async fn a_factor_is_one_at_all_nodes(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let (authenticator, recovery) = enrol(&shop).await?;
    let by_password = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
    let refused = shop.node(0).generate_admin_token(by_password).await;
    assert!(matches!(refused, Err(Error::SecondFactor(SecondFactorError::Required))), "{refused:?}");
    shop.advance(30);
    let code = authenticator.unused_code(now(&shop)).ok_or("a code is left")?;
    let admin = sign_in(&shop, 0, &code).await?;
    assert!(
        matches!(sign_in(&shop, 1, &code).await, Err(Error::SecondFactor(SecondFactorError::InvalidCode))),
        "a code used at one node is used at the other"
    );
    let new = shop.node(1).replace_recovery_codes(admin.as_str()).await?;
    assert!(
        matches!(
            sign_in(&shop, 0, &recovery[0]).await,
            Err(Error::SecondFactor(SecondFactorError::InvalidCode))
        ),
        "a token replaced at one node has ended at the other"
    );
    sign_in(&shop, 0, new[0].expose()).await?;
    let factor = shop.node(1).admin_factor(admin.as_str()).await?.ok_or("there is a factor")?;
    assert_eq!(factor.recovery_codes_left, 9);
    shop.advance(30);
    let code = authenticator.unused_code(now(&shop)).ok_or("a code is left")?;
    let fresh = shop.node(1).step_up(admin.as_str(), code).await?;
    for node in 0..2 {
        let before = shop.node(node).verify_admin(admin.as_str()).await;
        assert!(
            matches!(before, Err(Error::Token(TokenError::Invalid))),
            "the token before has ended at both"
        );
        shop.node(node).verify_admin(fresh.token()).await?;
    }
    assert!(shop.node(0).remove_admin_factor(&AdminId::from(7)).await?);
    assert!(matches!(shop.node(1).verify_admin(fresh.token()).await, Err(Error::Token(TokenError::Invalid))));
    assert!(matches!(
        sign_in(&shop, 1, new[1].expose()).await,
        Err(Error::SecondFactor(SecondFactorError::NotEnrolled))
    ));
    shop.node(1).import_admin_factor(&AdminId::from(7), &TotpSecret::from_base32(&"A".repeat(32))?).await?;
    assert!(matches!(
        shop.node(0).generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await,
        Err(Error::SecondFactor(SecondFactorError::Required))
    ));
    Ok(())
}

pub(crate) async fn a_keyring_is_compared_with_what_is_sealed(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let check = async |keyring: Option<Keyring>| {
        let database = &shop.databases[0];
        let mut builder = Auth::builder(Arc::clone(&database.store))
            .customers(Arc::clone(&database.customers))
            .without_notifier();
        if let Some(keyring) = keyring {
            builder = builder.keyring(keyring);
        }
        // The trail of the shop is signed with the right key in any case.
        let auth = builder.audit(Arc::clone(&database.audit)).build().expect("it can be built");
        auth.check_keyring().await
    };
    let ring = |id: u32, material: u8| Keyring::new(KeyId(id), [material; 32]).expect("enough bytes");
    // A shop without a second factor accepts any key.
    for keyring in [None, Some(keyring()), Some(ring(1, 9))] {
        assert_eq!(check(keyring).await?.unopened, []);
    }
    enrol(&shop).await?;
    assert!(check(Some(keyring())).await?.unopened.is_empty());
    // Another key with the same id, a key with another id, and no key.
    for other in [Some(ring(1, 9)), Some(ring(2, 9)), Some(ring(0, 9)), Some(ring(u32::MAX, 9)), None] {
        let refused = check(other).await.expect_err("the key opens no secret");
        let KeyringCheckError::Factors(admins) = &refused else { panic!("{refused:?}") };
        assert_eq!(admins, &[AdminId::from(7)]);
        assert!(refused.to_string().contains("remove_admin_factor"), "the way out: {refused}");
    }
    // The rotation: the key that sealed the secret is still accepted, then the secret is sealed
    // anew, then the old key is retired.
    let rotated = keyring();
    rotated.accept(KeyId(2), [9; 32])?;
    rotated.make_current(KeyId(2))?;
    assert_eq!(check(Some(rotated.clone())).await?.unopened, []);
    Ok(())
}

pub(crate) async fn the_ledger_is_one(engine: &Engine) -> Result {
    let shop = Arc::new(Shop::open(engine).await?);
    let own = shop.sign_in(0, PASSWORD).await?;
    let admin = shop.admin_token(0).await?;
    let token = shop.assisting(1, &admin).await?;
    shop.outbox.take();
    for node in 0..2 {
        let [entry] = &shop.node(node).list_assistance(own.as_str()).await?[..] else {
            return Err("one assistance".into());
        };
        assert_eq!((entry.ended_at, &entry.assistance.actor), (None, &AdminId::from(7)));
        let current = shop.node(node).current_assistance(admin.as_str()).await?;
        assert_eq!(current, std::slice::from_ref(entry));
    }
    // The assistance has expired, and several callers read the ledger at once. The customer is
    // notified once.
    shop.advance(15 * 60);
    let listed = at_once(20, |caller| {
        let (shop, own) = (Arc::clone(&shop), own.clone());
        async move { shop.node(caller).list_assistance(own.as_str()).await }.boxed()
    })
    .await;
    for entries in listed {
        assert_eq!(entries?[0].end, Some(AssistanceEnd::Expired));
    }
    let told = shop.outbox.take();
    let ended =
        |told: &&commerce_auth::notifier::Notification| matches!(told.notice, Notice::AssistanceEnded { .. });
    assert_eq!(told.iter().filter(ended).count(), 1, "{told:?}");
    assert_eq!(shop.lives(&token).await, NEITHER);

    let token = shop.assisting(0, &admin).await?;
    let grant = shop.node(1).list_assistance(own.as_str()).await?[0].grant;
    assert!(shop.node(1).end_assistance(own.as_str(), &grant).await?);
    assert!(!shop.node(0).end_assistance(own.as_str(), &grant).await?);
    assert_eq!(shop.lives(&token).await, NEITHER, "a token ended at one node is refused at the other");
    assert!(shop.node(0).current_assistance(admin.as_str()).await?.is_empty());

    shop.node(0).erase_customer(&commerce_auth::CustomerId::from(1)).await?;
    let again = shop.sign_in(1, PASSWORD).await?;
    assert!(shop.node(1).list_assistance(again.as_str()).await?.is_empty());
    Ok(())
}
