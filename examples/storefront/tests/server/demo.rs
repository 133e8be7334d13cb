use std::process::{Command, Stdio};

use commerce_auth_test_support::authenticator::Authenticator;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::{
    ADMIN, ADMINS_PASSWORD, CLERK, ENROLLED, Place, RONI, RONIS_PASSWORD, SECRET, wait_until,
};

#[test]
fn the_printed_commands_work_as_printed() {
    let place = Place::new();
    let server = place.start_as_told(&["--demo"]);
    let printed = wait_until("the commands", || {
        Some(server.printed()).filter(|printed| printed.contains("revokeCustomerToken"))
    });
    assert!(printed.contains("DEMO"));
    let commands: Vec<_> = printed.lines().filter(|line| line.contains("curl ")).collect();
    assert_eq!(commands.len(), 3);
    // In one shell, one after the other; and the second once more, after the sign-out.
    let script = [commands.join("\n").as_str(), commands[1]].join("\n");
    let ran = Command::new("sh").args(["-c", &script]).stderr(Stdio::inherit()).output().unwrap();
    let answers = String::from_utf8(ran.stdout).unwrap();
    let answers: Vec<_> = answers.lines().collect();
    let [token, customer, revoked, afterwards] = answers[..] else { panic!("{answers:?}") };
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(json(customer), json!({ "data": { "customer": { "firstname": "Veronica", "email": RONI } } }));
    assert_eq!(json(revoked), json!({ "data": { "revokeCustomerToken": { "result": true } } }));
    assert_eq!(json(afterwards)["errors"][0]["extensions"]["category"], "graphql-authentication");
}

/// The printed text about the admin users is true: the one with an authenticator signs in, and the others
/// must set one up.
#[test]
fn the_printed_admin_users_sign_in_as_printed() {
    let place = Place::new();
    for (policy, by_password) in [("required", 400), ("optional", 200)] {
        let server = place.start_with(&["--demo", "--admin-2fa", policy]);
        let printed =
            wait_until("the accounts", || Some(server.printed()).filter(|text| text.contains("The shop:")));
        let line = |name: &str| printed.lines().find(|line| line.contains(&format!(" {name} "))).unwrap();
        assert_eq!(
            line(ADMIN).contains("sets up an authenticator by the mailed link first"),
            policy == "required"
        );
        assert!(line(ENROLLED).contains("with a code of the authenticator"), "{printed}");
        assert!(printed.contains(SECRET));
        assert_eq!(server.admin_sign_in(ADMIN, ADMINS_PASSWORD).status, by_password);
        assert_eq!(server.admin_sign_in(ENROLLED, ADMINS_PASSWORD).status, 400);
        if policy == "required" {
            let code = Authenticator::new(SECRET).unused_code(OffsetDateTime::now_utc()).unwrap();
            assert_eq!(server.authenticate(ENROLLED, ADMINS_PASSWORD, &code).status, 200);
        }
        server.terminate();
    }
}

#[test]
fn a_demo_is_refused_beyond_loopback() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let place = Place::new();
        let ran = place.run(&["--demo", "--listen", address], "");
        assert!(!ran.status.success());
        let told = String::from_utf8(ran.stderr).unwrap();
        assert!(told.contains("loopback only"), "{told}");
        assert!(ran.stdout.is_empty(), "it does not listen");
    }
}

#[test]
fn the_demo_accounts_are_as_documented() {
    let place = Place::new();
    let server = place.demo();
    for (email, password) in [
        (RONI, RONIS_PASSWORD),
        ("bobloblaw@example.com", "b0bl0bl@w"),
        ("customer@example.com", "password"),
        ("customer1@mail.com", "password"),
    ] {
        server.customer_token(email, password);
    }
    let refused = |email| server.sign_in(email, "password").refusal();
    let (status, category, message) = refused("unconfirmed@example.com");
    assert_eq!((status, category.as_str()), (401, "graphql-authentication"));
    assert_eq!(message, "This account isn't confirmed. Verify and try again.");
    let (status, category, message) = refused("disabled@example.com");
    assert_eq!((status, category.as_str()), (401, "graphql-authentication"));
    assert!(message.starts_with("The account sign-in was incorrect"), "{message}");

    let assist = |username, email| {
        let token = server.admin_token(username);
        let query = "mutation($email: String!) \
                     { generateCustomerTokenAsAdmin(input: { customer_email: $email }) { customer_token } }";
        server.graphql(Some(&token), query, json!({ "email": email }))
    };
    for consenting in [RONI, "customer1@mail.com"] {
        assist(ADMIN, consenting).data("/generateCustomerTokenAsAdmin/customer_token");
    }
    assert_eq!(assist(ADMIN, "customer@example.com").refusal().0, 403, "no consent");
    assert_eq!(assist(CLERK, RONI).refusal().0, 403, "no permission");
}

#[test]
fn another_start_makes_the_demo_what_it_was() {
    let place = Place::new();
    let server = place.demo();
    let token = server.customer_token("customer1@mail.com", "password");
    let change = "mutation { changeCustomerPassword(currentPassword: \"password\", newPassword: \"An0therOne\") \
                  { email } }";
    server.graphql(Some(&token), change, json!({})).data("/changeCustomerPassword/email");
    server.terminate();
    let server = place.demo();
    let token = server.customer_token("customer1@mail.com", "password");
    let id = server.get_as("/rest/V1/customers/me", &token).json();
    assert_eq!(id["id"], 4, "it is the same account");
}

#[test]
fn a_shops_own_database_is_no_demo() {
    let place = Place::new();
    place.run(&["create-admin", "--username", ADMIN], "An0therPassword\n");
    let ran = place.run(&["--demo", "--listen", "127.0.0.1:0"], "");
    assert!(!ran.status.success());
    assert!(String::from_utf8(ran.stderr).unwrap().contains("give the demo another --database"));
    let server = place.start();
    assert_eq!(server.admin_sign_in(ADMIN, "An0therPassword").status, 200);
    assert_eq!(server.sign_in(RONI, RONIS_PASSWORD).status, 401, "nothing was added");
}
