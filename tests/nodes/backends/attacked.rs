//! The effect that one source can have on the store of every backend.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use commerce_auth::{
    Error, SignIn,
    error::SignInError,
    flow::{CustomerChange, PasswordReset},
};
use futures_util::FutureExt;
use support::size;

use crate::backends::{
    Result,
    engine::Engine,
    shop::{EMAIL, PASSWORD, Shop, WRONG, at_once},
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const CALLERS: usize = 16;

/// Sends this many calls from these sources, each at another invented address, several at once at
/// both nodes. Every second call is a sign-in, the others are resets. Returns the number of
/// documents that they leave.
async fn flood(engine: &Engine, calls: u32, source: fn(u32) -> IpAddr) -> Result<usize> {
    let shop = Arc::new(Shop::open(engine).await?);
    let next = Arc::new(AtomicU32::new(0));
    at_once(CALLERS, |caller| {
        let (shop, next) = (Arc::clone(&shop), Arc::clone(&next));
        async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= calls {
                    return;
                }
                let (email, source) = (format!("{number}@example.com"), source(number));
                let node = shop.node(caller);
                let answer = if number.is_multiple_of(2) {
                    node.generate_customer_token(SignIn::new(email, WRONG).origin(source)).await.map(drop)
                } else {
                    let reset = PasswordReset::new(email, TOKEN, "An0ther-password");
                    node.reset_password(reset.origin(source)).await
                };
                assert!(matches!(answer, Err(Error::SignIn(_))), "{answer:?}");
            }
        }
        .boxed()
    })
    .await;
    // Other callers are not affected.
    shop.sign_in(0, PASSWORD).await?;
    shop.advance(100 * 86_400);
    let mut documents = 0;
    loop {
        match shop.node(0).purge(usize::MAX).await?.documents {
            0 => return Ok(documents),
            more => documents += more,
        }
    }
}

/// A hundred failures count, and those in flight at that time. Each leaves at most two documents
/// and a tally. A tally that two nodes write at once may count too low: half as many again are
/// allowed for that.
pub(crate) async fn one_source_leaves_few_documents(engine: &Engine) -> Result {
    let documents = flood(engine, size(10_000, 100_000), |_| IpAddr::from([198, 51, 100, 7])).await?;
    let most = (3 * (100 + 2 * CALLERS) + 10) * 3 / 2;
    assert!((100..most).contains(&documents), "{documents} documents, and at most {most} are expected");
    Ok(())
}

/// The 65,536 networks of one household or company are also counted together.
pub(crate) async fn one_network_leaves_few_documents(engine: &Engine) -> Result {
    let source = |number: u32| {
        let prefix = 0x2001_0db8_0007_0000_u128 + u128::from(number & 0xffff);
        IpAddr::V6(Ipv6Addr::from_bits(prefix << 64 | 1))
    };
    let documents = flood(engine, size(5_000, 100_000), source).await?;
    let most = (4 * (1_000 + 2 * CALLERS) + 10) * 3 / 2;
    assert!((1_000..most).contains(&documents), "{documents} documents, and at most {most} are expected");
    Ok(())
}

pub(crate) async fn a_device_of_one_node_is_known_at_the_other(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let [home, elsewhere] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
    let sign_in = || SignIn::new(EMAIL, PASSWORD);
    let signed_in = shop.node(0).generate_customer_token(sign_in().origin(home)).await?;
    let device = signed_in.device().ok_or("a new device has a secret")?.expose().to_owned();
    for number in 0..102_u8 {
        let wrong = SignIn::new(EMAIL, WRONG).origin(IpAddr::from([10, 0, 0, number / 6]));
        assert!(shop.node(number.into()).generate_customer_token(wrong).await.is_err());
    }
    let stranger = shop.node(1).generate_customer_token(sign_in().origin(elsewhere)).await;
    assert!(matches!(stranger, Err(Error::SignIn(SignInError::Refused))), "{stranger:?}");
    shop.node(1).generate_customer_token(sign_in().origin(elsewhere).device(&device)).await?;
    shop.node(1).customer_changed(signed_in.customer_id(), CustomerChange::Disabled).await?;
    let forgotten = shop.node(0).generate_customer_token(sign_in().origin(elsewhere).device(&device)).await;
    assert!(matches!(forgotten, Err(Error::SignIn(SignInError::Refused))), "{forgotten:?}");
    Ok(())
}
