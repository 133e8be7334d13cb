use async_graphql::{Context, Object, OutputType, Result};

use crate::account::CustomerId;

/// The host's `Customer` object, which `changeCustomerPassword` and `confirmEmail` return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be loaded as the `Customer` object of the schema",
    label = "it must implement `CustomerObject`",
    note = "write `impl CustomerObject for {Self}` with the function `load`; the type itself is an `async_graphql::Object` or `SimpleObject`"
)]
pub trait CustomerObject: OutputType {
    /// Loads the host's customer with this id, for the result of a mutation. The customer has just
    /// changed the password or confirmed the e-mail address.
    fn load(ctx: &Context<'_>, id: &CustomerId) -> impl Future<Output = Result<Self>> + Send
    where
        Self: Sized;
}

/// Commerce's `CustomerOutput`, which `confirmEmail` and a host's own `createCustomerV2` return.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct CustomerOutput<C> {
    /// The host's customer.
    pub customer: C,
}

/// Contains details about a newly-created or updated customer.
#[Object(name = "CustomerOutput")]
impl<C: CustomerObject> CustomerOutput<C> {
    /// Customer details after creating or updating a customer.
    async fn customer(&self) -> &C {
        &self.customer
    }
}
