//! How many lines of code a file has.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::module::Tree;

/// A fault for every file of more than `limit` lines.
pub(super) fn faults(tree: &Tree, limit: usize) -> Vec<String> {
    let mut files: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for module in &tree.modules {
        let lines = files.entry(&module.file).or_default();
        for code in module.code.iter().chain(&module.declarations) {
            count(code.clone(), lines);
        }
    }
    files
        .into_iter()
        .filter(|(_, lines)| lines.len() > limit)
        .map(|(file, lines)| {
            format!(
                "`{file}` has {} lines of code, more than {limit}\n    hint: make two files of it, by what they are about",
                lines.len()
            )
        })
        .collect()
}

/// The lines on which a word stands that the compiler reads. A text of several lines
/// counts with all of them.
fn count(code: TokenStream, lines: &mut BTreeSet<usize>) {
    let mut words = code.into_iter().peekable();
    while let Some(word) = words.next() {
        // A comment that documents is an attribute to the compiler.
        if matches!(&word, TokenTree::Punct(mark) if mark.as_char() == '#') {
            words.next_if(|next| matches!(next, TokenTree::Punct(mark) if mark.as_char() == '!'));
            if words.next_if(is_documentation).is_some() {
                continue;
            }
        }
        if let TokenTree::Group(group) = &word {
            lines.insert(group.span_open().start().line);
            lines.insert(group.span_close().end().line);
            count(group.stream(), lines);
        } else {
            lines.extend(word.span().start().line..=word.span().end().line);
        }
    }
}

fn is_documentation(word: &TokenTree) -> bool {
    let TokenTree::Group(group) = word else {
        return false;
    };
    group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}
