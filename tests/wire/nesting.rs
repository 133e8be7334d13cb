//! A document that nests deeply is answered with 400 before it is parsed.

use std::time::{Duration, Instant};

use async_graphql::Request;
use commerce_auth::{
    graphql::{Admission, status},
    http::Caller,
};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use support::{
    Shop,
    site::{Answer, Site, site},
    size,
};

/// The deepest nesting that is admitted.
const DEEPEST: usize = 64;

/// A kind of nesting: a function that returns a document with brackets nested this deep in all.
type Kind = (&'static str, fn(usize) -> String);

const KINDS: [Kind; 12] = [
    ("list", |depth| around(depth, 2, "{__typename(a:", "[", "1", "]", ")}")),
    ("list, empty", |depth| around(depth, 3, "{__typename(a:", "[", "[]", "]", ")}")),
    ("object", |depth| around(depth, 2, "{__typename(a:", "{a:", "1", "}", ")}")),
    ("list and object", |depth| match depth % 2 {
        0 => around(depth / 2, 1, "{__typename(a:", "[{a:", "1", "}]", ")}"),
        _ => around(depth, 2, "{__typename(a:", "[", "1", "]", ")}"),
    }),
    ("default value", |depth| around(depth, 1, "query($a:A=", "[", "1", "]", "){__typename}")),
    ("default object", |depth| around(depth, 1, "query($a:A=", "{a:", "1", "}", "){__typename}")),
    ("list type", |depth| around(depth, 1, "query($a:", "[", "Int", "]", "){__typename}")),
    ("directive's argument", |depth| around(depth, 2, "{__typename @skip(if:", "[", "true", "]", ")}")),
    ("operation's directive", |depth| around(depth, 1, "query @a(b:", "[", "1", "]", "){__typename}")),
    ("selections", |depth| around(depth, 1, "{", "a{", "__typename", "}", "}")),
    ("inline fragments", |depth| around(depth, 1, "{", "...{", "__typename", "}", "}")),
    ("behind strings and comments", |depth| {
        let before = "{a(b:\"\\\"[[[\" c:\"\"\" \" [{( \\\"\"\" {{{ \"\"\" d:\"\" #[[[\n e:";
        around(depth, 2, before, "[", "1", "]", ")}")
    }),
];

/// Returns a document with enough repetitions of `open` that brackets nest `depth` deep. `outside`
/// of them are around it.
fn around(
    depth: usize,
    outside: usize,
    before: &str,
    open: &str,
    inside: &str,
    close: &str,
    after: &str,
) -> String {
    let times = depth.saturating_sub(outside);
    [before, &open.repeat(times), inside, &close.repeat(times), after].concat()
}

/// Returns fifty depths up to 10,000: those around the bounds, and some between.
fn chosen() -> impl Iterator<Item = usize> {
    let around_ends = [201, 254, 255, 256, 257, 511, 512, 513, 999, 1_000, 1_001, 1_300, 1_999, 2_000, 2_001];
    let further = [3_999, 4_000, 4_001, 7_999, 8_000, 8_001, 9_999, 10_000];
    around_ends.into_iter().chain((0..27).map(|step| 300 + step * 350)).chain(further)
}

async fn by_get(site: &Site, document: &str) -> Answer {
    let encoded: String = document.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let request = http::Request::get(format!("/graphql?query={encoded}"));
    site.send(request.body(axum::body::Body::empty()).unwrap()).await
}

fn is_refused(answer: &Answer, what: &str) {
    let (message, category, status) = answer.graphql_error();
    assert_eq!((category.as_str(), status), ("graphql-input", 400), "{what}: {message}");
    assert!(message.starts_with("The document is nested too deeply"), "{what}: {message}");
}

#[tokio::test]
async fn every_depth_is_answered_at_once() {
    assert_eq!(chosen().count(), 50);
    let site = site();
    let trivial = {
        let begun = Instant::now();
        for _ in 0..20 {
            assert_eq!(site.graphql(None, "{shopName}").await.status, 200);
        }
        begun.elapsed() / 20
    };
    let at_most = Duration::from_millis(50).max(trivial * 5);
    for (kind, document) in KINDS {
        let shallow = (1..=DEEPEST + 2).chain((DEEPEST + 3..=200).step_by(size(8, 1)));
        for depth in shallow.chain(chosen()) {
            let (document, what) = (document(depth), format!("{kind}, {depth} deep"));
            // Another task may slow down one of the attempts.
            let mut fastest = Duration::MAX;
            for _ in 0..3 {
                let begun = Instant::now();
                let answer = site.graphql(None, &document).await;
                fastest = fastest.min(begun.elapsed());
                if depth <= DEEPEST {
                    assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.text);
                } else {
                    is_refused(&answer, &what);
                }
                if fastest <= at_most {
                    break;
                }
            }
            assert!(fastest <= at_most, "{what}: {fastest:?}, where {at_most:?} are allowed");
        }
    }
}

#[tokio::test]
async fn by_get_too() {
    let site = site();
    for (kind, document) in KINDS {
        for depth in [DEEPEST + 1, 2_000, 4_000] {
            is_refused(&by_get(&site, &document(depth)).await, &format!("{kind}, {depth} deep"));
        }
        let answer = by_get(&site, &document(DEEPEST)).await;
        assert_eq!(answer.status, StatusCode::OK, "{kind}: {}", answer.text);
    }
}

