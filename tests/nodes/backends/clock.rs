//! A clock that was ahead and is set right. For example, a small machine may start with the wrong
//! year.

use std::time::Duration;

use commerce_auth::{
    AdminSignIn, Error, SignIn,
    error::{SecondFactorError, SignInError},
};
use time::OffsetDateTime;

use crate::backends::{
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

/// Returns the customer's answer at a node.
async fn answer(shop: &Shop, node: usize, password: &str) -> &'static str {
    match shop.sign_in(node, password).await {
        Ok(_) => "signed in",
        Err(Error::SignIn(SignInError::Refused)) => "refused",
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
    // Still locked for half an hour, however often a caller tries.
    for (seconds, expected) in [(0, "refused"), (60, "refused"), (1739, "refused"), (1, "signed in")] {
        shop.advance(seconds);
        assert_eq!(
            answer(&shop, 0, PASSWORD).await,
            expected,
            "{} s later",
            (now(&shop) - right).whole_seconds()
        );
    }
    // Five failures by a clock that was ahead are not forgotten within their window.
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
    shop.advance(300);
    let right = now(&shop);
    let used = authenticator.code_at(right);
    sign_in(&shop, 0, &used).await?;
    shop.clock.set(right + DAY);
    sign_in(&shop, 0, &authenticator.code_at(now(&shop))).await?;
    shop.clock.set(right + Duration::from_secs(90));
    // A code that was used before is invalid now, and so is a recovery code.
    assert_is_refused(&shop, &used).await;
    sign_in(&shop, 1, &recovery[0]).await?;
    // Right codes are valid at once, each once. Older ones are not.
    for node in 0..2 {
        let code = authenticator.code_at(now(&shop));
        sign_in(&shop, node, &code).await?;
        assert_is_refused(&shop, &code).await;
        assert_is_refused(&shop, &authenticator.code_at(now(&shop) - Duration::from_secs(30))).await;
        shop.advance(30);
    }
    Ok(())
}

pub(crate) async fn a_node_that_is_behind_makes_no_code_good_again(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let (authenticator, recovery) = enrol(&shop).await?;
    shop.advance(300);
    let right = now(&shop);
    let used = authenticator.code_at(right);
    sign_in(&shop, 0, &used).await?;
    // Codes typed at this time are refused, or are not the right code of a step.
    shop.clock.set(right - Duration::from_secs(90));
    assert_is_refused(&shop, &used).await;
    sign_in(&shop, 1, &recovery[0]).await?;
    let wrong_password = AdminSignIn::new(ADMIN, WRONG).otp(authenticator.code_at(now(&shop)));
    assert!(shop.node(1).generate_admin_token(wrong_password).await.is_err());
    shop.clock.set(right);
    assert_is_refused(&shop, &used).await;
    Ok(())
}

/// Asserts that a code is refused at both nodes.
async fn assert_is_refused(shop: &Shop, code: &str) {
    for node in 0..2 {
        let refused = sign_in(shop, node, code).await;
        assert!(
            matches!(refused, Err(Error::SecondFactor(SecondFactorError::InvalidCode))),
            "at node {node}: {refused:?}"
        );
    }
}

/// The clocks of nodes are 30 s apart, either way: no right code is refused, and none is valid
/// twice.
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
    // The newest code that the node ahead accepts is two steps ahead of the other node's present
    // step.
    let newest = authenticator.code_at(ahead + Duration::from_secs(30));
    sign_in(&shop, 0, &newest).await?;
    shop.clock.set(behind);
    assert_eq!(shop.lives(&own).await, [true, true]);
    for seconds in [0, 30, 30, 30] {
        shop.advance(seconds);
        let again = sign_in(&shop, 1, &newest).await;
        assert!(
            matches!(again, Err(Error::SecondFactor(SecondFactorError::InvalidCode))),
            "{seconds} s later: {again:?}"
        );
    }
    let by_password = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
    assert!(shop.node(1).generate_admin_token(by_password).await.is_err());
    sign_in(&shop, 1, &authenticator.code_at(now(&shop))).await?;
    // A lock by the node ahead lasts half an hour by the clock of each node.
    shop.advance(300);
    let behind = now(&shop);
    for number in 0..6 {
        shop.clock.set(behind + Duration::from_secs(30 * (number % 2)));
        assert_eq!(answer(&shop, 0, WRONG).await, "refused");
    }
    for seconds in [0, 30, 60, 1700, 1829] {
        shop.clock.set(behind + Duration::from_secs(seconds));
        let refused = shop.node(1).generate_customer_token(SignIn::new(EMAIL, PASSWORD)).await;
        assert!(matches!(refused, Err(Error::SignIn(SignInError::Refused))), "{seconds} s: {refused:?}");
    }
    shop.clock.set(behind + Duration::from_secs(1860));
    assert_eq!(answer(&shop, 1, PASSWORD).await, "signed in");
    Ok(())
}
