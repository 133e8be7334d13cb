//! Inputs that a target once failed on, and their kind.

use crate::{
    document::{Closing, Place, Shape, doubling},
    graphql::post,
};

/// Each of these ended the process: 2,000 levels are too many for the parser's stack and too few for its own bound.
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

/// The parser's message held the line.
#[test]
fn a_syntax_error_has_no_excerpt() {
    for text in ["\"C4nary-S3cret-Zz\" {token}}", "C4nary-S3cret-Zz) { token } }", "\"C4nary-S3cret-Zz"] {
        let field = "generateCustomerToken(email: \"a@example.com\", password: ";
        post(&format!("mutation{{{field}{text}"), false);
    }
}
