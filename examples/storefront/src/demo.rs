//! `--demo`: accounts whose passwords anybody may read here. Never beyond loopback.

use std::{error::Error, net::SocketAddr};

use commerce_auth::{
    AdminId, Auth, AuthConfig, Email, Website,
    account::{AccountStatus, AdminRecord, Permission},
    credential::TotpSecret,
};
use time::OffsetDateTime;

use crate::{
    accounts::{Address, Database, NewCustomer, Profile, Region},
    args::AdminFactor,
    shop,
};

struct DemoCustomer {
    email: &'static str,
    password: &'static str,
    name: [&'static str; 2],
    status: AccountStatus,
    allows_assistance: bool,
}

/// The first of an empty database is customer 1.
const CUSTOMERS: [DemoCustomer; 6] = [
    DemoCustomer {
        email: RONI,
        password: RONIS_PASSWORD,
        name: ["Veronica", "Costello"],
        status: AccountStatus::Active,
        allows_assistance: true,
    },
    DemoCustomer {
        email: "bobloblaw@example.com",
        password: "b0bl0bl@w",
        name: ["Bob", "Loblaw"],
        status: AccountStatus::Active,
        allows_assistance: false,
    },
    DemoCustomer {
        email: "customer@example.com",
        password: "password",
        name: ["John", "Doe"],
        status: AccountStatus::Active,
        allows_assistance: false,
    },
    DemoCustomer {
        email: "customer1@mail.com",
        password: "password",
        name: ["Jane", "Smith"],
        status: AccountStatus::Active,
        allows_assistance: true,
    },
    DemoCustomer {
        email: "unconfirmed@example.com",
        password: "password",
        name: ["Una", "Confirmed"],
        status: AccountStatus::Unconfirmed,
        allows_assistance: false,
    },
    DemoCustomer {
        email: "disabled@example.com",
        password: "password",
        name: ["Dee", "Sabled"],
        status: AccountStatus::Disabled,
        allows_assistance: false,
    },
];

const RONI: &str = "roni_cost@example.com";
const RONIS_PASSWORD: &str = "roni_cost3@example.com";
/// Id, user name, display name and permissions.
const ADMINS: [(u32, &str, &str, &[Permission]); 3] = [
    (1, "admin", "Ada Marsh", &Permission::ALL),
    (2, "clerk", "Carl Webb", &[]),
    (ENROLLED, "admin2fa", "Tess Lund", &Permission::ALL),
];
const ADMINS_PASSWORD: &str = "Adm1nPassw0rd";
/// The admin user who has an authenticator, and its secret.
const ENROLLED: u32 = 3;
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Refuses to offer known passwords to a network.
pub(crate) fn check_address(listen: SocketAddr) -> Result<(), &'static str> {
    if listen.ip().is_loopback() {
        Ok(())
    } else {
        Err(
            "--demo offers accounts with known passwords: it listens on loopback only, such as 127.0.0.1:8080",
        )
    }
}

/// Adds the demo accounts, or makes those that are there what they were. Other accounts stay as they are.
pub(crate) async fn seed(database: &Database) -> Result<(), Box<dyn Error>> {
    // Commerce's documentation signs in with passwords that its own policy would refuse.
    let mut config = AuthConfig::commerce();
    config.password_policy.min_classes = 0;
    config.password_policy.refuse_guessable = false;
    let auth = shop::auth_on(database).without_notifier().config(config).build()?;
    for (id, username, display_name, permissions) in ADMINS {
        let id = AdminId::from(id);
        seed_admin(database, &auth, id.clone(), username, permissions).await?;
        database.profiles.name_admin(&id, display_name).await?;
    }
    match auth.import_admin_factor(&AdminId::from(ENROLLED), &TotpSecret::from_base32(SECRET)?).await {
        // Since an earlier start.
        Err(commerce_auth::Error::SecondFactor(commerce_auth::error::SecondFactorError::AlreadyEnrolled)) => {
        }
        imported => imported?,
    }
    for customer in &CUSTOMERS {
        seed_customer(database, &auth, customer).await?;
    }
    Ok(())
}