/// Brackets in strings and comments do not nest, however the strings end.
#[tokio::test]
async fn brackets_in_strings_and_comments_do_not_count() {
    let site = site();
    let many = "[{(".repeat(1_000);
    for text in [
        format!("{{shopName #{many}\n}}"),
        format!("{{shopName #{many}\r}}"),
        format!("{{__type(name:\"{many}\"){{name}} shopName}}"),
        format!("{{__type(name:\"\\\\\"){{name}} a:__type(name:\"\\\"{many}\"){{name}} shopName}}"),
        format!("{{__type(name:\"\"\"{many}\"{many}\"\"{many}\\\"\"\"{many}\n\"\"\"){{name}} shopName}}"),
        format!("{{__type(name:\"\"){{name}} a:__type(name:\"{many}\"){{name}} shopName}}"),
        format!("{{__type(name:\"\"\"\"\"\"){{name}} a:__type(name:\"\"\"{many}\"\"\"){{name}} shopName}}"),
    ] {
        let answer = site.graphql(None, &text).await;
        assert_eq!(answer.json()["data"]["shopName"], "Main Website Store", "{text:.80}");
    }
}

/// async-graphql reads a block string without an end as an empty string and another string, and
/// searches for the end of each anew.
#[tokio::test]
async fn a_string_without_an_end_is_refused_at_once() {
    let site = site();
    let nested = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    for text in [
        format!("{{a(b:[\"\"\" \" {nested}])}}"),
        format!("{{a(b:[\"\"\" \" [\\\"\"\" {nested}])}}"),
        format!("{{a(b:[\"{}])}}", "\\\"\"\"\"\"".repeat(20_000)),
        format!("{{a(b:[\"x\n{nested}])}}"),
        format!("{{a(b:[\"x\r{nested}])}}"),
        format!("{{a(b:[\"x\\\n{nested}])}}"),
        format!("{{a(b:[\"{}", "x".repeat(100_000)),
    ] {
        let begun = Instant::now();
        let answer = site.graphql(None, &text).await;
        let (message, category, status) = answer.graphql_error();
        assert_eq!((category.as_str(), status), ("graphql-input", 400), "{text:.80}: {message}");
        assert!(message.starts_with("Syntax Error"), "{text:.80}: {message}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{text:.80}: {:?}", begun.elapsed());
    }
}

/// Variables are JSON, whose parser has a separate bound.
#[tokio::test]
async fn variables_nest_as_deeply_as_json_may() {
    let site = site();
    for (depth, answered) in
        [(1, true), (64, true), (120, true), (200, false), (2_000, false), (100_000, false)]
    {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for query in [
                "query($a:String!){__type(name:$a){name}}",
                "query($a:[String!]){shopName __typename @include(if:$a)}",
                "{shopName}",
            ] {
                let body = format!(r#"{{"query":"{query}","variables":{{"a":{value}}}}}"#);
                let request = http::Request::post("/graphql").header("content-type", "application/json");
                let answer = site.send(request.body(body.into()).unwrap()).await;
                assert_eq!(answer.status == StatusCode::OK, answered, "{depth} {open}: {}", answer.text);
            }
        }
    }
    let deep = json!({"query": "{shopName}", "extensions": {"a": nested_json(100)}});
    assert_eq!(site.graphql_with(None, &[], deep).await.status, 200);
}

fn nested_json(depth: usize) -> serde_json::Value {
    (0..depth).fold(json!(1), |inside, _| json!([inside]))
}

/// Returns the answer of `admit` on a thread with a stack of this many bytes. If the document is
/// admitted, the schema executes it.
fn on_a_stack_of(bytes: usize, shop: &Shop, document: String) -> StatusCode {
    let auth = shop.auth.clone();
    let run = move || {
        let caller = Caller::from_headers(auth, &HeaderMap::new()).unwrap();
        pollster::block_on(async {
            match Admission::default().admit(Request::new(document), caller).await {
                Ok(admitted) => {
                    let response = support::site::schema().execute(admitted.into_request()).await;
                    status(&response)
                }
                Err(_) => StatusCode::BAD_REQUEST,
            }
        })
    };
    std::thread::Builder::new().stack_size(bytes).spawn(run).unwrap().join().unwrap()
}

/// A thread of tokio has 2 MiB. Half of it is left for the host's code around the endpoint. Without
/// optimisation, the deepest document takes less than half a MiB.
#[test]
fn the_deepest_fits_on_half_a_threads_stack() {
    let shop = support::shop();
    for (kind, document) in KINDS {
        let status = on_a_stack_of(1024 * 1024, &shop, document(DEEPEST));
        assert_eq!(status, StatusCode::OK, "{kind}");
        for depth in [DEEPEST + 1, 1_300, 2_000, 4_000, 10_000] {
            let status = on_a_stack_of(1024 * 1024, &shop, document(depth));
            assert_eq!(status, StatusCode::BAD_REQUEST, "{kind}, {depth} deep");
        }
    }
}
