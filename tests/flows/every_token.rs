//! Every function that issues a token, or a credential for one, is combined with every event that
//! must stop it. The event happens before the credential is made, before it is redeemed, or before
//! the token is used.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use commerce_auth::{
    AdminId, AdminSignIn, Auth, CustomerId, Error, SignIn, Website,
    account::{AccountStatus, Permission},
    flow::PasswordResetRequest,
    store::memory::MemoryStore,
    token::Bearer,
};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, authenticator::Authenticator, fast, keyring,
};

/// A way to a token: the function that makes its credential, if there is one, and the function that
/// issues the token.
#[derive(Clone, Copy, Debug)]
enum Road {
    Password,
    ResetToken,
    CodeSignIn,
    CodeExchange,
    AsAdmin,
    AdminPassword,
    StepUp,
    /// As `AdminPassword`, with a second factor. It is stopped by the same events.
    AdminCode,
}

use Road::{AdminCode, AdminPassword, AsAdmin, CodeExchange, CodeSignIn, Password, ResetToken, StepUp};

const ROADS: [(Road, &[&str]); 7] = [
    (Password, &["generate_customer_token"]),
    (ResetToken, &["request_password_reset", "generate_customer_token"]),
    (CodeSignIn, &["generate_one_time_code", "generate_customer_token"]),
    (CodeExchange, &["generate_one_time_code", "exchange_one_time_code"]),
    (AsAdmin, &["generate_customer_token_as_admin"]),
    (AdminPassword, &["generate_admin_token"]),
    (StepUp, &["step_up"]),
];

/// An event that may have to stop a token.
#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    Locked,
    AdminLocked,
    Disabled,
    Unconfirmed,
    ConsentOff,
    FeatureOff,
    LoginMissing,
    AssistanceMissing,
    AdminDisabled,
    AdminSignedOut,
    WrongWebsite,
    Expired,
}

use Event::{
    AdminDisabled, AdminLocked, AdminSignedOut, AssistanceMissing, ConsentOff, Disabled, Expired, FeatureOff,
    Locked, LoginMissing, Nothing, Unconfirmed, WrongWebsite,
};

/// The moment of the event.
#[derive(Clone, Copy, Debug)]
enum Before {
    Minting,
    Redemption,
    Use,
}

