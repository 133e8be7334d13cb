//! The names of admin users that customers read.

use commerce_auth_test_servers::Postgres;
use serde_json::{Value, json};

use crate::support::{ADMIN, BOB, BOBS_PASSWORD, Place, RONI, RONIS_PASSWORD, Server};

fn assist(server: &Server, admin: &str) -> String {
    let query = "mutation($email: String!) { generateCustomerTokenAsAdmin(input: \
                 { customer_email: $email }) { customer_token } }";
    let answer = server.graphql(Some(&server.admin_token(admin)), query, json!({ "email": RONI }));
    answer.data("/generateCustomerTokenAsAdmin/customer_token").as_str().unwrap().to_owned()
}

fn assistants(server: &Server, token: &str) -> Value {
    let answer = server.graphql(Some(token), "{ customerAssistants { admin_id name } }", json!({}));
    answer.data("/customerAssistants")
}

fn customers_read_names_of_their_own_assistants(server: &Server) {
    let [roni, bob] = [(RONI, RONIS_PASSWORD), (BOB, BOBS_PASSWORD)]
        .map(|(name, password)| server.customer_token(name, password));
    assert_eq!(assistants(server, &roni), json!([]));
    let assisting = assist(server, ADMIN);
    let ada = json!([{ "admin_id": "1", "name": "Ada Marsh" }]);
    for token in [&roni, &assisting] {
        assert_eq!(assistants(server, token), ada, "the display name, not the name to sign in with");
    }
    let revoke = "mutation { revokeCustomerToken { result } }";
    server.graphql(Some(&assisting), revoke, json!({})).data("/revokeCustomerToken/result");
    assert_eq!(assistants(server, &roni), ada, "one who has assisted");
    assert_eq!(assistants(server, &bob), json!([]), "other customers learn no name");
    let guest = server.graphql(None, "{ customerAssistants { name } }", json!({}));
    assert_eq!(guest.refusal().1, "graphql-authorization");
    let many: String = (0..20).map(|number| format!("a{number}: customerAssistants {{ name }} ")).collect();
    let refused = server.graphql(Some(&roni), &format!("{{ {many} }}"), json!({}));
    assert!(refused.json()["data"].is_null(), "{refused:?}");
}

#[test]
fn customers_read_names_in_memory() {
    customers_read_names_of_their_own_assistants(&Place::new().start_with(&[
        "--demo",
        "--database",
        "memory:",
    ]));
}

#[test]
fn customers_read_names_in_sqlite() {
    customers_read_names_of_their_own_assistants(&Place::new().demo());
}

#[test]
fn customers_read_names_in_postgres() {
    let Some(postgres) = Postgres::start() else { return };
    let server = Place::new().start_with(&["--demo", "--database", &postgres.url()]);
    customers_read_names_of_their_own_assistants(&server);
}

#[test]
fn a_display_name_is_set_by_a_command() {
    let place = Place::new();
    place.demo().terminate();
    let otto = ["create-admin", "--username", "otto", "--display-name", " Otto from support "];
    for arguments in [&["create-admin", "--username", "olga"][..], &otto] {
        assert!(place.run(arguments, "Adm1nPassw0rd\n").status.success());
    }
    let server = place.start();
    let roni = server.customer_token(RONI, RONIS_PASSWORD);
    let names = || {
        let mut names: Vec<_> =
            assistants(&server, &roni).as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
        names.sort_by_key(ToString::to_string);
        names
    };
    assist(&server, "olga");
    assert_eq!(names(), [Value::Null], "she has none");
    assist(&server, "otto");
    assert_eq!(names(), [json!("Otto from support"), Value::Null]);

    let name = |username: &str, name: &str| {
        place.run(&["name-admin", "--username", username, "--display-name", name], "")
    };
    assert!(name("olga", "Olga").status.success());
    assert_eq!(names(), [json!("Olga"), json!("Otto from support")], "at once");
    assert!(name("Olga", "Olga Ñ.").status.success());
    assert_eq!(names(), [json!("Olga Ñ."), json!("Otto from support")]);
    let long = "x".repeat(65);
    for (username, display_name, told) in [
        ("nobody", "Nobody", "there is no admin user of this name"),
        ("olga", " ", "it is empty"),
        ("olga", "a\u{7}", "no control character"),
        ("olga", &long, "at most 64 characters"),
    ] {
        let ran = name(username, display_name);
        assert!(!ran.status.success());
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(said.contains(told), "{said}");
    }
}
