//! Steps that several flows share.

pub(super) mod challenge;
pub(super) mod confirmation;
pub(super) mod credentials;
pub(super) mod ending;
pub(super) mod enrolment;
pub(super) mod freshness;
pub(super) mod lock;
pub(super) mod new_password;
pub(super) mod password;
pub(super) mod replay;
pub(super) mod request;
pub(super) mod second_factor;
pub(super) mod seek;
pub(super) mod sign_in;
