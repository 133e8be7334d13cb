use serde_json::json;

use crate::support::{BOB, BOBS_PASSWORD, Place, Server};

fn ask_for_reset(server: &Server, email: &str) {
    let query = "mutation($email: String!) { requestPasswordResetEmail(email: $email) }";
    let answer = server.graphql(None, query, json!({ "email": email }));
    assert_eq!(answer.data("/requestPasswordResetEmail"), true);
}

/// The token in the link of a mail.
fn reset_token(mail: &str) -> &str {
    let (_, link) = mail.split_once("/#reset=").unwrap_or_else(|| panic!("no link: {mail}"));
    link.split_whitespace().next().unwrap()
}

#[test]
fn a_mailed_token_sets_a_new_password() {
    let place = Place::new();
    let server = place.demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    ask_for_reset(&server, BOB);
    let mail = place.wait_for_mails(1).remove(0);
    assert!(mail.contains("To: bobloblaw@example.com"), "{mail}");
    assert!(mail.contains(&format!("{}/#reset=", server.url())), "the token is in the fragment: {mail}");
    let reset = reset_token(&mail);
    assert_eq!(mail.matches(reset).count(), 2, "and in the text: {mail}");

    let query = "mutation($email: String!, $token: String!, $password: String!) \
                 { resetPassword(email: $email, resetPasswordToken: $token, newPassword: $password) }";
    let set = |password: &str| {
        server.graphql(None, query, json!({ "email": BOB, "token": reset, "password": password }))
    };
    assert_eq!(set("An0ther-Password").data("/resetPassword"), true);
    server.customer_token(BOB, "An0ther-Password");
    assert_eq!(server.graphql(Some(&token), "{ customer { email } }", json!({})).status, 401);
    let (status, _, message) = set("Yet-An0ther").refusal();
    let mismatched = "The password token is mismatched. Reset and try again.";
    assert_eq!((status, message.as_str()), (200, mismatched));
    assert!(place.wait_for_mails(2)[1].contains("A new password was set"));
}

#[test]
fn nobody_is_mailed_who_has_no_account() {
    let place = Place::new();
    let server = place.demo();
    ask_for_reset(&server, "nobody@example.com");
    ask_for_reset(&server, BOB);
    server.terminate();
    let mails = place.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("To: bobloblaw@example.com"));
}

#[test]
fn too_many_resets_are_answered_with_when_to_stop() {
    let server = Place::new().demo();
    for email in [BOB, "nobody@example.com"] {
        for _ in 0..5 {
            ask_for_reset(&server, email);
        }
        let query = "mutation($email: String!) { requestPasswordResetEmail(email: $email) }";
        let limited = server.graphql(None, query, json!({ "email": email }));
        assert_eq!(limited.status, 429, "{limited:?}");
        assert_eq!(limited.header("retry-after"), Some("3600"));
        let body = json!({ "email": email, "template": "email_reset", "websiteId": 1 });
        let limited = server.put_json("/rest/V1/customers/password", &body);
        assert_eq!(limited.status, 429, "{limited:?}");
        assert_eq!(limited.header("retry-after"), Some("3600"));
    }
}

#[test]
fn consent_is_mailed() {
    let place = Place::new();
    let server = place.demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    for (allowed, told) in [(true, "You allow our staff"), (false, "Our staff may no longer")] {
        let query = "mutation($allowed: Boolean) { updateCustomerV2(input: \
                     { allow_remote_shopping_assistance: $allowed }) { customer { email } } }";
        server.graphql(Some(&token), query, json!({ "allowed": allowed })).data("/updateCustomerV2");
        let mails = place.wait_for_mails(if allowed { 1 } else { 2 });
        assert!(mails.iter().any(|mail| mail.contains(told)), "{mails:?}");
    }
}

#[test]
fn assistance_is_mailed() {
    let place = Place::new();
    let server = place.demo();
    let customer = server.customer_token("customer1@mail.com", "password");
    let query = "mutation { generateCustomerTokenAsAdmin(input: { customer_email: \"customer1@mail.com\", \
                 reason: \"ticket 4711\" }) { customer_token } }";
    server
        .graphql(Some(&server.admin_token("admin")), query, json!({}))
        .data("/generateCustomerTokenAsAdmin");
    let mail = place.wait_for_mails(1).remove(0);
    for told in ["To: customer1@mail.com", "Ada Marsh of our staff", "ticket 4711", server.url()] {
        assert!(mail.contains(told), "{told}: {mail}");
    }
    let listed = server.graphql(Some(&customer), "{ customerAssistance { id } }", json!({}));
    let id = listed.data("/customerAssistance/0/id");
    let query = "mutation($id: ID!) { endCustomerAssistance(id: $id) { result } }";
    let ended = server.graphql(Some(&customer), query, json!({ "id": id }));
    assert_eq!(ended.data("/endCustomerAssistance/result"), true);
    assert!(place.wait_for_mails(2).iter().any(|mail| mail.contains("you ended it")));
}

#[test]
fn a_link_leads_to_the_public_address() {
    let place = Place::new();
    let server = place.start_with(&["--demo", "--public-url", "https://shop.example"]);
    ask_for_reset(&server, BOB);
    assert!(place.wait_for_mails(1)[0].contains("https://shop.example/#reset="));
}

#[cfg(unix)]
#[test]
fn the_outbox_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let _server = place.start();
    assert_eq!(place.outbox().metadata().unwrap().permissions().mode() & 0o777, 0o700);
}
