use serde_json::json;

use crate::support::{Place, RONI};

#[test]
fn the_first_admin_user_is_made_and_signs_in() {
    let place = Place::new();
    let ran = place.run(&["create-admin", "--username", "Olga"], "0lga  Passw0rd\n");
    assert!(ran.status.success(), "{ran:?}");
    let server = place.start();
    assert_eq!(server.admin_sign_in("olga", "0lga Passw0rd").status, 401);
    let token = server.admin_sign_in("olga", "0lga  Passw0rd").json();
    let websites = server.get_as("/rest/V1/store/websites", token.as_str().unwrap());
    assert_eq!(websites.status, 200);
}

#[test]
fn an_admin_user_without_assistance_assists_nobody() {
    let place = Place::new();
    place.demo().terminate();
    for (name, flag) in [("olga", None), ("otto", Some("--no-assistance"))] {
        let mut arguments = vec!["create-admin", "--username", name];
        arguments.extend(flag);
        assert!(place.run(&arguments, "Adm1nPassw0rd\r\n").status.success());
    }
    let server = place.start();
    let assist = |name| {
        let query = "mutation($email: String!) \
                     { generateCustomerTokenAsAdmin(input: { customer_email: $email }) { customer_token } }";
        server.graphql(Some(&server.admin_token(name)), query, json!({ "email": RONI }))
    };
    assist("olga").data("/generateCustomerTokenAsAdmin/customer_token");
    assert_eq!(assist("otto").refusal().2, "Login as Customer is disabled.");
}

#[test]
fn what_is_no_admin_user_is_not_made() {
    let place = Place::new();
    assert!(place.run(&["create-admin", "--username", "olga"], "Adm1nPassw0rd\n").status.success());
    for (arguments, password, told) in [
        (vec!["--username", "OLGA"], "Adm1nPassw0rd", "there is an admin user of this name already"),
        (vec!["--username", "otto"], "short", "at least 8 characters"),
        (vec!["--username", "otto"], "", "Specify the \"password\" value."),
        (vec!["--username", "a\u{7}"], "Adm1nPassw0rd", "The username has an invalid format."),
        (vec!["--username", "otto", "--database", "memory:"], "Adm1nPassw0rd", "gone at once"),
    ] {
        let arguments = [vec!["create-admin"], arguments].concat();
        let ran = place.run(&arguments, &format!("{password}\n"));
        assert!(!ran.status.success());
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(said.contains(told), "{said}");
    }
}
