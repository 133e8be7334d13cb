//! A stolen database contains none of these in any encoding: bearer token, code, reset token,
//! confirmation token, password, TOTP secret, device secret, enrolment token, unlock token,
//! recovery code.

use std::{fs, net::IpAddr, path::Path};

use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use commerce_auth::{
    AdminSignIn, Origin, SignIn,
    credential::TotpSecret,
    flow::{PasswordReset, PasswordResetRequest},
    notifier::AdminNotice,
};
use commerce_auth_test_servers::{Postgres, Redis};
use tempfile::tempdir;

use crate::backends::{
    Result,
    engine::Engine,
    factors,
    shop::{ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG},
};

/// A value that the database must contain: if a search does not find it, the search proves nothing.
const CANARY: &str = "canary-9d2f4a2e8a863a7a";
const NEW: &str = "N3w-password";

/// Returns the secrets that were issued or presented while a shop was used. Each secret is also
/// used to sign in.
async fn live(shop: &Shop) -> Result<Vec<Vec<u8>>> {
    let mut secrets = [PASSWORD, WRONG, NEW, ADMIN_PASSWORD].map(str::to_owned).to_vec();
    for spelling in spellings(CANARY.as_bytes()) {
        let planted = String::from_utf8(spelling)?;
        let origin = Origin::default().user_agent(&planted);
        let sign_in = SignIn::new(EMAIL, PASSWORD).origin(origin);
        let signed_in = shop.node(0).generate_customer_token(sign_in).await?;
        secrets.push(signed_in.token().expose().to_owned());
        secrets.extend(signed_in.device().map(|device| device.expose().to_owned()));
    }
    for node in 0..2 {
        // The number of reset requests in an hour is limited.
        shop.advance(60 * 60);
        let admin = shop.admin_token(node).await?;
        let (spent, unspent) = (shop.code(node, &admin).await?, shop.code(node, &admin).await?);
        secrets.push(shop.sign_in(node, &spent).await?);
        shop.sign_in(node, &spent).await.unwrap_err();
        secrets.push(shop.assisting(node, &admin).await?);
        for _ in 0..2 {
            shop.node(node).request_password_reset(PasswordResetRequest::new(EMAIL)).await?;
        }
        let mut mailed = Vec::new();
        for notification in shop.outbox.take() {
            if let commerce_auth::notifier::Notice::ResetRequested { token, .. } = notification.notice {
                mailed.push(token.expose().to_owned());
            }
        }
        let own = shop.sign_in(node, &mailed.pop().ok_or("a reset token was mailed")?).await?;
        shop.sign_in(node, WRONG).await.unwrap_err();
        let (from, to) = if node == 0 { (PASSWORD, NEW) } else { (NEW, PASSWORD) };
        shop.node(node).change_password(own.as_str(), from, to).await?;
        shop.node(node).request_password_reset(PasswordResetRequest::new(EMAIL)).await?;
        let token = shop.outbox.reset_token();
        secrets.extend(token.inspect(|token| mailed.push(token.clone())));
        let reset = PasswordReset::new(EMAIL, mailed.last().map(String::as_str).unwrap_or_default(), to);
        shop.node(node).reset_password(reset).await?;
        let current = shop.sign_in(node, to).await?;
        shop.node(node).request_email_change(current.as_str(), to, "bob@example.org").await?;
        secrets.extend([shop.outbox.confirmation_token().ok_or("a mail to the new address")?, current]);
        secrets.extend([admin, spent, unspent, own]);
        secrets.extend(mailed);
    }
    secrets.push(locked_out(shop).await?);
    let totp_secrets = live_with_second_factor(shop, &mut secrets).await?;
    for node in &shop.nodes {
        node.flush_audit().await;
    }
    Ok(secrets.into_iter().map(String::into_bytes).chain(totp_secrets).collect())
}

/// Strangers use up the budget of the admin user's name. Returns the token of the mailed link.
async fn locked_out(shop: &Shop) -> Result<String> {
    for number in 0..102_u8 {
        let wrong = AdminSignIn::new(ADMIN, WRONG).origin(IpAddr::from([10, 0, 0, number / 6]));
        shop.node(0).generate_admin_token(wrong).await.unwrap_err();
    }
    shop.advance(24 * 60 * 60);
    match shop.outbox.take_admins().pop().map(|mail| mail.notice) {
        Some(AdminNotice::Locked { token, .. }) => Ok(token.expose().to_owned()),
        other => Err(format!("no link was mailed: {other:?}").into()),
    }
}