/// The first refusal for each road: none (`ok`), no mail (`no mail`), or the error. A road without
/// a credential has no redemption (`-`).
const TABLE: [(Event, Before, [&str; 7]); 39] = [
    //                          Password       ResetToken       CodeSignIn      CodeExchange    AsAdmin   AdminPassword   StepUp
    (Nothing, Before::Minting, ["ok", "ok", "ok", "ok", "ok", "ok", "ok"]),
    (
        Locked,
        Before::Minting,
        ["sign_in.refused", "sign_in.refused", "sign_in.refused", "ok", "ok", "ok", "ok"],
    ),
    (AdminLocked, Before::Minting, ["ok", "ok", "ok", "ok", "ok", "sign_in.refused", "ok"]),
    (
        Disabled,
        Before::Minting,
        [
            "sign_in.refused",
            "no mail",
            "assistance.customer_disabled",
            "assistance.customer_disabled",
            "assistance.customer_disabled",
            "ok",
            "ok",
        ],
    ),
    (
        Unconfirmed,
        Before::Minting,
        [
            "sign_in.not_confirmed",
            "sign_in.not_confirmed",
            "sign_in.not_confirmed",
            "sign_in.not_confirmed",
            "sign_in.not_confirmed",
            "ok",
            "ok",
        ],
    ),
    (
        ConsentOff,
        Before::Minting,
        ["ok", "ok", "assistance.no_consent", "assistance.no_consent", "assistance.no_consent", "ok", "ok"],
    ),
    (
        FeatureOff,
        Before::Minting,
        ["ok", "ok", "assistance.disabled", "assistance.disabled", "assistance.disabled", "ok", "ok"],
    ),
    (
        LoginMissing,
        Before::Minting,
        ["ok", "ok", "assistance.disabled", "assistance.disabled", "assistance.disabled", "ok", "ok"],
    ),
    (
        AssistanceMissing,
        Before::Minting,
        [
            "ok",
            "ok",
            "assistance.not_permitted",
            "assistance.not_permitted",
            "assistance.not_permitted",
            "ok",
            "ok",
        ],
    ),
    (
        AdminDisabled,
        Before::Minting,
        ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "sign_in.refused", "token.invalid"],
    ),
    (
        AdminSignedOut,
        Before::Minting,
        ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "ok", "token.invalid"],
    ),
    (
        WrongWebsite,
        Before::Minting,
        [
            "sign_in.refused",
            "no mail",
            "sign_in.refused",
            "sign_in.refused",
            "assistance.no_such_email",
            "ok",
            "ok",
        ],
    ),
    (
        Expired,
        Before::Minting,
        ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "ok", "token.invalid"],
    ),
    (Nothing, Before::Redemption, ["-", "ok", "ok", "ok", "-", "-", "-"]),
    (Locked, Before::Redemption, ["-", "sign_in.refused", "sign_in.refused", "ok", "-", "-", "-"]),
    (AdminLocked, Before::Redemption, ["-", "ok", "ok", "ok", "-", "-", "-"]),
    (
        Disabled,
        Before::Redemption,
        ["-", "sign_in.refused", "sign_in.refused", "sign_in.refused", "-", "-", "-"],
    ),
    (
        Unconfirmed,
        Before::Redemption,
        ["-", "sign_in.not_confirmed", "sign_in.not_confirmed", "sign_in.not_confirmed", "-", "-", "-"],
    ),
    (ConsentOff, Before::Redemption, ["-", "ok", "sign_in.refused", "sign_in.refused", "-", "-", "-"]),
    (FeatureOff, Before::Redemption, ["-", "ok", "sign_in.refused", "sign_in.refused", "-", "-", "-"]),
    (LoginMissing, Before::Redemption, ["-", "ok", "sign_in.refused", "sign_in.refused", "-", "-", "-"]),
    (AssistanceMissing, Before::Redemption, ["-", "ok", "sign_in.refused", "sign_in.refused", "-", "-", "-"]),
    (AdminDisabled, Before::Redemption, ["-", "ok", "sign_in.refused", "sign_in.refused", "-", "-", "-"]),
    (AdminSignedOut, Before::Redemption, ["-", "ok", "sign_in.refused", "sign_in.refused", "-", "-", "-"]),
    (
        WrongWebsite,
        Before::Redemption,
        ["-", "sign_in.refused", "sign_in.refused", "sign_in.refused", "-", "-", "-"],
    ),
    (
        Expired,
        Before::Redemption,
        ["-", "sign_in.refused", "sign_in.refused", "sign_in.refused", "-", "-", "-"],
    ),
    (Nothing, Before::Use, ["ok", "ok", "ok", "ok", "ok", "ok", "ok"]),
    (Locked, Before::Use, ["ok", "ok", "ok", "ok", "ok", "ok", "ok"]),
    (AdminLocked, Before::Use, ["ok", "ok", "ok", "ok", "ok", "ok", "ok"]),
    // For a customer's own token, the account is not read at each use: the host calls
    // `customer_changed`.
    (Disabled, Before::Use, ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "ok", "ok"]),
    (Unconfirmed, Before::Use, ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "ok", "ok"]),
    (ConsentOff, Before::Use, ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "ok", "ok"]),
    (FeatureOff, Before::Use, ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "ok", "ok"]),
    (LoginMissing, Before::Use, ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "ok", "ok"]),
    (
        AssistanceMissing,
        Before::Use,
        ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "ok", "ok"],
    ),
    (
        AdminDisabled,
        Before::Use,
        ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "token.invalid", "token.invalid"],
    ),
    (
        AdminSignedOut,
        Before::Use,
        ["ok", "ok", "token.invalid", "token.invalid", "token.invalid", "token.invalid", "token.invalid"],
    ),
    (
        WrongWebsite,
        Before::Use,
        [
            "token.not_authorized",
            "token.not_authorized",
            "token.not_authorized",
            "token.not_authorized",
            "token.not_authorized",
            "ok",
            "ok",
        ],
    ),
    (
        Expired,
        Before::Use,
        [
            "token.invalid",
            "token.invalid",
            "token.invalid",
            "token.invalid",
            "token.invalid",
            "token.invalid",
            "token.invalid",
        ],
    ),
];

