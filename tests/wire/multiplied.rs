//! No request costs more than its length explains. A request that would multiply is refused before
//! it is validated or run.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::site::{Answer, Site, site};

const MESSAGE: &str = "The request asks for too much: ";

/// Maximum time of an answer, in a debug build on a busy machine. Without optimisation,
/// async-graphql's parser alone needs 8 µs for each byte of a comment.
fn at_once(length: usize) -> Duration {
    Duration::from_secs(1) + Duration::from_micros(20) * u32::try_from(length).unwrap()
}

async fn ask(site: &Site, query: &str, variables: Value) -> Answer {
    let begun = Instant::now();
    let answer = site.graphql_with(None, &[], json!({"query": query, "variables": variables})).await;
    let took = begun.elapsed();
    assert!(took < at_once(query.len()), "{query:.80}: {took:?}");
    assert!(answer.text.len() < 64 * 1024, "{query:.80}: {} bytes", answer.text.len());
    answer
}

fn is_refused(answer: &Answer, query: &str) {
    let (message, category, status) = answer.graphql_error();
    assert_eq!((category.as_str(), status), ("graphql-input", 400), "{query:.80}: {message}");
    assert!(message.starts_with(MESSAGE), "{query:.80}: {message}");
}

/// Returns `levels` fragments, each of which spreads the next one twice.
fn doubling(levels: usize) -> String {
    let mut text = String::new();
    for level in 0..levels {
        let next = level + 1;
        write!(text, "fragment F{level} on Query{{...F{next} ...F{next}}}").unwrap();
    }
    write!(text, "fragment F{levels} on Query{{__typename}}").unwrap();
    text
}

/// Returns as many repetitions as there is room for. Each one gets its number.
fn filled(bytes: usize, mut one: impl FnMut(usize) -> String) -> String {
    let mut text = String::new();
    for number in 0.. {
        let next = one(number);
        if text.len() + next.len() > bytes {
            break;
        }
        text += &next;
    }
    text
}

#[tokio::test]
async fn fragments_that_double_are_refused_at_once() {
    let site = site();
    for levels in (8..=62).chain([100, 1_000, 3_000]) {
        let query = format!("{{...F0}}{}", doubling(levels));
        let answer = ask(&site, &query, Value::Null).await;
        is_refused(&answer, &query);
    }
    let answer = ask(&site, &format!("{{...F0}}{}", doubling(6)), Value::Null).await;
    assert_eq!(answer.json(), json!({"data": {"__typename": "Query"}}));
}

#[tokio::test]
async fn selections_are_counted_as_often_as_they_are_made() {
    let site = site();
    let spread =
        |times: usize| format!("{{{}}}fragment F on Query{{a:shopName b:shopName}}", "...F ".repeat(times));
    let inline = |times: usize| format!("{{{}}}", "...{a:shopName b:shopName}".repeat(times));
    let plain = |times: usize| format!("{{{}}}", filled_fields(3 * times));
    let below = |times: usize| {
        let shelves: String =
            (0..times).map(|alias| format!("a{alias}:shelf{{label other:label}}")).collect();
        format!("{{{shelves}}}")
    };
    for make in [&spread as &dyn Fn(usize) -> String, &inline, &plain, &below] {
        let (most, more) = (make(166), make(167));
        assert_eq!(ask(&site, &most, Value::Null).await.status, 200, "{most:.80}");
        is_refused(&ask(&site, &more, Value::Null).await, &more);
    }
    // All operations count, including the one that is not run.
    let two = |each: usize| format!("query A{{{0}}} query B{{{0}}}", filled_fields(each));
    let body = |query: &str| json!({"query": query, "operationName": "A"});
    assert_eq!(site.graphql_with(None, &[], body(&two(250))).await.status, 200);
    assert_eq!(site.graphql_with(None, &[], body(&two(251))).await.status, 400);
    // A fragment that nothing spreads counts as well.
    let unused = format!("{{shopName}} fragment F on Query{{{}}}", filled_fields(500));
    is_refused(&ask(&site, &unused, Value::Null).await, &unused);
}

fn filled_fields(count: usize) -> String {
    (0..count).map(|alias| format!("f{alias}:shopName ")).collect()
}

