//! How the server starts, serves and ends.

use std::{error::Error, future::IntoFuture, io, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{sleep, timeout},
};
use tracing::{info, warn};

use crate::{
    args::Serve,
    challenge::ProofOfWork,
    demo, housekeeping,
    keys::{self, OtherKey},
    outbox,
    routes::routes,
    shop::{self, Shop},
    signals,
    values::PublicUrl,
};

/// So long requests under way may take once the server is told to end, and then the audit trail, and then the mails.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub(crate) async fn run(args: Serve) -> Result<(), Box<dyn Error>> {
    let listener = listen(&args).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let other_key = if args.new_key { OtherKey::Warn } else { OtherKey::Refuse };
    let database =
        keys::open(args.key_file.as_deref(), &args.database, args.tokens.as_ref(), other_key).await?;
    if args.demo {
        demo::seed(&database).await?;
    }
    let shop_url = args.public_url.as_ref().map_or(url.as_str(), PublicUrl::as_str).to_owned();
    let (outbox, delivery) = outbox::open(&args.outbox, shop_url.clone(), database.profiles.clone())?;
    let auth = shop::auth_on(&database)
        .config(shop::config(&args))
        .notifier(outbox)
        .challenge(ProofOfWork { asked: args.challenge })
        .build()?;
    let sweeper = tokio::spawn(housekeeping::sweep(auth.clone()));
    let told_to_end = signals::told_to_end()?;
    println!("listening on {url}");
    if args.demo {
        demo::print_welcome(&url, args.admin_factor);
    }
    let shop = Shop { auth: auth.clone(), database, confirms_email: args.confirm_email };
    let routes = routes(shop, &shop_url, args.trusted_proxies, args.cors_origins, args.demo);
    let served = serve(listener, routes, told_to_end).await;
    sweeper.abort();
    if timeout(LAST_WORDS, auth.flush_audit()).await.is_err() {
        warn!("audit events were left unwritten");
    }
    delivery.drain(LAST_WORDS).await;
    info!("ended");
    Ok(served?)
}

/// Listens at the first address of the host that can be bound. Those of a demo are all checked before.
async fn listen(args: &Serve) -> Result<TcpListener, Box<dyn Error>> {
    let explain = |error: io::Error| format!("--listen {}: {error}", args.listen);
    let addresses = args.listen.resolve().await.map_err(explain)?;
    if args.demo {
        addresses.iter().try_for_each(|address| demo::check_address(*address))?;
    }
    Ok(TcpListener::bind(addresses.as_slice()).await.map_err(explain)?)
}

async fn serve(
    listener: TcpListener,
    routes: Router,
    told_to_end: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (ending, mut ended) = watch::channel(false);
    let told = async move {
        told_to_end.await;
        info!("ending");
        ending.send_replace(true);
    };
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(told).into_future();
    let late = async {
        // An error says that the other side is gone, and so is the server.
        let _ = ended.wait_for(|ended| *ended).await;
        sleep(LAST_WORDS).await;
    };
    tokio::select! {
        served = serving => served,
        () = late => {
            warn!("requests were left unanswered");
            Ok(())
        }
    }
}
