//! GraphQL documents: nested in every possible place, with fragments that multiply, with operations
//! on the shop's own fields, and texts that are not documents.

use bolero::TypeGenerator;
use support::EMAIL;

use crate::{
    json::quoted,
    text::{CANARY, Depth, Secret, Text, pick},
};

#[derive(Clone, Debug, TypeGenerator)]
pub enum Document {
    Nested { place: Place, shape: Shape, depth: Depth, filler: u8, closing: Closing },
    Doubling { levels: u8, breadth: u8, costly: bool },
    Operation { mutation: bool, head: u8, fields: Box<[Option<Field>; 4]> },
    Tokens(Vec<u8>),
    Characters(Text),
}

/// The place where something is nested.
#[derive(Clone, Copy, Debug, TypeGenerator)]
pub enum Place {
    Argument,
    PasswordArgument,
    VariableDefault,
    Directive,
    OperationDirective,
    FragmentDirective,
    VariableDirective,
    Selections,
    InlineFragments,
    ListType,
    /// Each fragment spreads the next one.
    Fragments,
}

#[derive(Clone, Copy, Debug, TypeGenerator)]
pub enum Shape {
    Lists,
    Objects,
    Both,
}

/// The end of a nested text.
#[derive(Clone, Copy, Debug, TypeGenerator)]
pub enum Closing {
    Whole,
    Missing(u8),
    Surplus(u8),
    Mismatched,
    Never,
}

/// A field of the shop, with some of its arguments.
#[derive(Clone, Debug, TypeGenerator)]
pub struct Field {
    name: u8,
    alias: Option<u8>,
    arguments: [Value; 3],
    skipped: Option<bool>,
}

#[derive(Clone, Debug, TypeGenerator)]
pub enum Value {
    Right,
    Texts(Text, Secret),
    Variable,
    Null,
    Int(i32),
    List(Secret),
    Object(Secret),
    Block(Secret),
    Bare(u8),
    Nested(Depth),
    Left,
}

/// The fields, their arguments, and a selection of their type.
const FIELDS: [(&str, &[&str], &str); 17] = [
    ("generateCustomerToken", &["email", "password"], "{ token }"),
    ("exchangeOtpForCustomerToken", &["email", "otp"], "{ token }"),
    ("requestPasswordResetEmail", &["email"], ""),
    ("resetPassword", &["email", "resetPasswordToken", "newPassword"], ""),
    ("resendConfirmationEmail", &["email"], ""),
    ("changeCustomerPassword", &["currentPassword", "newPassword"], "{ id }"),
    ("generateCustomerTokenAsAdmin", &["input"], "{ customer_token }"),
    ("revokeCustomerToken", &[], "{ result }"),
    ("customer", &[], "{ id }"),
    ("customerTokens", &["pageSize", "currentPage"], "{ id }"),
    ("customerAssistance", &["pageSize", "currentPage"], "{ id }"),
    ("customerTokenIdentity", &[], "{ __typename }"),
    ("shopName", &[], ""),
    ("order", &[], ""),
    ("ledger", &[], ""),
    ("paymentData", &[], ""),
    ("__typename", &[], ""),
];

/// Tokens, some of them malformed.
const TOKENS: [&str; 40] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    "!",
    "=",
    "@",
    "$",
    "|",
    "&",
    "...",
    "...",
    "on",
    "query",
    "mutation",
    "subscription",
    "fragment",
    "F",
    "Query",
    "Mutation",
    "Int",
    "shopName",
    "__typename",
    "a",
    "true",
    "null",
    "1",
    "-1.5e9",
    "\"text\"",
    "\"\"\"block \\\"\"\" [\"\"\"",
    "\"broken",
    "# comment {[\n",
    "\n",
    ",",
    "\u{feff}",
    "@skip(if: true)",
    "ß",
];

/// A text beside each level, with brackets in strings and comments.
const FILLERS: [&str; 6] = ["", "", "\"[{(\" ", "# ]})\n", "\"\"\"[ \\\"\"\" {\"\"\" ", "null, "];

/// Names and variables of operations: `$s` is for secrets.
const HEADS: [&str; 5] = [
    "",
    "M",
    "M($v: String, $s: String)",
    "M($v: String!, $s: String!, $w: [Int] = [1])",
    "M($v: String = \"a\", $s: Int)",
];

