//! The embedded durable backend: everything in one SQLite file.
