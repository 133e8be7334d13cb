use super::{
    SignIn, SignedIn,
    steps::sign_in::{Chain, sign_in},
};
use crate::{
    error::{Error, Field, SignInError},
    service::{Services, attempts::Attempted},
};

pub(crate) async fn generate_customer_token(services: &Services, asked: SignIn) -> Result<SignedIn, Error> {
    let address = asked.check(Field::Password)?;
    let attempted =
        Attempted::sign_in(&address, asked.origin.source, asked.device.as_ref(), &services.config);
    let mut one_time = services.config.steps;
    // A shop without admin users has no one-time codes.
    one_time.one_time_code &= services.admins.is_some();
    let chain = Chain { password: true, one_time };
    sign_in(services, &asked, &address, chain, attempted, Error::SignIn(SignInError::Refused)).await
}
