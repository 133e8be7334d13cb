//! Clients that call Commerce: by its long paths, and from pages of another origin.

use serde_json::json;

use crate::support::{Answer, Place, RONI, RONIS_PASSWORD, Server};

const TOKEN: &str = "/rest/V1/integration/customer/token";

#[test]
fn commerces_other_paths_are_served() {
    let server = Place::new().demo();
    let body = json!({ "username": RONI, "password": RONIS_PASSWORD });
    for path in [
        "/index.php/rest/V1/integration/customer/token",
        "/index.php/rest/default/V1/integration/customer/token/",
        "//rest/V1/integration/customer/token",
    ] {
        assert_eq!(server.post_json(path, None, &body).status, 200, "{path}");
    }
    for path in ["/index.php/graphql", "/graphql/"] {
        let answer = server.post_json(path, None, &json!({ "query": "{ __typename }" }));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    // Without an origin that is let in, a page of another one gets no headers, and OPTIONS names
    // the methods.
    let answer = preflight(&server, TOKEN, "https://headless.example");
    assert_eq!((answer.status, answer.header("allow")), (204, Some("POST")));
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

fn preflight(server: &Server, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,store"),
    ];
    server.send("OPTIONS", path, &headers, None)
}

#[test]
fn pages_of_a_named_origin_may_call() {
    const ORIGIN: &str = "https://headless.example";
    let arguments = ["--demo", "--cors-origin", ORIGIN, "--cors-origin", "http://localhost:3000"];
    let server = Place::new().start_with(&arguments);
    for path in ["/graphql", TOKEN, "/index.php/rest/V1/customers/me"] {
        for origin in [ORIGIN, "http://localhost:3000"] {
            let answer = preflight(&server, path, origin);
            assert!((200..300).contains(&answer.status), "{answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            let headers = answer.header("access-control-allow-headers").unwrap();
            for header in ["content-type", "authorization", "store", "x-recaptcha", "x-device-secret"] {
                assert!(headers.split(',').any(|allowed| allowed == header), "{header} in {headers}");
            }
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
        for origin in ["https://evil.example", "http://headless.example", "null"] {
            let answer = preflight(&server, path, origin);
            assert_eq!(answer.header("access-control-allow-origin"), None, "{answer:?}");
        }
    }
    // A page reads refusals as well, those of the layer around the routes among them.
    let body = json!({ "username": RONI, "password": "wrong" }).to_string();
    let json = ("content-type", "application/json");
    for (headers, status) in [(vec![json], 401), (vec![json, ("store", "nowhere")], 400)] {
        let headers = [headers, vec![("origin", ORIGIN)]].concat();
        let answer = server.post(TOKEN, &headers, &body);
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("www-authenticate") && exposed.contains("x-device-secret"), "{exposed}");
        assert_eq!(answer.header("vary").map(|vary| vary.contains("origin")), Some(true));
    }
}

#[test]
fn what_is_no_origin_is_refused_at_the_start() {
    for origin in
        ["*", "null", "shop.example", "https://shop.example/", "https://Shop.example", "ftp://shop.example"]
    {
        let ended = Place::new().run(&["--database", "memory:", "--cors-origin", origin], "");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && said.contains("no origin"), "{origin}: {said}");
    }
}