/// Returns requests of this many bytes whose cost somewhere in async-graphql grows faster than
/// their length.
fn worst(bytes: usize) -> Vec<(&'static str, String, Value)> {
    let half = bytes / 2;
    let none = Value::Null;
    let list = |text: String| format!("[{text}]");
    let uses = |bytes: usize| list(filled(bytes, |_| "$v".to_owned()));
    let ones = |count: usize| Value::from(vec![1; count]);
    let introspection = |levels: usize| {
        format!("{{__schema{{types{}{{name}}{}}}}}", "{fields{type".repeat(levels), "}}".repeat(levels))
    };
    vec![
        // Recursion through fragments that no operation spreads.
        (
            "a chain of unused fragments",
            format!(
                "{{__typename}}{}",
                filled(bytes, |n| format!("fragment F{n} on Query{{...F{}}}", n + 1))
            ),
            none.clone(),
        ),
        (
            "unused fragments that spread all others",
            {
                let spreads: String = (0..200).map(|n| format!("...F{n} ")).collect();
                format!("{{__typename}}{}", filled(bytes, |n| format!("fragment F{n} on Query{{{spreads}}}")))
            },
            none.clone(),
        ),
        (
            "operations that all spread one fragment with many variables",
            {
                let used = filled(half, |n| format!("if:$v{n} "));
                let operations = filled(half, |n| format!("query Q{n}{{...F}}"));
                format!("{operations}fragment F on Query{{a @skip({used})}}")
            },
            none.clone(),
        ),
        (
            "many variables, each used",
            {
                let defined = filled(half, |n| format!("$v{n}:Int "));
                let used = filled(half, |n| format!("if:$v{n} "));
                format!("query({defined}){{shopName @skip({used})}}")
            },
            none.clone(),
        ),
        (
            "a large variable, used often",
            format!("query($v:[Int]){{__type(name:{}){{name}}}}", uses(half)),
            json!({"v": ones(half / 2)}),
        ),
        (
            "a large variable in a directive",
            format!("query($v:[Int]){{shopName @skip(if:{})}}", uses(half)),
            json!({"v": ones(half / 2)}),
        ),
        (
            "a long default value, used often",
            {
                let text = "x".repeat(half);
                format!("query($v:String=\"{text}\"){{__type(name:{}){{name}}}}", uses(half))
            },
            none.clone(),
        ),
        (
            "a long argument in a fragment, spread often",
            {
                let text = "x".repeat(bytes - 2_048);
                format!("{{{}}}fragment F on Query{{__type(name:\"{text}\"){{name}}}}", "...F ".repeat(160))
            },
            none.clone(),
        ),
        (
            "fields twice, with many arguments",
            {
                let arguments: String = (0..1_450).map(|n| format!("a{n}:1 ")).collect();
                let chains = format!("{}...F{}", "...{".repeat(12), "}".repeat(12)).repeat(33);
                format!("{{{chains}}}fragment F on Query{{f({arguments})f({arguments})}}")
            },
            none.clone(),
        ),
        (
            "fields often, with the same arguments",
            often_below_chains(|_, n| format!("a{n}:1 ")),
            none.clone(),
        ),
        (
            "fields often, with other arguments",
            often_below_chains(|field, n| format!("a{field}_{n}:1 ")),
            none.clone(),
        ),
        (
            "long unknown fields",
            {
                let long = "u".repeat(90);
                format!("{{{}}}", (0..170).map(|n| format!("{long}{n} ")).collect::<String>())
            },
            none.clone(),
        ),
        (
            "long unknown arguments",
            {
                let long = "u".repeat(90);
                let fields = (0..150).map(|n| format!("__type({long}{n}:1){{name}}"));
                format!("{{{}}}", fields.collect::<String>())
            },
            none.clone(),
        ),
        ("introspection, nested", introspection(14), none.clone()),
        (
            "introspection, a field by many aliases",
            {
                let again: String = (0..480).map(|n| format!("a{n}:description ")).collect();
                format!("{{__schema{{types{{fields{{type{{ofType{{fields{{{again}}}}}}}}}}}}}}}")
            },
            none.clone(),
        ),
        (
            "introspection, a field by two aliases",
            "{__schema{types{fields{a:name b:name}}}}".to_owned(),
            none.clone(),
        ),
        (
            "introspection, a field in a set and in its fragment",
            "{__schema{...S}}fragment S on __Schema{types{name ...T}}fragment T on __Type{...{name}}"
                .to_owned(),
            none.clone(),
        ),
        (
            "introspection, the name of the type often",
            format!("{{__schema{{types{{fields{{{}}}}}}}}}", "__typename ".repeat(400)),
            none.clone(),
        ),
        (
            "introspection, three lists",
            "{__schema{types{fields{type{fields{name}}}}}}".to_owned(),
            none.clone(),
        ),
        (
            "introspection, nested in fragments",
            {
                let mut text = "{__schema{types{...T0}}}".to_owned();
                for level in 0..12 {
                    let next = level + 1;
                    write!(text, "fragment T{level} on __Type{{fields{{type{{...T{next}}}}}}}").unwrap();
                }
                text + "fragment T12 on __Type{name}"
            },
            none.clone(),
        ),
        (
            "introspection, often",
            {
                let again: String =
                    (0..100).map(|n| format!("a{n}:__schema{{types{{fields{{name}}}}}}")).collect();
                format!("{{{again}}}")
            },
            none.clone(),
        ),
        ("aliases", format!("{{{}}}", filled(bytes, |n| format!("a{n}:shopName "))), none.clone()),
        ("unknown fields", format!("{{{}}}", filled(bytes, |n| format!("u{n} "))), none.clone()),
        ("a long unknown field", format!("{{{}}}", "u".repeat(bytes)), none.clone()),
        (
            "unknown arguments",
            format!("{{shopName({})}}", filled(bytes, |n| format!("u{n}:1 "))),
            none.clone(),
        ),
        (
            "one argument again",
            format!("{{__type({}){{name}}}}", filled(bytes, |_| "name:\"a\" ".to_owned())),
            none.clone(),
        ),
        (
            "directives",
            format!("{{shopName {}}}", filled(bytes, |_| "@skip(if:false)".to_owned())),
            none.clone(),
        ),
        ("fields that conflict", format!("{{{}}}", filled(bytes, |n| format!("a:u{n} "))), none.clone()),
        (
            "fields below nested inline fragments",
            format!(
                "{{{}{}{}}}",
                "...{".repeat(60),
                filled(bytes - 512, |_| "shopName ".to_owned()),
                "}".repeat(60)
            ),
            none.clone(),
        ),
        ("operations", filled(bytes, |n| format!("query Q{n}{{shopName}}")), none.clone()),
        (
            "a list in an argument",
            format!("{{__type(name:{}){{name}}}}", list(filled(bytes, |_| "1 ".to_owned()))),
            none.clone(),
        ),
        ("a comment", format!("{{shopName#{}\n}}", "x".repeat(bytes)), none.clone()),
        ("blanks", format!("{{shopName{}}}", " ,\t".repeat(bytes / 3)), none.clone()),
        ("a string", format!("{{__type(name:\"{}\"){{name}}}}", "x".repeat(bytes)), none.clone()),
        (
            "a block string",
            format!("{{__type(name:\"\"\"{}\"\"\"){{name}}}}", " x\n".repeat(bytes / 3)),
            none,
        ),
    ]
}

