use crate::{
    account::{AdminId, CustomerId},
    store::Partition,
};

/// Returns the partition of a customer, which holds the customer's one-time credentials and the
/// ledger entries of assistance to this customer.
pub(crate) fn of_customer(customer: &CustomerId) -> Partition {
    Partition::of(&[b"customer id", customer.to_string().as_bytes()])
}

/// Returns the partition of an admin user, which holds the second factor and the enrolment of a new
/// one.
pub(crate) fn of_admin(admin: &AdminId) -> Partition {
    Partition::of(&[b"admin id", admin.to_string().as_bytes()])
}
