mod properties;

use super::{Fault, MAX_BYTES, Node, Style, YamlError, parse, parse_json};
use crate::stopwatch::{limit, timed};

fn at(node: Node<'_>) -> (u32, u32) {
    (node.position().line, node.position().column)
}

#[test]
fn positions_and_styles() {
    let text = "\
# comment
storage:
  config:
    - id: 'd0'
      tcp_port: 4420   # tail
      empty:
    - {id: \"é\", other: plain words}
text: |
  one
  two
folded: >-
  a
  b
";
    let document = parse("c.yaml", text).unwrap();
    let root = document.root().as_mapping().unwrap();
    let config = root
        .get("storage")
        .and_then(Node::as_mapping)
        .and_then(|storage| storage.get("config"))
        .unwrap();
    assert_eq!(at(config), (4, 5));
    let items: Vec<_> = config.as_sequence().unwrap().iter().collect();
    let first = items[0].as_mapping().unwrap();
    assert_eq!(at(items[0]), (4, 7));
    let id = first.entry("id").unwrap();
    assert_eq!((at(id.key), at(id.value)), ((4, 7), (4, 11)));
    assert_eq!(id.value.as_scalar().unwrap().style(), Style::Single);
    assert_eq!(at(first.get("tcp_port").unwrap()), (5, 17));
    assert_eq!(first.get("tcp_port").unwrap().text(), Some("4420"));
    assert_eq!(first.get("empty").unwrap().text(), Some(""));
    let second = items[1].as_mapping().unwrap();
    // Columns count characters: `é` has two bytes.
    assert_eq!(at(second.get("other").unwrap()), (7, 24));
    assert_eq!(second.get("other").unwrap().text(), Some("plain words"));
    let literal = root.get("text").unwrap().as_scalar().unwrap();
    assert_eq!(
        (literal.text(), literal.style()),
        ("one\ntwo\n", Style::Literal)
    );
    // A block scalar stands where its text begins.
    assert_eq!(at(literal.node()), (9, 3));
    let folded = root.get("folded").unwrap().as_scalar().unwrap();
    assert_eq!((folded.text(), folded.style()), ("a b", Style::Folded));
}

#[test]
fn an_empty_text_is_an_empty_scalar() {
    for text in ["", "\n", "# nothing\n", "---\n", "--- \n...\n"] {
        let document = parse("t", text).unwrap();
        assert_eq!(document.root().text(), Some(""), "{text:?}");
    }
}

#[test]
fn a_left_out_value_is_not_a_tilde() {
    let document = parse("t", "a:\nb: ~\nc: ''\n").unwrap();
    let root = document.root().as_mapping().unwrap();
    assert_eq!(root.get("a").unwrap().text(), Some(""));
    assert_eq!(root.get("b").unwrap().text(), Some("~"));
    assert_eq!(
        root.get("c").unwrap().as_scalar().unwrap().style(),
        Style::Single
    );
}

#[test]
fn of_duplicate_keys_the_last_counts_in_the_first_ones_place() {
    let document = parse("t", "a: 1\nb: 2\na: 3\n").unwrap();
    let root = document.root().as_mapping().unwrap();
    let entries: Vec<_> = root
        .entries()
        .map(|entry| (entry.name(), entry.value.text().unwrap()))
        .collect();
    assert_eq!(entries, [("a", "3"), ("b", "2")]);
    assert_eq!(root.declared().len(), 3);
    let faults: Vec<_> = document.faults().collect();
    assert!(
        matches!(faults[..], [Fault::DuplicateKey { first, again }]
            if at(first) == (1, 1) && at(again) == (3, 1)),
        "{faults:?}"
    );
}

#[test]
fn a_large_mapping_finds_its_duplicates_too() {
    let mut text: String = (0..100).map(|n| format!("k{n}: {n}\n")).collect();
    text.push_str("k7: again\n");
    let document = parse("t", &text).unwrap();
    let root = document.root().as_mapping().unwrap();
    assert_eq!(root.len(), 100);
    assert_eq!(root.get("k7").unwrap().text(), Some("again"));
    assert_eq!(document.faults().count(), 1);
}

#[test]
fn merge_keys_and_aliases() {
    let text = "\
base: &base {a: 1, b: 2}
more: &more {b: 3, c: 4}
one: {<<: *base, b: own, d: 5}
two: {<<: [*base, *more]}
same: *base
quoted: {'<<': *base}
";
    let document = parse("t", text).unwrap();
    let root = document.root().as_mapping().unwrap();
    let shown = |key: &str| {
        root.get(key)
            .and_then(Node::as_mapping)
            .unwrap()
            .entries()
            .map(|entry| format!("{}={}", entry.name(), entry.value.text().unwrap_or("{}")))
            .collect::<Vec<_>>()
            .join(" ")
    };
    // As `yaml.safe_load` of PyYAML 6.0.3 orders and resolves them.
    assert_eq!(shown("one"), "a=1 b=own d=5");
    assert_eq!(shown("two"), "b=2 c=4 a=1");
    assert_eq!(shown("same"), "a=1 b=2");
    assert_eq!(shown("quoted"), "<<={}");
    assert_eq!(document.faults().count(), 0);
}

fn quickly<T>(work: impl FnOnce() -> T) -> T {
    let (result, taken) = timed(work);
    assert!(taken < limit(1_500), "{taken:?}");
    result
}

#[test]
fn deep_nesting_is_an_error() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        format!("{}x{}", "[".repeat(100_000), "]".repeat(100_000)),
        (0..2_000)
            .map(|n| format!("{}a:\n", " ".repeat(n)))
            .collect(),
        format!("{}{}{}", "- ".repeat(100), "[".repeat(100), "]".repeat(100)),
    ] {
        let error = quickly(|| parse("t", &text)).unwrap_err();
        assert!(matches!(error, YamlError::TooDeep { .. }), "{error}");
    }
    let fits = format!("{}x{}", "[".repeat(100), "]".repeat(100));
    parse("t", &fits).unwrap();
}

