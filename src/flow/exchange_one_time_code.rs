use super::{
    SignIn, SignedIn,
    steps::sign_in::{Chain, sign_in},
};
use crate::{
    error::{Error, Field, SignInError},
    service::{Services, attempts::Attempted},
    store::{Purpose, Purposes},
};

pub(crate) async fn exchange_one_time_code(services: &Services, asked: SignIn) -> Result<SignedIn, Error> {
    let address = asked.check(Field::Otp)?;
    services.admins()?;
    let attempted =
        Attempted::redemption(Purpose::OneTimeCode, &address, asked.origin.source, &services.config);
    let one_time = Purposes::only(Purpose::OneTimeCode);
    let chain = Chain { password: false, one_time };
    sign_in(services, &asked, &address, chain, attempted, Error::SignIn(SignInError::TooManyRequests)).await
}
