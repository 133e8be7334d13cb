//! The clients. A client that gets `Error::Overloaded` comes back after the time of the shop's
//! `Retry-After`, and up to as much again at random.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use commerce_auth::{
    BearerToken, Error,
    error::SignInError,
    flow::{PasswordReset, PasswordResetRequest},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    log::Log,
    shop::{PASSWORD, Shop, email, sign_in, source},
    wave::{Customer, Recall},
};

const WRONG_PASSWORD: &str = "b0bl0bl@wE";
const NEW_PASSWORD: &str = "N3w-passw0rd";

/// Number of pages that a customer looks at after the sign-in. The shop verifies the token for each.
const PAGES: u32 = 5;
/// Time between two pages, and time to type another password or to open a mail.
const PAGE: Duration = Duration::from_secs(1);
/// Time between two verifications of the regulars' tokens.
const BETWEEN: Duration = Duration::from_millis(2);

/// A customer's visit because of the mail.
pub async fn visit(shop: Arc<Shop>, log: Arc<Log>, customer: Customer) {
    sleep_until(log.mail + customer.comes_after).await;
    log.note(|row| row.arrived += 1);
    let (came, mut client) = (Instant::now(), Client { shop: &shop, log: &log, customer, refusals: 0 });
    let token = match client.enter().await {
        Ok(token) => token,
        Err(code) => return log.fail(code),
    };
    log.note(|row| row.entered.push((came.elapsed(), client.refusals)));
    let mut due = Instant::now();
    for _ in 0..PAGES {
        due += shop.paced(PAGE);
        sleep_until(due).await;
        verify(&shop, &log, &token, due).await;
    }
}

/// Lets the customers who were signed in before the mail look at pages, one after the other.
pub fn keep_browsing(shop: &Arc<Shop>, log: &Arc<Log>) -> JoinHandle<()> {
    let (shop, log) = (Arc::clone(shop), Arc::clone(log));
    let tokens = std::mem::take(&mut *shop.tokens.lock().unwrap_or_else(PoisonError::into_inner));
    tokio::spawn(async move {
        let mut due = Instant::now();
        for token in tokens.iter().cycle() {
            due += BETWEEN;
            sleep_until(due).await;
            verify(&shop, &log, token, due).await;
        }
    })
}

async fn verify(shop: &Shop, log: &Log, token: &BearerToken, due: Instant) {
    match shop.auth.verify_customer(token).await {
        Ok(_) => log.note(|row| row.verified.push(due.elapsed())),
        Err(error) => log.fail(error.code()),
    }
}

struct Client<'a> {
    shop: &'a Shop,
    log: &'a Log,
    customer: Customer,
    /// Calls that the shop refused as overloaded.
    refusals: u32,
}

impl Client<'_> {
    /// Signs in. Returns the code of the error that ends the visit.
    async fn enter(&mut self) -> Result<BearerToken, &'static str> {
        let entered = match self.customer.recall {
            Recall::Right => self.sign_in(PASSWORD).await,
            Recall::Mistyped => {
                self.mistype().await?;
                self.sign_in(PASSWORD).await
            }
            Recall::Forgotten => {
                self.mistype().await?;
                self.set_password().await?;
                self.sign_in(NEW_PASSWORD).await
            }
        };
        entered.map_err(|error| error.code())
    }

    async fn sign_in(&mut self, password: &str) -> Result<BearerToken, Error> {
        let (shop, asked) = (self.shop, sign_in(self.customer.number, password));
        let signed_in = self.insist(|| shop.auth.generate_customer_token(asked.clone())).await?;
        Ok(signed_in.token().clone())
    }

    /// Tries a wrong password, and reads its refusal.
    async fn mistype(&mut self) -> Result<(), &'static str> {
        match self.sign_in(WRONG_PASSWORD).await {
            Err(Error::SignIn(SignInError::Refused)) => {}
            Err(error) => return Err(error.code()),
            Ok(_) => return Err("a wrong password was accepted"),
        }
        sleep(self.shop.paced(PAGE)).await;
        Ok(())
    }

    /// Sets a new password with the token from a mail.
    async fn set_password(&mut self) -> Result<(), &'static str> {
        let (shop, number) = (self.shop, self.customer.number);
        let request = PasswordResetRequest::new(email(number)).origin(source(number));
        shop.auth.request_password_reset(request).await.map_err(|error| error.code())?;
        sleep(shop.paced(PAGE)).await;
        let token = shop.read_mail(number).ok_or("no mail came")?;
        let reset = PasswordReset::new(email(number), token.expose(), NEW_PASSWORD).origin(source(number));
        let reset = self.insist(|| shop.auth.reset_password(reset.clone())).await;
        reset.map_err(|error| error.code())
    }

    /// Makes a call that needs a hash, until the shop is not overloaded.
    async fn insist<T, F>(&mut self, call: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        loop {
            let began = Instant::now();
            let answer = call().await;
            if !matches!(answer, Err(Error::Overloaded)) {
                self.log.note(|row| row.hashed.push(began.elapsed()));
                return answer;
            }
            self.log.note(|row| row.refused += 1);
            self.refusals += 1;
            let pause = self.customer.jittered(self.shop.retry_after());
            sleep(pause).await;
        }
    }
}
