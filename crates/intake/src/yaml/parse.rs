use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span};

use super::build::{Builder, narrow};
use super::{Document, MAX_BYTES, MAX_DEPTH, Position, Style, YamlError, json};

/// Parses one document.
///
/// `name` is what messages call the text: a path, or the name of an embedded
/// text. Time and memory are linear in the text's length.
///
/// # Errors
/// Bytes that are not UTF-8 or not YAML, more than one document, and the limits
/// of this module; see [`YamlError`].
pub fn parse(name: &str, bytes: impl AsRef<[u8]>) -> Result<Document, YamlError> {
    let text = decode(bytes.as_ref())?;
    let built = match scan(text) {
        // PyYAML takes half a surrogate pair, and so does JSON; only the scanner
        // does not.
        Err(error) if is_half_a_pair(&error) => json::scan(text).map_err(|_| error),
        built => built,
    };
    Ok(built?.finish(name))
}

/// Parses one JSON text (RFC 8259), for files whose reader knows no YAML. Half
/// a surrogate pair becomes U+FFFD, as json-c has it.
///
/// # Errors
/// Bytes that are not UTF-8 or not JSON, and the limits of this module; see
/// [`YamlError`].
pub fn parse_json(name: &str, bytes: impl AsRef<[u8]>) -> Result<Document, YamlError> {
    let text = decode(bytes.as_ref())?;
    Ok(json::scan(text)?.finish(name))
}

fn decode(bytes: &[u8]) -> Result<&str, YamlError> {
    if bytes.len() > MAX_BYTES {
        return Err(YamlError::TooLarge { size: bytes.len() });
    }
    std::str::from_utf8(bytes).map_err(|fault| {
        let valid = std::str::from_utf8(&bytes[..fault.valid_up_to()]).unwrap_or_default();
        let line_start = valid.rfind('\n').map_or(0, |at| at + 1);
        YamlError::NotUtf8 {
            position: Position {
                line: narrow(valid.bytes().filter(|&b| b == b'\n').count() + 1),
                column: narrow(valid[line_start..].chars().count() + 1),
            },
            byte: bytes[fault.valid_up_to()],
        }
    })
}

fn scan(text: &str) -> Result<Builder<'_>, YamlError> {
    // The builder counts the depth of flow and block collections together;
    // these stop the scanner's own look-ahead.
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        emit_comments: false,
        block_scalar_eof_without_line_feed: true,
    };
    let mut builder = Builder::new(text);
    let mut documents = 0_u32;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax(text, error))?;
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                let position = position(&span.start);
                return Err(YamlError::SecondDocument { position });
            }
        }
        add(&mut builder, event, span)?;
    }
    Ok(builder)
}

fn add(builder: &mut Builder<'_>, event: Event<'_>, span: Span) -> Result<(), YamlError> {
    let at = position(&span.start);
    match event {
        Event::Scalar(text, style, anchor, tag) => {
            // What is left out altogether arrives as `~` with an empty span.
            let left_out = style == ScalarStyle::Plain && span.is_empty();
            let text = if left_out { Cow::Borrowed("") } else { text };
            let named = (anchor, tag_text(tag.as_deref()));
            builder.scalar(at, named, text, style_of(style))
        }
        Event::SequenceStart(_, anchor, tag) => {
            builder.open(at, (anchor, tag_text(tag.as_deref())), false)
        }
        Event::MappingStart(_, anchor, tag) => {
            builder.open(at, (anchor, tag_text(tag.as_deref())), true)
        }
        Event::SequenceEnd | Event::MappingEnd => builder.close(),
        Event::Alias(anchor) => builder.alias(at, anchor),
        _ => Ok(()),
    }
}

fn syntax(text: &str, source: ScanError) -> YamlError {
    let position = position(source.marker());
    match *source.kind() {
        ErrorKind::RecursionLimitExceeded => YamlError::TooDeep { position },
        ErrorKind::UnexpectedCharacter { character } if !is_printable(character) => {
            YamlError::Character {
                position,
                character,
            }
        }
        _ => YamlError::Syntax {
            position,
            is_json: json::is_json(text),
            source: Box::new(source),
        },
    }
}

/// YAML's `c-printable` (YAML 1.2.2, section 5.1).
fn is_printable(character: char) -> bool {
    let control = character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{85}');
    !control && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

fn is_half_a_pair(error: &YamlError) -> bool {
    matches!(
        error,
        YamlError::Syntax { source, .. } if matches!(
            source.kind(),
            ErrorKind::InvalidLowSurrogate
                | ErrorKind::MissingLowSurrogate
                | ErrorKind::UnpairedLowSurrogate
        )
    )
}

fn position(marker: &Marker) -> Position {
    Position {
        line: narrow(marker.line()),
        column: narrow(marker.col() + 1),
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

fn tag_text(tag: Option<&granit_parser::Tag>) -> Option<Box<str>> {
    tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()).into_boxed_str())
}
