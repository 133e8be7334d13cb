//! The audit sink of a history. It inspects the store while it records an event.

use std::{
    mem::take,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use commerce_auth::{
    OtcStore, TokenStore,
    audit::{Action, AuditEvent, AuditSink, Outcome},
    error::StoreError,
    store::{Peek, Presented, Purposes, memory::MemoryStore},
    token::{Digest, Subject},
};
use time::OffsetDateTime;

use crate::native::NativeCodes;

pub(crate) const ANY_PURPOSE: Purposes =
    Purposes { reset_token: true, one_time_code: true, confirmation: true };

#[derive(Debug)]
pub(crate) struct Sink {
    store: Arc<MemoryStore>,
    /// None if one-time credentials are in documents, which only the crate reads.
    codes: Option<NativeCodes>,
    events: Mutex<Vec<AuditEvent>>,
    /// The one-time code that is being presented, if there is one.
    pub(crate) presented: Mutex<Option<Presented>>,
    broken: Mutex<Vec<String>>,
}

impl Sink {
    pub(crate) fn new(store: Arc<MemoryStore>, codes: Option<NativeCodes>) -> Self {
        Self { store, codes, events: Mutex::default(), presented: Mutex::default(), broken: Mutex::default() }
    }

    /// Returns the events since the last call.
    pub(crate) fn take(&self) -> Vec<AuditEvent> {
        take(&mut self.events.lock().unwrap())
    }

    /// Returns the promises that were broken since the last call.
    pub(crate) fn broken(&self) -> Vec<String> {
        take(&mut self.broken.lock().unwrap())
    }

    async fn is_live(&self, code: &Presented, at: OffsetDateTime) -> Result<Option<bool>, StoreError> {
        let Some(codes) = &self.codes else { return Ok(None) };
        Ok(Some(matches!(codes.peek(code, at).await?, Peek::Live(_))))
    }

    /// At the time of a `Begun` record, the operation has had no effect yet.
    async fn look_at(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let Some(grant) = event.grant else {
            self.broken.lock().unwrap().push(format!("{:?} begins and names no grant", event.action));
            return Ok(());
        };
        let mut happened = self.store.find(&grant, event.at).await?.is_some();
        if let (Action::CodeMint, Some(Subject::Customer(customer)), Some(website)) =
            (event.action, &event.subject, &event.website)
        {
            let (website, customer) = (website.clone(), customer.clone());
            let code = Presented {
                website,
                customer,
                digest: Digest::from_bytes(*grant.as_bytes()),
                purposes: ANY_PURPOSE,
            };
            happened = self.is_live(&code, event.at).await? == Some(true);
        }
        if event.action == Action::CodeRedemption {
            let code = self.presented.lock().unwrap().clone();
            happened |= match code {
                Some(code) => self.is_live(&code, event.at).await? == Some(false),
                None => true,
            };
        }
        if happened {
            let event = format!("{:?} has happened before its record was kept", event.action);
            self.broken.lock().unwrap().push(event);
        }
        Ok(())
    }
}

#[async_trait]
impl AuditSink for Sink {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        // A reset is recorded before it happens, but spends only the customer's own token.
        if event.outcome == Outcome::Begun && event.action != Action::PasswordReset {
            self.look_at(event).await?;
        }
        self.events.lock().unwrap().push(event.clone());
        Ok(())
    }

    async fn erase(&self, _: &Subject) -> Result<u64, StoreError> {
        Ok(0)
    }
}
