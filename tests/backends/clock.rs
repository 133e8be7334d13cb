//! A clock that was ahead and is set right, as a small machine's may be that starts in another year.

use std::time::Duration;

use commerce_auth::{AdminSignIn, AssistanceEnd, Error, Origin, PasswordReset, PasswordResetRequest, SignIn};
use time::OffsetDateTime;

use crate::{
    Result,
    engine::Engine,
    factors::{enrol, sign_in},
    shop::{ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG},
};

const YEARS: Duration = Duration::from_secs(2 * 365 * 24 * 60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn now(shop: &Shop) -> OffsetDateTime {
    commerce_auth::clock::Clock::now(&*shop.clock)
}

/// What the customer is told at a node.
async fn answer(shop: &Shop, node: usize, password: &str) -> &'static str {
    match shop.sign_in(node, password).await {
        Ok(_) => "signed in",
        Err(Error::SignInRefused) => "refused",
        Err(error) => panic!("{error:?}"),
    }
}

pub(crate) async fn a_lock_lasts_its_length_once_the_clock_is_right(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let right = now(&shop);
    shop.advance(YEARS.as_secs());
    for node in 0..6 {
        assert_eq!(answer(&shop, node, WRONG).await, "refused");
    }
    shop.clock.set(right);
    // Locked still, for its half an hour, however often it is asked.
    for (seconds, expected) in [(0, "refused"), (60, "refused"), (1739, "refused"), (1, "signed in")] {
        shop.advance(seconds);
        assert_eq!(
            answer(&shop, 0, PASSWORD).await,
            expected,
            "{} s later",
            (now(&shop) - right).whole_seconds()
        );
    }
    // Five failures of a clock that was ahead are not forgotten, within their window.
    shop.advance(YEARS.as_secs());
    for node in 0..5 {
        assert_eq!(answer(&shop, node, WRONG).await, "refused");
    }
    shop.clock.set(right + YEARS / 2);
    assert_eq!(answer(&shop, 1, WRONG).await, "refused");
    assert_eq!(answer(&shop, 0, PASSWORD).await, "refused", "the sixth failure locks");
    shop.advance(30 * 60);
    assert_eq!(answer(&shop, 1, PASSWORD).await, "signed in");
    Ok(())
}

pub(crate) async fn codes_are_right_again_once_the_clock_is(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let (authenticator, recovery) = enrol(&shop).await?;
    shop.advance(30);
    let right = now(&shop);
    let used = authenticator.code_at(right);
    sign_in(&shop, 0, &used).await?;
    shop.clock.set(right + DAY);
    sign_in(&shop, 0, &authenticator.code_at(now(&shop))).await?;
    shop.clock.set(right);
    // What was used before the clock went ahead is not good again for that, at any node and at any time of its window.
    for seconds in [0, 1, 29] {
        shop.advance(seconds);
        for node in 0..2 {
            let again = sign_in(&shop, node, &used).await;
            assert!(matches!(again, Err(Error::InvalidCode)), "{again:?}");
        }
    }
    // Nor are those that a right clock 30 s ahead may have used. Then right codes are good, each once.
    let mut waited = 0;
    let code = loop {
        let code = authenticator.code_at(now(&shop));
        if sign_in(&shop, 1, &code).await.is_ok() {
            break code;
        }
        assert!(waited < 120, "right codes are refused after {waited} s");
        shop.advance(10);
        waited += 10;
    };
    let again = sign_in(&shop, 0, &code).await;
    assert!(matches!(again, Err(Error::InvalidCode)), "{again:?}");
    sign_in(&shop, 0, &recovery[0]).await?;
    Ok(())
}

