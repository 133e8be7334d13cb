//! New customers and changed addresses, where the shop has e-mail addresses confirmed.

use commerce_auth_test_servers::Postgres;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    letters::{check_raw, mail_about, token},
    support::{Answer, BOB, BOBS_PASSWORD, NORAS_PASSWORD, Place, RONI, Server, wait_until},
};

const NORA: &str = "nora@example.com";
const OTHER_PASSWORD: &str = "An0ther-Password";
const CONFIRM: &str = "Confirm your e-mail address";
const CHANGED: &str = "Confirm your new e-mail address";
const AGAIN: &str = "You have an account already";
const INVALID: &str = "The confirmation token is invalid. Verify the token and try again.";
const NOT_CONFIRMED: &str = "This account isn't confirmed. Verify and try again.";

/// As the storefront components of Adobe ask for a new account.
const CREATE: &str = "mutation CREATE($input: CustomerCreateInput!) { createCustomerV2(input: $input) { customer { \
                      ...CUSTOMER } } } fragment CUSTOMER on Customer { __typename firstname lastname email \
                      is_subscribed }";
/// Everything that a client may ask for.
const CREATE_ALL: &str = "mutation($input: CustomerCreateInput!) { createCustomerV2(input: $input) { customer { id \
                          group_id firstname lastname email prefix middlename suffix date_of_birth dob gender taxvat \
                          is_subscribed created_at allow_remote_shopping_assistance default_billing \
                          default_shipping addresses { id } } } }";
const CREATE_OLDER: &str =
    "mutation($input: CustomerInput!) { createCustomer(input: $input) { customer { email firstname } } }";
const CHANGE_EMAIL: &str = "mutation($email: String!, $password: String!) \
                            { updateCustomerEmail(email: $email, password: $password) { customer { email } } }";

fn new_customer(email: &str, password: &str) -> Value {
    json!({ "input": { "email": email, "firstname": "Nora", "lastname": "New", "password": password } })
}

fn register(server: &Server, email: &str, password: &str) -> Value {
    server.graphql(None, CREATE, new_customer(email, password)).data("/createCustomerV2/customer")
}

fn confirm(server: &Server, email: &str, key: &str, password: Option<&str>) -> Answer {
    let query = "mutation($input: ConfirmEmailInput!) { confirmEmail(input: $input) { customer { email firstname } } }";
    let input = json!({ "email": email, "confirmation_key": key, "password": password });
    server.graphql(None, query, json!({ "input": input }))
}

/// The keys that were mailed to an address, the oldest first, once there are so many.
fn keys(place: &Place, server: &Server, email: &str, count: usize) -> Vec<String> {
    let to = format!("To: {email}\r\n");
    wait_until("the mails with keys", || {
        let mails = place.mails().into_iter().filter(|mail| mail.contains(&to) && mail.contains("/confirm#"));
        let mails: Vec<_> = mails.collect();
        let link = |mail: &String| {
            let kind = if mail.contains("#account=") { "account" } else { "address" };
            token(mail, &format!("{}/confirm#{kind}=", server.url()))
        };
        (mails.len() >= count).then(|| mails.iter().map(link).collect())
    })
}

fn message(answer: &Answer) -> String {
    answer.refusal().2
}

#[test]
fn a_customer_registers_confirms_and_signs_in() {
    let place = Place::new();
    let server = place.start_with(&["--confirm-email"]);
    let asked = server.graphql(None, "{ storeConfig { create_account_confirmation } }", json!({}));
    assert_eq!(asked.data("/storeConfig/create_account_confirmation"), true);
    assert_eq!(
        register(&server, "Nora@Example.com ", NORAS_PASSWORD),
        json!({ "__typename": "Customer", "firstname": "Nora", "lastname": "New", "email": NORA, "is_subscribed": false })
    );
    let mail = mail_about(&place, CONFIRM);
    check_raw(&mail, server.url());
    let key = keys(&place, &server, NORA, 1).remove(0);
    assert_eq!(mail.lines().filter(|line| *line == key).count(), 1, "the key: {mail}");
    assert!(mail.contains("do not follow the link"), "{mail}");
    assert_eq!(message(&server.sign_in(NORA, NORAS_PASSWORD)), NOT_CONFIRMED);

    // As Commerce's clients do, without a password.
    assert_eq!(message(&confirm(&server, NORA, BOBS_PASSWORD, None)), INVALID);
    let answer = confirm(&server, NORA, &key, None);
    assert_eq!(answer.data("/confirmEmail/customer"), json!({ "email": NORA, "firstname": "Nora" }));
    assert_eq!(message(&confirm(&server, NORA, &key, None)), "The account is already active.");
    let token = server.customer_token(NORA, NORAS_PASSWORD);
    let customer = server.graphql(Some(&token), "{ customer { confirmation_status } }", json!({}));
    assert_eq!(customer.data("/customer/confirmation_status"), "ACCOUNT_CONFIRMED");
}

