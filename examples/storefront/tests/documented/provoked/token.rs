//! Sign-in and sign-out, and tokens that are no good.

use serde_json::{Value, json};

use super::{
    NOBODY, Provoked, Provoker, UNKNOWN_TOKEN, WRONG, all_alike, expired_token, lock_out, revoked_token,
    unconfirm, without_a_good_token,
};
use crate::{
    site::Site,
    support::{ADMIN, RONI, RONIS_PASSWORD},
};

const CUSTOMER: &str = "{ customer { email } }";
const REVOKE: &str = "mutation { revokeCustomerToken { result } }";

pub(super) const PROVOKERS: &[Provoker] = &[
    ("generateCustomerToken", "empty email", |site| sign_in(site, "", RONIS_PASSWORD)),
    ("generateCustomerToken", "empty password", |site| sign_in(site, RONI, "")),
    ("generateCustomerToken", "wrong password", |site| sign_in(site, RONI, WRONG)),
    ("generateCustomerToken", "unknown address", |site| sign_in(site, NOBODY, RONIS_PASSWORD)),
    ("generateCustomerToken", "locked account", |site| {
        lock_out(site);
        sign_in(site, RONI, RONIS_PASSWORD)
    }),
    ("generateCustomerToken", "unconfirmed account", |site| {
        unconfirm(site);
        sign_in(site, RONI, RONIS_PASSWORD)
    }),
    ("revokeCustomerToken", "guest", |site| site.ask(None, REVOKE).into()),
    ("customer", "guest", |site| site.ask(None, CUSTOMER).into()),
    ("customer", "token not known", |site| site.ask(Some(UNKNOWN_TOKEN), CUSTOMER).into()),
    ("customer", "token expired", |site| site.ask(Some(&expired_token(site)), CUSTOMER).into()),
    ("customer", "token revoked", |site| site.ask(Some(&revoked_token(site)), CUSTOMER).into()),
    ("rest-customer-token", "empty fields", |site| rest(site, "customer", "", "")),
    ("rest-customer-token", "wrong password", |site| {
        all_alike(
            [(RONI, WRONG), (NOBODY, RONIS_PASSWORD)]
                .map(|who| rest(site, "customer", who.0, who.1).answer)
                .into(),
        )
    }),
    ("rest-customer-token", "unconfirmed account", |site| {
        unconfirm(site);
        rest(site, "customer", RONI, RONIS_PASSWORD)
    }),
    ("rest-admin-token", "empty fields", |site| rest(site, "admin", "", "")),
    ("rest-admin-token", "wrong password", |site| {
        all_alike([ADMIN, "nobody"].map(|name| rest(site, "admin", name, WRONG).answer).into())
    }),
    ("rest-revoke-customer-token", "guest", |site| {
        without_a_good_token(
            site,
            "POST",
            "/rest/V1/integration/customer/revoke-customer-token",
            &Value::Null,
        )
    }),
];

fn sign_in(site: &Site, email: &str, password: &str) -> Provoked {
    site.server.sign_in(email, password).into()
}

fn rest(site: &Site, whom: &str, username: &str, password: &str) -> Provoked {
    let body = json!({ "username": username, "password": password });
    site.rest("POST", &format!("/rest/V1/integration/{whom}/token"), &body).into()
}
