use crate::account::Website;

/// Which website a store code or a website's number stands for: as Commerce's clients name them, in the `Store` header,
/// in a REST path, in `websiteId`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not map store codes to websites",
    label = "it must implement `Websites`",
    note = "write `impl Websites for {Self}` with the functions `by_store` and `by_id`",
    note = "the ready-made `OneWebsite` is for a shop with one website"
)]
pub trait Websites: Send + Sync + 'static {
    /// The website of a store (view) code; none refuses the request.
    fn by_store(&self, code: &str) -> Option<Website>;

    /// The website of this number; none refuses the request.
    fn by_id(&self, id: u32) -> Option<Website>;
}

/// The only website of a shop that has one: the codes `default`, `all` and `base`, and the number 1, as in a new
/// installation of Commerce.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct OneWebsite;

impl Websites for OneWebsite {
    fn by_store(&self, code: &str) -> Option<Website> {
        matches!(code, "default" | "all" | "base").then(Website::default)
    }

    fn by_id(&self, id: u32) -> Option<Website> {
        (id == 1).then(Website::default)
    }
}