/// Returns a document of 500 selections: as many fields as allowed with the most arguments each,
/// below inline fragments as deep as allowed. `argument` gets the number of the field and of the
/// argument.
fn often_below_chains(argument: impl Fn(usize, usize) -> String) -> String {
    let (depth, arguments) = (60, 62);
    let count = (500 - depth - 1) / (arguments + 1);
    let field = |field| format!("f({})", (0..arguments).map(|n| argument(field, n)).collect::<String>());
    let fields: String = (0..count).map(field).collect();
    format!("{{{}...F{}}}fragment F on Query{{{fields}}}", "...{".repeat(depth), "}".repeat(depth))
}

/// Sends each of the [worst] documents. None may take more than five times as long as a comment of
/// its length, which only the parser reads. The machine may be busy, so the fastest of a few
/// attempts counts.
async fn are_answered_at_once(bytes: usize) {
    const TRIES: usize = 4;
    let site = site();
    let comment = format!("{{shopName#{}\n}}", "x".repeat(bytes));
    let mut of_comment = Duration::MAX;
    for _ in 0..TRIES {
        of_comment = of_comment.min(timed(&site, &comment, &Value::Null).await);
    }
    for (what, query, variables) in worst(bytes) {
        let share = query.len() as f64 / comment.len() as f64;
        let at_most = Duration::from_secs(1).max(of_comment.mul_f64(5.0 * share));
        let mut fastest = Duration::MAX;
        for _ in 0..TRIES {
            fastest = fastest.min(timed(&site, &query, &variables).await);
            if fastest <= at_most {
                break;
            }
        }
        println!("{bytes} bytes, {what}: {fastest:?} of {at_most:?}");
        assert!(fastest <= at_most, "{what}: {fastest:?}, where {at_most:?} are allowed");
    }
    assert_eq!(site.graphql(None, "{shopName}").await.status, 200);
}

async fn timed(site: &Site, query: &str, variables: &Value) -> Duration {
    let body = json!({"query": query, "variables": variables});
    let begun = Instant::now();
    let answer = site.graphql_with(None, &[], body).await;
    let took = begun.elapsed();
    assert!(answer.text.len() < 64 * 1024, "{query:.80}: {} bytes", answer.text.len());
    took
}

#[tokio::test]
async fn the_worst_of_64_kib_are_answered_at_once() {
    are_answered_at_once(64 * 1024 - 1_024).await;
}

#[tokio::test]
async fn the_worst_of_256_kib_are_answered_at_once() {
    are_answered_at_once(256 * 1024 - 1_024).await;
}

