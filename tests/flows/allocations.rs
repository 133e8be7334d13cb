//! The memory that a verification of a token allocates, which every request of a shop pays for.

use allocation_counter::measure;
use futures_util::FutureExt as _;
use support::{PASSWORD, WRONG, shop};

#[test]
fn the_future_of_a_verification_is_small() {
    let shop = shop();
    // 176 bytes: the token, the website, the id of the grant and the boxed look-up. A grant that is
    // kept in the future adds 144 bytes, and a host moves the future.
    let future = shop.auth.verify_customer("token");
    assert!(size_of_val(&future) <= 192, "{} bytes", size_of_val(&future));
}

#[tokio::test]
async fn a_verification_in_memory_allocates_once() {
    let shop = shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let token = signed_in.token().expose().to_owned();
    let verify = |token: &str| shop.auth.verify_customer(token).now_or_never().unwrap().is_ok();
    assert!(verify(&token));

    // The one allocation is the boxed future of `TokenStore::find`.
    let live = measure(|| assert!(verify(&token)));
    assert_eq!(live.count_total, 1, "{live:?}");
    assert!(live.bytes_total <= 256, "{live:?}");

    shop.auth.revoke_customer_token(token.as_str()).await.unwrap();
    let revoked = measure(|| assert!(!verify(&token)));
    assert_eq!(revoked.count_total, 1, "{revoked:?}");

    let forged = format!("{}{}", &token[..31], if token.ends_with('a') { 'b' } else { 'a' });
    for refused in [forged.as_str(), WRONG, ""] {
        let refusal = measure(|| assert!(!verify(refused)));
        assert_eq!(refusal.count_total, 0, "{refusal:?}");
    }
}
