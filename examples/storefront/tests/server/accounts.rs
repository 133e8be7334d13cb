//! The host's own operations, and every refusal of theirs that Commerce documents.

use serde_json::{Value, json};

use crate::support::{ADMIN, BOB, BOBS_PASSWORD, NORAS_PASSWORD, Place, RONI, RONIS_PASSWORD, Server};

const CREATE: &str = "mutation($input: CustomerCreateInput!) { createCustomerV2(input: $input) { customer { \
                      firstname lastname email is_subscribed allow_remote_shopping_assistance \
                      confirmation_status date_of_birth gender } } }";
const UPDATE: &str = "mutation($input: CustomerUpdateInput!) { updateCustomerV2(input: $input) { customer { \
                      firstname lastname prefix allow_remote_shopping_assistance is_subscribed } } }";
const CHANGE_EMAIL: &str = "mutation($email: String!, $password: String!) \
                            { updateCustomerEmail(email: $email, password: $password) { customer { email } } }";
const NOT_AUTHORIZED: &str = "The current customer isn't authorized.";
const TAKEN: &str = "A customer with the same email address already exists in an associated website.";

fn is_refused(answer: &crate::support::Answer, status: u16, category: &str, message: &str) {
    assert_eq!(answer.refusal(), (status, category.into(), message.into()), "{answer:?}");
}

fn assisted(server: &Server, email: &str) -> String {
    let query = "mutation($email: String!) \
                 { generateCustomerTokenAsAdmin(input: { customer_email: $email }) { customer_token } }";
    let answer = server.graphql(Some(&server.admin_token(ADMIN)), query, json!({ "email": email }));
    answer.data("/generateCustomerTokenAsAdmin/customer_token").as_str().unwrap().to_owned()
}

#[test]
fn a_customer_sees_everything_that_commerces_clients_select() {
    let server = Place::new().demo();
    let token = server.customer_token(RONI, RONIS_PASSWORD);
    let query = "{ customer { firstname lastname email prefix middlename suffix date_of_birth gender is_subscribed \
                 created_at allow_remote_shopping_assistance confirmation_status addresses { id firstname lastname \
                 street city region { region region_code } postcode country_code country_id telephone \
                 default_shipping default_billing custom_attributes { attribute_code value } \
                 extension_attributes { attribute_code value } } } }";
    let customer = server.graphql(Some(&token), query, json!({})).data("/customer");
    assert_eq!(customer["firstname"], "Veronica");
    assert_eq!(customer["lastname"], "Costello");
    assert_eq!(customer["email"], RONI);
    assert_eq!(customer["prefix"], Value::Null);
    assert_eq!(customer["allow_remote_shopping_assistance"], true);
    assert_eq!(customer["confirmation_status"], "ACCOUNT_CONFIRMATION_NOT_REQUIRED");
    assert_eq!(customer["created_at"].as_str().unwrap().len(), "2026-01-01 12:00:00".len());
    assert_eq!(customer["addresses"][0]["region"], json!({ "region": "Michigan", "region_code": "MI" }));
    for (field, value) in [
        ("country_code", json!("US")),
        ("country_id", json!("US")),
        ("custom_attributes", Value::Null),
        ("extension_attributes", Value::Null),
    ] {
        assert_eq!(customer["addresses"][0].get(field), Some(&value), "{field}");
    }

    let me = server.get_as("/rest/V1/customers/me", &token).json();
    assert_eq!((&me["id"], &me["email"]), (&json!(1), &json!(RONI)));
    assert_eq!(me["extension_attributes"]["assistance_allowed"], 2);
    assert_eq!(server.get_as("/rest/default/V1/customers/me", &token).json(), me, "by store");
}

#[test]
fn guests_and_admin_users_are_no_customers() {
    let server = Place::new().demo();
    let admin = server.admin_token(ADMIN);
    for token in [None, Some(admin.as_str())] {
        for (query, variables) in [
            ("{ customer { email } }", json!({})),
            (UPDATE, json!({ "input": { "firstname": "Eve" } })),
            (CHANGE_EMAIL, json!({ "email": "eve@example.com", "password": "password" })),
        ] {
            let answer = server.graphql(token, query, variables);
            is_refused(&answer, 403, "graphql-authorization", NOT_AUTHORIZED);
        }
    }
    let refused = server.get("/rest/V1/customers/me", &[]);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["message"], "The consumer isn't authorized to access %resources.");
    assert!(refused.header("www-authenticate").is_some());
    assert_eq!(server.get_as("/rest/V1/customers/me", &admin).status, 401);
}

