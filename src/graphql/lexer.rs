use std::sync::LazyLock;

use async_graphql::Pos;
use regex::Regex;

/// A token of a GraphQL document: its kind, its text and its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// The position of the token's first byte in the document.
    pub(super) start: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `[`, `{` or `(`.
    Open,
    /// `]`, `}` or `)`.
    Close,
    /// A punctuator that is not a bracket.
    Punctuator,
    Name,
    Number,
    /// A string or a block string.
    String,
    /// The quotation marks at the beginning of a string that has no end.
    Unterminated,
    /// A character that cannot begin a token.
    Character,
}

/// The pattern of all tokens of [the
/// specification](https://spec.graphql.org/October2021/#sec-Appendix-Grammar-Summary.Lexical-Tokens),
/// of comments, and of any other character that is not ignored.
///
/// If the closing quotation marks of a string are missing, only its opening quotation marks are a
/// token. To find out that they are missing, the lexer searches through the rest of the document.
/// So that this happens only once, the caller stops at the first such token.
#[expect(
    clippy::expect_used,
    reason = "the pattern is constant, and the first document of any test compiles it"
)]
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let token = r#"(?xs)
        # A block string. It ends at the first three quotes that no backslash precedes.
        """ (?: "{0,2} (?: \\+ "{1,2} )* (?: \\* [^"\\] | \\+ """ ) )* """ | """
        | " (?: [^"\\\n\r] | \\ [^\n\r] )* "
        | [A-Za-z_] [A-Za-z0-9_]*
        | [-0-9] [A-Za-z0-9.+-]*
        | \.\.\.
        | \# [^\n\r]*
        | [^\x20\t\n\r,\u{feff}]
    "#;
    Regex::new(token).expect("a sound pattern")
});

/// Splits a document into its tokens, in one pass and without recursion.
pub(super) fn tokens(document: &str) -> impl Iterator<Item = Token<'_>> {
    TOKEN.find_iter(document).filter_map(|found| {
        let text = found.as_str();
        let kind = match text.as_bytes() {
            [b'#', ..] => return None,
            [b'[' | b'{' | b'(', ..] => Kind::Open,
            [b']' | b'}' | b')', ..] => Kind::Close,
            [b'!' | b'$' | b'&' | b':' | b'=' | b'@' | b'|', ..] | b"..." => Kind::Punctuator,
            b"\"" | b"\"\"\"" => Kind::Unterminated,
            [b'"', ..] => Kind::String,
            [b'A'..=b'Z' | b'a'..=b'z' | b'_', ..] => Kind::Name,
            [b'-' | b'0'..=b'9', ..] => Kind::Number,
            _ => Kind::Character,
        };
        Some(Token { kind, text, start: found.start() })
    })
}

/// Returns the line and column of a byte of the document, each counted from 1.
pub(super) fn position(document: &str, byte: usize) -> Pos {
    let before = document.get(..byte).unwrap_or(document);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Pos { line: 1 + before.matches('\n').count(), column: 1 + line.chars().count() }
}

/// Returns the position of the byte at a line and column of the document.
pub(super) fn offset(document: &str, position: Pos) -> usize {
    let lines = document.split_inclusive('\n').take(position.line.saturating_sub(1));
    let line_start: usize = lines.map(str::len).sum();
    let line = document.get(line_start..).unwrap_or_default();
    let column = position.column.saturating_sub(1);
    line.char_indices().nth(column).map_or(document.len(), |(at, _)| line_start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(document: &str) -> Vec<(Kind, &str)> {
        tokens(document).map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn tokens_are_those_of_the_specification() {
        use Kind::{Character, Close, Name, Number, Open, Punctuator, String, Unterminated};
        for (document, expected) in [
            ("", vec![]),
            ("\u{feff} ,\t\r\n#{[(\n", vec![]),
            ("#a\r{", vec![(Open, "{")]),
            ("{a}", vec![(Open, "{"), (Name, "a"), (Close, "}")]),
            ("...F", vec![(Punctuator, "..."), (Name, "F")]),
            ("$a:[A!]=-1.5e+3", {
                let before =
                    vec![(Punctuator, "$"), (Name, "a"), (Punctuator, ":"), (Open, "["), (Name, "A")];
                let after = [(Punctuator, "!"), (Close, "]"), (Punctuator, "="), (Number, "-1.5e+3")];
                before.into_iter().chain(after).collect()
            }),
            ("\"a\\\"[\\\\\"[", vec![(String, "\"a\\\"[\\\\\""), (Open, "[")]),
            ("\"", vec![(Unterminated, "\"")]),
            ("\"\" ", vec![(String, "\"\"")]),
            ("\"\"\"\"\"\"", vec![(String, "\"\"\"\"\"\"")]),
            ("\"\"\"\"\"", vec![(Unterminated, "\"\"\""), (String, "\"\"")]),
            ("\"\"\"[\\\"\"\"\"\"\"[", vec![(String, "\"\"\"[\\\"\"\"\"\"\""), (Open, "[")]),
            (
                "\"\"\"\\\"\"\"\"\"",
                vec![(Unterminated, "\"\"\""), (Character, "\\"), (Unterminated, "\"\"\""), (String, "\"\"")],
            ),
            ("\"a\nb\"", vec![(Unterminated, "\""), (Name, "a"), (Name, "b"), (Unterminated, "\"")]),
            (
                "\"a\\\nb\"",
                vec![(Unterminated, "\""), (Name, "a"), (Character, "\\"), (Name, "b"), (Unterminated, "\"")],
            ),
            ("é.", vec![(Character, "é"), (Character, ".")]),
        ] {
            assert_eq!(kinds(document), expected, "{document}");
        }
    }

    #[test]
    fn positions_are_counted_in_characters() {
        let document = "{é\n\n  ü:x}";
        for (byte, char) in document.char_indices().filter(|(_, char)| *char != '\n') {
            let position = position(document, byte);
            assert_eq!(offset(document, position), byte, "{char}");
        }
        assert_eq!(position(document, document.find('x').unwrap()), Pos { line: 3, column: 5 });
        assert_eq!(offset(document, Pos { line: 3, column: 99 }), document.len());
        assert_eq!(offset(document, Pos { line: 9, column: 1 }), document.len());
    }
}
