//! The shop's own part of each database does the same.

use std::thread;

use commerce_auth_test_servers::Postgres;
use serde_json::{Value, json};

use crate::support::{ADMIN, BOB, BOBS_PASSWORD, NORAS_PASSWORD, Place, RONI, Server};

const UPDATE: &str =
    "mutation($input: CustomerUpdateInput!) { updateCustomerV2(input: $input) { customer { email } } }";
const CHANGE_EMAIL: &str = "mutation($email: String!, $password: String!) \
                            { updateCustomerEmail(email: $email, password: $password) { customer { email } } }";

/// Everything that the shop asks of its database by itself.
fn tell_a_customers_story(server: &Server) {
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    let id = server.get_as("/rest/V1/customers/me", &token).json()["id"].clone();
    assert_eq!(id, 2);

    // Edits at once are all kept.
    let edits = [
        ("firstname", json!("Robert")),
        ("lastname", json!("Law")),
        ("middlename", json!("B.")),
        ("prefix", json!("Mr")),
        ("suffix", json!("Jr.")),
        ("gender", json!(1)),
        ("is_subscribed", json!(true)),
        ("date_of_birth", json!("1968-05-12")),
    ];
    thread::scope(|scope| {
        for (field, value) in &edits {
            let input = Value::Object([((*field).to_owned(), value.clone())].into_iter().collect());
            let (variables, token) = (json!({ "input": input }), token.as_str());
            scope.spawn(move || server.graphql(Some(token), UPDATE, variables).data("/updateCustomerV2"));
        }
    });
    let names: Vec<_> = edits.iter().map(|(field, _)| *field).collect();
    let query = format!("{{ customer {{ {} addresses {{ city }} }} }}", names.join(" "));
    let customer = server.graphql(Some(&token), &query, json!({})).data("/customer");
    for (field, value) in edits {
        assert_eq!(customer[field], value, "{field}");
    }
    assert_eq!(customer["addresses"][0]["city"], "Calder");

    // PostgreSQL would not store it.
    let variables = json!({ "input": { "firstname": "Rob\0ert" } });
    assert_eq!(server.graphql(Some(&token), UPDATE, variables).refusal().1, "graphql-input");

    let change = |email: &str| {
        let variables = json!({ "email": email, "password": BOBS_PASSWORD });
        server.graphql(Some(&token), CHANGE_EMAIL, variables)
    };
    assert_eq!(change(RONI).refusal().1, "graphql-already-exists");
    change("kunde@bücher.example").data("/updateCustomerEmail");
    let token = server.customer_token("Kunde@xn--bcher-kva.example", BOBS_PASSWORD);
    assert_eq!(server.get_as("/rest/V1/customers/me", &token).json()["id"], id, "the same account");
    assert_eq!(server.sign_in(BOB, BOBS_PASSWORD).status, 401);

    let admin = server.admin_token(ADMIN);
    let search = |part: &str| server.get_as(&format!("/admin/api/customers?email={part}"), &admin).json();
    let found = search("kunde@xn");
    assert_eq!((&found[0]["id"], &found[0]["firstname"]), (&json!("2"), &json!("Robert")));
    assert_eq!(search("%25"), json!([]));
    assert_eq!(search("%00"), json!([]));
    assert_eq!(search("example.com").as_array().unwrap().len(), 4);

    // An address is free again once it is given up, and an id is given once.
    let query = "mutation($email: String!) { createCustomerV2(input: { email: $email, firstname: \"B\", \
                 lastname: \"L\", password: \"N3w-password\" }) { customer { email } } }";
    let create = |email: &str| server.graphql(None, query, json!({ "email": email }));
    create(BOB).data("/createCustomerV2");
    assert_eq!(create(BOB).refusal().1, "graphql-input");
    let token = server.customer_token(BOB, NORAS_PASSWORD);
    assert_eq!(server.get_as("/rest/V1/customers/me", &token).json()["id"], 7);
    // The refused account took number 8.
    for id in [9, 10] {
        create("gone@example.com").data("/createCustomerV2");
        let token = server.customer_token("gone@example.com", NORAS_PASSWORD);
        assert_eq!(server.get_as("/rest/V1/customers/me", &token).json()["id"], id);
        let deleted = server.graphql(Some(&token), "mutation { deleteCustomer }", json!({}));
        assert_eq!(deleted.data("/deleteCustomer"), true);
        assert_eq!(server.sign_in("gone@example.com", NORAS_PASSWORD).status, 401);
    }
    assert_eq!(search("gone"), json!([]));
}

#[test]
fn in_memory() {
    tell_a_customers_story(&Place::new().start_with(&["--demo", "--database", "memory:"]));
}

#[test]
fn in_sqlite() {
    tell_a_customers_story(&Place::new().start_with(&["--demo", "--database", "sqlite:shop.db"]));
}

#[test]
fn in_postgres() {
    let Some(postgres) = Postgres::start() else { return };
    let (place, url) = (Place::new(), postgres.url());
    tell_a_customers_story(&place.start_with(&["--demo", "--database", &url]));
    // Another start finds what the first has made, beside another node.
    let (one, other) = (place.start_with(&["--database", &url]), place.start_with(&["--database", &url]));
    let token = one.customer_token(BOB, NORAS_PASSWORD);
    assert_eq!(other.get_as("/rest/V1/customers/me", &token).json()["email"], BOB);
}
