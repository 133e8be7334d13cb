//! Servers, disks, networks and processes that fail: nothing acknowledged is lost, no caller hangs, and service resumes by
//! itself.

mod postgres;
mod redis;
mod sqlite;
