//! Requests and results that several operations share.

mod admin_sign_in;
mod enrolment;
mod setters;
mod sign_in;

pub use admin_sign_in::{AdminSignIn, AdminSignedIn};
pub use enrolment::BegunEnrolment;
pub(in crate::flow) use setters::setters;
pub use sign_in::{SignIn, SignedIn};
