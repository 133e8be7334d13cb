//! Texts that an engine may be unable to store.

use commerce_auth::{ErrorKind, Origin, token::Bearer};

use crate::backends::{
    Result,
    engine::Engine,
    shop::{EMAIL, PASSWORD, Shop},
};

/// The ledger shows the text with a space in place of a NUL. If a host itself puts a NUL into an
/// [`Origin`], it is stored exactly, or the call is refused and nothing has begun.
pub(crate) async fn a_nul_is_kept_exactly_or_refused(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let own = shop.sign_in(0, PASSWORD).await?;
    let admin = shop.admin_token(0).await?;
    let assist = async |origin: &Origin, reason| {
        shop.advance(1);
        let bearer = Bearer::from(admin.as_str()).origin(origin);
        shop.node(0).generate_customer_token_as_admin(bearer, EMAIL, reason).await
    };
    let said = Origin::default().user_agent("a\0b").correlation_id("\0c");
    assist(&said, "d\0e\0").await?;
    let listed = shop.node(1).list_assistance(own.as_str()).await?;
    assert_eq!((listed[0].origin.user_agent.as_deref(), listed.len()), (Some("a b"), 1));
    assert_eq!(listed[0].origin.correlation_id.as_deref(), Some(" c"));
    assert_eq!(listed[0].assistance.reason, "d e");

    let mut raw = Origin::default();
    raw.user_agent = Some("a\0b".into());
    let assisted = assist(&raw, "raw").await;
    let listed = shop.node(1).list_assistance(own.as_str()).await?;
    match assisted {
        Ok(_) => assert_eq!((&listed[0].origin, listed.len()), (&raw, 2)),
        Err(error) => assert_eq!((error.kind(), listed.len()), (ErrorKind::Unavailable, 1), "{error}"),
    }
    // Service continues.
    assist(&said, "again").await?;
    assert_eq!(shop.node(1).list_assistance(own.as_str()).await?[0].assistance.reason, "again");
    Ok(())
}
