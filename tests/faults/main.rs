//! Servers, disks, networks and processes that fail: nothing acknowledged is lost, no caller hangs,
//! and service resumes without a restart.

mod postgres;
mod redis;
mod sqlite;
