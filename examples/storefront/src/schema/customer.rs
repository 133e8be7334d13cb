use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use commerce_auth::{
    AccountStatus, CustomerId, CustomerIdentity, CustomerRecord, Error, SignInError, StoreError,
    graphql::{self, Category, CustomerObject, error},
};

use super::address::CustomerAddress;
use crate::{
    accounts::{Address, Profile},
    commerce_time,
    shop::{CONFIRMS_ACCOUNTS, Shop},
};

/// What a customer is told of the own account. Which fields may be null is Commerce's choice.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct Customer {
    /// Never told, as in Commerce.
    #[graphql(
        deprecation = "id is not needed as part of Customer, because on server side, it can be identified based on customer token used for authentication."
    )]
    id: Option<i32>,
    /// Never told either.
    #[graphql(deprecation = "Customer group should not be exposed in the storefront scenarios.")]
    group_id: Option<i32>,
    firstname: Option<String>,
    lastname: Option<String>,
    email: Option<String>,
    prefix: Option<String>,
    middlename: Option<String>,
    suffix: Option<String>,
    date_of_birth: Option<String>,
    #[graphql(deprecation = "Use `date_of_birth` instead.")]
    dob: Option<String>,
    /// 1 is male, 2 is female, 3 is not specified.
    gender: Option<i32>,
    taxvat: Option<String>,
    is_subscribed: Option<bool>,
    created_at: Option<String>,
    allow_remote_shopping_assistance: bool,
    confirmation_status: ConfirmationStatus,
    default_billing: Option<String>,
    default_shipping: Option<String>,
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
    AccountConfirmationNotRequired,
}

impl ConfirmationStatus {
    /// Of every account that is shown: one that is not confirmed gets no further than [`check_standing`].
    const OF_ACTIVE: Self =
        if CONFIRMS_ACCOUNTS { Self::AccountConfirmed } else { Self::AccountConfirmationNotRequired };
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
        let (account, profile) = found.ok_or_else(|| {
            Category::NoSuchEntity.error(format!("Customer with id \"{id}\" does not exist."))
        })?;
        check_standing(account.status)?;
        Ok(Self::new(account, profile))
    }

    fn new(account: CustomerRecord, profile: Profile) -> Self {
        let date_of_birth = profile.date_of_birth.map(|date| date.to_string());
        let id = |address: Option<&Address>| address.map(|address| address.id.to_string());
        Self {
            id: None,
            group_id: None,
            default_billing: id(profile.default_billing()),
            default_shipping: id(profile.default_shipping()),
            firstname: Some(profile.firstname),
            lastname: Some(profile.lastname),
            email: Some(account.email),
            prefix: profile.prefix,
            middlename: profile.middlename,
            suffix: profile.suffix,
            date_of_birth: date_of_birth.clone(),
            dob: date_of_birth,
            gender: profile.gender,
            taxvat: profile.taxvat,
            is_subscribed: Some(profile.is_subscribed),
            created_at: Some(commerce_time::text(profile.created_at)),
            allow_remote_shopping_assistance: account.allows_assistance,
            confirmation_status: ConfirmationStatus::OF_ACTIVE,
            addresses: Some(profile.addresses.into_iter().map(|address| Some(address.into())).collect()),
        }
    }
}

/// Refuses an account that may not be used.
pub(super) fn check_standing(status: AccountStatus) -> Result<()> {
    match status {
        AccountStatus::Active => Ok(()),
        AccountStatus::Unconfirmed => Err(error(Error::SignIn(SignInError::NotConfirmed))),
        _ => Err(error(Error::SignIn(SignInError::Locked))),
    }
}

/// A table that cannot be asked is 503, as a store is: never "not authorized".
pub(super) fn unavailable(store_error: StoreError) -> async_graphql::Error {
    error(Error::Unavailable(store_error))
}
