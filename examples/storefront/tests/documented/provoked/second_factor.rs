//! The second factor of an admin user, by the provider that is any authenticator app.

use serde_json::{Value, json};

use super::{Provoked, Provoker, WRONG};
use crate::{
    site::Site,
    support::{ADMIN, ADMINS_PASSWORD, ENROLLED},
};

const CONFIGURE: &str = "/rest/V1/tfa/provider/google/configure";
const ACTIVATE: &str = "/rest/V1/tfa/provider/google/activate";

pub(super) const PROVOKERS: &[Provoker] = &[
    ("rest-admin-token", "second factor needed", |site| by_password(site, ENROLLED)),
    ("rest-admin-token", "no second factor yet", |_| {
        by_password(&Site::of(&["--demo", "--admin-2fa", "required"]), ADMIN)
    }),
    ("rest-tfa-google-authenticate", "wrong password", |site| {
        site.server.authenticate(ENROLLED, WRONG, "000000").into()
    }),
    ("rest-tfa-google-authenticate", "not configured", |site| {
        site.server.authenticate(ADMIN, ADMINS_PASSWORD, "000000").into()
    }),
    ("rest-tfa-google-authenticate", "wrong code", |site| {
        site.server.authenticate(ENROLLED, ADMINS_PASSWORD, "bad").into()
    }),
    ("rest-tfa-google-configure", "invalid token", |site| {
        post(site, CONFIGURE, &json!({ "tfaToken": "abc" }))
    }),
    ("rest-tfa-google-configure", "already configured", |site| {
        post(site, CONFIGURE, &json!({ "tfaToken": token_of_one_who_has_it(site) }))
    }),
    ("rest-tfa-google-activate", "invalid token", |site| {
        post(site, ACTIVATE, &json!({ "tfaToken": "abc", "otp": "invalid" }))
    }),
    ("rest-tfa-google-activate", "already configured", |site| {
        post(site, ACTIVATE, &json!({ "tfaToken": token_of_one_who_has_it(site), "otp": "000000" }))
    }),
    ("rest-tfa-google-activate", "wrong code", |site| {
        post(site, ACTIVATE, &json!({ "tfaToken": site.enrolment_token(), "otp": "bad" }))
    }),
];

fn by_password(site: &Site, username: &str) -> Provoked {
    site.server.admin_sign_in(username, ADMINS_PASSWORD).into()
}

fn post(site: &Site, path: &str, body: &Value) -> Provoked {
    site.rest("POST", path, body).into()
}

/// One authenticator replaces another only where that was meant; no client can bring it about in one shop.
fn token_of_one_who_has_it(site: &Site) -> String {
    let token = site.enrolment_token();
    let replaces = format!(r#""replaces":"{}""#, "0".repeat(64));
    site.meddle(&format!(
        r#"UPDATE documents SET bytes = CAST(replace(CAST(bytes AS TEXT), '"replaces":null', '{replaces}') AS BLOB)
           WHERE kind = 'enrolment'"#
    ));
    token
}