/// One attempt along a road, and the state of the shop so far.
struct Journey {
    shop: Shop,
    auth: Auth,
    website: Website,
    authenticator: Authenticator,
    admin: String,
    /// The admin user's own token, to sign out.
    own: Option<String>,
}

impl Journey {
    async fn begin(road: Road) -> Self {
        let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.keyring(keyring()));
        let authenticator = Authenticator::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
        let mut sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
        if let StepUp | AdminCode = road {
            shop.auth.import_admin_factor(&AdminId::from(7), authenticator.secret()).await.unwrap();
            sign_in = sign_in.otp(authenticator.unused_code(shop.now()).unwrap());
        }
        let (auth, signed_in) = (shop.auth.clone(), shop.auth.generate_admin_token(sign_in).await.unwrap());
        let admin = signed_in.token().expose().to_owned();
        Self { shop, auth, website: Website::default(), authenticator, admin, own: None }
    }

    async fn meet(&mut self, event: Event, before: Before) {
        let shop = &self.shop;
        match event {
            Nothing => {}
            Locked => {
                for _ in 0..6 {
                    shop.sign_in(WRONG).await.unwrap_err();
                }
            }
            AdminLocked => {
                for _ in 0..6 {
                    let wrong = AdminSignIn::new(ADMIN, WRONG);
                    shop.auth.generate_admin_token(wrong).await.unwrap_err();
                }
            }
            Disabled => shop.set_customer(|row| row.status = AccountStatus::Disabled),
            Unconfirmed => shop.set_customer(|row| row.status = AccountStatus::Unconfirmed),
            ConsentOff => shop.set_customer(|row| row.allows_assistance = false),
            FeatureOff => {
                let mut config = fast();
                config.assistance = false;
                self.auth = Auth::builder(Arc::clone(&shop.store))
                    .customers(shop.customers.clone())
                    .admins(shop.admins.clone())
                    .audit(shop.audit.clone())
                    .notifier(shop.outbox.clone())
                    .clock(Arc::clone(&shop.clock))
                    .keyring(keyring())
                    .config(config)
                    .build()
                    .unwrap();
            }
            LoginMissing => shop.set_admin(|row| row.permissions = vec![Permission::AllowShoppingAssistance]),
            AssistanceMissing => shop.set_admin(|row| row.permissions = vec![Permission::Login]),
            AdminDisabled => shop.set_admin(|row| row.status = AccountStatus::Disabled),
            AdminSignedOut => {
                let token = self.own.as_ref().unwrap_or(&self.admin);
                shop.auth.revoke_admin_token(token).await.unwrap();
            }
            WrongWebsite => self.website = "outlet".parse().unwrap(),
            // The credential expires, or the token. Before either exists, the admin user's own
            // token expires.
            Expired => {
                let lifetime = match (before, shop.auth.config()) {
                    (Before::Minting, config) => config.admin_token_lifetime,
                    (Before::Redemption, config) => config.reset_token_lifetime,
                    (Before::Use, config) => config.admin_token_lifetime,
                };
                shop.clock.advance(lifetime);
            }
        }
    }

    /// Makes the credential that the road needs, if it can be made.
    async fn mint(&self, road: Road) -> Result<Option<String>, Error> {
        match road {
            Password => Ok(Some(PASSWORD.into())),
            ResetToken => {
                let request = PasswordResetRequest::new(EMAIL).website(self.website.clone());
                self.auth.request_password_reset(request).await?;
                Ok(self.shop.outbox.reset_token())
            }
            CodeSignIn | CodeExchange => {
                let bearer = Bearer::from(&self.admin).website(self.website.clone());
                let customer = CustomerId::from(1);
                let generated = self.auth.generate_one_time_code(bearer, &customer, "cannot pay").await?;
                Ok(Some(generated.code().expose().to_owned()))
            }
            AsAdmin | AdminPassword | AdminCode | StepUp => Ok(Some(ADMIN_PASSWORD.into())),
        }
    }

    async fn redeem(&mut self, road: Road, credential: String) -> Result<String, Error> {
        let sign_in = SignIn::new(EMAIL, credential.clone()).website(self.website.clone());
        let signed_in = match road {
            Password | ResetToken | CodeSignIn => self.auth.generate_customer_token(sign_in).await?,
            CodeExchange => self.auth.exchange_one_time_code(sign_in).await?,
            AsAdmin => {
                let bearer = Bearer::from(&self.admin).website(self.website.clone());
                self.auth.generate_customer_token_as_admin(bearer, EMAIL, "cannot pay").await?
            }
            AdminPassword | AdminCode | StepUp => {
                let code = self.authenticator.unused_code(self.shop.now()).unwrap();
                let sign_in = AdminSignIn::new(ADMIN, credential);
                let signed_in = match road {
                    StepUp => self.auth.step_up(&self.admin, code).await?,
                    AdminCode => self.auth.generate_admin_token(sign_in.otp(code)).await?,
                    _ => self.auth.generate_admin_token(sign_in).await?,
                };
                let token = signed_in.token().expose().to_owned();
                self.own = Some(token.clone());
                return Ok(token);
            }
        };
        Ok(signed_in.token().expose().to_owned())
    }

    async fn go(&mut self, road: Road, event: Event, before: Before) -> Result<bool, Error> {
        if let Before::Minting = before {
            self.meet(event, before).await;
        }
        let Some(credential) = self.mint(road).await? else { return Ok(false) };
        if let Before::Redemption = before {
            self.meet(event, before).await;
        }
        let token = self.redeem(road, credential).await?;
        if let Before::Use = before {
            self.meet(event, before).await;
        }
        let bearer = Bearer::from(&token).website(self.website.clone());
        match road {
            AdminPassword | AdminCode | StepUp => self.auth.verify_admin(bearer).await.map(drop)?,
            _ => self.auth.verify_customer(bearer).await.map(drop)?,
        }
        Ok(true)
    }
}

