//! Actions of a caller who presents a token.

use commerce_auth::{Error, Origin, flow::Keep, token::Bearer};
use pollster::block_on;
use proptest::prelude::*;

use super::{
    names::{grant_id, website},
    op::{Filed, Op},
    step::new_password,
    world::{Checked, World},
};
use crate::model::shop::{Answer, Name, Who};

/// True for an operation that a token of assistance may not do. It may only be verified and end
/// itself.
const fn is_the_customers_own(op: &Op) -> bool {
    matches!(
        op,
        Op::Confirm { .. }
            | Op::Change { .. }
            | Op::Consent { .. }
            | Op::List { .. }
            | Op::RevokeAll { .. }
            | Op::RevokeListed { .. }
            | Op::TokenAsAdmin { .. }
            | Op::OneTimeCode { .. }
    )
}

impl World {
    pub(super) fn act(&mut self, op: &Op) -> Checked {
        let (by, on) = match *op {
            Op::Confirm { by, on, .. }
            | Op::Change { by, on, .. }
            | Op::Consent { by, on, .. }
            | Op::List { by, on }
            | Op::Revoke { by, on }
            | Op::RevokeAll { by, on, .. } => (by, on),
            Op::RevokeListed { by, .. } | Op::RevokeAdmin { by } => (by, Filed::Right),
            _ => unreachable!("{op:?}"),
        };
        let (token, text) = self.pick(by);
        let row = token.map(|token| self.shop.tokens[token]);
        let site = on.site(row.and_then(|row| row.site).unwrap_or(0));
        let customer = row.and_then(|row| match row.owner {
            Who::Customer(customer) => Some(customer),
            Who::Admin(_) => None,
        });
        self.origin = Origin::default().correlation_id("an act").user_agent("a browser");
        let origin = self.origin.clone();
        let bearer = Bearer::from(&text).website(website(site)).origin(&origin);
        let done = |got: Result<(), Error>| got.map(|()| Answer::Done);
        let (got, expected) = match *op {
            Op::Confirm { with, .. } => {
                let (credential, text) = self.present(with, customer);
                let got = done(block_on(self.auth.confirm_password(bearer, text)));
                (got, self.shop.confirm(token, site, credential))
            }
            Op::Change { with, new, .. } => {
                let (credential, text) = self.present(with, customer);
                let address = customer.map_or(0, |customer| self.shop.customers[customer].address);
                let changed = self.auth.change_password(bearer, text, new_password(new, address));
                (done(block_on(changed)), self.shop.change(token, site, credential, new))
            }
            Op::Consent { allowed, .. } => {
                let got = done(block_on(self.auth.set_remote_shopping_assistance(bearer, allowed)));
                (got, self.shop.consent(token, site, allowed))
            }
            Op::List { .. } => {
                let listed = block_on(self.auth.list_customer_tokens(bearer));
                let got = listed.map(|listed| {
                    let newest_first =
                        listed.is_sorted_by_key(|one| std::cmp::Reverse(one.grant.issued_at()));
                    let named = listed.iter().map(|one| match self.names.of(&one.grant.id) {
                        Name::Token(token) if newest_first => (token, one.presented),
                        _ => (usize::MAX, one.presented),
                    });
                    Answer::Listed(named.collect())
                });
                (got, self.shop.list(token, site))
            }
            Op::Revoke { .. } => {
                let got = done(block_on(self.auth.revoke_customer_token(bearer)));
                (got, self.shop.revoke(token, site))
            }
            Op::RevokeAll { keep, .. } => {
                let kept = if keep { Keep::Presented } else { Keep::Nothing };
                let got = done(block_on(self.auth.revoke_all_customer_tokens(bearer, kept)));
                (got, self.shop.revoke_all(token, site, keep))
            }
            Op::RevokeListed { other, .. } => {
                let named = grant_id(&self.pick(other).1);
                let got = block_on(self.auth.revoke_listed_customer_token(bearer, &named));
                let expected = self.shop.revoke_listed(token, site, self.names.of(&named));
                (got.map(Answer::Had), expected)
            }
            _ => {
                let got = done(block_on(self.auth.revoke_admin_token(bearer)));
                (got, self.shop.revoke_admin(token))
            }
        };
        self.compare(&got, &expected)?;
        self.not_by_assistance(op, token, &got)
    }

    pub(super) fn not_by_assistance(
        &self,
        op: &Op,
        token: Option<usize>,
        got: &Result<Answer, Error>,
    ) -> Checked {
        let assisted = token.is_some_and(|token| self.shop.tokens[token].assist.is_some());
        prop_assert!(!(assisted && is_the_customers_own(op) && got.is_ok()), "done by assistance");
        Ok(())
    }
}
