//! An error tells a client about its own request: the place and the kind of the error. It never
//! contains a secret, and its length is bounded.

use serde_json::{Value, json};
use support::{
    EMAIL,
    site::{Answer, site},
};

const CANARY: &str = "C4nary-S3cret-Zz";

/// Length of the longest answer that consists of errors alone, in bytes.
const LONGEST: usize = 16 * 1024;

fn tells_no_secret(answer: &Answer, what: &str) {
    assert!(
        !answer.text.contains("C4nary") && !answer.text.contains("S3cret"),
        "{what:.200}: {}",
        answer.text
    );
    assert!(answer.text.len() <= LONGEST, "{what:.200}: {} bytes", answer.text.len());
}

fn sign_in(password: &str, rest: &str) -> String {
    format!("mutation{{generateCustomerToken(email:\"{EMAIL}\",password:{password}{rest}")
}

#[tokio::test]
async fn a_syntax_error_says_where_and_what() {
    let site = site();
    let quoted = format!("\"{CANARY}\"");
    // The mark is at the place of the error.
    for (marked, message) in [
        (sign_in(&quoted, " ¦{token}}"), "Syntax Error: Unexpected \"{\"."),
        (sign_in(&quoted, "¦"), "Syntax Error: Unexpected <EOF>."),
        (sign_in(&quoted, " \n¦"), "Syntax Error: Unexpected <EOF>."),
        (sign_in(&quoted, &format!("\n¦\"{CANARY}\"")), "Syntax Error: Unexpected String."),
        (sign_in(&quoted, &format!("\n  ¦${CANARY}")), "Syntax Error: Unexpected \"$\"."),
        (sign_in(&quoted, "\n\n ) {¦%}}"), "Syntax Error: Unexpected character."),
        (sign_in(&format!("¦\"\\q{CANARY}\""), "){token}}"), "Syntax Error: Unexpected String."),
        (format!("¦{CANARY} {{a}}"), "Syntax Error: Unexpected Name."),
        ("{a(b:¦-)}".to_owned(), "Syntax Error: Unexpected Number."),
        ("{ shopName¦".to_owned(), "Syntax Error: Unexpected <EOF>."),
        ("¦".to_owned(), "Syntax Error: Unexpected <EOF>."),
        ("{a}¦}".to_owned(), "Syntax Error: Unexpected \"}\"."),
        (sign_in(&format!("¦\"{CANARY}"), "){token}}"), "Syntax Error: Unterminated string."),
        (sign_in(&format!("¦\"{CANARY}\n\""), "){token}}"), "Syntax Error: Unterminated string."),
        (sign_in(&format!("¦\"\"\"{CANARY}"), "){token}}"), "Syntax Error: Unterminated string."),
    ] {
        let (before, after) = marked.split_once('¦').unwrap();
        let query = [before, after].concat();
        let answer = site.graphql(None, &query).await;
        assert_eq!(answer.graphql_error(), (message.into(), "graphql-input".into(), 400), "{query}");
        let last = before.rsplit('\n').next().unwrap();
        let (line, column) = (1 + before.matches('\n').count(), 1 + last.chars().count());
        let locations = &answer.json()["errors"][0]["locations"];
        assert_eq!(*locations, json!([{"line": line, "column": column}]), "{query}");
        tells_no_secret(&answer, &query);
    }
}

#[tokio::test]
async fn definitions_that_contradict_each_other_are_named() {
    let site = site();
    for (query, message) in [
        ("query A{a} query A{b}", "operation A is defined twice"),
        ("{...F} fragment F on A{a} fragment F on A{a}", "fragment F is defined twice"),
        ("{a} {b}", "document contains multiple operations"),
        ("fragment F on A{a}", "document does not contain an operation"),
    ] {
        let answer = site.graphql(None, query).await;
        assert_eq!(answer.graphql_error(), (message.into(), "graphql-input".into(), 400), "{query}");
    }
}

