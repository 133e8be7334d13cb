use crate::{
    account::{PasswordHash, Username},
    credential::{Credential, Line},
    error::{Error, Field, InputError},
    service::Services,
};

pub(crate) async fn hash_new_admin_password(
    services: &Services,
    username: &str,
    password: Credential,
) -> Result<PasswordHash, Error> {
    let username: Username = username.parse().map_err(|_| InputError::Username)?;
    services.passwords.check_bounds(&password, Field::Password)?;
    services.passwords.judge_admins(&username, &password)?;
    services.passwords.hash_new(&password, Line::of_host()).await
}
