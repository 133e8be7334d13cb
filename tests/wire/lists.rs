//! A customer's lists cost as much as one page of each, however often a request asks for them.

use std::sync::{Arc, Mutex};

use async_graphql::{EmptySubscription, MergedObject, Schema};
use commerce_auth::{
    Origin, SignIn,
    graphql::{
        AssistanceMutation, CustomerAssistanceMutation, CustomerAssistanceQuery, CustomerTokenMutation,
        CustomerTokenQuery, PasswordMutation,
    },
};
use serde_json::{Value, json};
use support::{
    EMAIL, PASSWORD, Shop, fast,
    hooked::Hooked,
    site::{Answer, Customer, Site},
};

/// Maximum length of an answer, in bytes. It has 2,500 values (the limit of complexity) of 2 KiB
/// each (the longest reason of an admin user, with each character escaped).
const LONGEST_ANSWER: usize = 2_500 * 2 * 1_024;

const TOO_MANY: &str = "at most 3 lists of tokens or assistance are allowed.";

/// The crate's query objects, without a host's.
#[derive(MergedObject, Default)]
struct OwnQuery(CustomerTokenQuery, CustomerAssistanceQuery);

/// See [`OwnQuery`].
#[derive(MergedObject, Default)]
struct OwnMutation(
    CustomerTokenMutation,
    AssistanceMutation,
    CustomerAssistanceMutation,
    PasswordMutation<Customer>,
);

/// A shop whose customer has a full page of live tokens and of assistance entries. All have the
/// longest texts, each character of which is escaped. It also has the verbs that its store was
/// called with.
struct Full {
    site: Site<Hooked>,
    token: String,
    verbs: Arc<Mutex<Vec<String>>>,
}

impl Full {
    async fn new() -> Self {
        let verbs = Arc::<Mutex<Vec<String>>>::default();
        let asked = Arc::clone(&verbs);
        let store = Hooked::new(move |verb| {
            asked.lock().unwrap().push(verb.into());
            Ok(())
        });
        let shop = Shop::open(store, fast(), |builder| builder);
        let cap = shop.auth.config().tokens_per_subject.get();
        let admin = shop.admin_token().await;
        for _ in 0..cap {
            let reason = "\"".repeat(1_024);
            shop.auth.generate_customer_token_as_admin(&admin, EMAIL, &reason).await.unwrap();
        }
        let mut token = String::new();
        for _ in 0..cap {
            let origin = Origin::default().user_agent(&"\"".repeat(512));
            let signed_in =
                shop.auth.generate_customer_token(SignIn::new(EMAIL, PASSWORD).origin(origin)).await.unwrap();
            token = signed_in.token().expose().to_owned();
        }
        Self { site: Site::of(shop), token, verbs }
    }

    /// Returns the answer, and the verbs that it took.
    async fn ask(&self, query: &str) -> (Answer, Vec<String>) {
        self.verbs.lock().unwrap().clear();
        let answer = self.site.graphql(Some(&self.token), query).await;
        (answer, std::mem::take(&mut *self.verbs.lock().unwrap()))
    }

    async fn is_refused(&self, query: &str, message: &str) {
        let (answer, verbs) = self.ask(query).await;
        assert!(answer.text.len() < 1_024, "{query:.80}: {} bytes", answer.text.len());
        let refused = (format!("The request asks for too much: {message}"), "graphql-input".into(), 400);
        assert_eq!(answer.graphql_error(), refused, "{query:.80}");
        assert_eq!(verbs, ["find"], "only the token is looked up: {query:.80}");
    }
}

fn lists(count: usize) -> String {
    (0..count).map(|alias| format!("t{alias}: customerTokens {{ id user_agent }} ")).collect()
}

