use crate::{
    account::{Email, PasswordHash},
    credential::{Credential, Line},
    error::{Error, Field, InputError},
    service::Services,
};

pub(crate) async fn hash_new_password(
    services: &Services,
    email: &str,
    password: Credential,
) -> Result<PasswordHash, Error> {
    let email: Email = email.parse().map_err(|_| InputError::Email)?;
    services.passwords.check_bounds(&password, Field::Password)?;
    services.passwords.judge(&email, &password)?;
    services.passwords.hash_new(&password, Line::of_host()).await
}
