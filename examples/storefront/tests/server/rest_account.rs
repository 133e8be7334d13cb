//! `PUT /V1/customers/me`, read as leniently as Commerce reads it.

use serde_json::{Value, json};

use crate::support::{ADMIN, BOB, BOBS_PASSWORD, Place, RONI, RONIS_PASSWORD, Server};

fn consent(server: &Server, token: &str) -> Value {
    server.get_as("/rest/V1/customers/me", token).json()["extension_attributes"]["assistance_allowed"].clone()
}

#[test]
fn a_client_sends_back_what_it_got_with_a_change() {
    let server = Place::new().demo();
    let token = server.customer_token(RONI, RONIS_PASSWORD);
    let mut me = server.get_as("/rest/V1/customers/me", &token).json();
    me["lastname"] = "Costello-Law".into();
    me["dob"] = "3/11/1972".into();
    // The customer cannot change these fields.
    let mut sent = me.clone();
    sent["id"] = 2.into();
    sent["group_id"] = "3".into();
    sent["custom_attributes"] = json!([{ "attribute_code": "x", "value": "y" }]);
    let answer = server.put_me(&token, &json!({ "customer": sent, "passwordHash": "x" }).to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    me["dob"] = "1972-03-11".into();
    let mut answered = answer.json();
    assert_eq!(answered, server.get_as("/rest/V1/customers/me", &token).json(), "it is stored");
    answered["updated_at"] = me["updated_at"].clone();
    assert_eq!(answered, me);
    assert_eq!(server.get_as("/rest/default/V1/customers/me", &token).json()["lastname"], "Costello-Law");
}

#[test]
fn consent_is_given_and_withdrawn() {
    let place = Place::new();
    let server = place.demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    assert_eq!(consent(&server, &token), 1);
    for (sent, consents, mails) in [
        (json!({ "extension_attributes": { "assistance_allowed": 2 } }), 2, 1),
        // Nothing changes, and nobody is mailed.
        (json!({ "extension_attributes": { "assistance_allowed": 2 } }), 2, 1),
        (json!({ "extension_attributes": { "assistance_allowed": 0 } }), 2, 1),
        (json!({ "extension_attributes": [] }), 2, 1),
        (json!({ "extension_attributes": {} }), 2, 1),
        (json!({ "firstname": "Rob" }), 2, 1),
        (json!({ "extensionAttributes": { "assistanceAllowed": "1" } }), 1, 2),
        (json!({ "extension_attributes": { "assistance_allowed": "2" } }), 2, 3),
        (json!({ "extension_attributes": { "assistance_allowed": 3 } }), 1, 4),
    ] {
        let answer = server.put_me(&token, &json!({ "customer": sent }).to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(consent(&server, &token), consents, "{sent}");
        assert_eq!(place.wait_for_mails(mails).len(), mails, "{sent}");
    }
}

#[test]
fn an_assistant_corrects_a_name_and_gives_no_consent() {
    let server = Place::new().demo();
    let query = "mutation($email: String!) \
                 { generateCustomerTokenAsAdmin(input: { customer_email: $email }) { customer_token } }";
    let answer = server.graphql(Some(&server.admin_token(ADMIN)), query, json!({ "email": RONI }));
    let token = answer.data("/generateCustomerTokenAsAdmin/customer_token").as_str().unwrap().to_owned();
    let put = |attributes: Value| {
        let customer = json!({ "firstname": "Vera", "extension_attributes": attributes });
        server.put_me(&token, &json!({ "customer": customer }).to_string())
    };
    let refused = put(json!({ "assistance_allowed": 1 }));
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["message"], "The consumer isn't authorized to access %resources.");
    assert_eq!(refused.json()["parameters"], json!({ "resources": "self" }));
    let unchanged = server.get_as("/rest/V1/customers/me", &token).json();
    assert_eq!(unchanged["firstname"], "Veronica");
    assert_eq!(put(json!({ "assistance_allowed": 2 })).json()["firstname"], "Vera");
}

#[test]
fn types_are_read_as_commerce_reads_them() {
    let server = Place::new().demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    for (field, sent, answered) in [
        ("gender", json!("2"), json!(2)),
        ("gender", json!(1), json!(1)),
        ("taxvat", json!(4711), json!("4711")),
        ("suffix", json!("Jr"), json!("Jr")),
    ] {
        let body = json!({ "customer": { field: sent } });
        assert_eq!(server.put_me(&token, &body.to_string()).json()[field], answered, "{body}");
    }
    for (sent, answered) in [
        (json!(true), true),
        (json!(0), false),
        (json!("1"), true),
        (json!("false"), false),
        (json!(1), true),
    ] {
        let body = json!({ "customer": { "extension_attributes": { "is_subscribed": sent } } });
        let me = server.put_me(&token, &body.to_string()).json();
        assert_eq!(me["extension_attributes"]["is_subscribed"], answered, "{body}");
    }
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let server = Place::new().demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    let long = "x".repeat(256);
    for (customer, message, label) in [
        (json!({ "firstname": " " }), "\"%label\" is a required value.", "First Name"),
        (json!({ "lastname": "a\u{7}b" }), "\"%label\" is not a valid value.", "Last Name"),
        (
            json!({ "prefix": long }),
            "\"%label\" length must be equal or less than 255 characters.",
            "Name Prefix",
        ),
        (json!({ "dob": "1990-02-30" }), "\"%label\" is not a valid date.", "Date of Birth"),
        (json!({ "gender": 4 }), "\"%label\" is not a valid value.", "Gender"),
    ] {
        let refused = server.put_me(&token, &json!({ "customer": customer }).to_string());
        assert_eq!(refused.status, 400, "{refused:?}");
        assert_eq!(refused.json(), json!({ "message": message, "parameters": { "label": label } }));
    }
    let refused = server.put_me(&token, "{}");
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["message"], "\"%fieldName\" is required. Enter and try again.");
    assert_eq!(refused.json()["parameters"], json!({ "fieldName": "customer" }));

    let refused = server.put_me(&token, &json!({ "customer": { "email": RONI } }).to_string());
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["message"], "Provide the current \"password\" to change \"email\".");
    let own = json!({ "customer": { "email": "BobLobLaw@Example.com ", "lastname": "Law" } });
    assert_eq!(server.put_me(&token, &own.to_string()).json()["email"], BOB);

    let (twice, invalid) = ("\"%fieldName\" is given more than once.", "Invalid value for \"%fieldName\".");
    for (body, message, field) in [
        (r#"{"customer":{"firstname":"A","firstname":"B"}}"#, twice, "firstname"),
        (
            r#"{"customer":{"extension_attributes":{},"extensionAttributes":{}}}"#,
            twice,
            "extension_attributes",
        ),
        (
            r#"{"customer":{"extension_attributes":{"is_subscribed":1,"isSubscribed":0}}}"#,
            twice,
            "is_subscribed",
        ),
        (r#"{"customer":{"gender":"Canary"}}"#, invalid, "gender"),
        (r#"{"customer":{"firstname":["Canary"]}}"#, invalid, "firstname"),
        (r#"{"customer":{"extension_attributes":{"is_subscribed":"Canary"}}}"#, invalid, "is_subscribed"),
    ] {
        let refused = server.put_me(&token, body);
        assert_eq!(refused.status, 400, "{body}");
        let told = json!({ "message": message, "parameters": { "fieldName": field } });
        assert_eq!(refused.json(), told, "{body}");
    }
    assert_eq!(server.get_as("/rest/V1/customers/me", &token).json()["firstname"], "Bob");
}

#[test]
fn guests_and_admin_users_change_no_customer() {
    let server = Place::new().demo();
    let admin = server.admin_token(ADMIN);
    for token in [&admin, "cr0717abzoagxty1xjn4lj13kim36r6x"] {
        let refused = server.put_me(token, &json!({ "customer": { "firstname": "Eve" } }).to_string());
        assert_eq!(refused.status, 401, "{refused:?}");
        assert_eq!(refused.json()["message"], "The consumer isn't authorized to access %resources.");
    }
    let refused = server.put_json("/rest/V1/customers/me", &json!({ "customer": { "firstname": "Eve" } }));
    assert_eq!(refused.status, 401);
}
