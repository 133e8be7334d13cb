#[path = "flows/structure.rs"]
mod structure;
