//! The server is killed while a crowd of callers uses it, and starts again.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use commerce_auth::{
    AuthConfig, CustomerId, Error, ErrorKind, SignIn,
    error::{SignInError, TokenError},
    store::postgres::PostgresStore,
};
use commerce_auth_test_servers::Postgres;
use futures_util::{StreamExt, stream};
use support::{PASSWORD, Shop, fast};
use tokio::time::{sleep, timeout};

use crate::postgres::{SLACK, TIMEOUT, connect};

const CUSTOMERS: usize = 100;
const CALLS: usize = 1000;
const AT_ONCE: usize = 64;

fn email(customer: usize) -> String {
    format!("customer{customer}@example.com")
}

/// Returns settings whose budgets are never used up, because these tests are about other things.
fn unlimited() -> AuthConfig {
    let mut config = fast();
    for budget in [
        &mut config.source_budget,
        &mut config.account_budget,
        &mut config.reset_account_budget,
        &mut config.reset_source_budget,
    ] {
        budget.failures = 1_000_000;
    }
    config.hashing_queue = 4096;
    config
}

/// Returns a shop with a hundred additional customers.
async fn shop(server: &Postgres) -> Shop<PostgresStore> {
    let shop = Shop::open(connect(server).await, unlimited(), |builder| builder);
    for customer in 0..CUSTOMERS {
        shop.set_customer(|row| {
            row.id = id(customer);
            row.email = email(customer);
        });
    }
    shop
}

fn id(customer: usize) -> CustomerId {
    CustomerId::from(100 + i32::try_from(customer).unwrap())
}

fn source(number: usize) -> IpAddr {
    let [.., high, low] = number.to_be_bytes();
    IpAddr::from([10, 0, high, low])
}

/// The observations of a crowd so far.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    unavailable: AtomicUsize,
    kills: AtomicUsize,
}

impl Seen {
    /// Repeats a call until the service is available, for at most half a minute.
    async fn answer<T>(&self, ask: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
        let begun = Instant::now();
        loop {
            // A flow that failed undoes its first steps, which is one more verb after the failed
            // one.
            let answer = timeout(2 * TIMEOUT + SLACK, ask()).await.expect("a call takes longer than it may");
            match answer {
                Err(error)
                    if error.kind() == ErrorKind::Unavailable
                        && begun.elapsed() < Duration::from_secs(30) =>
                {
                    self.unavailable.fetch_add(1, Ordering::SeqCst);
                    sleep(Duration::from_millis(10)).await;
                }
                answer => {
                    self.answered.fetch_add(1, Ordering::SeqCst);
                    return answer;
                }
            }
        }
    }
}

/// Returns once the count has reached `many`.
async fn reaches(count: &AtomicUsize, many: usize) {
    while count.load(Ordering::SeqCst) < many {
        sleep(Duration::from_millis(1)).await;
    }
}

/// Runs `act` on the server while the crowd continues.
async fn beside(server: &Arc<Postgres>, act: fn(&Postgres)) {
    let server = Arc::clone(server);
    tokio::task::spawn_blocking(move || act(&server)).await.unwrap();
}