#[tokio::test]
async fn every_way_to_a_token_is_stopped_by_whatever_must_stop_it() {
    let mut wrong = Vec::new();
    for (event, before, expected) in TABLE {
        let with_code = ((AdminCode, ROADS[5].1), expected[5]);
        for ((road, functions), expected) in ROADS.into_iter().zip(expected).chain([with_code]) {
            assert_eq!(
                expected == "-",
                matches!(before, Before::Redemption) && functions.len() == 1,
                "a road with a credential to make has a redemption"
            );
            if expected == "-" {
                continue;
            }
            let answer = match Journey::begin(road).await.go(road, event, before).await {
                Ok(true) => "ok".to_owned(),
                Ok(false) => "no mail".to_owned(),
                Err(error) => error.code().to_owned(),
            };
            if answer != expected {
                wrong.push(format!("{road:?}, {event:?} before {before:?}: {answer} instead of {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_function_that_yields_a_token_is_in_the_table() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = ["auth", "flow", "flow/steps", "flow/types"].map(|folder| src.join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let files: Vec<_> = paths.map(|path| fs::read_to_string(path).unwrap()).collect();
    let secrets = ["BearerToken", "OneTimeCode", "ResetToken"];
    // The types that may carry a secret: a secret itself, or a public type that contains one.
    let mut carriers: BTreeSet<String> = secrets.map(String::from).into();
    for file in &files {
        for declaration in file.split("pub struct ").skip(1) {
            let (name, fields) = declaration.split_once('{').unwrap();
            let fields = fields.split_once('}').unwrap().0;
            if secrets.iter().any(|secret| fields.contains(&format!(": {secret},"))) {
                carriers.insert(name.trim().trim_end_matches("<'a>").to_owned());
            }
        }
    }
    let mut yielding = BTreeSet::new();
    for file in &files {
        for declaration in file.split("    pub async fn ").skip(1) {
            let signature = declaration.split_once(" {\n").unwrap().0;
            let (name, answer) =
                (signature.split(['(', '<']).next().unwrap(), signature.rsplit("->").next().unwrap());
            let words: Vec<_> = answer.split(|char: char| !char.is_alphanumeric()).collect();
            if carriers.iter().any(|carrier| words.contains(&carrier.as_str())) {
                yielding.insert(name);
            }
        }
    }
    // The token of this flow goes to the notifier.
    assert!(files.iter().filter(|file| file.contains("Notice::ResetRequested {")).count() == 1);
    yielding.insert("request_password_reset");
    let listed: BTreeSet<_> = ROADS.iter().flat_map(|(_, functions)| functions.iter().copied()).collect();
    assert_eq!(yielding, listed, "functions that yield a token, and those in the table");
}
