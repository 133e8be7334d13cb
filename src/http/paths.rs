use std::task::{Context, Poll};

use axum::{Router, extract::Request};
use http::Uri;
use tower_service::Service;

/// Serves a router's REST and GraphQL routes under all the forms of a path that Commerce accepts.
///
/// Call this function last, with the whole router. The function wraps the router and is not a
/// layer, because a router finds the route of a request before its layers run.
///
/// | a client calls | the router sees |
/// |---|---|
/// | `/index.php/rest/V1/…`, `/index.php/graphql` | `/rest/V1/…`, `/graphql` |
/// | `/rest/V1/…/`, `/graphql/` | `/rest/V1/…`, `/graphql` |
/// | `//rest/V1/…` | `/rest/V1/…` |
///
/// Commerce ignores additional slashes at the beginning and end of a path, and accepts a path with
/// and without the name of its front script, `index.php`. The function changes only the forms of
/// the path `/graphql` and of paths below `/rest`. It does not change the query, and does not
/// decode percent-encoded characters.
///
/// # Security
///
/// Suppose that a proxy in front of the host limits or refuses requests by their path. Then its
/// rules must match all forms of the path that this function accepts. Otherwise a client can evade
/// the rules.
///
/// ```
/// use axum::{Router, routing::get};
/// use commerce_auth::http::commerce_paths;
///
/// let app: Router = Router::new().route("/graphql", get(|| async { "GraphQL" }));
/// let app = commerce_paths(app);
/// // axum::serve(listener, app.into_make_service_with_connect_info::<std::net::SocketAddr>()).await?;
/// ```
pub fn commerce_paths(router: Router) -> Router {
    Router::new().fallback_service(CommercePaths(router))
}

#[derive(Clone)]
struct CommercePaths(Router);

impl Service<Request> for CommercePaths {
    type Response = <Router as Service<Request>>::Response;
    type Error = <Router as Service<Request>>::Error;
    type Future = <Router as Service<Request>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        <Router as Service<Request>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if let Some(uri) = rewritten(request.uri()) {
            *request.uri_mut() = uri;
        }
        self.0.call(request)
    }
}

/// Returns the URI with the form of the path that the router knows. Returns `None` if the path
/// needs no change.
fn rewritten(uri: &Uri) -> Option<Uri> {
    let path = uri.path().trim_start_matches('/');
    let path = match path.strip_prefix("index.php/") {
        Some(path) => path.trim_start_matches('/'),
        None => path,
    };
    let path = path.trim_end_matches('/');
    let is_ours = matches!(path, "graphql" | "rest") || path.starts_with("rest/");
    if !is_ours || uri.path().strip_prefix('/') == Some(path) {
        return None;
    }
    let target = match uri.query() {
        Some(query) => format!("/{path}?{query}"),
        None => format!("/{path}"),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.try_into().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_routes() {
        for (uri, expected) in [
            ("/index.php/rest/V1/x", "/rest/V1/x"),
            ("/index.php/graphql", "/graphql"),
            ("/index.php/graphql/?query=%7Ba%7D/", "/graphql?query=%7Ba%7D/"),
            ("/rest/V1/x/", "/rest/V1/x"),
            ("/rest/V1/x///?a=b", "/rest/V1/x?a=b"),
            ("/rest/", "/rest"),
            ("//rest/V1/x", "/rest/V1/x"),
            ("///index.php//rest/V1/x//", "/rest/V1/x"),
            ("/rest/V1/a%2Fb%2f/", "/rest/V1/a%2Fb%2f"),
            ("/graphql/?", "/graphql?"),
            ("http://shop.example/index.php/graphql?a", "http://shop.example/graphql?a"),
        ] {
            assert_eq!(rewritten(&uri.parse().unwrap()).unwrap(), expected, "{uri}");
        }
    }

    #[test]
    fn other_uris_stay_untouched() {
        for uri in [
            "/rest/V1/x",
            "/rest/V1//x",
            "/graphql",
            "/graphql?query=/index.php/",
            "/graphqlx/",
            "/rests/",
            "/docs/",
            "//docs",
            "/index.php",
            "/index.php/",
            "/index.php/docs",
            "/index.phprest",
            "/index.php/index.php/graphql",
            "/index%2Ephp/graphql",
            "/%72est/V1/x/",
            "/",
            "*",
            "shop.example:443",
        ] {
            assert_eq!(rewritten(&uri.parse().unwrap()), None, "{uri}");
        }
    }
}
