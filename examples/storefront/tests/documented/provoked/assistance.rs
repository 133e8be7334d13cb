//! Admin users who may not assist, and routes that are for admin users alone.

use serde_json::{Value, json};

use super::{NOBODY, Provoked, Provoker, UNKNOWN_TOKEN, all_alike};
use crate::{
    site::Site,
    support::{CLERK, RONI},
};

const OTP: &str = "/rest/V1/customer/1/otp";

pub(super) const PROVOKERS: &[Provoker] = &[
    ("generateCustomerTokenAsAdmin", "empty address", |site| assist(site, Some(&site.admin()), "")),
    ("generateCustomerTokenAsAdmin", "not an admin", |site| {
        all_alike([None, Some(site.roni())].map(|token| assist(site, token.as_deref(), RONI).answer).into())
    }),
    ("generateCustomerTokenAsAdmin", "no permission to log in as customer", |site| {
        assist(site, Some(&site.server.admin_token(CLERK)), RONI)
    }),
    ("generateCustomerTokenAsAdmin", "no permission for assistance", |site| {
        site.meddle("UPDATE admins SET permissions = 'login' WHERE username = 'clerk'");
        assist(site, Some(&site.server.admin_token(CLERK)), RONI)
    }),
    ("generateCustomerTokenAsAdmin", "unknown customer", |site| assist(site, Some(&site.admin()), NOBODY)),
    ("rest-customer-otp", "no admin token", |site| code(site, None)),
    ("rest-customer-otp", "no permission", |site| code(site, Some(&site.server.admin_token(CLERK)))),
    ("rest-store-websites", "guest", |site| {
        let expired = site.admin();
        site.meddle("UPDATE grants SET expires_at = issued_at");
        // Nothing in Commerce ends an admin user's token; a customer's is of no more use here.
        let customer = site.roni();
        let tokens = [None, Some(UNKNOWN_TOKEN), Some(&expired), Some(&customer)];
        let ask = |token| site.rest_as(token, "GET", "/rest/V1/store/websites", &Value::Null);
        all_alike(tokens.map(ask).into())
    }),
];

fn assist(site: &Site, token: Option<&str>, email: &str) -> Provoked {
    let query = format!(
        r#"mutation {{ generateCustomerTokenAsAdmin(input: {{ customer_email: "{email}" }}) {{ customer_token }} }}"#
    );
    site.ask(token, &query).into()
}

fn code(site: &Site, token: Option<&str>) -> Provoked {
    site.rest_as(token, "POST", OTP, &json!({ "reason": "A test" })).into()
}
