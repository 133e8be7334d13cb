//! Errors: their codes, which stay the same between versions, and their messages.

use std::{collections::BTreeSet, time::Duration};

use commerce_auth::{
    AssistanceError, ConfirmationError, Error, Field, InputError, InternalError, Part, PolicyViolation,
    SecondFactorError, SignInError, StoreError, TokenError, random::RandomError,
};

#[test]
fn codes_are_stable_and_each_names_one_error() {
    let of = |errors: Vec<Error>| errors.iter().map(Error::code).collect::<Vec<_>>();
    let area = |errors: Vec<Error>, area: &str, names: &[&str]| {
        let expected: Vec<_> = names.iter().map(|name| format!("{area}.{name}")).collect();
        assert_eq!(of(errors), expected);
        expected
    };
    let input = [InputError::Required(Field::Email), InputError::Email, InputError::Username];
    let input = input
        .into_iter()
        .chain([InputError::PasswordTooLong, InputError::Policy(PolicyViolation::TooShort(8))]);
    let sign_in = [
        SignInError::Refused,
        SignInError::NotConfirmed,
        SignInError::WrongPassword,
        SignInError::Locked,
        SignInError::ResetTokenMismatched,
        SignInError::TooManyRequests,
        SignInError::ChallengeRequired,
    ];
    let confirmation = [ConfirmationError::InvalidToken, ConfirmationError::AlreadyConfirmed];
    let second_factor = [
        SecondFactorError::Required,
        SecondFactorError::EnrolmentRequired,
        SecondFactorError::EnrolmentNotSent,
        SecondFactorError::NotEnrolled,
        SecondFactorError::AlreadyEnrolled,
        SecondFactorError::InvalidEnrolmentToken,
        SecondFactorError::InvalidCode,
        SecondFactorError::StepUpRequired(Duration::ZERO),
    ];
    let assistance = [
        AssistanceError::Disabled,
        AssistanceError::NotPermitted,
        AssistanceError::NoConsent,
        AssistanceError::NoSuchEmail,
        AssistanceError::NoSuchCustomer,
        AssistanceError::CustomerDisabled,
    ];
    let token = [TokenError::Invalid, TokenError::NotAuthorized];
    let internal = [
        InternalError::NotConfigured(Part::Admins),
        InternalError::ForeignRow,
        InternalError::Interrupted,
        InternalError::Unsealed,
        InternalError::RepeatedSecret,
        InternalError::NoEnrolmentUri,
    ];
    let plain = [
        (Error::Overloaded, "overloaded"),
        (Error::Conflict, "conflict"),
        (Error::Unavailable(StoreError::new("down")), "unavailable"),
        (Error::Random(RandomError), "random"),
    ];
    let mut codes = Vec::new();
    codes.extend(area(
        input.map(Into::into).collect(),
        "input",
        &["required", "email", "username", "password_too_long", "policy"],
    ));
    codes.extend(area(
        sign_in.map(Into::into).into(),
        "sign_in",
        &[
            "refused",
            "not_confirmed",
            "wrong_password",
            "locked",
            "reset_token_mismatched",
            "too_many_requests",
            "challenge_required",
        ],
    ));
    codes.extend(area(
        confirmation.map(Into::into).into(),
        "confirmation",
        &["invalid_token", "already_confirmed"],
    ));
    codes.extend(area(
        second_factor.map(Into::into).into(),
        "second_factor",
        &[
            "required",
            "enrolment_required",
            "enrolment_not_sent",
            "not_enrolled",
            "already_enrolled",
            "invalid_enrolment_token",
            "invalid_code",
            "step_up_required",
        ],
    ));
    codes.extend(area(
        assistance.map(Into::into).into(),
        "assistance",
        &[
            "disabled",
            "not_permitted",
            "no_consent",
            "no_such_email",
            "no_such_customer",
            "customer_disabled",
        ],
    ));
    codes.extend(area(token.map(Into::into).into(), "token", &["invalid", "not_authorized"]));
    codes.extend(area(
        internal.map(Into::into).into(),
        "internal",
        &["not_configured", "foreign_row", "interrupted", "unsealed", "repeated_secret", "no_enrolment_uri"],
    ));
    for (error, code) in plain {
        assert_eq!(error.code(), code);
        codes.push(code.to_owned());
    }
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
}
