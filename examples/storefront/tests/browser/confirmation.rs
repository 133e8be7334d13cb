//! Mailed links that confirm an e-mail address.

use serde_json::{Value, json};

use crate::{
    in_browser_with,
    screens::fits,
    storefront::{Account, CUSTOMER, Storefront},
};

const NORA: Account = Account { name: "nora@example.com", password: "N3w-password" };
const ON: [&str; 3] = ["--admin-2fa", "optional", "--confirm-email"];

fn graphql(storefront: &Storefront, token: Option<&str>, query: &str) -> Value {
    let mut request = ureq::post(format!("{}/graphql", storefront.url));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer: Value = request.send_json(json!({ "query": query })).unwrap().body_mut().read_json().unwrap();
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

/// The link of a mail, and its page and its key.
async fn link(storefront: &Storefront, kind: &str) -> (String, String, String) {
    let mail = storefront.mail(kind).await;
    let link = mail.split_whitespace().find(|word| word.contains(kind)).unwrap();
    let (page, key) = link.split_once(kind).unwrap();
    (link.to_owned(), page.to_owned(), key.to_owned())
}

#[tokio::test]
async fn a_new_account_is_confirmed_by_the_mailed_link_and_its_password() {
    in_browser_with(&ON, async |storefront, browser| {
        let Account { name, password } = NORA;
        let input =
            format!(r#"{{ email: "{name}", password: "{password}", firstname: "Nora", lastname: "New" }}"#);
        graphql(
            storefront,
            None,
            &format!("mutation {{ createCustomerV2(input: {input}) {{ customer {{ email }} }} }}"),
        );
        let (link, page, key) = link(storefront, "#account=").await;
        browser.go(&link).await;
        browser.focus_reads("Confirm your e-mail address").await;
        assert_eq!(browser.value("#confirm-key").await, key);
        assert_eq!(browser.url().await, page, "the key has left the address bar");

        browser.write("#confirm-email", name).await;
        browser.write("#confirm-password", "not it").await;
        browser.click("#confirm-submit").await;
        browser.reads("#message", "Invalid login or password").await;
        fits(browser, "confirm-email-refused").await;
        browser.write("#confirm-password", password).await;
        browser.click("#confirm-submit").await;
        browser.focus_reads("Your e-mail address is confirmed").await;
        fits(browser, "confirmed").await;

        browser.click("#to-shop").await;
        browser.sign_in(NORA).await;
        browser.reads("#customer-email", name).await;
    })
    .await;
}

#[tokio::test]
async fn another_mail_is_sent_whoever_asks() {
    let challenged = [&ON[..], &["--challenge", "always"]].concat();
    in_browser_with(&challenged, async |storefront, browser| {
        browser.go(&format!("{}/confirm", storefront.url)).await;
        for email in ["nobody@example.com", "unconfirmed@example.com"] {
            browser.write("#confirm-email", email).await;
            browser.click("#resend").await;
            browser.reads("#message", "a link is on its way to it").await;
        }
        assert!(storefront.mail("#account=").await.contains("To: unconfirmed@example.com"));
    })
    .await;
}

#[tokio::test]
async fn a_new_address_is_confirmed_by_the_mailed_link_alone() {
    in_browser_with(&ON, async |storefront, browser| {
        let Account { name, password } = CUSTOMER;
        let sign_in =
            format!(r#"mutation {{ generateCustomerToken(email: "{name}", password: "{password}") {{ token }} }}"#);
        let token = graphql(storefront, None, &sign_in)["generateCustomerToken"]["token"].clone();
        let change = format!(
            r#"mutation {{ updateCustomerEmail(email: "{}", password: "{password}") {{ customer {{ email }} }} }}"#,
            NORA.name
        );
        graphql(storefront, token.as_str(), &change);
        let (link, ..) = link(storefront, "#address=").await;
        browser.go(&link).await;
        browser.see("#confirm").await;
        browser.gone("#of-account:not([hidden])").await;
        browser.write("#confirm-email", NORA.name).await;
        browser.click("#confirm-submit").await;
        browser.see("#confirmed").await;
        browser.click("#to-shop").await;
        browser.sign_in(Account { name: NORA.name, password }).await;
        browser.reads("#customer-email", NORA.name).await;
    })
    .await;
}
