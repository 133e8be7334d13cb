//! Inputs on which a target once failed, and similar ones.

use axum::body::Body;
use commerce_auth::audit::Checkpoint;
use http::Request;

use crate::{
    document::{Closing, Place, Shape, doubling},
    graphql::post,
    world::with_world,
};

/// Each of these ended the process: 2,000 levels are too many for the parser's stack, but too few
/// for the parser's own bound.
#[test]
fn nested_values_do_not_end_the_process() {
    for place in [
        Place::Argument,
        Place::PasswordArgument,
        Place::VariableDefault,
        Place::Directive,
        Place::OperationDirective,
        Place::FragmentDirective,
        Place::VariableDirective,
    ] {
        for shape in [Shape::Lists, Shape::Objects, Shape::Both] {
            for levels in [500, 1_300, 2_000, 4_000, 7_900, 10_000] {
                post(&place.write(shape, levels, "", Closing::Whole), true);
                post(&place.write(shape, levels, "", Closing::Never), true);
            }
        }
    }
}

/// 20 levels took 8.6 s in a debug build.
#[test]
fn fragments_that_double_are_refused_at_once() {
    for (levels, costly) in [(18, false), (20, false), (22, true), (31, false), (40, true)] {
        post(&doubling(levels, 2, costly), true);
    }
}

/// The parser's error message contained the line of the document.
#[test]
fn a_syntax_error_has_no_excerpt() {
    for text in ["\"C4nary-S3cret-Zz\" {token}}", "C4nary-S3cret-Zz) { token } }", "\"C4nary-S3cret-Zz"] {
        let field = "generateCustomerToken(email: \"a@example.com\", password: ";
        post(&format!("mutation{{{field}{text}"), false);
    }
}

/// The answer was `{}`, which is not a GraphQL response.
#[test]
fn an_operation_may_skip_all_of_its_fields() {
    for query in
        ["{ shopName @skip(if: true) }", "mutation { revokeCustomerToken @include(if: false) { result } }"]
    {
        let answer = post(query, false);
        assert_eq!(answer.json(), serde_json::json!({"data": {}}));
    }
}

/// Behind a store code, the route of one-time codes answered 500. For a path that is not UTF-8, the
/// answer was a text that is not JSON.
#[test]
fn a_path_may_begin_with_a_store_code() {
    with_world(|world| {
        for (path, status) in [
            ("/rest/V1/customer/1/otp", 200),
            ("/rest/default/V1/customer/1/otp", 200),
            ("/rest/nonesuch/V1/customer/1/otp", 404),
            ("/rest/V1/customer/%FF/otp", 404),
            ("/rest/default/V1/customer/%FF/otp", 404),
            ("/rest/%FF/V1/customer/1/otp", 404),
        ] {
            let request = || {
                let token = format!("Bearer {}", world.admin);
                let request = Request::post(path).header("authorization", token);
                request.header("content-type", "application/json").body(Body::from("{}")).unwrap()
            };
            let answer = world.answer(path.len(), request, &[status]);
            let field = if status == 200 { "otp" } else { "message" };
            assert!(answer.json()[field].is_string(), "{path}: {}", answer.text);
        }
    });
}

#[test]
fn a_checkpoint_has_one_text() {
    let link = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    assert!(format!("7:{link}").parse::<Checkpoint>().is_ok());
    for position in ["07", "+7", "007", "00", "-7", "", " 7", "18446744073709551616"] {
        assert!(format!("{position}:{link}").parse::<Checkpoint>().is_err(), "{position}");
    }
}