/// A document as it is sent.
pub struct Written {
    pub query: String,
    /// True if it must be refused with 400: it nests or multiplies far more than any client needs.
    pub is_too_much: bool,
    /// True if the credentials are at places that async-graphql's log treats as secret. In a query
    /// they are not, because the arguments of its fields are not secret.
    pub keeps_secrets: bool,
}

/// A number of levels that every bound refuses.
const TOO_DEEP: usize = 100;
/// A number of selections, with repetition, that every bound refuses.
const TOO_MANY: f64 = 1_000.0;

impl Document {
    pub fn write(&self) -> Written {
        let (mut is_too_much, mut keeps_secrets) = (false, true);
        let query = match self {
            Self::Nested { place, shape, depth, filler, closing } => {
                let is_whole = matches!(closing, Closing::Whole) && !matches!(place, Place::Fragments);
                is_too_much = is_whole && depth.levels() > TOO_DEEP;
                place.write(*shape, depth.levels(), pick(&FILLERS, *filler), *closing)
            }
            Self::Doubling { levels, breadth, costly } => {
                let (levels, breadth) = (levels % 40 + 1, breadth % 3 + 2);
                is_too_much = f64::from(breadth).powi(levels.into()) > TOO_MANY;
                doubling(levels, breadth, *costly)
            }
            Self::Operation { mutation, head, fields } => {
                keeps_secrets = *mutation;
                let root = if *mutation { "mutation" } else { "query" };
                let fields: Vec<_> = fields.iter().flatten().map(Field::write).collect();
                let query = format!("{root} {} {{ {} }}", pick(&HEADS, *head), fields.join(" "));
                if keeps_secrets { query } else { query.replace(CANARY, "x") }
            }
            Self::Tokens(tokens) => {
                let tokens: Vec<_> = tokens.iter().map(|token| pick(&TOKENS, *token)).collect();
                tokens.join(" ")
            }
            Self::Characters(text) => text.text(),
        };
        Written { query, is_too_much, keeps_secrets }
    }
}

/// Returns fragments each of which spreads the next one `breadth` times.
pub fn doubling(levels: u8, breadth: u8, costly: bool) -> String {
    let (operation, root, leaf) = if costly {
        let leaf = format!("generateCustomerToken(email: \"{EMAIL}\", password: \"{CANARY}\") {{ token }}");
        ("mutation", "Mutation", leaf)
    } else {
        ("query", "Query", "__typename".into())
    };
    let mut query = format!("{operation} {{ ...F0 }}");
    for level in 0..levels {
        let spreads = format!("...F{} ", level + 1).repeat(breadth.into());
        query.push_str(&format!(" fragment F{level} on {root} {{ {spreads}}}"));
    }
    query + &format!(" fragment F{levels} on {root} {{ {leaf} }}")
}

impl Place {
    pub fn write(self, shape: Shape, levels: usize, filler: &str, closing: Closing) -> String {
        let value = || nested_value(shape, levels, filler, closing);
        match self {
            Self::Argument => format!("{{ __typename(a: {}) }}", value()),
            Self::PasswordArgument => {
                let field = "generateCustomerToken(email: \"a@example.com\", password: ";
                format!(
                    "mutation {{ a: {field}{}) {{ token }} b: {field}\"{CANARY}\") {{ token }} }}",
                    value()
                )
            }
            Self::VariableDefault => format!("query ($v: [Int] = {}) {{ __typename }}", value()),
            Self::Directive => format!("{{ __typename @skip(if: {}) }}", value()),
            Self::OperationDirective => format!("query @d(a: {}) {{ __typename }}", value()),
            Self::FragmentDirective => {
                format!("{{ ...F }} fragment F on Query @d(a: {}) {{ __typename }}", value())
            }
            Self::VariableDirective => format!("query ($v: Int @d(a: {})) {{ __typename }}", value()),
            Self::Selections => {
                let levels = repeated(levels, &[("{ shopName ", "}")], comment(filler), "", closing);
                format!("query {levels}")
            }
            Self::InlineFragments => {
                let opened = [("... on Query { ", "}"), ("... @skip(if: false) { ", "}"), ("... { ", "}")];
                format!("{{ {} }}", repeated(levels, &opened, comment(filler), "__typename", closing))
            }
            Self::ListType => {
                format!(
                    "query ($v: {}) {{ __typename }}",
                    repeated(levels, &[("[", "]")], "", "Int", closing)
                )
            }
            Self::Fragments => {
                let next = |level| format!(" fragment F{level} on Query {{ ...F{} }}", level + 1);
                let chain: String = (0..levels).map(next).collect();
                format!("{{ ...F0 }}{chain} fragment F{levels} on Query {{ __typename }}")
            }
        }
    }
}