#[test]
fn websites_are_for_admin_users() {
    let server = Place::new().demo();
    let websites = server.get_as("/rest/V1/store/websites", &server.admin_token(ADMIN)).json();
    assert_eq!(websites[1]["code"], "base");
    let customer = server.customer_token(BOB, BOBS_PASSWORD);
    for headers in [vec![], vec![("authorization", format!("Bearer {customer}"))]] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refused = server.get("/rest/V1/store/websites", &headers);
        assert_eq!(refused.status, 401);
        assert_eq!(refused.json()["message"], "The consumer isn't authorized to access %resources.");
        assert_eq!(refused.json()["parameters"], json!({ "resources": "Magento_Backend::store" }));
    }
}

#[test]
fn an_account_is_made_and_signed_in_to() {
    let server = Place::new().start();
    let input = json!({
        "email": "New_Customer@Example.com", "firstname": "Nora", "lastname": "New", "password": NORAS_PASSWORD,
        "is_subscribed": true, "allow_remote_shopping_assistance": true, "date_of_birth": "1990-02-28", "gender": 2,
    });
    let customer = server.graphql(None, CREATE, json!({ "input": input })).data("/createCustomerV2/customer");
    assert_eq!(
        customer,
        json!({
            "firstname": "Nora", "lastname": "New", "email": "new_customer@example.com", "is_subscribed": true,
            "allow_remote_shopping_assistance": true, "confirmation_status": "ACCOUNT_CONFIRMATION_NOT_REQUIRED",
            "date_of_birth": "1990-02-28", "gender": 2,
        })
    );
    server.customer_token("new_customer@example.com", NORAS_PASSWORD);
}

#[test]
fn a_birthday_is_read_as_commerce_reads_it() {
    let server = Place::new().start();
    for (index, (sent, answered)) in
        [("3/11/1972", "1972-03-11"), ("03/11/1972", "1972-03-11"), ("12/31/1999", "1999-12-31")]
            .into_iter()
            .enumerate()
    {
        for field in ["date_of_birth", "dob"] {
            let email = format!("nora{index}{field}@example.com");
            let input = json!({ "email": email, "firstname": "Nora", "lastname": "New", field: sent });
            let made = server.graphql(None, CREATE, json!({ "input": input }));
            assert_eq!(made.data("/createCustomerV2/customer/date_of_birth"), answered, "{field}: {sent}");
        }
    }
}

#[test]
fn blanks_around_an_address_are_no_part_of_it() {
    let server = Place::new().demo();
    let input = json!({
        "email": " \tnora@example.com\n", "firstname": "Nora", "lastname": "New", "password": NORAS_PASSWORD,
    });
    let made = server.graphql(None, CREATE, json!({ "input": input }));
    assert_eq!(made.data("/createCustomerV2/customer/email"), "nora@example.com");
    let token = server.customer_token("nora@example.com", NORAS_PASSWORD);
    let variables = json!({ "email": " nora@example.org ", "password": NORAS_PASSWORD });
    let changed = server.graphql(Some(&token), CHANGE_EMAIL, variables);
    assert_eq!(changed.data("/updateCustomerEmail/customer/email"), "nora@example.org");
    let query = "{ isEmailAvailable(email: \" nora@example.org \") { is_email_available } }";
    let available = server.graphql(None, query, json!({}));
    assert_eq!(available.data("/isEmailAvailable/is_email_available"), true);
}

#[test]
fn an_account_without_a_password_cannot_be_signed_in_to() {
    let server = Place::new().start();
    let input = json!({ "email": "nora@example.com", "firstname": "Nora", "lastname": "New" });
    server.graphql(None, CREATE, json!({ "input": input })).data("/createCustomerV2/customer");
    assert_eq!(server.sign_in("nora@example.com", NORAS_PASSWORD).status, 401);
}

