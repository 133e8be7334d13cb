use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

/// A customer's data that the library does not need, kept as one JSON document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) firstname: String,
    pub(crate) lastname: String,
    #[serde(default)]
    pub(crate) prefix: Option<String>,
    #[serde(default)]
    pub(crate) middlename: Option<String>,
    #[serde(default)]
    pub(crate) suffix: Option<String>,
    #[serde(default)]
    pub(crate) date_of_birth: Option<Date>,
    /// As in Commerce: 1 is male, 2 is female, 3 is not specified.
    #[serde(default)]
    pub(crate) gender: Option<i32>,
    #[serde(default)]
    pub(crate) taxvat: Option<String>,
    #[serde(default)]
    pub(crate) is_subscribed: bool,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) updated_at: OffsetDateTime,
    #[serde(default)]
    pub(crate) addresses: Vec<Address>,
}

impl Profile {
    /// A customer of whom only the name is known.
    pub(crate) fn named(firstname: &str, lastname: &str, created_at: OffsetDateTime) -> Self {
        Self {
            firstname: firstname.into(),
            lastname: lastname.into(),
            prefix: None,
            middlename: None,
            suffix: None,
            date_of_birth: None,
            gender: None,
            taxvat: None,
            is_subscribed: false,
            created_at,
            updated_at: created_at,
            addresses: Vec::new(),
        }
    }

    pub(crate) fn default_billing(&self) -> Option<&Address> {
        self.addresses.iter().find(|address| address.default_billing)
    }

    pub(crate) fn default_shipping(&self) -> Option<&Address> {
        self.addresses.iter().find(|address| address.default_shipping)
    }
}

/// Where a customer has things sent to, or who pays for them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    pub(crate) id: i32,
    pub(crate) firstname: String,
    pub(crate) lastname: String,
    pub(crate) prefix: Option<String>,
    pub(crate) middlename: Option<String>,
    pub(crate) suffix: Option<String>,
    pub(crate) company: Option<String>,
    pub(crate) street: Vec<String>,
    pub(crate) city: String,
    pub(crate) region: Region,
    pub(crate) postcode: String,
    /// ISO 3166-1 alpha-2.
    pub(crate) country_code: String,
    pub(crate) telephone: String,
    pub(crate) fax: Option<String>,
    pub(crate) vat_id: Option<String>,
    pub(crate) default_shipping: bool,
    pub(crate) default_billing: bool,
}

/// A state or province.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Region {
    pub(crate) region: String,
    pub(crate) region_code: String,
    /// Commerce's number of it.
    pub(crate) region_id: Option<i32>,
}
