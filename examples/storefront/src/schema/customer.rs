use async_graphql::{ComplexObject, Context, Enum, Object, Result, SimpleObject};
use commerce_auth::{
    CustomerId, Error,
    account::AccountStatus,
    error::{SignInError, StoreError},
    graphql::{self, Category, CustomerObject, error},
};

use super::address::CustomerAddress;
use crate::{
    accounts::{Address, NewCustomer, Profile},
    commerce_time,
    shop::Shop,
};

/// The customer's account, as the customer sees it. Commerce decides which fields may be null.
#[derive(SimpleObject)]
#[graphql(complex, rename_fields = "snake_case")]
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
    /// None of an account that waits to be confirmed.
    #[graphql(skip)]
    confirmation: Option<ConfirmationStatus>,
    default_billing: Option<String>,
    default_shipping: Option<String>,
    addresses: Option<Vec<Option<CustomerAddress>>>,
}

/// The answer of a mutation that changed or made a customer.
pub(super) type CustomerOutput = graphql::CustomerOutput<Customer>;

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "ConfirmationStatusEnum")]
enum ConfirmationStatus {
    AccountConfirmed,
    AccountConfirmationNotRequired,
}

#[ComplexObject(rename_fields = "snake_case")]
impl Customer {
    /// An error for a new account that waits to be confirmed: Commerce's enumeration has no word for it.
    async fn confirmation_status(&self) -> Result<ConfirmationStatus> {
        self.confirmation.ok_or_else(|| Category::Input.error(SignInError::NotConfirmed.to_string()))
    }
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

/// The customer in the library's answers, after a changed password or a confirmed address.
impl CustomerObject for Customer {
    async fn load(ctx: &Context<'_>, id: &CustomerId) -> Result<Self> {
        Self::find(ctx.data()?, id).await
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
        // One that is not confirmed gets no further.
        let confirmation = match shop.confirms_email {
            true => ConfirmationStatus::AccountConfirmed,
            false => ConfirmationStatus::AccountConfirmationNotRequired,
        };
        Ok(Self::new(account.email, account.allows_assistance, Some(confirmation), profile))
    }

    /// Makes the customer who has just registered and must confirm the address. It uses the client's input
    /// alone, so that it reveals nothing about an account that the address may have.
    pub(super) fn unconfirmed(customer: &NewCustomer) -> Self {
        Self::new(customer.email.to_string(), customer.allows_assistance, None, customer.profile.clone())
    }

    fn new(
        email: String,
        allows_assistance: bool,
        confirmation: Option<ConfirmationStatus>,
        profile: Profile,
    ) -> Self {
        let date_of_birth = profile.date_of_birth.map(|date| date.to_string());
        let id = |address: Option<&Address>| address.map(|address| address.id.to_string());
        Self {
            id: None,
            group_id: None,
            default_billing: id(profile.default_billing()),
            default_shipping: id(profile.default_shipping()),
            firstname: Some(profile.firstname),
            lastname: Some(profile.lastname),
            email: Some(email),
            prefix: profile.prefix,
            middlename: profile.middlename,
            suffix: profile.suffix,
            date_of_birth: date_of_birth.clone(),
            dob: date_of_birth,
            gender: profile.gender,
            taxvat: profile.taxvat,
            is_subscribed: Some(profile.is_subscribed),
            created_at: Some(commerce_time::text(profile.created_at)),
            allow_remote_shopping_assistance: allows_assistance,
            confirmation,
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