/// Makes [`CALLS`] calls, many at once, and kills the server once a third of them is answered.
/// Returns the answers in order.
async fn in_spite_of_a_kill<T>(
    server: &Arc<Postgres>,
    call: impl AsyncFn(usize) -> Result<T, Error>,
) -> Vec<Result<T, Error>> {
    let seen = Seen::default();
    let calls = stream::iter(0..CALLS).map(|number| {
        let (call, seen) = (&call, &seen);
        async move {
            // Even if the first half finishes quickly, the callers of the second half find the
            // server gone.
            if number >= CALLS / 2 {
                reaches(&seen.kills, 1).await;
            }
            (number, seen.answer(async || call(number).await).await)
        }
    });
    let crowd = calls.buffer_unordered(AT_ONCE).collect::<Vec<_>>();
    let kill = async {
        reaches(&seen.answered, CALLS / 3).await;
        beside(server, Postgres::kill).await;
        seen.kills.fetch_add(1, Ordering::SeqCst);
        reaches(&seen.unavailable, 2 * AT_ONCE).await;
        beside(server, Postgres::restart).await;
    };
    let (mut answers, ()) = tokio::join!(crowd, kill);
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_code_is_bought_twice() {
    let Some(server) = Postgres::start().map(Arc::new) else { return };
    let shop = shop(&server).await;
    let (admin, mut codes) = (shop.admin_token().await, Vec::new());
    for customer in 0..CUSTOMERS {
        let code = shop.auth.generate_one_time_code(&admin, &id(customer), "cannot pay").await.unwrap();
        codes.push(code.code().expose().to_owned());
    }
    let redeem = async |number: usize| {
        let customer = number / (CALLS / CUSTOMERS);
        let exchange = SignIn::new(email(customer), codes[customer].as_str()).origin(source(number));
        shop.auth.exchange_one_time_code(exchange).await
    };
    let answers = in_spite_of_a_kill(&server, redeem).await;
    let mut bought = [0; CUSTOMERS];
    for (number, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(_) => bought[number / (CALLS / CUSTOMERS)] += 1,
            Err(error) => assert!(matches!(error, Error::SignIn(SignInError::Refused)), "{error:?}"),
        }
    }
    assert!(bought.iter().all(|times| *times <= 1), "{bought:?}");
    assert!(bought.iter().sum::<usize>() > CUSTOMERS / 2, "{bought:?}");
    // Every token that was issued stays valid.
    for (customer, code) in codes.iter().enumerate() {
        let exchange = SignIn::new(email(customer), code.as_str()).origin(source(CALLS + customer));
        let again = shop.auth.exchange_one_time_code(exchange).await;
        assert!(matches!(again, Err(Error::SignIn(SignInError::Refused))), "customer {customer}: {again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_that_was_handed_out_is_lost() {
    let Some(server) = Postgres::start().map(Arc::new) else { return };
    let shop = shop(&server).await;
    let sign_in = async |number: usize| {
        let sign_in = SignIn::new(email(number % CUSTOMERS), PASSWORD).origin(source(number));
        Ok(shop.auth.generate_customer_token(sign_in).await?.token().expose().to_owned())
    };
    let answers = in_spite_of_a_kill(&server, sign_in).await;
    for answer in answers {
        let token = answer.expect("the password is right");
        shop.auth.verify_customer(&token).await.expect("it was handed out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_revoke_that_was_acknowledged_is_lost() {
    let Some(server) = Postgres::start().map(Arc::new) else { return };
    let shop = shop(&server).await;
    let tokens = stream::iter(0..CALLS).map(|number| {
        let shop = &shop;
        async move {
            let sign_in = SignIn::new(email(number % CUSTOMERS), PASSWORD).origin(source(number));
            shop.auth.generate_customer_token(sign_in).await.unwrap().token().expose().to_owned()
        }
    });
    let tokens: Vec<_> = tokens.buffered(AT_ONCE).collect().await;
    // The last token of each customer stays.
    let revoke = async |number: usize| {
        if number < CALLS - CUSTOMERS {
            shop.auth.revoke_customer_token(&tokens[number]).await.map(drop)
        } else {
            shop.auth.verify_customer(&tokens[number]).await.map(drop)
        }
    };
    let answers = in_spite_of_a_kill(&server, revoke).await;
    for (number, (token, answer)) in tokens.iter().zip(answers).enumerate() {
        let lives = shop.auth.verify_customer(token).await;
        if number < CALLS - CUSTOMERS {
            // If a revocation was not acknowledged and is repeated, it may find no token.
            assert!(matches!(answer, Ok(()) | Err(Error::Token(TokenError::Invalid))), "{answer:?}");
            assert!(
                matches!(lives, Err(Error::Token(TokenError::Invalid))),
                "a revoked token is live: {lives:?}"
            );
        } else {
            answer.expect("the token was not revoked");
            lives.expect("the token was not revoked");
        }
    }
}