pub(crate) async fn what_is_issued_from_ahead_is_refused(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let right = now(&shop);
    let before = shop.sign_in(0, PASSWORD).await?;
    shop.advance(YEARS.as_secs());
    let own = shop.sign_in(0, PASSWORD).await?;
    let admin = shop.admin_token(0).await?;
    let assisting = shop.assisting(0, &admin).await?;
    let codes = [shop.code(0, &admin).await?, shop.code(0, &admin).await?];
    let enrolment = shop.node(0).begin_admin_enrolment(admin.as_str()).await?;
    shop.outbox.take();
    shop.node(0).request_password_reset(PasswordResetRequest::new(EMAIL)).await?;
    let reset = shop.outbox.reset_token().ok_or("a reset token is mailed")?;
    shop.clock.set(right);
    for token in [&own, &assisting] {
        assert_eq!(shop.lives(token).await, [false, false], "a token lives for two years and an hour");
    }
    for (node, code) in codes.iter().enumerate() {
        let verified = shop.node(node).verify_admin(admin.as_str()).await;
        assert!(matches!(verified, Err(Error::InvalidToken)), "{verified:?}");
        assert_eq!(answer(&shop, node, code).await, "refused", "a code lives for two years");
        let setup = shop.node(node).set_up_admin_factor(enrolment.token().expose(), &Origin::default()).await;
        assert!(matches!(setup, Err(Error::InvalidEnrolmentToken)), "{setup:?}");
        let redeemed = PasswordReset::new(EMAIL, reset.as_str(), "N3w-password");
        let redeemed = shop.node(node).reset_password(redeemed).await;
        assert!(matches!(redeemed, Err(Error::ResetTokenMismatched)), "{redeemed:?}");
    }
    assert_eq!(answer(&shop, 0, &reset).await, "refused", "a reset token lives for two years");
    // Whatever is issued from then on is good, and the ledger says that the assistance is over.
    assert_eq!(shop.lives(&before).await, [true, true]);
    let own = shop.sign_in(1, PASSWORD).await?;
    assert_eq!(shop.lives(&own).await, [true, true]);
    let entries = shop.node(1).list_assistance(own.as_str()).await?;
    assert_eq!(entries.first().and_then(|entry| entry.end), Some(AssistanceEnd::Withdrawn));
    let admin = shop.admin_token(1).await?;
    assert!(shop.node(0).current_assistance(admin.as_str()).await?.is_empty());
    let code = shop.code(0, &admin).await?;
    assert_eq!(answer(&shop, 1, &code).await, "signed in");
    Ok(())
}

/// Clocks of nodes that are 30 s apart, either way: nothing is refused, and nothing is good twice.
pub(crate) async fn clocks_a_little_apart_refuse_nothing(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let (authenticator, _) = enrol(&shop).await?;
    shop.advance(300);
    let behind = now(&shop);
    let ahead = behind + Duration::from_secs(30);
    shop.clock.set(ahead);
    let own = shop.sign_in(0, PASSWORD).await?;
    let admin = shop.admin_token(0).await;
    assert!(admin.is_err(), "there is a second factor");
    // The newest code that the node ahead accepts is of a step two ahead of the other's present one.
    let newest = authenticator.code_at(ahead + Duration::from_secs(30));
    sign_in(&shop, 0, &newest).await?;
    shop.clock.set(behind);
    assert_eq!(shop.lives(&own).await, [true, true]);
    for seconds in [0, 30, 30, 30] {
        shop.advance(seconds);
        let again = sign_in(&shop, 1, &newest).await;
        assert!(matches!(again, Err(Error::InvalidCode)), "{seconds} s later: {again:?}");
    }
    let by_password = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
    assert!(shop.node(1).generate_admin_token(by_password).await.is_err());
    sign_in(&shop, 1, &authenticator.code_at(now(&shop))).await?;
    // A lock by the node ahead lasts its half an hour by the clock of each.
    shop.advance(300);
    let behind = now(&shop);
    for number in 0..6 {
        shop.clock.set(behind + Duration::from_secs(30 * (number % 2)));
        assert_eq!(answer(&shop, 0, WRONG).await, "refused");
    }
    for seconds in [0, 30, 60, 1700, 1829] {
        shop.clock.set(behind + Duration::from_secs(seconds));
        let refused = shop.node(1).generate_customer_token(SignIn::new(EMAIL, PASSWORD)).await;
        assert!(matches!(refused, Err(Error::SignInRefused)), "{seconds} s: {refused:?}");
    }
    shop.clock.set(behind + Duration::from_secs(1860));
    assert_eq!(answer(&shop, 1, PASSWORD).await, "signed in");
    Ok(())
}
