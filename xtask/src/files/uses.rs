//! Which file uses which, and which names tie them.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};

use super::module::{Import, Module, Tree, plain};

/// For every file those that it uses, with the names.
pub(super) type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Module(usize),
    Item {
        file: String,
        name: String,
    },
    /// Nothing of this crate.
    Nothing,
}

/// All uses in a crate. Declaring a module is none, nor is handing a name on
/// (`pub use`); who takes such a name uses the file that defines it.
pub(super) fn all(tree: &Tree) -> Uses {
    let mut uses = Uses::new();
    for (at, module) in tree.modules.iter().enumerate() {
        let from = uses.entry(module.file.clone()).or_default();
        let mut add = |found| {
            if let Found::Item { file, name } = found
                && file != module.file
            {
                from.entry(file).or_default().insert(name);
            }
        };
        for import in module.imports.iter().filter(|import| !import.is_facade) {
            // Where it may be a module as well, what is said with the name decides.
            if !tree.may_be_module(at, &import.path) {
                add(tree.find(at, &import.path, DEPTH));
            }
        }
        let mut paths = Vec::new();
        for code in &module.code {
            collect(code.clone(), &mut paths);
        }
        for path in paths {
            add(tree.find(at, &path, DEPTH));
        }
    }
    uses
}

/// Names that stand for names: so many after each other.
const DEPTH: usize = 16;

impl Tree {
    /// Where a path leads that stands in the module `at`.
    fn find(&self, at: usize, path: &[String], depth: usize) -> Found {
        let mut start = at;
        let mut rest = path;
        while let [first, after @ ..] = rest {
            match first.as_str() {
                "crate" => start = 0,
                "self" => {}
                "super" => start = self.modules[start].parent.unwrap_or(0),
                _ => break,
            }
            rest = after;
        }
        let Some(first) = rest.first() else {
            return Found::Module(start);
        };
        let found = self.inside(start, rest, depth);
        let is_rooted = rest.len() < path.len();
        match found {
            // What a macro makes has no item of its name.
            Found::Nothing if is_rooted && !self.has(start, first) => Found::Item {
                file: self.modules[start].file.clone(),
                name: first.clone(),
            },
            found => found,
        }
    }

    /// Where a path leads that begins with a name of the module `at`.
    fn inside(&self, at: usize, path: &[String], depth: usize) -> Found {
        let module = &self.modules[at];
        let [first, rest @ ..] = path else {
            return Found::Module(at);
        };
        let Some(depth) = depth.checked_sub(1) else {
            return Found::Nothing;
        };
        let item = |name: &str| Found::Item {
            file: module.file.clone(),
            name: name.to_owned(),
        };
        // A function may have the name of a module.
        if rest.is_empty() && module.items.contains(first) {
            return item(first);
        }
        if let (Some(child), false) = (module.children.get(first), rest.is_empty()) {
            return match self.inside(*child, rest, depth) {
                Found::Nothing if !self.has(*child, &rest[0]) => Found::Item {
                    file: self.modules[*child].file.clone(),
                    name: rest[0].clone(),
                },
                found => found,
            };
        }
        if module.items.contains(first) {
            return item(first);
        }
        if let Some(import) = module.member_import(first) {
            let whole = [&import.path[..], rest].concat();
            return self.find(at, &whole, depth);
        }
        if let Some(child) = module.children.get(first) {
            return Found::Module(*child);
        }
        for import in module.imports.iter().filter(|i| i.name.is_none()) {
            if let Found::Module(other) = self.find(at, &import.path, depth)
                && other != at
            {
                let found = self.inside(other, path, depth);
                if found != Found::Nothing {
                    return found;
                }
            }
        }
        Found::Nothing
    }

    /// Whether a path names a module, whatever else has the name.
    fn may_be_module(&self, at: usize, path: &[String]) -> bool {
        let Some((last, before)) = path.split_last() else {
            return false;
        };
        match self.find(at, before, DEPTH) {
            Found::Module(module) => self.modules[module].children.contains_key(last),
            _ => false,
        }
    }

    /// Whether a module has a name, wherever that leads.
    fn has(&self, at: usize, name: &str) -> bool {
        let module = &self.modules[at];
        module.items.contains(name)
            || module.children.contains_key(name)
            || module.member_import(name).is_some()
    }
}

impl Module {
    fn member_import(&self, name: &str) -> Option<&Import> {
        self.imports
            .iter()
            .find(|import| import.is_member && import.name.as_deref() == Some(name))
    }
}

/// All paths in code, those within macros, too; not what follows a dot.
fn collect(code: TokenStream, paths: &mut Vec<Vec<String>>) {
    let mut words = code.into_iter().peekable();
    let mut follows_dot = false;
    while let Some(word) = words.next() {
        match word {
            TokenTree::Group(group) => collect(group.stream(), paths),
            TokenTree::Ident(name) if !follows_dot => {
                let mut path = vec![plain(&name)];
                loop {
                    // `::` are two marks.
                    let mut ahead = words.clone();
                    let colons = (0..2).all(|_| is_mark(ahead.next().as_ref(), ':'));
                    let Some(TokenTree::Ident(name)) = ahead.next().filter(|_| colons) else {
                        break;
                    };
                    path.push(plain(&name));
                    words = ahead;
                }
                paths.push(path);
            }
            TokenTree::Punct(mark) if mark.as_char() == '.' => {
                // A method or a field; `..` is a range, and what follows is a path.
                follows_dot = !follows_dot;
                continue;
            }
            _ => {}
        }
        follows_dot = false;
    }
}

fn is_mark(word: Option<&TokenTree>, mark: char) -> bool {
    matches!(word, Some(TokenTree::Punct(found)) if found.as_char() == mark)
}
