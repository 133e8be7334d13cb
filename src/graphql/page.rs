//! The pages of the crate's lists (`customerTokens`, `customerAssistance`), and the complexity of a
//! list.

use async_graphql::Result;

use super::error::Category;

/// The names of the crate's fields that return a list.
pub(super) const LISTS: [&str; 2] = ["customerTokens", "customerAssistance"];

/// The part of a list that a request asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    size: usize,
    before: usize,
}

impl Page {
    /// Maximum and default size of a page: 100 entries. By default, a customer has at most 100
    /// tokens ([`AuthConfig::tokens_per_subject`](crate::AuthConfig::tokens_per_subject)), so one
    /// page has them all.
    pub(super) const MAX_SIZE: i32 = 100;

    /// Creates a page from the arguments `pageSize` and `currentPage`. The first page is 1.
    ///
    /// # Errors
    ///
    /// If the size or the page is out of range. The message is Commerce's.
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

    /// Returns the entries of a list that are on this page.
    pub(super) fn of_list<T>(self, list: Vec<T>) -> impl Iterator<Item = T> {
        list.into_iter().skip(self.before).take(self.size)
    }

    /// Returns the complexity of a list: 1 plus the size of the page times the complexity of the
    /// fields of one entry.
    pub(super) fn complexity(size: i32, of_entry: usize) -> usize {
        let entries = usize::try_from(size.clamp(0, Self::MAX_SIZE)).unwrap_or_default();
        entries.saturating_mul(of_entry).saturating_add(1)
    }
}