#[test]
fn what_is_no_account_is_not_made() {
    let server = Place::new().demo();
    let long = "x".repeat(256);
    let create = |change: Value| {
        let mut input = json!({ "email": "nora@example.com", "firstname": "Nora", "lastname": "New", "password": NORAS_PASSWORD });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        server.graphql(None, CREATE, json!({ "input": input }))
    };
    for (change, message) in [
        (json!({ "email": "nora" }), "\"nora\" is not a valid email address."),
        (json!({ "email": "" }), "\"\" is not a valid email address."),
        (json!({ "email": "nora@example" }), "\"nora@example\" is not a valid email address."),
        (json!({ "email": "nora@-a.example" }), "\"nora@-a.example\" is not a valid email address."),
        (json!({ "firstname": "" }), "\"First Name\" is a required value."),
        (json!({ "lastname": "  " }), "\"Last Name\" is a required value."),
        (json!({ "firstname": long }), "\"First Name\" length must be equal or less than 255 characters."),
        (json!({ "date_of_birth": "1990-02-30" }), "\"Date of Birth\" is not a valid date."),
        (json!({ "date_of_birth": "2/30/1990" }), "\"Date of Birth\" is not a valid date."),
        (json!({ "date_of_birth": "31/12/1990" }), "\"Date of Birth\" is not a valid date."),
        (json!({ "date_of_birth": "12/31/90" }), "\"Date of Birth\" is not a valid date."),
        (json!({ "dob": "1990-2-3" }), "\"Date of Birth\" is not a valid date."),
        (json!({ "gender": 4 }), "\"Gender\" is not a valid value."),
        (
            json!({ "password": "aB3aB3a" }),
            "The password needs at least 8 characters. Create a new password and try again.",
        ),
        (
            json!({ "password": " aB3aB3aB3" }),
            "The password can't begin or end with a space. Verify the password and try again.",
        ),
        (
            json!({ "password": "password" }),
            "Minimum of different classes of characters in password is 3. Classes of characters: Lower Case, \
             Upper Case, Digits, Special Characters.",
        ),
        (
            json!({ "password": "Password1" }),
            "The password is too common. Create a new password and try again.",
        ),
        (
            json!({ "password": "Nora@Example.com" }),
            "The password can't be the same as the email address. Create a new password and try again.",
        ),
        (json!({ "email": "BobLobLaw@EXAMPLE.com" }), TAKEN),
    ] {
        is_refused(&create(change), 200, "graphql-input", message);
    }
    create(json!({})).data("/createCustomerV2/customer");
    is_refused(&create(json!({})), 200, "graphql-input", TAKEN);
}

#[test]
fn an_address_is_given_to_one_of_many_who_ask_at_once() {
    let server = Place::new().start();
    let made = std::thread::scope(|scope| {
        let create = || {
            let input = json!({
                "email": "nora@example.com", "firstname": "Nora", "lastname": "New", "password": NORAS_PASSWORD,
            });
            let answer = server.graphql(None, CREATE, json!({ "input": input }));
            answer.json().get("errors").is_none() || {
                is_refused(&answer, 200, "graphql-input", TAKEN);
                false
            }
        };
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        asking.into_iter().map(|asked| usize::from(asked.join().unwrap())).sum::<usize>()
    });
    assert_eq!(made, 1);
}

#[test]
fn an_account_is_changed() {
    let server = Place::new().demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    let update = |input: Value| server.graphql(Some(&token), UPDATE, json!({ "input": input }));
    let input = json!({ "prefix": "Mr", "allow_remote_shopping_assistance": true, "is_subscribed": true });
    assert_eq!(
        update(input).data("/updateCustomerV2/customer"),
        json!({
            "firstname": "Bob", "lastname": "Loblaw", "prefix": "Mr", "allow_remote_shopping_assistance": true,
            "is_subscribed": true,
        })
    );
    let customer = update(json!({ "lastname": "Law", "prefix": null })).data("/updateCustomerV2/customer");
    assert_eq!((&customer["lastname"], &customer["prefix"]), (&json!("Law"), &json!("Mr")));
    assert_eq!(customer["allow_remote_shopping_assistance"], true, "what is not named stays");

    for input in [json!({}), json!({ "firstname": null })] {
        is_refused(&update(input), 200, "graphql-input", "\"input\" value should be specified");
    }
    let message = "\"First Name\" is a required value.";
    is_refused(&update(json!({ "firstname": "" })), 200, "graphql-input", message);
}