fn nested_value(shape: Shape, levels: usize, filler: &str, closing: Closing) -> String {
    let (list, object) = (("[", "]"), ("{a: ", "}"));
    match shape {
        Shape::Lists => repeated(levels, &[list], filler, "1", closing),
        // An object cannot contain a filler beside a value.
        Shape::Objects => repeated(levels, &[object], comment(filler), "1", closing),
        Shape::Both => repeated(levels, &[list, object], comment(filler), "1", closing),
    }
}

/// Returns the filler, if it may be anywhere in a document.
fn comment(filler: &str) -> &str {
    if filler.starts_with('#') { filler } else { "" }
}

fn repeated(
    levels: usize,
    brackets: &[(&str, &str)],
    filler: &str,
    innermost: &str,
    closing: Closing,
) -> String {
    let mut text = String::new();
    for (level, (open, _)) in (0..levels).zip(brackets.iter().cycle()) {
        text.push_str(open);
        // A hundred levels with fillers are enough, and the rest stays within the longest body.
        text.push_str(if level < 100 { filler } else { "" });
    }
    let mut ends: Vec<&str> = brackets.iter().cycle().take(levels).map(|(_, close)| *close).collect();
    ends.reverse();
    match closing {
        Closing::Whole => {}
        Closing::Missing(count) => ends.truncate(levels.saturating_sub(usize::from(count) + 1)),
        Closing::Surplus(count) => ends.extend(vec!["]"; usize::from(count) + 1]),
        Closing::Mismatched => ends.iter_mut().step_by(3).for_each(|end| *end = ")"),
        Closing::Never => ends.clear(),
    }
    text + innermost + &ends.concat()
}

impl Field {
    fn write(&self) -> String {
        let (name, arguments, selected) = pick(&FIELDS, self.name);
        let alias = self.alias.map(|alias| format!("a{}: ", alias % 8)).unwrap_or_default();
        let written: Vec<_> = arguments
            .iter()
            .zip(&self.arguments)
            .filter_map(|(name, value)| Some(format!("{name}: {}", value.write(name)?)))
            .collect();
        let arguments = if written.is_empty() { String::new() } else { format!("({})", written.join(", ")) };
        let skipped = self.skipped.map(|skip| format!("@skip(if: {skip})")).unwrap_or_default();
        format!("{alias}{name}{arguments} {skipped} {selected}")
    }
}

impl Value {
    /// Returns none if the argument is left out. The canary is only used for passwords:
    /// async-graphql's log shows other arguments.
    fn write(&self, name: &str) -> Option<String> {
        let is_secret = !matches!(name, "email" | "input" | "pageSize" | "currentPage");
        let secret = |secret: &Secret| if is_secret { secret.text() } else { "a@example.com".into() };
        Some(match self {
            Self::Right if name == "email" => quoted(EMAIL),
            Self::Right if name == "input" => format!("{{customer_email: {}}}", quoted(EMAIL)),
            Self::Right if !is_secret => "1".into(),
            Self::Right => quoted(CANARY),
            Self::Texts(text, _) if !is_secret => quoted(&text.text()),
            Self::Texts(_, text) => quoted(&text.text()),
            Self::Variable => if is_secret { "$s" } else { "$v" }.into(),
            Self::Null => "null".into(),
            Self::Int(value) => value.to_string(),
            Self::List(text) => format!("[{}]", quoted(&secret(text))),
            Self::Object(text) => format!("{{a: {}}}", quoted(&secret(text))),
            Self::Block(text) => format!("\"\"\"{}\"\"\"", secret(text).replace("\"\"\"", "\\\"\"\"")),
            Self::Bare(token) => pick(&TOKENS, *token).to_owned(),
            Self::Nested(depth) => {
                nested_value(Shape::Lists, depth.levels().min(300), "\"]\" ", Closing::Whole)
            }
            Self::Left => return None,
        })
    }
}
