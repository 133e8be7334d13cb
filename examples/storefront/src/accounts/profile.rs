use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

/// What the shop knows of a customer and the crate need not: kept as one JSON document.
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
    pub(crate) is_subscribed: bool,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
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
            is_subscribed: false,
            created_at,
            addresses: Vec::new(),
        }
    }
}

/// Where a customer has things sent to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) id: i32,
    pub(crate) firstname: String,
    pub(crate) lastname: String,
    pub(crate) street: Vec<String>,
    pub(crate) city: String,
    pub(crate) region: Region,
    pub(crate) postcode: String,
    /// ISO 3166-1 alpha-2.
    pub(crate) country_code: String,
    pub(crate) telephone: String,
    pub(crate) default_shipping: bool,
    pub(crate) default_billing: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Region {
    pub(crate) region: String,
    pub(crate) region_code: String,
}