#[tokio::test]
async fn many_lists_in_one_operation_are_refused_unrun() {
    let full = Full::new().await;
    let ledger = "customerAssistance { id }";
    for query in [
        format!("{{ {} }}", lists(400)),
        format!("{{ {} }}", lists(4)),
        format!("{{ {} {ledger} }}", lists(3)),
        format!("{{ {} a: {ledger} ... on Query {{ {} b: {ledger} }} }}", lists(1), lists(1)),
        format!("{{ {} }} fragment F on Query {{ {} }}", "...F ".repeat(40), lists(10)),
        format!("{{ ...F ...F }} fragment F on Query {{ ...G }} fragment G on Query {{ {} }}", lists(2)),
        format!("{{ {} z: customerTokens @skip(if: true) {{ id }} }}", lists(3)),
        // Below a field of the host.
        format!("{{ shelf {{ {} }} }}", lists(4)),
    ] {
        full.is_refused(&query, TOO_MANY).await;
    }
    // If there are two operations, the one with more lists counts, whichever is run.
    let two = |other: usize| {
        let query = format!("query A {{ {} }} query B {{ {} }}", lists(2), lists(other));
        full.site.graphql_with(Some(&full.token), &[], json!({"query": query, "operationName": "A"}))
    };
    assert_eq!([two(3).await.status, two(4).await.status], [200, 400]);
    let (answer, verbs) = full.ask(&format!("{{ {} }}", lists(3))).await;
    assert_eq!(answer.json()["data"]["t2"].as_array().unwrap().len(), 100, "{}", answer.text);
    assert_eq!(verbs.iter().filter(|verb| *verb == "grants").count(), 3);
}

#[tokio::test]
async fn many_fields_in_lists_are_refused_unrun() {
    let full = Full::new().await;
    let aliases = |count: usize| (0..count).map(|alias| format!("a{alias}: user_agent ")).collect::<String>();
    let one = |count: usize| format!("{{ customerTokens {{ {} }} }}", aliases(count));
    let spread = |count: usize| {
        let spreads = "...E ".repeat(count);
        format!("{{ customerTokens {{ {spreads} }} }} fragment E on CustomerTokenEntry {{ {} }}", aliases(8))
    };
    let ledger = |count: usize| {
        let aliases: String = (0..count).map(|alias| format!("a{alias}: reason ")).collect();
        format!("{{ customerAssistance {{ actor {{ {aliases} }} }} }}")
    };
    let message = "at most 64 fields, fragments and arguments in lists of tokens or assistance are allowed.";
    for query in [
        one(400),
        one(64),
        // One list, 8 spreads and 64 fields.
        spread(8),
        ledger(63),
        format!("{{ a: customerTokens {{ {0} }} b: customerTokens {{ {0} }} }}", aliases(32)),
        format!("{{ customerTokens(pageSize: 1) {{ {} }} }}", aliases(63)),
    ] {
        full.is_refused(&query, message).await;
    }
}

#[tokio::test]
async fn the_largest_answer_is_bounded() {
    let full = Full::new().await;
    let fields = |field: &str, count: usize| {
        (0..count).map(|alias| format!("{:a>100}: {field} ", format!("_{alias}"))).collect::<String>()
    };
    let mut largest = 0;
    // Sizes around the admitted ones, and far beyond.
    for each in [1, 4, 7, 8, 9, 12, 22, 23, 24, 25, 62, 400] {
        for lists in 1..=3 {
            for (list, field) in [
                ("customerTokens", fields("user_agent", each)),
                ("customerAssistance", format!("actor {{ {} }}", fields("reason", each))),
            ] {
                let lists: String =
                    (0..lists).map(|alias| format!("l{alias}: {list} {{ {field} }} ")).collect();
                let (answer, _) = full.ask(&format!("{{ {lists} }}")).await;
                largest = largest.max(answer.text.len());
            }
        }
    }
    println!("the largest answer has {largest} bytes");
    assert!((LONGEST_ANSWER / 2..LONGEST_ANSWER).contains(&largest), "{largest} bytes");
}