/// Each document is refused, not only answered fast.
#[tokio::test]
async fn what_multiplies_is_refused() {
    let site = site();
    let multiplies = [
        "a chain of unused fragments",
        "operations that all spread one fragment with many variables",
        "a large variable, used often",
        "a large variable in a directive",
        "a long default value, used often",
        "a long argument in a fragment, spread often",
        "fields twice, with many arguments",
        "introspection, nested",
        "introspection, a field by many aliases",
        "introspection, a field by two aliases",
        "introspection, a field in a set and in its fragment",
        "introspection, the name of the type often",
        "introspection, three lists",
        "introspection, nested in fragments",
        "introspection, often",
    ];
    let mut found = 0;
    for (what, query, variables) in worst(64 * 1024 - 1_024) {
        if multiplies.contains(&what) {
            is_refused(&ask(&site, &query, variables).await, what);
            found += 1;
        }
    }
    assert_eq!(found, multiplies.len());
}

/// async-graphql looks up the type of a default value without a check that the type exists.
#[tokio::test]
async fn a_default_value_of_an_unknown_type_is_an_error_like_others() {
    let site = site();
    for query in [
        "query($a:[Nonesuch]=[1]){shopName @skip(if:$a)}",
        "query($a:[[Nonesuch!]]!=[[1]]){shopName @skip(if:$a)}",
        "query A($a:[Nonesuch]=[1]){shopName}",
    ] {
        let answer = ask(&site, query, Value::Null).await;
        assert!(answer.text.contains("Unknown type \\\"Nonesuch\\\""), "{query}: {}", answer.text);
    }
    let body =
        json!({"query": "query A{shopName} query B($a:[Nonesuch]=[1]){shopName}", "operationName": "A"});
    assert!(site.graphql_with(None, &[], body).await.text.contains("Nonesuch"));
}

/// `getIntrospectionQuery` of graphql-js with all its options, which GraphiQL and code generators
/// send.
const INTROSPECTION: &str = "
    query IntrospectionQuery {
      __schema {
        description
        queryType { name kind }
        mutationType { name kind }
        subscriptionType { name kind }
        types { ...FullType }
        directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
      }
    }
    fragment FullType on __Type {
      kind name description specifiedByURL
      fields(includeDeprecated: true) {
        name description
        args(includeDeprecated: true) { ...InputValue }
        type { ...TypeRef }
        isDeprecated deprecationReason
      }
      inputFields(includeDeprecated: true) { ...InputValue }
      interfaces { ...TypeRef }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { ...TypeRef }
    }
    fragment InputValue on __InputValue {
      name description type { ...TypeRef } defaultValue isDeprecated deprecationReason
    }
    fragment TypeRef on __Type {
      kind name
      ofType { kind name ofType { kind name ofType { kind name ofType { kind name
      ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
    }";

#[tokio::test]
async fn the_introspection_query_is_answered() {
    let site = site();
    // Apollo's clients add `__typename` to each selection set.
    let apollos = INTROSPECTION.replace('}', " __typename }");
    let aliased = INTROSPECTION.replace("__schema", "schema: __schema");
    for (query, name) in [(INTROSPECTION, "__schema"), (&apollos, "__schema"), (&aliased, "schema")] {
        let answer = site.graphql(None, query).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let json = answer.json();
        assert!(json.get("errors").is_none(), "{}", json["errors"]);
        assert!(json["data"][name]["types"].as_array().unwrap().len() > 10);
    }
}

/// The bounds of arguments and names, just within and just beyond.
#[tokio::test]
async fn arguments_and_names_are_bounded() {
    let site = site();
    let arguments = |count: usize| (0..count).map(|n| format!("a{n}:1 ")).collect::<String>();
    let selections = |each: usize, more: usize| {
        let fields: String = (0..10).map(|n| format!("f{n}:f({})", arguments(each))).collect();
        format!("{{{fields}f({})}}", arguments(more))
    };
    let names = |length: usize| {
        let fields: String = (0..162).map(|n| format!("{n:x>100}:x ")).collect();
        format!("{{{fields}{}}}", "y".repeat(length))
    };
    for (most, more) in [
        (format!("{{f({})}}", arguments(64)), format!("{{f({})}}", arguments(65))),
        (format!("{{f @d({})}}", arguments(64)), format!("{{f @d({})}}", arguments(65))),
        (format!("query @d({}){{f}}", arguments(64)), format!("query @d({}){{f}}", arguments(65))),
        // Eleven fields and 489 arguments.
        (selections(45, 39), selections(45, 40)),
        // 162 names of 100 bytes, 162 of one, and the rest of 16,384.
        (names(22), names(23)),
    ] {
        assert_eq!(ask(&site, &most, Value::Null).await.status, 200, "{most:.80}");
        is_refused(&ask(&site, &more, Value::Null).await, &more);
    }
    let long = |length: usize| format!("{{{}}}", "u".repeat(length));
    assert_eq!(ask(&site, &long(100), Value::Null).await.status, 200);
    assert_eq!(ask(&site, &long(101), Value::Null).await.status, 400);
}
