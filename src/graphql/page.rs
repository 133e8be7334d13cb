//! Pages of the crate's lists, and the complexity of each.

use async_graphql::Result;

use super::error::Category;

/// The fields that answer one.
pub(super) const LISTS: [&str; 2] = ["customerTokens", "customerAssistance"];

/// The part of a list that a request asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    size: usize,
    before: usize,
}

impl Page {
    /// The largest size, and the default one. As many tokens as a customer has by default.
    pub(super) const MAX_SIZE: i32 = 100;

    /// Reads `pageSize` and `currentPage`, which is 1 for the first page.
    ///
    /// # Errors
    ///
    /// Commerce's messages for a size or a page that cannot be.
    pub(super) fn of(size: i32, current: i32) -> Result<Self> {
        let refused = |message: String| Err(Category::Input.error(message));
        if size > Self::MAX_SIZE {
            return refused(format!("Maximum pageSize is {}", Self::MAX_SIZE));
        }
        let at_least_1 = |number: i32| usize::try_from(number).ok().filter(|number| *number > 0);
        let Some(size) = at_least_1(size) else {
            return refused("pageSize value must be greater than 0.".into());
        };
        let Some(current) = at_least_1(current) else {
            return refused("currentPage value must be greater than 0.".into());
        };
        Ok(Self { size, before: size.saturating_mul(current.saturating_sub(1)) })
    }

    /// Returns the entries of the page.
    pub(super) fn of_list<T>(self, list: Vec<T>) -> impl Iterator<Item = T> {
        list.into_iter().skip(self.before).take(self.size)
    }

    /// Returns the complexity of a list: one, and that of the fields of an entry for each entry of a page of this size.
    pub(super) fn complexity(size: i32, of_entry: usize) -> usize {
        let entries = usize::try_from(size.clamp(0, Self::MAX_SIZE)).unwrap_or_default();
        entries.saturating_mul(of_entry).saturating_add(1)
    }
}
