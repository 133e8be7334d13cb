use crate::support::{Place, Server};

const PAGES: [&str; 3] = ["/", "/admin", "/confirm"];
const ASSETS: [(&str, &str); 8] = [
    ("/assets/shop.js", "text/javascript"),
    ("/assets/admin.js", "text/javascript"),
    ("/assets/assist.js", "text/javascript"),
    ("/assets/devices.js", "text/javascript"),
    ("/assets/common.js", "text/javascript"),
    ("/assets/confirm.js", "text/javascript"),
    ("/assets/challenge.js", "text/javascript"),
    ("/assets/style.css", "text/css"),
];
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn is_guarded(answer: &crate::support::Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("set-cookie"), None);
}

#[test]
fn pages_and_what_they_load_are_served() {
    let server = Place::new().start();
    for page in PAGES {
        let answer = server.get(page, &[]);
        is_guarded(&answer);
        assert!(answer.header("content-type").unwrap().starts_with("text/html"));
        assert!(!answer.text.contains("<script>") && !answer.text.contains("style="), "nothing is inline");
    }
    for (asset, content_type) in ASSETS {
        let answer = server.get(asset, &[]);
        is_guarded(&answer);
        assert!(answer.header("content-type").unwrap().starts_with(content_type));
    }
    assert_eq!(server.get("/assets/../Cargo.toml", &[]).status, 404);
}

fn hand_over(server: &Server, origin: Option<&str>, body: &str) -> crate::support::Answer {
    let headers = [FORM].into_iter().chain(origin.map(|origin| ("origin", origin)));
    server.post("/assist", &headers.collect::<Vec<_>>(), body)
}

#[test]
fn a_code_is_handed_over_by_the_shops_own_page_alone() {
    let server = Place::new().start();
    let form = "email=roni_cost%40example.com&otp=0123456789abcdef0123456789abcdef";
    let page = hand_over(&server, Some(server.url()), form);
    is_guarded(&page);
    assert!(page.text.contains("roni_cost@example.com"));
    assert!(page.text.contains("0123456789abcdef0123456789abcdef"));
    let others = ["http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", ""];
    for origin in others.map(Some).into_iter().chain([None]) {
        let refused = hand_over(&server, origin, form);
        assert_eq!(refused.status, 403, "{origin:?}");
        assert!(!refused.text.contains("0123456789abcdef"));
    }
    assert_eq!(server.get(&format!("/assist?{form}"), &[]).status, 405, "never by a URL");
}

#[test]
fn what_is_handed_over_is_escaped() {
    let server = Place::new().start();
    let form = "email=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&otp=%22%20autofocus%20onfocus%3Dx";
    let page = hand_over(&server, Some(server.url()), form);
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    assert!(!page.text.contains("\" autofocus"), "{}", page.text);
}

#[test]
fn a_form_that_is_not_complete_is_refused_without_repeating_it() {
    let server = Place::new().start();
    for body in ["otp=secret0secret", "email=a&email=b&otp=secret0secret", ""] {
        let refused = hand_over(&server, Some(server.url()), body);
        assert!((400..500).contains(&refused.status), "{refused:?}");
        assert!(!refused.text.contains("secret0secret"));
    }
}

#[test]
fn a_browser_gets_graphiql_in_a_demo_alone() {
    let html = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let answer = Place::new().demo().get("/graphql", &html);
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
    assert!(answer.text.contains("GraphiQL.createFetcher"), "{}", answer.text);
    let answer = Place::new().start().get("/graphql", &html);
    assert!((400..500).contains(&answer.status), "{answer:?}");
}