async fn seed_admin(
    database: &Database,
    auth: &Auth,
    id: AdminId,
    username: &str,
    permissions: &[Permission],
) -> Result<(), Box<dyn Error>> {
    let known = database.admins.find_by_username(&username.parse()?).await?;
    if known.is_some_and(|row| row.id != id) {
        return Err("the database has an admin user of its own: give the demo another --database".into());
    }
    let row = AdminRecord::new(id, username)
        .with_password(auth.hash_new_admin_password(username, ADMINS_PASSWORD).await?)
        .with_permissions(permissions.to_vec())
        .with_second_factor_required(true);
    Ok(database.admins.put(row).await?)
}

async fn seed_customer(
    database: &Database,
    auth: &Auth,
    customer: &DemoCustomer,
) -> Result<(), Box<dyn Error>> {
    let email: Email = customer.email.parse()?;
    let password_hash = Some(auth.hash_new_password(customer.email, customer.password).await?);
    let &DemoCustomer { status, allows_assistance, name: [firstname, lastname], .. } = customer;
    match database.customers.find_by_email(&Website::default(), &email).await? {
        Some(row) => {
            let row = row.with_password(password_hash).with_status(status).with_assistance(allows_assistance);
            database.customers.put(row).await?;
        }
        None => {
            let profile = profile(firstname, lastname);
            database.add(NewCustomer { email, password_hash, status, allows_assistance, profile }).await?;
        }
    }
    Ok(())
}

fn profile(firstname: &str, lastname: &str) -> Profile {
    let address = Address {
        id: 1,
        firstname: firstname.into(),
        lastname: lastname.into(),
        street: vec!["6146 Honey Bluff Parkway".into()],
        city: "Calder".into(),
        region: Region { region: "Michigan".into(), region_code: "MI".into(), region_id: Some(33) },
        postcode: "49628-7978".into(),
        country_code: "US".into(),
        telephone: "(555) 229-3326".into(),
        default_shipping: true,
        default_billing: true,
        ..Address::default()
    };
    Profile { addresses: vec![address], ..Profile::named(firstname, lastname, OffsetDateTime::now_utc()) }
}

/// Says that it is a demo, who may sign in, and what to try first.
pub(crate) fn print_welcome(url: &str, admin_factor: AdminFactor) {
    println!(
        "\n*** This is a DEMO: anybody who can reach {url} can sign in. Never put it on a network. ***\n"
    );
    for customer in &CUSTOMERS {
        println!("  customer    {:26} {:24} {:?}", customer.email, customer.password, customer.status);
    }
    for (id, username, _, permissions) in ADMINS {
        let assists = if permissions.is_empty() { "without assistance" } else { "assists customers" };
        let signs_in = match admin_factor {
            _ if id == ENROLLED => "with a code of the authenticator",
            AdminFactor::Required => "sets up an authenticator by the mailed link first",
            AdminFactor::Optional => "by password",
        };
        println!("  admin user  {username:26} {ADMINS_PASSWORD:24} {assists}, {signs_in}");
    }
    println!("\nThe authenticator of admin2fa: {SECRET}, or by oathtool --totp -b {SECRET}");
    println!("\nThe shop: {url}/   The admin page: {url}/admin   GraphiQL: {url}/graphql\n");
    println!("Sign in, ask who you are, sign out:\n");
    for command in commands(url) {
        println!("{command}\n");
    }
}

/// To copy and paste into one shell, one after the other.
fn commands(url: &str) -> [String; 3] {
    let json = "-H 'Content-Type: application/json'";
    let bearer = "-H \"Authorization: Bearer $TOKEN\"";
    [
        format!(
            "TOKEN=$(curl -sS {url}/rest/V1/integration/customer/token {json} \
             -d '{{\"username\":\"{RONI}\",\"password\":\"{RONIS_PASSWORD}\"}}' | tr -d '\"'); echo \"$TOKEN\""
        ),
        format!(
            "curl -sS {url}/graphql {json} {bearer} \
             -d '{{\"query\":\"{{ customer {{ firstname email }} }}\"}}'; echo"
        ),
        format!(
            "curl -sS {url}/graphql {json} {bearer} \
             -d '{{\"query\":\"mutation {{ revokeCustomerToken {{ result }} }}\"}}'; echo"
        ),
    ]
}
