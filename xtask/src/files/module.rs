//! A crate's modules, as its files declare them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemUse, Meta, UseTree, Visibility};

/// The text of source files by their paths, which have `/` between their parts.
pub(crate) type Files = BTreeMap<String, String>;

/// All modules of a crate, the topmost first.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) modules: Vec<Module>,
}

/// One module: a file, or a part of one in braces.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) file: String,
    pub(super) parent: Option<usize>,
    pub(super) children: BTreeMap<String, usize>,
    /// Names of what it defines itself.
    pub(super) items: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    /// Its code without tests and imports.
    pub(super) code: Vec<TokenStream>,
    /// What only brings in names and declares modules.
    pub(super) declarations: Vec<TokenStream>,
}

/// One name of a `use`, or all names of a module.
#[derive(Debug)]
pub(super) struct Import {
    /// `None`: the names that the path holds (`*`).
    pub(super) name: Option<String>,
    pub(super) path: Vec<String>,
    /// It hands a name on, and is no use by itself.
    pub(super) is_facade: bool,
    /// It is one of the module's names, and not of a block's.
    pub(super) is_member: bool,
}

impl Tree {
    /// Reads the file `root` and all files that it declares.
    pub(super) fn read(files: &Files, root: &str) -> Result<Self> {
        let mut tree = Self {
            modules: Vec::new(),
        };
        tree.read_file(files, root, folder(root), None)?;
        Ok(tree)
    }

    fn read_file(
        &mut self,
        files: &Files,
        path: &str,
        inside: &str,
        parent: Option<usize>,
    ) -> Result<usize> {
        let text = files.get(path).with_context(|| format!("no `{path}`"))?;
        let parsed = syn::parse_file(text).with_context(|| path.to_owned())?;
        self.add(files, path, inside, parent, parsed.items)
    }

    /// `inside` is the folder for the files of its child modules.
    fn add(
        &mut self,
        files: &Files,
        path: &str,
        inside: &str,
        parent: Option<usize>,
        items: Vec<Item>,
    ) -> Result<usize> {
        let own = self.modules.len();
        self.modules.push(Module {
            file: path.to_owned(),
            parent,
            children: BTreeMap::new(),
            items: BTreeSet::new(),
            imports: Vec::new(),
            code: Vec::new(),
            declarations: Vec::new(),
        });
        for mut item in items {
            if attributes(&item).iter().any(is_for_tests) {
                continue;
            }
            if let Item::Mod(module) = item {
                let name = plain(&module.ident);
                let inside = format!("{inside}/{name}");
                self.modules[own]
                    .declarations
                    .push(module.mod_token.to_token_stream());
                let child = if let Some((_, items)) = module.content {
                    self.add(files, path, &inside, Some(own), items)?
                } else {
                    let file = [format!("{inside}.rs"), format!("{inside}/mod.rs")]
                        .into_iter()
                        .find(|file| files.contains_key(file));
                    let Some(file) = file else {
                        bail!("`{path}` declares `mod {name}`, and there is no `{inside}.rs`");
                    };
                    self.read_file(files, &file, &inside, Some(own))?
                };
                self.modules[own].children.insert(name, child);
                continue;
            }
            if let Item::Impl(block) = &mut item {
                let is_shipped = |item: &ImplItem| !impl_attributes(item).iter().any(is_for_tests);
                block.items.retain(is_shipped);
            }
            self.modules[own].take(&item);
        }
        Ok(own)
    }
}

impl Module {
    fn take(&mut self, item: &Item) {
        if let Item::Use(import) = item {
            let is_facade = !matches!(import.vis, Visibility::Inherited);
            flatten(&import.tree, &mut Vec::new(), &mut |name, path| {
                self.imports.push(Import {
                    name,
                    path,
                    is_facade,
                    is_member: true,
                });
            });
            self.declarations.push(item.to_token_stream());
            return;
        }
        self.items.extend(name(item));
        let mut blocks = Blocks(Vec::new());
        blocks.visit_item(item);
        self.imports.extend(blocks.0);
        self.code.push(item.to_token_stream());
    }
}

/// Imports within functions.
struct Blocks(Vec<Import>);

impl<'a> Visit<'a> for Blocks {
    fn visit_item_use(&mut self, import: &'a ItemUse) {
        flatten(&import.tree, &mut Vec::new(), &mut |name, path| {
            self.0.push(Import {
                name,
                path,
                is_facade: false,
                is_member: false,
            });
        });
        visit::visit_item_use(self, import);
    }
}

/// The names of a `use`, each with its whole path.
fn flatten(
    tree: &UseTree,
    above: &mut Vec<String>,
    found: &mut dyn FnMut(Option<String>, Vec<String>),
) {
    let mut one = |name: &str, renamed: &str| {
        let mut path = above.clone();
        if name != "self" {
            path.push(name.to_owned());
        }
        let renamed = match renamed {
            "self" => path.last().cloned(),
            renamed => Some(renamed.to_owned()),
        };
        found(Some(renamed.unwrap_or_default()), path);
    };
    match tree {
        UseTree::Name(name) => one(&plain(&name.ident), &plain(&name.ident)),
        UseTree::Rename(name) => one(&plain(&name.ident), &plain(&name.rename)),
        UseTree::Glob(_) => found(None, above.clone()),
        UseTree::Path(path) => {
            above.push(plain(&path.ident));
            flatten(&path.tree, above, found);
            above.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, above, found);
            }
        }
    }
}

/// The name that an item defines.
fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(plain(ident))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn impl_attributes(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        ImplItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    }
}

/// The folder of a file.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A name without `r#`.
pub(super) fn plain(ident: &proc_macro2::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").unwrap_or(&text).to_owned()
}
