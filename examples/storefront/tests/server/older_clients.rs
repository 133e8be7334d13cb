//! `createCustomer` and `updateCustomer`, which older clients use, and `deleteCustomer`.

use serde_json::{Value, json};

use crate::support::{
    ADMIN, Answer, BOB, BOBS_PASSWORD, NORAS_PASSWORD, Place, RONI, RONIS_PASSWORD, Server,
};

const CREATE: &str = "mutation($input: CustomerInput!) { createCustomer(input: $input) { customer { firstname \
                      lastname email is_subscribed date_of_birth gender middlename prefix suffix taxvat } } }";
const UPDATE: &str = "mutation($input: CustomerInput!) { updateCustomer(input: $input) { customer { firstname \
                      lastname email is_subscribed dob } } }";
const DELETE: &str = "mutation { deleteCustomer }";
const NOT_AUTHORIZED: &str = "The current customer isn't authorized.";
const TAKEN: &str = "A customer with the same email address already exists in an associated website.";
const UNREADABLE: &str = "Composite reader could not read a token";

fn is_refused(answer: &Answer, status: u16, category: &str, message: &str) {
    assert_eq!(answer.refusal(), (status, category.into(), message.into()), "{answer:?}");
}

fn assisted(server: &Server, email: &str) -> String {
    let query = "mutation($email: String!) \
                 { generateCustomerTokenAsAdmin(input: { customer_email: $email }) { customer_token } }";
    let answer = server.graphql(Some(&server.admin_token(ADMIN)), query, json!({ "email": email }));
    answer.data("/generateCustomerTokenAsAdmin/customer_token").as_str().unwrap().to_owned()
}

#[test]
fn an_account_is_made() {
    let server = Place::new().start();
    let customer = json!({
        "firstname": "Nora", "lastname": "New", "email": "nora@example.com", "is_subscribed": true,
        "date_of_birth": "1972-03-11", "gender": 2, "middlename": "N.", "prefix": "Ms", "suffix": "Jr",
        "taxvat": "DE1",
    });
    let mut input = customer.clone();
    input["password"] = NORAS_PASSWORD.into();
    input["date_of_birth"] = "3/11/1972".into();
    input["email"] = " Nora@Example.com".into();
    let made = server.graphql(None, CREATE, json!({ "input": input }));
    assert_eq!(made.data("/createCustomer/customer"), customer);
    server.customer_token("nora@example.com", NORAS_PASSWORD);
    // As in Commerce, an account may be made without a password.
    let input = json!({ "email": "otto@example.com", "firstname": "Otto", "lastname": "New" });
    server.graphql(None, CREATE, json!({ "input": input })).data("/createCustomer/customer");
}

#[test]
fn what_is_no_account_is_not_made() {
    let server = Place::new().demo();
    let whole = json!({
        "email": "nora@example.com", "firstname": "Nora", "lastname": "New", "password": NORAS_PASSWORD,
    });
    let with = |field: &str, value: Value| {
        let mut input = whole.clone();
        input[field] = value;
        input
    };
    for (input, message) in [
        (json!({}), "\"input\" value should be specified"),
        (json!({ "email": null }), "\"input\" value should be specified"),
        (with("email", Value::Null), "The email address is required to create a customer account."),
        (with("email", "nora".into()), "\"nora\" is not a valid email address."),
        (with("email", "nora@example".into()), "\"nora@example\" is not a valid email address."),
        (with("firstname", Value::Null), "\"First Name\" is a required value."),
        (with("firstname", "".into()), "\"First Name\" is a required value."),
        (with("lastname", Value::Null), "\"Last Name\" is a required value."),
        (with("dob", "yesterday".into()), "\"Date of Birth\" is not a valid date."),
        (with("email", "BobLobLaw@EXAMPLE.com".into()), TAKEN),
        (
            with("password", "aB3aB3a".into()),
            "The password needs at least 8 characters. Create a new password and try again.",
        ),
    ] {
        is_refused(&server.graphql(None, CREATE, json!({ "input": input })), 200, "graphql-input", message);
    }
}

#[test]
fn an_account_is_changed() {
    let server = Place::new().demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    let update = |input: Value| server.graphql(Some(&token), UPDATE, json!({ "input": input }));
    // The own address is no change, and takes no password.
    let input = json!({ "firstname": "Rob", "email": " BobLobLaw@example.com", "dob": "3/11/1972" });
    assert_eq!(
        update(input).data("/updateCustomer/customer"),
        json!({
            "firstname": "Rob", "lastname": "Loblaw", "email": BOB, "is_subscribed": false, "dob": "1972-03-11",
        })
    );
    is_refused(&update(json!({})), 200, "graphql-input", "\"input\" value should be specified");
    let message = "\"First Name\" is a required value.";
    is_refused(&update(json!({ "firstname": " " })), 200, "graphql-input", message);
    let customer = update(json!({ "is_subscribed": true })).data("/updateCustomer/customer");
    assert_eq!((&customer["firstname"], &customer["is_subscribed"]), (&json!("Rob"), &json!(true)));
}

