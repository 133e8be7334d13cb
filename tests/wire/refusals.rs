//! Each documented refusal of a mutation: its message, its category and its status.

use commerce_auth::account::{AccountStatus, Permission};
use support::{
    EMAIL, PASSWORD, Shop, WRONG, fast,
    site::{Site, site},
};

const NEW: &str = "N3w-password";
const SIGN_IN: &str = "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later.";
const UNAUTHORIZED: &str = "The current customer isn't authorized.";

/// The bearer of a token.
#[derive(Clone, Copy)]
enum By {
    Guest,
    Customer,
    Admin,
}

use By::{Admin, Customer, Guest};

struct Refusal {
    by: By,
    query: String,
    message: &'static str,
    category: &'static str,
    status: u16,
}

fn refusal(
    by: By,
    query: impl Into<String>,
    message: &'static str,
    category: &'static str,
    status: u16,
) -> Refusal {
    Refusal { by, query: query.into(), message, category, status }
}

fn sign_in(email: &str, password: &str) -> String {
    format!(r#"mutation {{ generateCustomerToken(email: "{email}", password: "{password}") {{ token }} }}"#)
}

fn exchange(email: &str, otp: &str) -> String {
    format!(r#"mutation {{ exchangeOtpForCustomerToken(email: "{email}", otp: "{otp}") {{ token }} }}"#)
}

fn as_admin(email: &str) -> String {
    format!(
        r#"mutation {{ generateCustomerTokenAsAdmin(input: {{customer_email: "{email}"}}) {{ customer_token }} }}"#
    )
}

fn request_reset(email: &str) -> String {
    format!(r#"mutation {{ requestPasswordResetEmail(email: "{email}") }}"#)
}

fn reset(email: &str, token: &str, new: &str) -> String {
    format!(
        r#"mutation {{ resetPassword(email: "{email}", resetPasswordToken: "{token}", newPassword: "{new}") }}"#
    )
}

fn change(current: &str, new: &str) -> String {
    format!(
        r#"mutation {{ changeCustomerPassword(currentPassword: "{current}", newPassword: "{new}") {{ id }} }}"#
    )
}

async fn check(site: &Site, refusals: Vec<Refusal>) {
    let (customer, admin) = (site.customer_token().await, site.shop.admin_token().await);
    for Refusal { by, query, message, category, status } in refusals {
        let token = match by {
            Guest => None,
            Customer => Some(customer.as_str()),
            Admin => Some(admin.as_str()),
        };
        let answer = site.graphql(token, &query).await;
        assert_eq!(answer.graphql_error(), (message.to_owned(), category.to_owned(), status), "{query}");
        assert!(answer.json()["data"].as_object().unwrap().values().all(serde_json::Value::is_null));
    }
}

#[tokio::test]
async fn of_input() {
    let long = "x".repeat(1025);
    let refusals = vec![
        refusal(Guest, sign_in("", PASSWORD), "Specify the \"email\" value.", "graphql-input", 200),
        refusal(Guest, sign_in(EMAIL, ""), "Specify the \"password\" value.", "graphql-input", 200),
        refusal(Guest, sign_in(EMAIL, &long), "The password is too long.", "graphql-input", 200),
        refusal(Guest, exchange("", WRONG), "Specify the \"email\" value.", "graphql-input", 200),
        refusal(Guest, exchange(EMAIL, ""), "Specify the \"otp\" value.", "graphql-input", 200),
        refusal(Admin, as_admin(" "), "Specify the \"customer email\" value.", "graphql-input", 200),
        refusal(Guest, as_admin(" "), "Specify the \"customer email\" value.", "graphql-input", 200),
        refusal(Guest, request_reset(""), "You must specify an email address.", "graphql-input", 200),
        refusal(
            Guest,
            request_reset("no address"),
            "The email address has an invalid format.",
            "graphql-input",
            200,
        ),
        refusal(Guest, reset("", WRONG, NEW), "You must specify an email address.", "graphql-input", 200),
        refusal(
            Guest,
            reset("no address", WRONG, NEW),
            "The email address has an invalid format.",
            "graphql-input",
            200,
        ),
        refusal(Guest, reset(EMAIL, "", NEW), "resetPasswordToken must be specified", "graphql-input", 200),
        refusal(Guest, reset(EMAIL, WRONG, ""), "newPassword must be specified", "graphql-input", 200),
        refusal(
            Guest,
            reset(EMAIL, WRONG, NEW),
            "The password token is mismatched. Reset and try again.",
            "graphql-input",
            200,
        ),
        refusal(Customer, change(" ", NEW), "Specify the \"currentPassword\" value.", "graphql-input", 200),
        refusal(Customer, change(PASSWORD, " "), "Specify the \"newPassword\" value.", "graphql-input", 200),
        refusal(
            Customer,
            change(PASSWORD, "Sh0rt"),
            "The password needs at least 8 characters. Create a new password and try again.",
            "graphql-input",
            200,
        ),
        refusal(
            Customer,
            change(PASSWORD, " N3w-password"),
            "The password can't begin or end with a space. Verify the password and try again.",
            "graphql-input",
            200,
        ),
        refusal(
            Customer,
            change(PASSWORD, "onlylowercase"),
            "Minimum of different classes of characters in password is 3. Classes of characters: Lower Case, Upper Case, Digits, Special Characters.",
            "graphql-input",
            200,
        ),
        refusal(
            Customer,
            change(PASSWORD, EMAIL),
            "The password can't be the same as the email address. Create a new password and try again.",
            "graphql-input",
            200,
        ),
        refusal(
            Customer,
            change(PASSWORD, "Password1"),
            "The password is too common. Create a new password and try again.",
            "graphql-input",
            200,
        ),
        refusal(
            Customer,
            change(PASSWORD, "Example.com1"),
            "The password can't be made of the store's name, your name or your email address. Create a new password and try again.",
            "graphql-input",
            200,
        ),
    ];
    check(&site(), refusals).await;
}

#[tokio::test]
async fn of_credentials() {
    let refusals = vec![
        refusal(Guest, sign_in(EMAIL, WRONG), SIGN_IN, "graphql-authentication", 401),
        refusal(Guest, sign_in("nobody@example.com", PASSWORD), SIGN_IN, "graphql-authentication", 401),
        refusal(Guest, sign_in("no address", PASSWORD), SIGN_IN, "graphql-authentication", 401),
        refusal(Guest, sign_in("0", "0"), SIGN_IN, "graphql-authentication", 401),
        refusal(Guest, exchange(EMAIL, WRONG), SIGN_IN, "graphql-authentication", 401),
        refusal(Guest, exchange("no address", WRONG), SIGN_IN, "graphql-authentication", 401),
        refusal(Customer, change(WRONG, NEW), "Invalid login or password.", "graphql-authentication", 401),
    ];
    let site = site();
    check(&site, refusals).await;
    site.shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    let answer = site.graphql(None, &sign_in(EMAIL, PASSWORD)).await;
    let unconfirmed = "This account isn't confirmed. Verify and try again.";
    assert_eq!(answer.graphql_error(), (unconfirmed.into(), "graphql-authentication".into(), 401));
    // A stranger does not learn that the account exists.
    let answer = site.graphql(None, &sign_in(EMAIL, WRONG)).await;
    assert_eq!(answer.graphql_error(), (SIGN_IN.into(), "graphql-authentication".into(), 401));
    site.shop.set_customer(|row| row.status = AccountStatus::Disabled);
    let answer = site.graphql(None, &sign_in(EMAIL, PASSWORD)).await;
    assert_eq!(answer.graphql_error(), (SIGN_IN.into(), "graphql-authentication".into(), 401));
}

#[tokio::test]
async fn of_who_asks() {
    let refusals = vec![
        refusal(
            Guest,
            "mutation { revokeCustomerToken { result } }",
            UNAUTHORIZED,
            "graphql-authorization",
            403,
        ),
        refusal(
            Admin,
            "mutation { revokeCustomerToken { result } }",
            UNAUTHORIZED,
            "graphql-authorization",
            403,
        ),
        refusal(Guest, change(PASSWORD, NEW), UNAUTHORIZED, "graphql-authorization", 403),
        refusal(Admin, change(PASSWORD, NEW), UNAUTHORIZED, "graphql-authorization", 403),
        refusal(Guest, as_admin(EMAIL), UNAUTHORIZED, "graphql-authorization", 403),
        refusal(Customer, as_admin(EMAIL), UNAUTHORIZED, "graphql-authorization", 403),
    ];
    check(&site(), refusals).await;
}

#[tokio::test]
async fn of_assistance() {
    let site = site();
    let (no_email, disabled) = ("Customer email provided does not exist", "Login as Customer is disabled.");
    check(&site, vec![refusal(Admin, as_admin("nobody@example.com"), no_email, "graphql-input", 200)]).await;
    site.shop.set_customer(|row| row.allows_assistance = false);
    let no_consent = "Login as Customer assistance is disabled for this Customer.";
    check(&site, vec![refusal(Admin, as_admin(EMAIL), no_consent, "graphql-authorization", 403)]).await;
    site.shop.set_admin(|row| row.permissions = vec![Permission::Login]);
    let not_permitted = "Allow remote shopping assistance is disabled.";
    check(&site, vec![refusal(Admin, as_admin(EMAIL), not_permitted, "graphql-authorization", 403)]).await;
    site.shop.set_admin(|row| row.permissions = vec![Permission::AllowShoppingAssistance]);
    check(&site, vec![refusal(Admin, as_admin(EMAIL), disabled, "graphql-authorization", 403)]).await;

    let mut config = fast();
    config.assistance = false;
    let site =
        Site::of(Shop::open(commerce_auth::store::memory::MemoryStore::new(), config, |builder| builder));
    check(&site, vec![refusal(Admin, as_admin(EMAIL), disabled, "graphql-authorization", 403)]).await;
}

#[tokio::test]
async fn of_too_many() {
    let site = site();
    let token = site.customer_token().await;
    for _ in 0..6 {
        site.graphql(Some(&token), &change(WRONG, NEW)).await;
    }
    let answer = site.graphql(Some(&token), &change(PASSWORD, NEW)).await;
    assert_eq!(
        answer.graphql_error(),
        ("The account is locked.".into(), "graphql-authentication".into(), 401)
    );

    for _ in 0..5 {
        assert_eq!(site.graphql(None, &request_reset(EMAIL)).await.status, 200);
    }
    let answer = site.graphql(None, &request_reset(EMAIL)).await;
    let (message, category, status) = answer.graphql_error();
    assert!(message.starts_with("We received too many requests"));
    assert_eq!((category.as_str(), status), ("graphql-too-many-requests", 429));
    assert_eq!(answer.header("retry-after"), Some("3600"));

    for _ in 0..6 {
        site.graphql(None, &sign_in(EMAIL, WRONG)).await;
    }
    let answer = site.graphql(None, &sign_in(EMAIL, PASSWORD)).await;
    assert_eq!(answer.graphql_error(), (SIGN_IN.into(), "graphql-authentication".into(), 401));
}
