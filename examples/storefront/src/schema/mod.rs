//! The GraphQL schema: the crate's operations, and merged with them the shop's own, named and answered as in Commerce.

mod address;
mod assistant;
mod customer;
mod delete;
mod email;
mod input;
mod register;
mod store_config;
mod update;

use async_graphql::{EmptySubscription, MergedObject};
use commerce_auth::graphql::{
    AssistanceMutation, ConfirmationMutation, CustomerAssistanceMutation, CustomerAssistanceQuery,
    CustomerTokenMutation, CustomerTokenQuery, PasswordMutation,
};

use self::{
    assistant::AssistantQuery,
    customer::{Customer, CustomerQuery},
    delete::DeleteMutation,
    email::EmailQuery,
    register::RegisterMutation,
    store_config::StoreConfigQuery,
    update::UpdateMutation,
};
use crate::shop::Shop;

pub(crate) type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

#[derive(Default, MergedObject)]
pub(crate) struct Query(
    CustomerQuery,
    CustomerTokenQuery,
    CustomerAssistanceQuery,
    AssistantQuery,
    EmailQuery,
    StoreConfigQuery,
);

#[derive(Default, MergedObject)]
pub(crate) struct Mutation(
    CustomerTokenMutation,
    AssistanceMutation,
    CustomerAssistanceMutation,
    PasswordMutation<Customer>,
    ConfirmationMutation<Customer>,
    RegisterMutation,
    UpdateMutation,
    DeleteMutation,
);

pub(crate) fn schema(shop: Shop) -> Schema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .data(shop)
        // Nothing here is nested deeper than introspection is.
        .limit_depth(20)
        // The customer's two lists at once, whole pages with every field, have 1,802.
        .limit_complexity(2_500)
        .finish()
}