#[test]
fn another_address_takes_the_password_and_ends_every_token() {
    let server = Place::new().demo();
    let (token, other) =
        (server.customer_token(BOB, BOBS_PASSWORD), server.customer_token(BOB, BOBS_PASSWORD));
    let update = |input: Value| server.graphql(Some(&token), UPDATE, json!({ "input": input }));
    let new = "robloblaw@example.com";
    let needed = "Provide the current \"password\" to change \"email\".";
    is_refused(&update(json!({ "email": new })), 200, "graphql-input", needed);
    is_refused(&update(json!({ "email": new, "password": "" })), 200, "graphql-input", needed);
    let invalid = "\"rob@loblaw\" is not a valid email address.";
    let input = json!({ "email": "rob@loblaw", "password": BOBS_PASSWORD });
    is_refused(&update(input), 200, "graphql-input", invalid);
    let input = json!({ "email": new, "password": "Wr0ng-password" });
    is_refused(&update(input), 401, "graphql-authentication", "Invalid login or password.");
    let input = json!({ "email": RONI, "password": BOBS_PASSWORD, "firstname": "Eve" });
    is_refused(&update(input), 200, "graphql-already-exists", TAKEN);

    let input = json!({ "email": new, "password": BOBS_PASSWORD, "firstname": "Rob" });
    let customer = update(input).data("/updateCustomer/customer");
    assert_eq!((&customer["email"], &customer["firstname"]), (&json!(new), &json!("Rob")));
    for token in [&token, &other] {
        let answer = server.graphql(Some(token), "{ customer { email } }", json!({}));
        is_refused(&answer, 401, "graphql-authentication", UNREADABLE);
    }
    assert_eq!(server.sign_in(BOB, BOBS_PASSWORD).status, 401);
    server.customer_token(new, BOBS_PASSWORD);
}

#[test]
fn an_account_is_deleted_with_all_that_speaks_for_it() {
    let place = Place::new();
    for database in [&["--demo"][..], &["--demo", "--database", "memory:"]] {
        let server = place.start_with(database);
        let (token, other) =
            (server.customer_token(RONI, RONIS_PASSWORD), server.customer_token(RONI, RONIS_PASSWORD));
        let (assisted, admin) = (assisted(&server, RONI), server.admin_token(ADMIN));
        let code = server.post_json("/rest/V1/customer/1/otp", Some(&admin), &json!({ "reason": "A test" }));
        let code = code.json()["otp"].as_str().unwrap().to_owned();

        assert_eq!(server.graphql(Some(&token), DELETE, json!({})).data("/deleteCustomer"), true);
        for token in [&token, &other, &assisted] {
            let answer = server.graphql(Some(token), "{ customer { email } }", json!({}));
            is_refused(&answer, 401, "graphql-authentication", UNREADABLE);
            is_refused(
                &server.graphql(Some(token), DELETE, json!({})),
                401,
                "graphql-authentication",
                UNREADABLE,
            );
        }
        for credential in [RONIS_PASSWORD, &code] {
            assert_eq!(server.sign_in(RONI, credential).status, 401);
        }
        let found = server.get_as("/admin/api/customers?email=roni", &admin);
        assert_eq!(found.json(), json!([]));
        let under_way = server.get_as("/admin/api/assistance", &admin);
        assert_eq!(under_way.json(), json!([]), "nobody is assisted any more");

        // The address is free, and what it gets is another account.
        let input =
            json!({ "email": RONI, "firstname": "Eve", "lastname": "New", "password": NORAS_PASSWORD });
        server.graphql(None, CREATE, json!({ "input": input })).data("/createCustomer/customer");
        let anew = server.customer_token(RONI, NORAS_PASSWORD);
        let me = server.get_as("/rest/V1/customers/me", &anew).json();
        assert_eq!((&me["firstname"], &me["addresses"]), (&json!("Eve"), &json!([])));
        assert_ne!(me["id"], 1, "an id is given once");
        assert_eq!(server.graphql(Some(&token), DELETE, json!({})).status, 401);
    }
}

#[test]
fn nobody_else_deletes_an_account() {
    let server = Place::new().demo();
    let (admin, assisted) = (server.admin_token(ADMIN), assisted(&server, RONI));
    for token in [None, Some(admin.as_str()), Some(assisted.as_str())] {
        let answer = server.graphql(token, DELETE, json!({}));
        is_refused(&answer, 403, "graphql-authorization", NOT_AUTHORIZED);
    }
    // A token that the same document ends is none.
    let token = server.customer_token(RONI, RONIS_PASSWORD);
    let query = "mutation { revokeCustomerToken { result } deleteCustomer }";
    let answer = server.graphql(Some(&token), query, json!({}));
    assert_eq!(answer.json().pointer("/data/deleteCustomer"), Some(&Value::Null), "{answer:?}");
    server.customer_token(RONI, RONIS_PASSWORD);
}

#[test]
fn an_assistant_changes_no_address_by_the_older_operation_either() {
    let server = Place::new().demo();
    let token = assisted(&server, RONI);
    let input = json!({ "email": "eve@example.com", "password": RONIS_PASSWORD });
    let answer = server.graphql(Some(&token), UPDATE, json!({ "input": input }));
    is_refused(&answer, 403, "graphql-authorization", NOT_AUTHORIZED);
    let answer = server.graphql(Some(&token), UPDATE, json!({ "input": { "firstname": "Vera" } }));
    assert_eq!(answer.data("/updateCustomer/customer/firstname"), "Vera");
}

#[test]
fn what_hashes_or_mails_is_asked_for_a_few_times_only() {
    let server = Place::new().demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    let fields = |field: &str| {
        let aliased =
            (0..4).map(|index| format!("a{index}: {field}(input: {{}}) {{ customer {{ email }} }} "));
        format!("mutation {{ {} }}", aliased.collect::<String>())
    };
    for field in ["createCustomer", "updateCustomer", "updateCustomerV2"] {
        let answer = server.graphql(Some(&token), &fields(field), json!({}));
        let message = "Too many fields that take a credential in one operation.";
        is_refused(&answer, 400, "graphql-input", message);
    }
}
