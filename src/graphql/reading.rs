use async_graphql::{
    Pos, Request, ServerError,
    parser::{Error as Unparsed, parse_query, types::ExecutableDocument},
};

use super::{
    error::Category,
    lexer::{Kind, offset, position, tokens},
    response::shortened,
};

/// The beginning of the error message for a request that asks for too much.
pub(super) const TOO_MUCH: &str = "The request asks for too much: ";

/// Maximum nesting of brackets in a document. For a document with this nesting, parsing, validation
/// and execution need at most 512 KiB of stack in a debug build. A thread of tokio has 2 MiB.
const MAX_NESTING: usize = 64;
/// Maximum length of a name, in bytes. The length is limited because async-graphql compares each
/// unknown name with the known names, to suggest similar ones.
const MAX_NAME: usize = 100;

/// Parses the document of a request, if the document is within the limits. The limits are the
/// nesting ([`MAX_NESTING`]), the length of a name ([`MAX_NAME`]), `max_tokens` lexical tokens, and
/// `max_names` bytes for all names together.
pub(super) fn read(
    request: &mut Request,
    max_tokens: usize,
    max_names: usize,
) -> Result<ExecutableDocument, ServerError> {
    bound(&request.query, max_tokens, max_names)?;
    if let Ok(document) = request.parsed_query() {
        return Ok(document.clone());
    }
    Err(syntax_error(&request.query))
}

fn bound(document: &str, max_tokens: usize, max_names: usize) -> Result<(), ServerError> {
    let (mut open, mut names) = (0_usize, 0_usize);
    for (tokens_before, token) in tokens(document).enumerate() {
        match token.kind {
            Kind::Open => open += 1,
            Kind::Close => open = open.saturating_sub(1),
            Kind::Name => names = names.saturating_add(token.text.len()),
            _ => {}
        }
        let refused = match token.kind {
            Kind::Unterminated => "Syntax Error: Unterminated string.".to_owned(),
            _ if open > MAX_NESTING => {
                format!("The document is nested too deeply: at most {MAX_NESTING} levels are allowed.")
            }
            Kind::Name if token.text.len() > MAX_NAME => {
                format!("A name is too long: at most {MAX_NAME} bytes are allowed.")
            }
            _ if names > max_names => {
                format!("{TOO_MUCH}at most {max_names} bytes of names are allowed.")
            }
            _ if tokens_before >= max_tokens => {
                format!("{TOO_MUCH}at most {max_tokens} tokens are allowed.")
            }
            _ => continue,
        };
        return Err(refused_at(refused, vec![position(document, token.start)]));
    }
    Ok(())
}

/// Returns the error for a document that cannot be parsed. The parser's own message is not used,
/// because it repeats a line of the document, which may contain a secret.
fn syntax_error(document: &str) -> ServerError {
    match parse_query(document) {
        Err(Unparsed::Syntax { start, .. }) => {
            refused_at(format!("Syntax Error: Unexpected {}.", token_at(document, start)), vec![start])
        }
        Err(other) => refused_at(shortened(other.to_string()), other.positions().collect()),
        Ok(_) => refused_at("Syntax Error.".to_owned(), Vec::new()),
    }
}

/// Returns the kind of the lexical token at a position, in the words of graphql-js. If the token is
/// a punctuator, such as `{`, returns this punctuator.
fn token_at(document: &str, position: Pos) -> String {
    let offset = offset(document, position);
    let token = tokens(document).find(|token| token.start + token.text.len() > offset);
    let Some(token) = token else { return "<EOF>".to_owned() };
    match token.kind {
        Kind::Open | Kind::Close | Kind::Punctuator => format!("\"{}\"", token.text),
        Kind::Name => "Name".to_owned(),
        Kind::Number => "Number".to_owned(),
        Kind::String | Kind::Unterminated => "String".to_owned(),
        Kind::Character => "character".to_owned(),
    }
}

fn refused_at(message: String, locations: Vec<Pos>) -> ServerError {
    ServerError { locations, ..Category::Input.error(message).into_server_error(Pos::default()) }
}