#[test]
fn an_alias_bomb_is_an_error() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for n in 1..30 {
        let alias = format!("*a{}", n - 1);
        text.push_str(&format!(
            "a{n}: &a{n} [{}]\n",
            [alias.as_str(); 9].join(", ")
        ));
    }
    let error = quickly(|| parse("t", &text)).unwrap_err();
    assert!(
        matches!(error, YamlError::TooManyNodes { by_alias: true, position } if position.line == 7),
        "{error} {:?}",
        error.position()
    );
}

#[test]
fn a_merge_bomb_is_an_error() {
    let keys: Vec<String> = (0..3_000).map(|n| format!("k{n}: v")).collect();
    let mut text = format!("base: &b {{{}}}\nlist:\n", keys.join(", "));
    for _ in 0..3_000 {
        text.push_str("- {<<: *b}\n");
    }
    let error = quickly(|| parse("t", &text)).unwrap_err();
    assert!(
        matches!(error, YamlError::TooManyNodes { by_alias: true, .. }),
        "{error}"
    );
}

#[test]
fn an_alias_of_its_own_container_is_an_error() {
    let error = parse("t", "a: &a\n  - *a\n").unwrap_err();
    assert!(
        matches!(error, YamlError::AliasInItself { position } if (position.line, position.column) == (2, 5)),
        "{error:?}"
    );
    let error = parse("t", "a: *nowhere\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "not YAML: while parsing node, found unknown anchor"
    );
}