/// The complexity of a list is that of a page.
#[tokio::test]
async fn a_list_is_as_complex_as_its_page() {
    let full = Full::new().await;
    let fields = |count: usize| (0..count).map(|alias| format!("a{alias}: id ")).collect::<String>();
    let tokens = |page: &str, count: usize| format!("{{ customerTokens{page} {{ {} }} }}", fields(count));
    let assistance =
        |page: &str, count: usize| format!("{{ customerAssistance{page} {{ {} }} }}", fields(count));
    for list in [&tokens as &dyn Fn(&str, usize) -> String, &assistance] {
        for (page, fields, is_answered) in [
            ("", 24, true),
            ("", 25, false),
            ("(pageSize: 100)", 25, false),
            ("(pageSize: 50)", 49, true),
            ("(pageSize: 50)", 50, false),
            ("(pageSize: 1)", 60, true),
        ] {
            let (answer, verbs) = full.ask(&list(page, fields)).await;
            let errors = answer.json()["errors"].clone();
            if is_answered {
                assert!(errors.is_null(), "{page} {fields}: {errors}");
            } else {
                assert_eq!(errors[0]["message"], "Query is too complex.", "{page} {fields}");
                assert_eq!(verbs, ["find"], "only the token is looked up");
            }
        }
    }
    // Both lists with every field, as Apollo's clients request them.
    let actor = "actor { admin_id reason __typename }";
    let tokens = format!("id issued_at expires_at obtained source user_agent current {actor} __typename");
    let assistance = format!("id {actor} began_at expires_at ended_at end __typename");
    let (answer, _) =
        full.ask(&format!("{{ customerTokens {{ {tokens} }} customerAssistance {{ {assistance} }} }}")).await;
    assert!(answer.json().get("errors").is_none(), "{}", answer.text);
    // A variable can be a page size, too.
    let query = "query($size: Int! = 100) { customerTokens(pageSize: $size) { id } }";
    let answer =
        full.site.graphql_with(Some(&full.token), &[], json!({"query": query, "variables": {"size": 7}}));
    assert_eq!(answer.await.json()["data"]["customerTokens"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn pages_are_a_list_in_parts() {
    let full = Full::new().await;
    let ids = async |page: &str| {
        let (answer, _) = full.ask(&format!("{{ customerTokens{page} {{ id }} }}")).await;
        let json = answer.json();
        json["data"]["customerTokens"].as_array().unwrap_or_else(|| panic!("a list: {json}")).clone()
    };
    let all = ids("").await;
    assert_eq!(all.len(), 100);
    let mut parts = Vec::new();
    for number in 1..=5 {
        parts.extend(ids(&format!("(pageSize: 30, currentPage: {number})")).await);
    }
    assert_eq!(parts, all);
    for (page, message) in [
        ("pageSize: 101", "Maximum pageSize is 100"),
        ("pageSize: 0", "pageSize value must be greater than 0."),
        ("pageSize: -2147483648", "pageSize value must be greater than 0."),
        ("currentPage: 0", "currentPage value must be greater than 0."),
        ("currentPage: -1", "currentPage value must be greater than 0."),
    ] {
        for list in ["customerTokens", "customerAssistance"] {
            let (answer, verbs) = full.ask(&format!("{{ {list}({page}) {{ id }} }}")).await;
            assert_eq!(answer.graphql_error(), (message.into(), "graphql-input".into(), 200), "{page}");
            assert_eq!(verbs, ["find"], "only the token is looked up");
        }
    }
    assert!(ids("(currentPage: 2147483647)").await.is_empty());
}

/// Every field of the crate that returns a list is bounded, including fields added later.
#[tokio::test]
async fn every_list_is_bounded() {
    let full = Full::new().await;
    let schema = Schema::new(OwnQuery::default(), OwnMutation::default(), EmptySubscription);
    let types = "{ __schema { types { name kind fields { name type { kind ofType { kind } } } } } }";
    let types = schema.execute(types).await.data.into_json().unwrap()["__schema"]["types"].clone();
    let types = types.as_array().unwrap().iter().filter(|ty| !ty["name"].as_str().unwrap().starts_with("__"));
    let fields = types.flat_map(|ty| ty["fields"].as_array().into_iter().flatten());
    let is_list =
        |field: &&Value| [&field["type"], &field["type"]["ofType"]].iter().any(|ty| ty["kind"] == "LIST");
    let lists: Vec<_> = fields.filter(is_list).map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(lists.len(), 2, "{lists:?}");
    for list in lists {
        let aliases: String = (0..4).map(|alias| format!("a{alias}: {list} {{ id }} ")).collect();
        full.is_refused(&format!("{{ {aliases} }}"), TOO_MANY).await;
        let fields: String = (0..25).map(|alias| format!("a{alias}: id ")).collect();
        let (answer, _) = full.ask(&format!("{{ {list} {{ {fields} }} }}")).await;
        assert_eq!(answer.json()["errors"][0]["message"], "Query is too complex.", "{list}");
    }
}
