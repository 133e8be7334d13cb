//! Several nodes over one database, on every backend: whole shops, and the audit trail that the
//! nodes write together.

mod audit_chain;
mod backends;
