//! A demo storefront of one's own, and what it takes to get it into the documentation's state.

use commerce_auth_test_support::authenticator::Authenticator;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Place, RONI, RONIS_PASSWORD, Server, wait_until};

pub struct Site {
    place: Place,
    pub server: Server,
}

impl Site {
    pub fn demo() -> Self {
        Self::of(&["--demo"])
    }

    pub fn of(arguments: &[&str]) -> Self {
        let place = Place::new();
        let server = place.start_with(arguments);
        Self { place, server }
    }

    /// The token of the documentation's usual customer.
    pub fn roni(&self) -> String {
        self.server.customer_token(RONI, RONIS_PASSWORD)
    }

    pub fn admin(&self) -> String {
        self.server.admin_token(ADMIN)
    }

    pub fn ask(&self, token: Option<&str>, query: &str) -> Answer {
        self.server.graphql(token, query, json!({}))
    }

    /// As a guest.
    pub fn rest(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.rest_as(None, method, path, body)
    }

    pub fn rest_as(&self, token: Option<&str>, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
        let body = (!body.is_null()).then(|| body.to_string());
        self.server.send(method, path, &headers, body.as_deref())
    }

    /// Gives the demo customer with an address another name and e-mail address. The password stays.
    pub fn rename_roni(&self, firstname: &str, email: &str) {
        let query = format!(
            r#"mutation {{
                updateCustomerV2(input: {{ firstname: "{firstname}", lastname: "Doe" }}) {{ customer {{ email }} }}
                updateCustomerEmail(email: "{email}", password: "{RONIS_PASSWORD}") {{ customer {{ email }} }}
            }}"#
        );
        self.ask(Some(&self.roni()), &query).data("/updateCustomerEmail");
    }

    /// The token that is mailed to the usual customer.
    pub fn reset_token(&self) -> String {
        let query = format!(r#"mutation {{ requestPasswordResetEmail(email: "{RONI}") }}"#);
        assert_eq!(self.ask(None, &query).data("/requestPasswordResetEmail"), true);
        wait_until("the mail", || {
            let mails = self.place.mails();
            let (_, link) = mails.last()?.split_once("/#reset=")?;
            link.split_whitespace().next().map(str::to_owned)
        })
    }

    /// The secret with which the usual admin user sets up an authenticator.
    pub fn enrolment_token(&self) -> String {
        let begun = self.rest_as(Some(&self.admin()), "POST", "/rest/V1/tfa/me/enrolment", &Value::Null);
        begun.json()["tfa_token"].as_str().unwrap_or_else(|| panic!("{begun:?}")).to_owned()
    }

    /// The authenticator that such a token is for.
    pub fn authenticator(&self, enrolment_token: &str) -> Authenticator {
        let body = json!({ "tfaToken": enrolment_token });
        let setup = self.rest("POST", "/rest/V1/tfa/provider/google/configure", &body);
        Authenticator::new(setup.json()["secret_code"].as_str().unwrap_or_else(|| panic!("{setup:?}")))
    }

    /// A one-time code for a customer, who consents to it.
    pub fn one_time_code(&self, customer: &str) -> String {
        let consent = "mutation { updateCustomerV2(input: { allow_remote_shopping_assistance: true }) \
                       { customer { email } } }";
        self.ask(Some(customer), consent).data("/updateCustomerV2");
        let id = self.server.get_as("/rest/V1/customers/me", customer).json()["id"].clone();
        let path = format!("/rest/V1/customer/{id}/otp");
        let answer = self.rest_as(Some(&self.admin()), "POST", &path, &json!({ "reason": "A test" }));
        answer.json()["otp"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// Changes the tables behind the server's back, as nobody can through the API: time passes, the shop's staff decides.
    pub fn meddle(&self, statement: &str) {
        let database = Connection::open(self.place.outbox().with_file_name("storefront.db")).unwrap();
        database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        assert!(database.execute(statement, []).unwrap() > 0, "no row: {statement}");
    }
}