#[test]
fn nobody_can_tell_who_has_an_account() {
    let place = Place::new();
    let server = place.start_with(&["--demo", "--confirm-email"]);
    let addresses = ["nobody@example.com", BOB, "unconfirmed@example.com", "disabled@example.com"];
    let answers = |query: &str| -> Vec<Value> {
        let answer = |email: &&str| {
            let mut answer =
                server.graphql(None, query, new_customer(email, NORAS_PASSWORD)).text.replace(*email, "E");
            if let Some((before, after)) = answer.split_once("\"created_at\":\"") {
                answer = format!("{before}{}", &after["2026-01-01 12:00:00\"".len()..]);
            }
            Value::String(answer)
        };
        addresses.iter().map(answer).collect()
    };
    // The error of the status, too.
    let status = "mutation($input: CustomerCreateInput!) { createCustomerV2(input: $input) { customer { \
                  confirmation_status } } }";
    for query in [CREATE_ALL, status] {
        let answers = answers(query);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    }
    assert!(answers(CREATE_ALL)[0].as_str().unwrap().contains(r#""id":null"#));
    let again = mail_about(&place, AGAIN);
    assert!(again.contains(&format!("To: {BOB}\r\n")), "{again}");
    check_raw(&again, server.url());
    // Bob's account is what it was.
    server.customer_token(BOB, BOBS_PASSWORD);
    assert_eq!(server.sign_in(BOB, NORAS_PASSWORD).status, 401);
    assert_eq!(server.sign_in("disabled@example.com", NORAS_PASSWORD).status, 401);
}

/// Everything that the shop asks of its database by itself.
fn the_newest_registration_counts(place: &Place, server: &Server) {
    register(server, NORA, OTHER_PASSWORD);
    let stranger = keys(place, server, NORA, 1).remove(0);
    let input =
        json!({ "email": NORA, "firstname": "Eleonora", "lastname": "New", "password": NORAS_PASSWORD });
    let answer = server.graphql(None, CREATE_OLDER, json!({ "input": input }));
    assert_eq!(answer.data("/createCustomer/customer"), json!({ "email": NORA, "firstname": "Eleonora" }));
    let newest = keys(place, server, NORA, 2).into_iter().find(|key| *key != stranger).unwrap();
    assert_eq!(message(&confirm(server, NORA, &stranger, None)), INVALID);
    let refused = confirm(server, NORA, &newest, Some(OTHER_PASSWORD)).refusal();
    assert_eq!((refused.0, refused.2.as_str()), (401, "Invalid login or password."));
    let confirmed = confirm(server, NORA, &newest, Some(NORAS_PASSWORD));
    assert_eq!(confirmed.data("/confirmEmail/customer/firstname"), "Eleonora");
    let signed_in = server.customer_token(NORA, NORAS_PASSWORD);
    assert_eq!(server.sign_in(NORA, OTHER_PASSWORD).status, 401);

    // Once it is confirmed, it stays.
    register(server, NORA, OTHER_PASSWORD);
    mail_about(place, AGAIN);
    assert_eq!(server.graphql(Some(&signed_in), "{ customer { email } }", json!({})).status, 200);
    assert_eq!(server.sign_in(NORA, OTHER_PASSWORD).status, 401);
}

#[test]
fn the_newest_registration_counts_in_memory() {
    let place = Place::new();
    let server = place.start_with(&["--confirm-email", "--database", "memory:"]);
    the_newest_registration_counts(&place, &server);
}

#[test]
fn the_newest_registration_counts_in_sqlite() {
    let place = Place::new();
    let server = place.start_with(&["--confirm-email"]);
    the_newest_registration_counts(&place, &server);
}

#[test]
fn the_newest_registration_counts_in_postgres() {
    let Some(postgres) = Postgres::start() else { return };
    let place = Place::new();
    let server = place.start_with(&["--confirm-email", "--database", &postgres.url()]);
    the_newest_registration_counts(&place, &server);
}

#[test]
fn a_source_registers_ten_times_in_an_hour() {
    for arguments in [&["--confirm-email"][..], &[]] {
        let server = Place::new().start_with(arguments);
        for number in 0..10 {
            register(&server, &format!("nora{number}@example.com"), NORAS_PASSWORD);
        }
        let limited = server.graphql(None, CREATE, new_customer(NORA, NORAS_PASSWORD));
        assert_eq!((limited.status, limited.header("retry-after")), (429, Some("3600")), "{limited:?}");
    }
}

#[test]
fn an_address_changes_once_the_new_one_is_confirmed() {
    let place = Place::new();
    let server = place.start_with(&["--demo", "--confirm-email"]);
    let bob = server.customer_token(BOB, BOBS_PASSWORD);
    let change = |email: &str, password: &str| {
        server.graphql(Some(&bob), CHANGE_EMAIL, json!({ "email": email, "password": password }))
    };
    assert_eq!(change(NORA, OTHER_PASSWORD).status, 401);
    // A taken address and a free one are answered alike.
    for email in [RONI, NORA] {
        assert_eq!(change(email, BOBS_PASSWORD).data("/updateCustomerEmail/customer/email"), BOB, "{email}");
    }
    let older =
        "mutation($input: CustomerInput!) { updateCustomer(input: $input) { customer { email firstname } } }";
    let input = json!({ "email": "robert@example.com", "password": BOBS_PASSWORD, "firstname": "Robert" });
    let answer = server.graphql(Some(&bob), older, json!({ "input": input }));
    assert_eq!(answer.data("/updateCustomer/customer"), json!({ "email": BOB, "firstname": "Robert" }));

    assert!(mail_about(&place, AGAIN).contains(&format!("To: {RONI}\r\n")));
    let (asked, mail) = (mail_about(&place, "Your e-mail address"), mail_about(&place, CHANGED));
    assert!(asked.contains(&format!("To: {BOB}\r\n")) && !asked.contains(NORA), "{asked}");
    for mail in [asked, mail] {
        check_raw(&mail, server.url());
    }
    let key = keys(&place, &server, NORA, 1).remove(0);
    assert_eq!(message(&confirm(&server, RONI, &key, None)), INVALID);
    assert_eq!(confirm(&server, NORA, &key, None).data("/confirmEmail/customer/email"), NORA);
    assert_eq!(server.graphql(Some(&bob), "{ customer { email } }", json!({})).status, 401);
    assert_eq!(server.sign_in(BOB, BOBS_PASSWORD).status, 401);
    server.customer_token(NORA, BOBS_PASSWORD);
}

#[test]
fn a_customer_activates_the_own_account_by_rest() {
    let place = Place::new();
    let server = place.start_with(&["--demo", "--confirm-email"]);
    let bob = server.customer_token(BOB, BOBS_PASSWORD);
    let database = Connection::open(place.path().join("storefront.db")).unwrap();
    let statement = "UPDATE customers SET status = 'unconfirmed' WHERE email = 'bobloblaw@example.com'";
    assert_eq!(database.execute(statement, []).unwrap(), 1);
    let resend = "mutation($email: String!) { resendConfirmationEmail(email: $email) }";
    assert_eq!(server.graphql(None, resend, json!({ "email": BOB })).data("/resendConfirmationEmail"), true);
    let body = json!({ "confirmationKey": keys(&place, &server, BOB, 1)[0] }).to_string();
    let bearer = format!("Bearer {bob}");
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    let answer = server.send("PUT", "/rest/V1/customers/me/activate", &headers, Some(&body));
    assert_eq!((answer.status, answer.json()["email"].as_str()), (200, Some(BOB)), "{answer:?}");
    server.customer_token(BOB, BOBS_PASSWORD);
}
