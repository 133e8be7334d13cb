//! The ledger of assistance, and the notices to customers.

use commerce_auth::{
    audit::{Outcome, Refusal},
    token::AssistanceEnd,
};

use super::{Answer, Notified, Shop, Who};

impl Shop {
    /// Enters a new token of assistance.
    pub(super) fn enter(&mut self, token: usize) {
        if let Who::Customer(customer) = self.tokens[token].owner {
            self.open.push(token);
            self.led_to.notices.push((customer, Notified::Began(token)));
        }
    }

    /// Ends an assistance with this reason. The customer is notified once.
    pub(super) fn close(&mut self, token: usize, end: AssistanceEnd) {
        let Some(place) = self.open.iter().position(|open| *open == token) else { return };
        self.open.remove(place);
        if let Who::Customer(customer) = self.tokens[token].owner {
            self.led_to.notices.push((customer, Notified::Ended(token, end)));
        }
    }

    /// Closes the ended assistance of a customer, the newest first.
    pub(super) fn settle_of(&mut self, customer: usize) {
        let owner = Who::Customer(customer);
        let of = self.open.iter().rev().copied().filter(|token| self.tokens[*token].owner == owner).collect();
        self.settle(of);
    }

    /// Closes the ended assistance that an admin user gave, the oldest first.
    pub(super) fn settle_by(&mut self, admin: usize) {
        let by = |token: &usize| self.tokens[*token].assist.is_some_and(|assist| assist.actor == admin);
        let by = self.open.iter().copied().filter(by).collect();
        self.settle(by);
    }

    /// The purge by the host's timer.
    pub(crate) fn purge(&mut self) -> Answer {
        self.settle(self.open.clone());
        Answer::Done
    }

    fn settle(&mut self, tokens: Vec<usize>) {
        for token in tokens {
            if let Some(end) = self.end_of(token) {
                // An assistance that was reported as ended does not revive.
                self.tokens[token].revoked = true;
                self.close(token, end);
            }
        }
    }

    fn end_of(&self, token: usize) -> Option<AssistanceEnd> {
        let (Who::Customer(customer), Some(assist)) = (self.tokens[token].owner, self.tokens[token].assist)
        else {
            return None;
        };
        if self.now >= self.tokens[token].expires {
            Some(AssistanceEnd::Expired)
        } else if !self.is_live(token) {
            Some(AssistanceEnd::Withdrawn)
        } else {
            match self.assists(assist, customer) {
                Ok(()) => None,
                Err((Outcome::Refused(Refusal::NoConsent), _)) => Some(AssistanceEnd::ConsentWithdrawn),
                Err(_) => Some(AssistanceEnd::Withdrawn),
            }
        }
    }
}
