//! The shop's mails. The library queues them, and a separate task writes them to a folder.

use std::{error::Error, fs, io, path::Path, sync::Arc, time::Duration};

use commerce_auth::{
    error::StoreError,
    notifier::{AdminNotification, Notice, Notification, Notifier},
    token::Subject,
};
use lettre::{AsyncFileTransport, AsyncTransport, Tokio1Executor};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tracing::{debug, error};

use crate::{accounts::Profiles, errors::in_full, letters};

/// So many mails may wait; beyond it the crate is told that they could not be queued.
const QUEUE: usize = 1024;

type Transport = AsyncFileTransport<Tokio1Executor>;

#[derive(Debug)]
enum Mail {
    ToCustomer(Notification),
    ToAdmin(AdminNotification),
}

/// The queue of mails.
#[derive(Debug)]
pub(crate) struct Outbox(mpsc::Sender<Mail>);

impl Notifier for Outbox {
    /// Only queues: what took longer here for a known address would tell strangers who has an account.
    fn notify(&self, notification: Notification) -> Result<(), StoreError> {
        self.queue(Mail::ToCustomer(notification))
    }

    fn notify_admin(&self, notification: AdminNotification) -> Result<(), StoreError> {
        self.queue(Mail::ToAdmin(notification))
    }
}

impl Outbox {
    fn queue(&self, mail: Mail) -> Result<(), StoreError> {
        self.0.try_send(mail).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::new("the mail queue is full"),
            mpsc::error::TrySendError::Closed(_) => StoreError::new("the mail queue is closed"),
        })
    }
}

/// The task that delivers what is queued.
#[derive(Debug)]
pub(crate) struct Delivery {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Starts to deliver into a folder. A missing folder is made, readable by its owner alone, since a person who
/// reads a customer's mail can set that customer's password.
pub(crate) fn open(
    folder: &Path,
    shop_url: String,
    profiles: Arc<dyn Profiles>,
) -> io::Result<(Outbox, Delivery)> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
    let (queue, queued) = mpsc::channel(QUEUE);
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(deliver_all(queued, stopped, Transport::new(folder), shop_url, profiles));
    Ok((Outbox(queue), Delivery { stop, task }))
}

impl Delivery {
    /// Takes no more mails, and waits until those that are queued are delivered.
    pub(crate) async fn drain(self, limit: Duration) {
        // Nobody listens if the task has ended.
        let _ = self.stop.send(());
        if timeout(limit, self.task).await.is_err() {
            error!("mails were left undelivered");
        }
    }
}

async fn deliver_all(
    mut queued: mpsc::Receiver<Mail>,
    mut stopped: oneshot::Receiver<()>,
    transport: Transport,
    shop_url: String,
    profiles: Arc<dyn Profiles>,
) {
    loop {
        tokio::select! {
            Some(mail) = queued.recv() => deliver(&transport, &shop_url, &*profiles, mail).await,
            _ = &mut stopped => break,
        }
    }
    queued.close();
    while let Some(mail) = queued.recv().await {
        deliver(&transport, &shop_url, &*profiles, mail).await;
    }
}

/// Delivers a mail. One that cannot be delivered is logged by whose it is, never by its address or its text.
async fn deliver(transport: &Transport, shop_url: &str, profiles: &dyn Profiles, mail: Mail) {
    let (whose, letter) = match mail {
        Mail::ToCustomer(notification) => {
            let assistant = assistant(profiles, &notification.notice).await;
            let whose = Subject::Customer(notification.customer.clone());
            (whose, letters::to_customer(shop_url, assistant.as_deref(), notification))
        }
        Mail::ToAdmin(notification) => {
            (Subject::Admin(notification.admin.clone()), letters::to_admin(shop_url, notification))
        }
    };
    let sent = async {
        transport.send(letter?).await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    };
    match sent.await {
        Ok(()) => debug!(%whose, "a mail was delivered"),
        Err(error) => error!(%whose, cause = in_full(&*error), "a mail could not be delivered"),
    }
}

/// The display name of the admin user of whom a notice tells. A mail is sent without it rather than not at all.
async fn assistant(profiles: &dyn Profiles, notice: &Notice) -> Option<String> {
    let (Notice::AssistanceBegan { actor, .. } | Notice::AssistanceEnded { actor, .. }) = notice else {
        return None;
    };
    profiles.admin_name(actor).await.ok().flatten()
}
