//! New passwords are looked up in Have I Been Pwned: which data leaves the process, which passwords
//! are refused, and what happens in an outage. A server on the loopback replaces the service.
//!
//! `cargo run --example breached_passwords`

mod have_i_been_pwned;
mod service;

use std::{error::Error as StdError, time::Duration};

use commerce_auth::{
    Auth, AuthConfig, Error, ErrorKind,
    error::{InputError, PolicyViolation},
    store::memory::{MemoryCustomers, MemoryStore},
};
use have_i_been_pwned::{HaveIBeenPwned, OnOutage};
use service::{Mood, Service};

const BOB: &str = "bobloblaw@example.com";
/// A password that the service knows, one that it sends as padding, and one that it does not know.
const KNOWN: &str = "N3w-passw0rd-of-bob";
const PADDING: &str = "Wind-Sand-Sterne-7";
const UNKNOWN: &str = "velvet Orbit 7 lantern";

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let service = Service::start(&[KNOWN], &[PADDING]).await?;
    let shop = |on_outage| {
        let client = HaveIBeenPwned::at(service.url(), Duration::from_millis(500), on_outage);
        let builder = Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new()).without_notifier();
        builder.config(AuthConfig::commerce()).breached_passwords(client).build()
    };
    let (strict, lenient) = (shop(OnOutage::Refuse)?, shop(OnOutage::LetPass)?);

    println!("1. A password that no breach had is taken");
    strict.hash_new_password(BOB, UNKNOWN).await?;
    let [request] = &service.requests()[..] else { return Err("not one request".into()) };
    println!("   what left the process: {request:?}");
    let digits = request.path.strip_prefix("/range/").unwrap_or_default();
    expect(digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "five digits leave")?;
    expect(request.add_padding.as_deref() == Some("true"), "the length of the answer tells nothing")?;

    println!("\n2. A known one is refused, and a line of padding is no breach");
    is_breached(strict.hash_new_password(BOB, KNOWN).await)?;
    strict.hash_new_password(BOB, PADDING).await?;

    println!("\n3. What the shop's own rules refuse is not asked about");
    let asked = service.requests().len();
    let common = strict.hash_new_password(BOB, "Password1").await;
    expect(matches!(common, Err(Error::Input(InputError::Policy(PolicyViolation::TooCommon)))), "common")?;
    expect(service.requests().len() == asked, "the service was not asked")?;

    println!("\n4. An outage: one shop sets no password that nobody checked, the other lets it pass");
    for mood in [Mood::Failing, Mood::Silent, Mood::Endless] {
        service.set(mood);
        let refused = strict.hash_new_password(BOB, UNKNOWN).await;
        let kind = refused.as_ref().err().map(Error::kind);
        println!("   {mood:?}: {kind:?}");
        expect(kind == Some(ErrorKind::Unavailable), "the strict shop is unavailable")?;
        lenient.hash_new_password(BOB, UNKNOWN).await?;
        lenient.hash_new_password(BOB, KNOWN).await?;
    }
    service.set(Mood::Well);
    is_breached(lenient.hash_new_password(BOB, KNOWN).await)
}

fn is_breached<T>(judged: Result<T, Error>) -> Result<(), Box<dyn StdError>> {
    match judged {
        Err(error @ Error::Input(InputError::Policy(PolicyViolation::Breached))) => {
            println!("   refused: {error}");
            Ok(())
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err("a breached password was taken".into()),
    }
}

fn expect(holds: bool, what: &str) -> Result<(), Box<dyn StdError>> {
    if holds { Ok(()) } else { Err(format!("it does not hold: {what}").into()) }
}
