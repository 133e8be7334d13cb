//! Errors: their codes, which stay the same between versions, and their messages.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use commerce_auth::{
    Error,
    error::{
        AssistanceError, ConfirmationError, Field, InputError, InternalError, Part, PolicyViolation,
        SecondFactorError, SignInError, StoreError, TokenError,
    },
    random::RandomError,
};
use syn::{
    Attribute, ImplItemFn, LitStr,
    visit::{self, Visit},
};

/// The folder of the errors. `codes.md` in it is the table of codes in the documentation of `Error`.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/error");

/// One error of each code, and its code.
fn every_error() -> Vec<(Error, &'static str)> {
    vec![
        (InputError::Required(Field::Email).into(), "input.required"),
        (InputError::Email.into(), "input.email"),
        (InputError::Username.into(), "input.username"),
        (InputError::PasswordTooLong.into(), "input.password_too_long"),
        (InputError::Policy(PolicyViolation::TooShort(8)).into(), "input.policy"),
        (SignInError::Refused.into(), "sign_in.refused"),
        (SignInError::NotConfirmed.into(), "sign_in.not_confirmed"),
        (SignInError::WrongPassword.into(), "sign_in.wrong_password"),
        (SignInError::Locked.into(), "sign_in.locked"),
        (SignInError::ResetTokenMismatched.into(), "sign_in.reset_token_mismatched"),
        (SignInError::InvalidUnlockToken.into(), "sign_in.invalid_unlock_token"),
        (SignInError::TooManyRequests.into(), "sign_in.too_many_requests"),
        (SignInError::ChallengeRequired.into(), "sign_in.challenge_required"),
        (ConfirmationError::InvalidToken.into(), "confirmation.invalid_token"),
        (ConfirmationError::AlreadyConfirmed.into(), "confirmation.already_confirmed"),
        (SecondFactorError::Required.into(), "second_factor.required"),
        (SecondFactorError::EnrolmentRequired.into(), "second_factor.enrolment_required"),
        (SecondFactorError::EnrolmentNotSent.into(), "second_factor.enrolment_not_sent"),
        (SecondFactorError::NotEnrolled.into(), "second_factor.not_enrolled"),
        (SecondFactorError::AlreadyEnrolled.into(), "second_factor.already_enrolled"),
        (SecondFactorError::InvalidEnrolmentToken.into(), "second_factor.invalid_enrolment_token"),
        (SecondFactorError::InvalidCode.into(), "second_factor.invalid_code"),
        (SecondFactorError::StepUpRequired(Duration::ZERO).into(), "second_factor.step_up_required"),
        (AssistanceError::Disabled.into(), "assistance.disabled"),
        (AssistanceError::NotPermitted.into(), "assistance.not_permitted"),
        (AssistanceError::NoConsent.into(), "assistance.no_consent"),
        (AssistanceError::NoSuchEmail.into(), "assistance.no_such_email"),
        (AssistanceError::NoSuchCustomer.into(), "assistance.no_such_customer"),
        (AssistanceError::CustomerDisabled.into(), "assistance.customer_disabled"),
        (TokenError::Invalid.into(), "token.invalid"),
        (TokenError::NotAuthorized.into(), "token.not_authorized"),
        (Error::Overloaded, "overloaded"),
        (Error::Conflict, "conflict"),
        (Error::Unavailable(StoreError::new("down")), "unavailable"),
        (Error::Random(RandomError), "random"),
        (InternalError::NotConfigured(Part::Admins).into(), "internal.not_configured"),
        (InternalError::ForeignRow.into(), "internal.foreign_row"),
        (InternalError::Interrupted.into(), "internal.interrupted"),
        (InternalError::Unsealed.into(), "internal.unsealed"),
        (InternalError::RepeatedSecret.into(), "internal.repeated_secret"),
        (InternalError::NoEnrolmentUri.into(), "internal.no_enrolment_uri"),
    ]
}

#[test]
fn codes_are_stable_and_each_names_one_error() {
    for (error, code) in every_error() {
        assert_eq!(error.code(), code);
    }
    let codes: BTreeSet<_> = every_error().into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes.len(), every_error().len());
    assert_eq!(codes.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), codes_of_source());
}

#[test]
fn the_table_of_codes_has_every_code_with_its_kind_and_a_remedy() {
    let table = fs::read_to_string(Path::new(FOLDER).join("codes.md")).unwrap();
    let rows: Vec<Vec<_>> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    for row in &rows {
        assert!(row.len() == 4 && row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
    let documented: Vec<_> = rows.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    let actual: Vec<_> = every_error()
        .iter()
        .map(|(error, code)| (format!("`{code}`"), format!("`{:?}`", error.kind())))
        .collect();
    assert_eq!(documented, actual);
}

/// The texts in the functions called `code` in the source.
fn codes_of_source() -> BTreeSet<String> {
    let mut codes = Codes::default();
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            codes.visit_file(&syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap());
        }
    }
    codes.found
}

#[derive(Default)]
struct Codes {
    found: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Codes {
    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if function.sig.ident == "code" {
            visit::visit_block(self, &function.block);
        }
    }

    /// Documentation and messages are no codes.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        self.found.insert(text.value());
    }
}