#[test]
fn who_assists_gives_no_consent_and_changes_no_address() {
    let server = Place::new().demo();
    let token = assisted(&server, RONI);
    let update = |input: Value| server.graphql(Some(&token), UPDATE, json!({ "input": input }));
    let withdrawn = json!({ "firstname": "Eve", "allow_remote_shopping_assistance": false });
    is_refused(&update(withdrawn), 403, "graphql-authorization", NOT_AUTHORIZED);
    let variables = json!({ "email": "eve@example.com", "password": RONIS_PASSWORD });
    let answer = server.graphql(Some(&token), CHANGE_EMAIL, variables);
    is_refused(&answer, 403, "graphql-authorization", NOT_AUTHORIZED);

    // Sent back as it was shown, the consent is not set.
    let customer = update(json!({ "prefix": "Ms", "allow_remote_shopping_assistance": true }))
        .data("/updateCustomerV2/customer");
    assert_eq!((&customer["firstname"], &customer["prefix"]), (&json!("Veronica"), &json!("Ms")));
}

#[test]
fn a_changed_address_ends_every_token_and_is_signed_in_with() {
    let server = Place::new().demo();
    let (token, other) =
        (server.customer_token(BOB, BOBS_PASSWORD), server.customer_token(BOB, BOBS_PASSWORD));
    let change = |email: &str, password: &str| {
        server.graphql(Some(&token), CHANGE_EMAIL, json!({ "email": email, "password": password }))
    };
    let new = "Bob@Example.ORG";
    for no_address in ["bob", "bob@example", "bob@example-.org"] {
        let message = format!("\"{no_address}\" is not a valid email address.");
        is_refused(&change(no_address, BOBS_PASSWORD), 200, "graphql-input", &message);
    }
    let message = "Provide the current \"password\" to change \"email\".";
    is_refused(&change(new, ""), 200, "graphql-input", message);
    is_refused(&change(new, "Wr0ng-password"), 401, "graphql-authentication", "Invalid login or password.");
    is_refused(&change(RONI, BOBS_PASSWORD), 200, "graphql-already-exists", TAKEN);

    assert_eq!(change(new, BOBS_PASSWORD).data("/updateCustomerEmail/customer/email"), "bob@example.org");
    for token in [&token, &other] {
        assert_eq!(server.graphql(Some(token), "{ customer { email } }", json!({})).status, 401);
    }
    assert_eq!(server.sign_in(BOB, BOBS_PASSWORD).status, 401);
    server.customer_token("bob@example.org", BOBS_PASSWORD);
}

#[test]
fn too_many_wrong_passwords_lock_the_change_of_an_address() {
    let server = Place::new().demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    let change = |password: &str| {
        let variables = json!({ "email": "bob@example.org", "password": password });
        server.graphql(Some(&token), CHANGE_EMAIL, variables).refusal()
    };
    for _ in 0..6 {
        assert_eq!(change("Wr0ng-password").2, "Invalid login or password.");
    }
    let locked = (401, "graphql-authentication".to_owned(), "The account is locked.".to_owned());
    assert_eq!(change(BOBS_PASSWORD), locked);
}

#[test]
fn an_address_is_always_available() {
    let server = Place::new().demo();
    let ask = |email: &str| {
        let query = "query($email: String!) { isEmailAvailable(email: $email) { is_email_available } }";
        server.graphql(None, query, json!({ "email": email }))
    };
    for email in [RONI, "nobody@example.com"] {
        assert_eq!(ask(email).data("/isEmailAvailable/is_email_available"), true);
    }
    for nothing in ["", " "] {
        is_refused(&ask(nothing), 200, "graphql-input", "Email must be specified");
    }
    for no_address in ["bob", "bob@example"] {
        is_refused(&ask(no_address), 200, "graphql-input", "Email is invalid");
    }
}

#[test]
fn a_storefront_is_told_the_rules() {
    let server = Place::new().start();
    let query = "{ storeConfig { store_code store_name customer_access_token_lifetime minimum_password_length \
                 required_character_classes_number } }";
    assert_eq!(
        server.graphql(None, query, json!({})).data("/storeConfig"),
        json!({
            "store_code": "default", "store_name": "Default Store View", "customer_access_token_lifetime": 1.0,
            "minimum_password_length": "8", "required_character_classes_number": "3",
        })
    );
}
