//! On small trees in memory.

use super::length;
use super::module::{Files, Tree};
use super::*;

fn files(all: &[(&str, &str)]) -> Files {
    all.iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

fn found(all: &[(&str, &str)]) -> Vec<String> {
    faults(&files(all), "src/lib.rs").expect("a tree")
}

const CIRCLE: &[(&str, &str)] = &[
    ("src/lib.rs", "mod a;\nmod b;\nmod c;"),
    (
        "src/a.rs",
        "use crate::b::B;\npub struct A(B);\npub fn a() {}",
    ),
    ("src/b.rs", "pub struct B;\nfn f() { super::c::go(1); }"),
    (
        "src/c.rs",
        "use std::fmt;\nuse super::a::{self, A};\npub fn go(x: u8) { let _: A; a::a(); }",
    ),
];

#[test]
fn a_circle_is_told_file_by_file_with_the_names_that_tie_it() {
    assert_eq!(
        found(CIRCLE),
        ["files use each other:\
          \n    `src/a.rs` uses `B` of `src/b.rs`\
          \n    `src/b.rs` uses `go` of `src/c.rs`\
          \n    `src/c.rs` uses `A`, `a` of `src/a.rs`\
          \n    hint: move what both need into a file of its own"]
    );
}

#[test]
fn a_child_and_its_parent_that_use_each_other_are_a_circle() {
    let parent = "mod child;\npub struct Shared;\nfn f() { child::go(); }";
    let child = "use super::Shared;\npub fn go() -> Shared { Shared }";
    let found = found(&[("src/lib.rs", parent), ("src/child.rs", child)]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("`src/child.rs` uses `Shared` of `src/lib.rs`"),
        "{found:?}"
    );
    assert!(
        found[0].contains("`src/lib.rs` uses `go` of `src/child.rs`"),
        "{found:?}"
    );
}

#[test]
fn a_facade_is_resolved_to_the_file_that_defines() {
    // `b` takes `A` where its parent hands it on; that is no use of the parent.
    let tree = [
        ("src/lib.rs", "mod room;"),
        (
            "src/room/mod.rs",
            "mod a;\nmod b;\npub use self::a::A;\npub use self::b::*;\npub fn f() -> u8 { b::go() }",
        ),
        ("src/room/a.rs", "pub struct A;"),
        (
            "src/room/b.rs",
            "use super::A;\npub fn go() -> u8 { let _ = A; 1 }",
        ),
    ];
    assert_eq!(found(&tree), [""; 0]);
    // The same where the defining file then uses who took it, through the facade.
    let mut tied = tree;
    tied[2].1 = "pub struct A;\nfn f() { super::go(); }";
    assert_eq!(
        found(&tied),
        ["files use each other:\
          \n    `src/room/a.rs` uses `go` of `src/room/b.rs`\
          \n    `src/room/b.rs` uses `A` of `src/room/a.rs`\
          \n    hint: move what both need into a file of its own"]
    );
}

#[test]
fn what_a_file_hands_on_and_says_itself_is_a_use() {
    let child = ("src/a.rs", "use super::Shared;\npub struct A(Shared);");
    let hands_on = ("src/lib.rs", "mod a;\npub use a::A;\npub struct Shared;");
    assert_eq!(found(&[hands_on, child]), [""; 0]);
    let says = (
        "src/lib.rs",
        "mod a;\npub use a::A;\npub struct Shared;\nfn f(_: A) {}",
    );
    assert_eq!(found(&[says, child]).len(), 1);
}

#[test]
fn macros_globs_blocks_and_names_of_two_kinds_are_seen_through() {
    let child = |code| [("src/lib.rs", "mod a;\nmod b;"), ("src/a.rs", code)];
    // `b` uses `a`; each of these uses `b`.
    let b = (
        "src/b.rs",
        "pub mod go { pub fn on() {} }\npub fn go() {}\nfn f() { crate::a::a(); }",
    );
    for code in [
        "pub fn a() { println!(\"{}\", crate::b::go()); }",
        "use crate::b::*;\npub fn a() { go() }",
        "pub fn a() { use super::b::go; go() }",
        "use crate::b::go;\npub fn a() { go::on() }",
        "use crate::b as other;\npub fn a() -> u8 { other::r#go() }",
    ] {
        let [lib, a] = child(code);
        assert_eq!(found(&[lib, a, b]).len(), 1, "{code}");
    }
    // And none of these.
    for code in [
        "pub fn a(x: X) { x.go(); }",
        "use crate::b;\npub fn a() {}",
        "// crate::b::go()\npub fn a() { print!(\"crate::b::go()\"); }",
        "pub fn a() {}\n#[cfg(test)]\nmod tests { use crate::b::go; }",
        "pub fn a() {}\nstruct S;\nimpl S { #[cfg(test)] fn f() { crate::b::go(); } }",
    ] {
        let [lib, a] = child(code);
        assert_eq!(found(&[lib, a, b]), [""; 0], "{code}");
    }
}

#[test]
fn the_lines_of_a_file_are_those_with_code_that_is_shipped() {
    let text = "//! Words.\n\nmod child;\nuse std::fmt; // 2\n/// Words.\n#[derive(Debug)]\nstruct A {\n    /* words */\n    b: u8,\n}\n\
                const T: &str = \"one\ntwo\";\n#[cfg(test)]\nfn t() {}\n#[cfg(test)]\nmod tests {\n    fn t() {}\n}\n";
    let files = files(&[("src/lib.rs", text), ("src/child.rs", "")]);
    let tree = Tree::read(&files, "src/lib.rs").expect("a tree");
    // mod, use, derive, struct, b, }, and two of the text.
    assert_eq!(length::faults(&tree, 8), [""; 0]);
    assert_eq!(
        length::faults(&tree, 7),
        [
            "`src/lib.rs` has 8 lines of code, more than 7\n    hint: make two files of it, by what they are about"
        ]
    );
}

#[test]
fn a_module_without_its_file_is_named() {
    let error = Tree::read(&files(&[("src/lib.rs", "mod gone;")]), "src/lib.rs").map(|_| ());
    let error = error.expect_err("no file").to_string();
    assert_eq!(
        error,
        "`src/lib.rs` declares `mod gone`, and there is no `src/gone.rs`"
    );
}
