use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use commerce_auth::{
    AccountStatus, CustomerId, CustomerIdentity, CustomerRecord, Error, StoreError,
    graphql::{self, Category, CustomerObject, error},
};

use crate::{accounts, accounts::Profile, commerce_time, shop::Shop};

/// What a customer is told of the own account. Which fields may be null is Commerce's choice.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct Customer {
    firstname: Option<String>,
    lastname: Option<String>,
    email: Option<String>,
    prefix: Option<String>,
    middlename: Option<String>,
    suffix: Option<String>,
    date_of_birth: Option<String>,
    gender: Option<i32>,
    is_subscribed: Option<bool>,
    created_at: Option<String>,
    allow_remote_shopping_assistance: bool,
    confirmation_status: ConfirmationStatus,
    addresses: Option<Vec<Option<CustomerAddress>>>,
}

/// What a mutation answers that changed, or made, a customer.
#[derive(SimpleObject)]
pub(super) struct CustomerOutput {
    pub(super) customer: Customer,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "ConfirmationStatusEnum")]
enum ConfirmationStatus {
    AccountConfirmed,
    AccountConfirmationRequired,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct CustomerAddress {
    id: Option<i32>,
    firstname: Option<String>,
    lastname: Option<String>,
    street: Option<Vec<Option<String>>>,
    city: Option<String>,
    region: Option<CustomerAddressRegion>,
    postcode: Option<String>,
    country_code: Option<String>,
    telephone: Option<String>,
    default_shipping: Option<bool>,
    default_billing: Option<bool>,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct CustomerAddressRegion {
    region: Option<String>,
    region_code: Option<String>,
}

#[derive(Default)]
pub(super) struct CustomerQuery;

#[Object]
impl CustomerQuery {
    /// The customer who is signed in.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        let who = graphql::customer(ctx)?;
        Customer::find(ctx.data()?, who.customer_id()).await.map(Some)
    }
}

/// What the crate answers with when a password was changed.
impl CustomerObject for Customer {
    async fn load(ctx: &Context<'_>, who: &CustomerIdentity) -> Result<Self> {
        Self::find(ctx.data()?, who.customer_id()).await
    }
}

impl Customer {
    /// The customer as the tables have it at this moment.
    pub(super) async fn find(shop: &Shop, id: &CustomerId) -> Result<Self> {
        let found = shop.database.customer(id).await.map_err(unavailable)?;
        let Some((account, profile)) = found else {
            return Err(Category::NoSuchEntity.error(format!("Customer with id \"{id}\" does not exist.")));
        };
        match account.status {
            AccountStatus::Active => Ok(Self::new(account, profile)),
            AccountStatus::Unconfirmed => Err(error(Error::NotConfirmed)),
            _ => Err(error(Error::Locked)),
        }
    }

    fn new(account: CustomerRecord, profile: Profile) -> Self {
        Self {
            firstname: Some(profile.firstname),
            lastname: Some(profile.lastname),
            email: Some(account.email),
            prefix: profile.prefix,
            middlename: profile.middlename,
            suffix: profile.suffix,
            date_of_birth: profile.date_of_birth.map(|date| date.to_string()),
            gender: profile.gender,
            is_subscribed: Some(profile.is_subscribed),
            created_at: Some(commerce_time::text(profile.created_at)),
            allow_remote_shopping_assistance: account.allows_assistance,
            confirmation_status: match account.status {
                AccountStatus::Unconfirmed => ConfirmationStatus::AccountConfirmationRequired,
                _ => ConfirmationStatus::AccountConfirmed,
            },
            addresses: Some(profile.addresses.into_iter().map(|address| Some(address.into())).collect()),
        }
    }
}

impl From<accounts::Address> for CustomerAddress {
    fn from(address: accounts::Address) -> Self {
        let accounts::Region { region, region_code } = address.region;
        Self {
            id: Some(address.id),
            firstname: Some(address.firstname),
            lastname: Some(address.lastname),
            street: Some(address.street.into_iter().map(Some).collect()),
            city: Some(address.city),
            region: Some(CustomerAddressRegion { region: Some(region), region_code: Some(region_code) }),
            postcode: Some(address.postcode),
            country_code: Some(address.country_code),
            telephone: Some(address.telephone),
            default_shipping: Some(address.default_shipping),
            default_billing: Some(address.default_billing),
        }
    }
}

/// A table that cannot be asked is 503, as a store is: never "not authorized".
pub(super) fn unavailable(store_error: StoreError) -> async_graphql::Error {
    error(Error::Unavailable(store_error))
}