#[test]
fn more_values_than_anyone_needs_are_an_error() {
    let text = "-\n".repeat(3_000_000);
    let error = quickly(|| parse("t", &text)).unwrap_err();
    assert!(
        matches!(
            error,
            YamlError::TooManyNodes {
                by_alias: false,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_large_file_is_refused_before_it_is_read() {
    let text = vec![b'\xff'; 50 * 1024 * 1024];
    let error = quickly(|| parse("t", &text)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the file is longer than the {MAX_BYTES} bytes that are read")
    );
}

#[test]
fn bytes_that_are_not_utf8_are_named() {
    let error = parse("t", b"a: 1\nb: \xc3\xa9\xff\n").unwrap_err();
    assert_eq!(error.to_string(), "byte 0xff is not UTF-8");
    assert_eq!(error.position().unwrap().to_string(), "2:5");
}

#[test]
fn a_second_document_is_an_error() {
    let error = parse("t", "a: 1\n---\nb: 2\n").unwrap_err();
    assert!(
        matches!(error, YamlError::SecondDocument { position } if position.line == 2),
        "{error:?}"
    );
}

#[test]
fn bad_grammar_has_a_place() {
    let error = parse("t", "a: [1, 2\nb: 3\n").unwrap_err();
    assert!(matches!(error, YamlError::Syntax { .. }), "{error:?}");
    assert_eq!(error.position().unwrap().line, 2);
}

/// PyYAML's `Scanner.scan_flow_scalar_non_spaces` takes any `\u`, half a
/// surrogate pair too, and so does JSON.
#[test]
fn half_a_surrogate_pair_is_read_in_json() {
    for half in ["\\ud800", "\\ud800\\u0041", "\\udc00"] {
        let text = format!("{{\"a\": \"x{half}\",\n \"b\": [1, \"\\ud83d\\ude00\"]}}");
        let document = parse("t", &text).expect("a document");
        let mapping = document.root().as_mapping().expect("a mapping");
        let a = mapping.get("a").and_then(Node::text).expect("a text");
        assert!(a.starts_with("x\u{fffd}"), "{a}");
        let b = mapping
            .get("b")
            .and_then(Node::as_sequence)
            .expect("a list");
        let smile = b.iter().nth(1).expect("an item");
        assert_eq!((at(smile), smile.text()), ((2, 11), Some("\u{1f600}")));
    }
    let error = parse("t", "a: \"\\ud800\"\n").unwrap_err();
    assert!(
        matches!(error, YamlError::Syntax { is_json: false, .. }),
        "{error}"
    );
}

/// PyYAML's `Reader.check_printable` and libyaml's `yaml_parser_update_buffer`
/// refuse them, in JSON too.
#[test]
fn a_character_that_yaml_does_not_allow_is_named_with_its_place() {
    for (character, name) in [
        ('\u{7f}', "U+007F"),
        ('\u{90}', "U+0090"),
        ('\u{ffff}', "U+FFFF"),
    ] {
        let error = parse("t", format!("{{\"a\": 1,\n \"b\": \"x{character}\"}}")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the character {name} is not allowed in YAML")
        );
        let place = error.position().map(|p| (p.line, p.column));
        assert_eq!(place, Some((2, 9)));
        assert_eq!(
            error.hint(),
            Some("remove it, or write it in double quotes as `\\u` and four digits")
        );
    }
    for allowed in [
        "\u{85}",
        "\u{a0}",
        "\u{d7ff}",
        "\u{e000}",
        "\u{fffd}",
        "\u{10ffff}",
    ] {
        let document = parse("t", format!("a: \"x{allowed}y\"")).expect("a document");
        let a = document.root().as_mapping().and_then(|m| m.get("a"));
        // U+0085 breaks the line, and is folded.
        let text = a.and_then(Node::text).expect("a text");
        assert!(text == format!("x{allowed}y") || text == "x y", "{text:?}");
    }
}

/// PyYAML's `Scanner.stale_possible_simple_keys` and libyaml's
/// `yaml_parser_stale_simple_keys`.
#[test]
fn a_key_that_only_json_allows_is_explained() {
    for text in [
        format!("{{\"{}\": 1}}", "k".repeat(900_000)),
        format!("{{\"a\"{}: 1}}", " ".repeat(1100)),
    ] {
        let error = parse("t", &text).unwrap_err();
        assert!(
            matches!(error, YamlError::Syntax { is_json: true, .. }),
            "{error}"
        );
        let hint = error.hint().expect("a hint");
        assert!(
            hint.starts_with("this is JSON, but YAML takes a key only if"),
            "{hint}"
        );
        parse_json("t", &text).expect("a document");
    }
}

/// json-c, which reads `config.json` for libnvme, knows none of YAML's limits
/// (`json_tokener_parse_ex`).
#[test]
fn all_of_json_is_read_as_json() {
    let text = "\t{\"a\u{7f}\" :\n\t\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\udc00\u{ffff}\"\r\n, \"\": [-1.5e3,true,null]}";
    let document = parse_json("t", text).expect("a document");
    let mapping = document.root().as_mapping().expect("a mapping");
    let [a, b] = <[_; 2]>::try_from(mapping.declared().collect::<Vec<_>>()).expect("two");
    assert_eq!((at(a.key), a.name()), ((1, 3), "a\u{7f}"));
    assert_eq!(at(a.value), (2, 2));
    assert_eq!(
        a.value.text(),
        Some("\"\\/\u{8}\u{c}\n\r\té\u{fffd}\u{ffff}")
    );
    assert_eq!((at(b.key), b.name()), ((3, 3), ""));
    let items = b.value.as_sequence().expect("a list").iter();
    let items: Vec<_> = items.map(|item| (at(item), item.text())).collect();
    assert_eq!(
        items,
        [
            ((3, 8), Some("-1.5e3")),
            ((3, 15), Some("true")),
            ((3, 20), Some("null"))
        ]
    );
}

#[test]
fn what_is_no_json_says_why_and_where() {
    let said = |text: &str| {
        let error = parse_json("t", text).unwrap_err();
        let place = error.position().expect("a place");
        format!("{}:{} {error}", place.line, place.column)
    };
    assert_eq!(said("[1,\n 2,]"), "2:4 this is no JSON: expected value");
    assert_eq!(said("a: 1"), "1:1 this is no JSON: expected value");
    assert_eq!(
        said("\u{feff}[]"),
        "1:1 this is no JSON: it begins with a byte order mark"
    );
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(said(&deep), "1:129 nested deeper than 128 levels");
}
