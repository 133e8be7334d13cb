//! The requests of the admin page, and the handing over of a code.

use serde_json::{Value, json};

use crate::support::{
    ADMIN, ADMINS_PASSWORD, BOB, BOBS_PASSWORD, CLERK, Place, RONI, RONIS_PASSWORD, Server,
};

/// The request, and the resource that it needs.
const PATHS: [(&str, &str); 4] = [
    ("/admin/api/customers?email=example", "Magento_LoginAsCustomer::login"),
    ("/admin/api/assistance", "Magento_LoginAsCustomerLog::login_log"),
    ("/admin/api/audit?limit=5", "Magento_LoginAsCustomerLog::login_log"),
    ("/admin/api/audit/verification", "Magento_LoginAsCustomerLog::login_log"),
];

fn under_way(server: &Server, admin: &str) -> Vec<Value> {
    let answer = server.get_as("/admin/api/assistance", admin);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

fn assist(server: &Server, admin: &str, email: &str, reason: &str) -> String {
    let query = "mutation($email: String!, $reason: String) { generateCustomerTokenAsAdmin(input: \
                 { customer_email: $email, reason: $reason }) { customer_token } }";
    let answer = server.graphql(Some(admin), query, json!({ "email": email, "reason": reason }));
    answer.data("/generateCustomerTokenAsAdmin/customer_token").as_str().unwrap().to_owned()
}

fn one_time_code(server: &Server, admin: &str, customer: u32) -> String {
    let body = json!({ "reason": "ticket 4711" });
    let answer = server.post_json(&format!("/rest/V1/customer/{customer}/otp"), Some(admin), &body);
    answer.json()["otp"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

fn consent(server: &Server, token: &str, allowed: bool) {
    let query = "mutation($allowed: Boolean) { updateCustomerV2(input: \
                 { allow_remote_shopping_assistance: $allowed }) { customer { email } } }";
    server.graphql(Some(token), query, json!({ "allowed": allowed })).data("/updateCustomerV2");
}

#[test]
fn it_is_for_admin_users_alone() {
    let server = Place::new().demo();
    let customer = format!("Bearer {}", server.customer_token(BOB, BOBS_PASSWORD));
    let headers = [vec![], vec![("authorization", customer.as_str())], vec![("authorization", "Bearer x")]];
    let paths = PATHS.map(|(path, _)| path).into_iter().chain(["/admin/api/me"]);
    for (path, headers) in paths.flat_map(|path| headers.iter().map(move |headers| (path, headers))) {
        let refused = server.get(path, headers);
        assert_eq!(refused.status, 401, "{path}: {refused:?}");
        assert_eq!(refused.json()["message"], "The consumer isn't authorized to access %resources.");
        assert!(refused.header("www-authenticate").is_some());
    }
    let [admin, clerk] = [ADMIN, CLERK].map(|username| server.admin_token(username));
    for (path, resource) in PATHS {
        assert_eq!(server.get_as(path, &admin).status, 200);
        let refused = server.get_as(path, &clerk);
        assert_eq!((refused.status, &refused.json()["parameters"]["resources"]), (401, &json!(resource)));
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"), "the token is good");
    }
    let permissions = json!(["login", "allow_shopping_assistance", "assistance_log"]);
    let me = json!({ "admin_id": "1", "username": ADMIN, "permissions": permissions });
    assert_eq!(server.get_as("/admin/api/me", &admin).json(), me);
    let me = json!({ "admin_id": "2", "username": CLERK, "permissions": [] });
    assert_eq!(server.get_as("/admin/api/me", &clerk).json(), me);
}

#[test]
fn what_an_address_must_say_is_told() {
    let server = Place::new().demo();
    let token = server.admin_token(ADMIN);
    for path in [
        "/admin/api/audit?limit=-1",
        "/admin/api/audit?action=anything",
        "/admin/api/customers",
        "/admin/api/customers?email=a&email=b",
    ] {
        let refused = server.get_as(path, &token);
        assert_eq!(refused.status, 400, "{path}");
        assert_eq!(refused.json()["message"], "A parameter is missing, or of another type.", "{path}");
    }
    let refused = server.get_as("/admin/api/audit?subject=1", &token);
    assert_eq!(
        (refused.status, &refused.json()["message"]),
        (400, &json!("No customer has this e-mail address, and no admin user this name."))
    );
}

#[test]
fn an_admin_user_signs_out() {
    let server = Place::new().demo();
    let token = server.admin_token(ADMIN);
    let bearer = format!("Bearer {token}");
    let sign_out = |headers: &[(&str, &str)]| server.send("DELETE", "/admin/api/token", headers, None).status;
    assert_eq!(sign_out(&[]), 401);
    assert_eq!(sign_out(&[("authorization", &bearer)]), 204);
    assert_eq!(server.get_as("/admin/api/audit", &token).status, 401);
    assert_eq!(sign_out(&[("authorization", &bearer)]), 401);
}

#[test]
fn a_customer_is_found_by_a_part_of_the_address() {
    let server = Place::new().start_with(&["--demo", "--trusted-proxy", "127.0.0.1"]);
    let admin = server.admin_token(ADMIN);
    let search = |part: &str| server.get_as(&format!("/admin/api/customers?email={part}"), &admin).json();
    assert_eq!(
        search("Roni_Cost"),
        json!([{
            "id": "1", "email": RONI, "firstname": "Veronica", "lastname": "Costello", "status": "active",
            "allows_assistance": true,
        }])
    );
    assert_eq!(search("unconfirmed")[0]["status"], "unconfirmed");
    assert_eq!(search("disabled@")[0]["status"], "disabled");
    // Nothing in it is a pattern.
    for part in ["%25", "_x_", "nobody", "'"] {
        assert_eq!(search(part), json!([]), "{part}");
    }
    for n in 0..25 {
        let query = "mutation($email: String!) { createCustomerV2(input: \
                     { email: $email, firstname: \"N\", lastname: \"N\" }) { customer { email } } }";
        let body = json!({ "query": query, "variables": { "email": format!("many{n}@example.net") } });
        // A source registers ten customers an hour.
        let source = format!("198.51.100.{n}");
        let headers = [("content-type", "application/json"), ("x-forwarded-for", source.as_str())];
        server.post("/graphql", &headers, &body.to_string()).data("/createCustomerV2");
    }
    assert_eq!(search("example.net").as_array().unwrap().len(), 20);
}

#[test]
fn who_is_assisted_is_told_for_as_long_as_it_lasts() {
    let server = Place::new().demo();
    let admin = server.admin_token(ADMIN);
    assert_eq!(under_way(&server, &admin), Vec::<Value>::new());

    let token = assist(&server, &admin, RONI, "ticket 4711: the voucher field");
    let listed = under_way(&server, &admin);
    assert_eq!(listed.len(), 1);
    let mut first = listed[0].clone();
    for time in ["since", "expires_at"] {
        let time = first.as_object_mut().unwrap().remove(time).unwrap();
        assert!(time.as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(
        first,
        json!({
            "customer_id": "1", "email": RONI, "admin_id": "1", "admin": ADMIN,
            "reason": "ticket 4711: the voucher field", "source": "127.0.0.1",
        })
    );

    // Consent is read live. An assistance that it has ended does not continue.
    let customer = server.customer_token(RONI, RONIS_PASSWORD);
    consent(&server, &customer, false);
    assert_eq!(under_way(&server, &admin), Vec::<Value>::new());
    consent(&server, &customer, true);
    assert_eq!(under_way(&server, &admin), Vec::<Value>::new());
    assert_eq!(server.get_as("/rest/V1/customers/me", &token).status, 401);
    let token = assist(&server, &admin, RONI, "ticket 4711: the voucher field");
    assert_eq!(under_way(&server, &admin).len(), 1);

    // A code that was not redeemed is nobody's assistance.
    let code = one_time_code(&server, &admin, 4);
    assert_eq!(under_way(&server, &admin).len(), 1);
    let exchange = "mutation($email: String!, $otp: String!) \
                    { exchangeOtpForCustomerToken(email: $email, otp: $otp) { token } }";
    let variables = json!({ "email": "customer1@mail.com", "otp": code });
    server.graphql(None, exchange, variables).data("/exchangeOtpForCustomerToken/token");
    let listed = under_way(&server, &admin);
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["email"], "customer1@mail.com", "the newest comes first");

    let revoke = "mutation { revokeCustomerToken { result } }";
    server.graphql(Some(&token), revoke, json!({})).data("/revokeCustomerToken/result");
    assert_eq!(under_way(&server, &admin).len(), 1);
}

#[test]
fn the_trail_is_told_newest_first() {
    let server = Place::new().demo();
    let admin = server.admin_token(ADMIN);
    assist(&server, &admin, RONI, "ticket 4711");
    let events = server.get_as("/admin/api/audit?limit=3", &admin).json();
    let events = events.as_array().unwrap();
    assert_eq!(events.len(), 3);
    assert_eq!(
        (&events[0]["action"], &events[0]["outcome"]),
        (&json!("assistance_token"), &json!("succeeded"))
    );
    assert_eq!((&events[1]["action"], &events[1]["outcome"]), (&json!("assistance_token"), &json!("begun")));
    assert_eq!(events[0]["reason"], "ticket 4711");
    assert_eq!(events[0]["actor"], "1");
    let id = events[0]["correlation_id"].as_str().unwrap();
    assert!(server.log().contains(id), "a request is found in the log by its event");
}

#[test]
fn the_trail_is_filtered() {
    let server = Place::new().demo();
    let admin = server.admin_token(ADMIN);
    assist(&server, &admin, RONI, "ticket 4711");
    server.customer_token(BOB, BOBS_PASSWORD);
    let events = |filter: &str| {
        crate::support::wait_until("the events", || {
            let events = server.get_as(&format!("/admin/api/audit?{filter}"), &admin).json();
            Some(events.as_array().unwrap().clone()).filter(|events| !events.is_empty())
        })
    };
    let all_are = |events: &[Value], field: &str, value: Value| {
        assert!(events.iter().all(|event| event[field] == value), "{events:?}");
    };
    all_are(&events("subject=customer:2"), "subject", json!({ "customer": "2" }));
    all_are(&events("subject=admin:1"), "subject", json!({ "admin": "1" }));
    all_are(&events("actor=1"), "actor", json!("1"));
    // By the names that staff knows, which the answer has, too.
    for (filter, field, name) in [
        (format!("subject={BOB}"), "subject_name", BOB),
        (format!("subject={ADMIN}"), "subject_name", ADMIN),
        (format!("actor={ADMIN}"), "actor_name", ADMIN),
    ] {
        all_are(&events(&filter), field, json!(name));
    }
    all_are(&events("action=admin_sign_in"), "action", json!("admin_sign_in"));
    assert_eq!(events("action=assistance_token&subject=customer:1&actor=1").len(), 2);
    assert_eq!(events("actor=1&limit=1").len(), 1);
    let none = server.get_as("/admin/api/audit?subject=customer:2&actor=1", &admin).json();
    assert_eq!(none, json!([]));
}

#[test]
fn the_trail_is_verified() {
    let place = Place::new();
    let server = place.demo();
    let verified = || server.get_as("/admin/api/audit/verification", &server.admin_token(ADMIN)).json();
    let found = verified();
    assert_eq!((&found["is_clean"], &found["findings"]), (&json!(true), &json!([])), "{found}");
    assert!(found["signed"].as_u64().unwrap() > 0 && found["signed"] == found["records"], "{found}");
    let database = rusqlite::Connection::open(place.path().join("storefront.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let removed = database.execute("DELETE FROM audit_events WHERE position = 2", []).unwrap();
    assert_eq!(removed, 1);
    let found = verified();
    assert_eq!(found["is_clean"], false, "{found}");
    assert!(found["findings"][0].as_str().unwrap().starts_with("record 2: missing"), "{found}");

    let server = place.start_with(&["--demo", "--database", "memory:"]);
    let answer = server.get_as("/admin/api/audit/verification", &server.admin_token(ADMIN));
    assert_eq!((answer.status, answer.json()), (200, Value::Null));
}

#[test]
fn a_wrong_admin_password_is_refused() {
    let server = Place::new().demo();
    for (username, password) in [(ADMIN, "Wr0ng-password"), ("nobody", ADMINS_PASSWORD)] {
        let refused = server.admin_sign_in(username, password);
        assert_eq!(refused.status, 401);
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("The account sign-in was incorrect"), "{message}");
    }
}