/// Each kind of error that repeats something of the request.
#[tokio::test]
async fn no_error_repeats_a_secret() {
    let site = site();
    let password = "mutation($p:String!){generateCustomerToken(email:\"a@example.com\",password:$p){token}}";
    let wrong_types =
        [json!(CANARY), json!([CANARY]), json!({"a": CANARY}), json!({CANARY: 1}), json!(1), Value::Null];
    for value in &wrong_types {
        let answer =
            site.graphql_with(None, &[], json!({"query": password, "variables": {"p": value}})).await;
        tells_no_secret(&answer, password);
    }
    for literal in [
        "[\"C4nary\"]",
        "{a:\"C4nary\"}",
        "C4nary",
        "$C4nary_",
        "4",
        "null",
        "[[\"S3cret\"]]",
        "\"\"\"C4nary\"\"\"",
    ] {
        let query = sign_in(literal, "){token}}");
        let answer = site.graphql(None, &query).await;
        if !literal.starts_with('$') {
            tells_no_secret(&answer, &query);
        }
    }
    // Arguments of a list, from which its complexity is computed, and a host's arguments of every
    // type that async-graphql has.
    let lists = ["pageSize", "currentPage"].map(|argument| ("customerTokens", argument, "{id}"));
    let echo = ["text", "number", "fraction", "flag", "id", "colour", "list", "input"];
    for (field, argument, set) in lists.into_iter().chain(echo.map(|argument| ("echo", argument, ""))) {
        for value in
            ["\"C4nary\"", "[\"C4nary\"]", "{a:\"C4nary\"}", "{name:{a:\"C4nary\"}}", "[[\"C4nary\"]]"]
        {
            let query = format!("{{{field}({argument}:{value}){set}}}");
            let answer = site.graphql(None, &query).await;
            tells_no_secret(&answer, &query);
            for ty in
                ["String", "Int", "Float", "Boolean", "ID", "Colour", "[Int]", "[String!]!", "EchoInput"]
            {
                let query = format!("query($v:{ty}){{{field}({argument}:$v){set}}}");
                let value = json!({"name": {"a": CANARY}, "a": [CANARY]});
                let answer =
                    site.graphql_with(None, &[], json!({"query": query, "variables": {"v": value}})).await;
                tells_no_secret(&answer, &query);
            }
        }
    }
}

/// A text for an enum, as a literal and as a variable: the error names the type, and not the value.
#[tokio::test]
async fn an_error_of_an_enum_does_not_repeat_its_value() {
    let site = site();
    let literal = json!({"query": format!("{{echo(colour:\"{CANARY}\")}}")});
    let name = json!({"query": "{echo(colour:C4nary)}"});
    let variable = json!({"query": "query($c:Colour){echo(colour:$c)}", "variables": {"c": CANARY}});
    for body in [literal, name, variable] {
        let answer = site.graphql_with(None, &[], body.clone()).await;
        tells_no_secret(&answer, &body.to_string());
        let message = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("Colour"), "{body}: {message}");
    }
}

/// A longer request does not make its errors longer.
#[tokio::test]
async fn errors_are_of_bounded_length() {
    let site = site();
    let long = "x".repeat(60_000);
    let many = |one: &str| (0..450).map(|n| one.replace('#', &n.to_string())).collect::<String>();
    let chain = |open: &str| format!("{}{}", open.repeat(8_000), "}".repeat(8_000));
    for (query, variables, operation) in [
        (format!("{{{long}}}"), json!({}), None),
        (format!("{{shopName({long}:1)}}"), json!({}), None),
        (format!("{{shopName @{long}}}"), json!({}), None),
        (format!("{{...{long}}}"), json!({}), None),
        (format!("{{... on {long}{{a}}}}"), json!({}), None),
        (format!("query(${long}:Int){{shopName}}"), json!({}), None),
        (format!("query($a:{long}){{shopName}}"), json!({}), None),
        (format!("{{echo(colour:{long})}}"), json!({}), None),
        ("query($c:Colour){echo(colour:$c)}".into(), json!({"c": long}), None),
        ("query($c:EchoInput){echo(input:$c)}".into(), json!({"c": {&long: 1}}), None),
        ("query($c:Int){echo(number:$c)}".into(), json!({"c": long}), None),
        (format!("query A{{shopName}} query B{{{long}}}"), json!({}), Some("A".to_owned())),
        ("query A{shopName}".into(), json!({}), Some(long.clone())),
        (format!("query {long}{{a}} query {long}{{b}}"), json!({}), None),
        (format!("{{{}}}", many("unknown#:nonesuch# ")), json!({}), None),
        (format!("{{{}}}", many("a:nonesuch# ")), json!({}), None),
        (chain("{a"), json!({}), None),
        (chain("{ customer "), json!({}), None),
        (format!("{{shopName {}", "a ".repeat(8_000)), json!({}), None),
    ] {
        let body = json!({"query": query, "variables": variables, "operationName": operation});
        let answer = site.graphql_with(None, &[], body).await;
        tells_no_secret(&answer, &query);
        assert!(!answer.json()["errors"].as_array().unwrap().is_empty());
        for error in answer.json()["errors"].as_array().unwrap() {
            let message = error["message"].as_str().unwrap();
            assert!(message.len() <= 512, "{query:.80}: {} bytes", message.len());
        }
    }
}