/// The admin user sets up one authenticator and begins another. Returns their secrets, as bytes.
async fn live_with_second_factor(shop: &Shop, secrets: &mut Vec<String>) -> Result<Vec<Vec<u8>>> {
    let (authenticator, recovery) = factors::enrol(shop).await?;
    shop.advance(30);
    let now = commerce_auth::clock::Clock::now(&*shop.clock);
    let code = authenticator.unused_code(now).ok_or("a code is left")?;
    let admin = factors::sign_in(shop, 0, &code).await?;
    secrets.push(factors::sign_in(shop, 1, &recovery[0]).await?);
    let begun = shop.node(1).begin_admin_enrolment(admin.as_str()).await?;
    let pending = begun.token().expose().to_owned();
    let setup = shop.node(0).set_up_admin_factor(pending.as_str(), &Origin::default()).await?;
    let texts = [authenticator.secret(), setup.secret()].map(TotpSecret::to_base32);
    let mut bytes = Vec::new();
    for text in texts {
        bytes.push(totp_rs::Secret::try_from_base32(text.expose())?.to_vec());
        secrets.push(text.expose().to_owned());
    }
    secrets.extend([admin, pending]);
    secrets.extend(recovery);
    Ok(bytes)
}

/// Returns the encodings that bytes may have in a file.
fn spellings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut spellings = vec![bytes.to_vec(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes()];
    for before in 0..3 {
        // In the middle of a longer text, only the characters that depend on these bytes alone are
        // certain.
        let padded = [&vec![0; before], bytes].concat();
        let text = STANDARD_NO_PAD.encode(&padded[..padded.len() / 3 * 3]);
        spellings.push(text.as_bytes()[(before * 8).div_ceil(6)..].to_vec());
    }
    spellings
}

/// Returns the content of every file in the folder and below.
fn files(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => all.extend(files(&path)),
            Ok(kind) if kind.is_file() => all.extend(fs::read(&path).unwrap_or_default()),
            _ => {}
        }
    }
    all
}

/// True if each needle is in the hay, in any encoding.
fn finds(hay: &[u8], needles: &[Vec<u8>]) -> Vec<bool> {
    let spelled: Vec<_> = needles.iter().flat_map(|needle| spellings(needle)).collect();
    let each = spelled.len() / needles.len();
    let mut found = vec![false; needles.len()];
    let search = AhoCorasick::new(&spelled).expect("not too many needles");
    for place in search.find_overlapping_iter(hay) {
        found[place.pattern().as_usize() / each] = true;
    }
    found
}

fn search(stolen: &[u8], secrets: &[Vec<u8>]) {
    for planted in spellings(CANARY.as_bytes()) {
        let planted = String::from_utf8(planted).expect("a text");
        let there = AhoCorasick::new([&planted]).expect("one needle").is_match(stolen);
        assert!(there, "the search does not find the planted value: {planted}");
    }
    let found = finds(stolen, secrets).into_iter().zip(secrets);
    let held: Vec<_> =
        found.filter(|(found, _)| *found).map(|(_, secret)| String::from_utf8_lossy(secret)).collect();
    assert!(held.is_empty(), "the database contains {held:?}");
}

async fn stolen(engine: &Engine) -> Result<Vec<Vec<u8>>> {
    let secrets = live(&Shop::open(engine).await?).await?;
    assert!(secrets.len() > 40, "the shop was used");
    Ok(secrets)
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() -> Result {
    let folder = tempdir()?;
    let engine = Engine::sqlite_at(&folder.path().join("auth.db"));
    let secrets = stolen(&engine).await?;
    search(&files(folder.path()), &secrets);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() -> Result {
    let Some(server) = Postgres::start() else { return Ok(()) };
    let secrets = stolen(&Engine::postgres_at(server.url())).await?;
    search(&server.dump(), &secrets);
    server.stop();
    search(&files(server.folder()), &secrets);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn redis() -> Result {
    let Some(server) = Redis::start() else { return Ok(()) };
    let secrets = stolen(&Engine::redis_at(server.url())).await?;
    server.stop();
    search(&files(server.folder()), &secrets);
    Ok(())
}

#[test]
fn the_search_finds_each_spelling_wherever_it_stands() {
    let canary = [CANARY.as_bytes().to_vec()];
    for before in 0..4 {
        let text = [&vec![b'x'; before], CANARY.as_bytes(), b"yz"].concat();
        let hex: String = text.iter().map(|byte| format!("{byte:02X}")).collect();
        for hay in [&text[..], hex.as_bytes(), STANDARD_NO_PAD.encode(&text).as_bytes()] {
            assert_eq!(finds(hay, &canary), [true]);
        }
    }
    assert_eq!(finds(b"canary-9d2f4a2e8a863a7", &canary), [false]);
}
