use crate::account::Website;

/// Maps the store codes and website numbers of Commerce's clients to websites. Clients send them in
/// the `Store` header, in a REST path and in `websiteId`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not map store codes to websites",
    label = "it must implement `Websites`",
    note = "write `impl Websites for {Self}` with the functions `by_store` and `by_id`",
    note = "the ready-made `OneWebsite` is for a shop with one website"
)]
pub trait Websites: Send + Sync + 'static {
    /// Returns the website of a store (view) code. If there is none, the request is refused.
    fn by_store(&self, code: &str) -> Option<Website>;

    /// Returns the website with this number. If there is none, the request is refused.
    fn by_id(&self, id: u32) -> Option<Website>;
}

/// The mapping for a shop with one website. It accepts the codes `default`, `all` and `base`, and
/// the number 1, as in a new installation of Commerce.
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
