//! Passwords that are changed, forgotten and set anew.

use serde_json::json;

use super::{NEW, NO_ADDRESS, NOBODY, Provoked, Provoker, WRONG, lock_out, without_a_good_token};
use crate::{
    site::Site,
    support::{Answer, RONI, RONIS_PASSWORD},
};

/// New passwords, each of which breaks one rule.
const SHORT: &str = "Sh0rt-1";
const LONG: usize = 257;
const SPACED: &str = "N3w-password ";
const FEW_CLASSES: &str = "lowercase-only";
const ADDRESS: &str = RONI;

const REQUEST_RESET: &str = "/rest/V1/customers/password";

pub(super) const PROVOKERS: &[Provoker] = &[
    ("changeCustomerPassword", "guest", |site| change(site, None, RONIS_PASSWORD, NEW)),
    ("changeCustomerPassword", "wrong current password", |site| change(site, Some(&site.roni()), WRONG, NEW)),
    ("changeCustomerPassword", "empty current password", |site| change(site, Some(&site.roni()), "", NEW)),
    ("changeCustomerPassword", "empty new password", |site| change_to(site, "")),
    ("changeCustomerPassword", "locked account", |site| {
        let token = site.roni();
        // By guesses of the password that is to be changed, which Commerce counts together with those of sign-ins.
        for _ in 0..6 {
            assert_eq!(change(site, Some(&token), WRONG, NEW).answer.status, 401);
        }
        change(site, Some(&token), RONIS_PASSWORD, NEW)
    }),
    ("changeCustomerPassword", "policy: too short", |site| change_to(site, SHORT)),
    ("changeCustomerPassword", "policy: too long", |site| change_to(site, &long())),
    ("changeCustomerPassword", "policy: space at an end", |site| change_to(site, SPACED)),
    ("changeCustomerPassword", "policy: too few classes", |site| change_to(site, FEW_CLASSES)),
    ("changeCustomerPassword", "policy: equals the address", |site| change_to(site, ADDRESS)),
    ("requestPasswordResetEmail", "empty address", |site| request_reset(site, "")),
    ("requestPasswordResetEmail", "malformed address", |site| request_reset(site, NO_ADDRESS)),
    ("requestPasswordResetEmail", "unknown address or internal failure", |site| request_reset(site, NOBODY)),
    ("requestPasswordResetEmail", "locked account", |site| {
        lock_out(site);
        request_reset(site, RONI)
    }),
    ("resetPassword", "empty address", |site| reset(site, "", &site.reset_token(), NEW)),
    ("resetPassword", "malformed address", |site| reset(site, NO_ADDRESS, &site.reset_token(), NEW)),
    ("resetPassword", "empty token", |site| reset(site, RONI, "", NEW)),
    ("resetPassword", "empty password", |site| reset_to(site, "")),
    ("resetPassword", "unknown address or internal failure", |site| {
        reset(site, NOBODY, &site.reset_token(), NEW)
    }),
    ("resetPassword", "locked account", |site| {
        lock_out(site);
        reset_to(site, NEW)
    }),
    ("resetPassword", "wrong token", |site| reset(site, RONI, "gh80pkjGdsPyiXc0sUUXswX1uGN7crUr", NEW)),
    ("resetPassword", "expired token", |site| reset(site, RONI, &expired_reset_token(site), NEW)),
    ("resetPassword", "policy: too short", |site| reset_to(site, SHORT)),
    ("resetPassword", "policy: too long", |site| reset_to(site, &long())),
    ("resetPassword", "policy: space at an end", |site| reset_to(site, SPACED)),
    ("resetPassword", "policy: too few classes", |site| reset_to(site, FEW_CLASSES)),
    ("resetPassword", "policy: equals the address", |site| reset_to(site, ADDRESS)),
    ("rest-customers-me-password", "guest", |site| {
        let body = json!({ "currentPassword": RONIS_PASSWORD, "newPassword": NEW });
        without_a_good_token(site, "PUT", "/rest/V1/customers/me/password", &body)
    }),
    ("rest-customers-me-password", "wrong current password", |site| rest_change(site, WRONG, NEW)),
    ("rest-customers-me-password", "policy: too short", |site| rest_change(site, RONIS_PASSWORD, SHORT)),
    ("rest-customers-me-password", "policy: too long", |site| rest_change(site, RONIS_PASSWORD, &long())),
    ("rest-customers-me-password", "policy: space at an end", |site| {
        rest_change(site, RONIS_PASSWORD, SPACED)
    }),
    ("rest-customers-me-password", "policy: too few classes", |site| {
        rest_change(site, RONIS_PASSWORD, FEW_CLASSES)
    }),
    ("rest-customers-me-password", "policy: equals the address", |site| {
        rest_change(site, RONIS_PASSWORD, ADDRESS)
    }),
    ("rest-customers-password", "unknown template", |site| {
        Provoked::repeats(rest_request_reset(site, RONI, "email_poem"), "email_poem")
    }),
    ("rest-customers-password", "unknown address", |site| {
        Provoked::repeats(rest_request_reset(site, NOBODY, "email_reset"), NOBODY)
    }),
    ("rest-customers-password", "too many requests", |site| {
        for _ in 0..5 {
            assert_eq!(rest_request_reset(site, RONI, "email_reset").status, 200);
        }
        rest_request_reset(site, RONI, "email_reset").into()
    }),
    ("rest-customers-resetPassword", "wrong token", |site| {
        rest_reset(site, "gh80pkjGdsPyiXc0sUUXswX1uGN7crUr", NEW)
    }),
    ("rest-customers-resetPassword", "expired token", |site| {
        rest_reset(site, &expired_reset_token(site), NEW)
    }),
    ("rest-customers-resetPassword", "policy: too short", |site| rest_reset_to(site, SHORT)),
    ("rest-customers-resetPassword", "policy: too long", |site| rest_reset_to(site, &long())),
    ("rest-customers-resetPassword", "policy: space at an end", |site| rest_reset_to(site, SPACED)),
    ("rest-customers-resetPassword", "policy: too few classes", |site| rest_reset_to(site, FEW_CLASSES)),
    ("rest-customers-resetPassword", "policy: equals the address", |site| rest_reset_to(site, ADDRESS)),
];

