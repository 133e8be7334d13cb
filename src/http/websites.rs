use crate::account::Website;

/// A mapping from Commerce's store codes and website numbers to websites. Clients send a store code
/// in the `Store` header or in a REST path, and a website number in the field `websiteId`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not map store codes to websites",
    label = "it must implement `Websites`",
    note = "write `impl Websites for {Self}` with the functions `by_store` and `by_id`",
    note = "the ready-made `OneWebsite` is for a shop with one website"
)]
pub trait Websites: Send + Sync + 'static {
    /// Returns the website of a store code (Commerce's "store view"). If the result is `None`, the
    /// request is refused.
    fn by_store(&self, code: &str) -> Option<Website>;

    /// Returns the website with this website number. If the result is `None`, the request is
    /// refused.
    fn by_id(&self, id: u32) -> Option<Website>;
}

/// The mapping for a shop with one website. It accepts the store codes `default`, `all` and `base`,
/// and the website number 1, as a new installation of Commerce does.
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
