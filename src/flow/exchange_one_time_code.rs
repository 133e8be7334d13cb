use super::{SignIn, SignedIn};
use crate::{
    auth::Auth,
    credential::Steps,
    error::{Error, Field, Part},
    service::attempts::Attempted,
    store::{Purpose, Purposes},
};

impl Auth {
    /// Exchanges an admin-generated one-time code for a customer's token: Commerce's `exchangeOtpForCustomerToken`.
    ///
    /// The last step of [`generate_customer_token`](Self::generate_customer_token) by itself: the customer's address and
    /// the code, no password, no reset token. A lock on the customer's password does not stop it, as nobody guesses a
    /// code; it has a budget of its own for each source, of the size of
    /// [`AuthConfig::source_budget`](crate::AuthConfig::source_budget).
    ///
    /// # Errors
    ///
    /// As [`generate_customer_token`](Self::generate_customer_token), and [`Error::TooManyRequests`] once the budget is
    /// spent, [`Error::NotConfigured`] where there is no admin user table.
    pub async fn exchange_one_time_code(&self, exchange: SignIn) -> Result<SignedIn, Error> {
        let email = exchange.check(Field::Otp)?;
        if self.parts.admins.is_none() {
            return Err(Error::NotConfigured(Part::Admins));
        }
        let (website, source) = (&exchange.website, exchange.origin.source);
        let attempted = Attempted::redemption(Purpose::OneTimeCode, website, &email, source, self.config());
        let one_time = Purposes { reset_token: false, one_time_code: true };
        let steps = Steps { password: false, one_time };
        self.sign_in(&exchange, &email, steps, attempted, Error::TooManyRequests).await
    }
}