fn long() -> String {
    "N3w-password".chars().cycle().take(LONG).collect()
}

fn change(site: &Site, token: Option<&str>, current: &str, new: &str) -> Provoked {
    let query = format!(
        r#"mutation {{ changeCustomerPassword(currentPassword: "{current}", newPassword: "{new}") {{ email }} }}"#
    );
    site.ask(token, &query).into()
}

fn change_to(site: &Site, new: &str) -> Provoked {
    change(site, Some(&site.roni()), RONIS_PASSWORD, new)
}

fn request_reset(site: &Site, email: &str) -> Provoked {
    site.ask(None, &format!(r#"mutation {{ requestPasswordResetEmail(email: "{email}") }}"#)).into()
}

fn reset(site: &Site, email: &str, token: &str, new: &str) -> Provoked {
    let query = format!(
        r#"mutation {{ resetPassword(email: "{email}", resetPasswordToken: "{token}", newPassword: "{new}") }}"#
    );
    site.ask(None, &query).into()
}

fn reset_to(site: &Site, new: &str) -> Provoked {
    reset(site, RONI, &site.reset_token(), new)
}

fn expired_reset_token(site: &Site) -> String {
    let token = site.reset_token();
    site.meddle(
        "UPDATE documents SET bytes = CAST(json_set(CAST(bytes AS TEXT), \
         '$.document.outstanding[#-1].expires_at', \
         json_extract(CAST(bytes AS TEXT), '$.document.outstanding[#-1].issued_at')) AS BLOB) \
         WHERE kind = 'codes'",
    );
    token
}

fn rest_change(site: &Site, current: &str, new: &str) -> Provoked {
    let body = json!({ "currentPassword": current, "newPassword": new });
    site.rest_as(Some(&site.roni()), "PUT", "/rest/V1/customers/me/password", &body).into()
}

fn rest_request_reset(site: &Site, email: &str, template: &str) -> Answer {
    site.rest("PUT", REQUEST_RESET, &json!({ "email": email, "template": template, "websiteId": 1 }))
}

fn rest_reset(site: &Site, token: &str, new: &str) -> Provoked {
    let body = json!({ "email": RONI, "resetToken": token, "newPassword": new });
    site.rest("POST", "/rest/V1/customers/resetPassword", &body).into()
}

fn rest_reset_to(site: &Site, new: &str) -> Provoked {
    rest_reset(site, &site.reset_token(), new)
}
