//! The schema in the documentation is the real one.

use async_graphql::{EmptySubscription, MergedObject, SDLExportOptions, Schema};
use commerce_auth::graphql::{
    AssistanceMutation, ConfirmationMutation, CustomerAssistanceMutation, CustomerAssistanceQuery,
    CustomerTokenMutation, CustomerTokenQuery, PasswordMutation,
};
use support::site::Customer;

#[derive(MergedObject, Default)]
struct Query(CustomerTokenQuery, CustomerAssistanceQuery);

#[derive(MergedObject, Default)]
struct Mutation(
    CustomerTokenMutation,
    AssistanceMutation,
    CustomerAssistanceMutation,
    PasswordMutation<Customer>,
    ConfirmationMutation<Customer>,
);

#[test]
fn the_documented_schema_is_true() {
    let schema = Schema::new(Query::default(), Mutation::default(), EmptySubscription);
    let real = schema.sdl_with_options(SDLExportOptions::new().prefer_single_line_descriptions());
    // The parts that every schema has come last.
    let (real, _) = real.split_once("\"Directs the executor").expect("the directives");
    let documented = include_str!("../../docs/schema.graphqls");
    assert!(real.trim() == documented.trim(), "write this to docs/schema.graphqls:\n{real}\nthe end");
}
