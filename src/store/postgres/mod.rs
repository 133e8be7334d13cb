//! Everything in a PostgreSQL database.
