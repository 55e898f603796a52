//! Whether taking something away changes anything: if not, nobody carried it
//! out, nobody spoke of it, and it was dropped in silence.

use std::fmt;
use std::ops::AddAssign;

use nvmeroot_plan::BootPlan;

use super::outcome::{Files, Outcome, Storage, said, said_by, without_indexes};
use super::tree::{Step, Tree, shown};
use crate::netplan::schema::{self, NETWORK, RENDERER, SupportLevel, ValueType, find};
use crate::netplan::tests::schema::samples;
use crate::yaml;

/// What became of the keys and items.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Without it a step or a file is another one.
    carried: usize,
    /// Without it a warning is missing, or another one is there.
    noted: usize,
    /// Without it a refusal is.
    refused: usize,
    /// Part of something that is refused or noted as a whole.
    within: usize,
    /// It says what holds anyway: another value changes the plan.
    default: usize,
    /// Nothing changes, and the reason is known.
    known: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.carried += other.carried;
        self.noted += other.noted;
        self.refused += other.refused;
        self.within += other.within;
        self.default += other.default;
        self.known += other.known;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            carried,
            noted,
            refused,
            within,
            default,
            known,
        } = self;
        let all = carried + noted + refused + within + default + known;
        write!(
            f,
            "{all} keys and items: {carried} carried out, {noted} noted, {refused} refused, \
             {within} within what is noted or refused as a whole, {default} say what holds anyway, \
             {known} without effect for a known reason"
        )
    }
}

/// What is said of something as a whole, so that no part of it needs a word.
const WHOLE: &[&str] = &[
    "is not carried out in the initramfs",
    "the path to the storage can't have",
    "and the initramfs does not bring that up",
    "unknown key",
];

/// The files of a case, written anew.
struct Inputs<'a> {
    trees: &'a [Tree],
    files: Files,
    storage: &'a Storage,
}

impl Inputs<'_> {
    /// What is said with another text in one place.
    fn said(&self, at: usize, tree: &Tree) -> Outcome {
        let mut files = self.files.clone();
        files[at].1 = tree.text();
        said(&files, self.storage)
    }
}

/// Takes each key and item away in turn.
pub(super) fn judge(
    files: &Files,
    storage: &Storage,
    plan: BootPlan,
    counts: &mut Counts,
    fault: &mut dyn FnMut(String),
) {
    let base = said_by(plan);
    let trees: Option<Vec<Tree>> = files
        .iter()
        .map(|(name, text)| parsed(name, text))
        .collect();
    let Some(trees) = trees else {
        return fault("a key is no text, and yet it is planned".to_owned());
    };
    let written = files.iter().zip(&trees);
    let texts = Inputs {
        files: written
            .map(|((name, _), tree)| (name.clone(), tree.text()))
            .collect(),
        trees: &trees,
        storage,
    };
    let again = said(&texts.files, storage);
    if again != base {
        return fault(format!(
            "written anew it says something else: {again:?}, not {base:?}"
        ));
    }
    for (at, tree) in trees.iter().enumerate() {
        for path in tree.leaves() {
            let less = texts.said(at, &tree.without(&path));
            let count = if is_within(&base, &path) {
                &mut counts.within
            } else if less.carried != base.carried {
                &mut counts.carried
            } else if less.refusals != base.refusals {
                &mut counts.refused
            } else if less.warnings != base.warnings {
                &mut counts.noted
            } else if is_read(&texts, at, &path, &base) {
                &mut counts.default
            } else if known(&texts, at, &path).is_some() {
                &mut counts.known
            } else {
                let (path, text) = (shown(&path), &files[at].1);
                fault(format!("dropped in silence: `{path}` in\n{text}"));
                continue;
            };
            *count += 1;
        }
    }
}

/// Whether another value in that place says something else.
fn is_read(texts: &Inputs<'_>, at: usize, path: &[Step], base: &Outcome) -> bool {
    let tree = &texts.trees[at];
    let mut values = others(tree, path).into_iter();
    values.any(|value| texts.said(at, &tree.with(path, &value)) != *base)
}

fn parsed(name: &str, text: &str) -> Option<Tree> {
    let document = yaml::parse(name, text).expect("it was planned");
    Tree::of(document.root())
}

/// Whether something above is noted or refused as a whole.
fn is_within(base: &Outcome, path: &[Step]) -> bool {
    let own = without_indexes(&shown(path));
    let said = base.warnings.iter().chain(&base.refusals);
    said.filter_map(|said| said.split_once(": "))
        .any(|(key, message)| {
            let rest = own.strip_prefix(key);
            let above = rest.is_some_and(|rest| rest.starts_with(['.', '[']));
            !key.is_empty() && above && WHOLE.iter().any(|words| message.contains(words))
        })
}

/// Other values of a single value's type.
fn others(tree: &Tree, path: &[Step]) -> Vec<String> {
    let (Some(Tree::Scalar { text, .. }), Some(value_type)) = (tree.at(path), value_type(path))
    else {
        return Vec::new();
    };
    let mut values = samples(value_type);
    for value in &mut values {
        *value = value.trim_matches('"').to_owned();
    }
    if matches!(value_type, ValueType::Number(..)) {
        values.push("8".to_owned());
    }
    values.retain(|value| value != text);
    values
}

/// The type of what stands in a place.
fn value_type(path: &[Step]) -> Option<&'static ValueType> {
    let keys: Vec<Option<&str>> = path
        .iter()
        .map(|step| match step {
            Step::Entry(_, key) => Some(key.as_str()),
            Step::Item(_) => None,
        })
        .collect();
    match keys.as_slice() {
        [Some("network"), Some(section), Some("renderer")]
            if schema::section(section).is_some() =>
        {
            Some(&RENDERER)
        }
        [
            Some("network"),
            Some(section),
            Some(_),
            Some(key),
            rest @ ..,
        ] if schema::section(section).is_some() => {
            let section = schema::section(section)?;
            below(&find(section.keys, key)?.value_type, rest)
        }
        [Some("network"), Some(key), rest @ ..] => {
            let key = NETWORK.iter().find(|own| own.name == *key)?;
            below(&key.value_type, rest)
        }
        _ => None,
    }
}

fn below(value_type: &'static ValueType, rest: &[Option<&str>]) -> Option<&'static ValueType> {
    let Some((step, after)) = rest.split_first() else {
        return Some(value_type);
    };
    match (value_type, step) {
        (ValueType::List(item) | ValueType::OneOrList(item), None) => below(item, after),
        (ValueType::Names(each), Some(_)) => below(each, after),
        (ValueType::Map(groups) | ValueType::TextOrMap(groups), Some(key)) => {
            below(&find(groups, key)?.value_type, after)
        }
        (ValueType::InterfaceAddress(options), Some(_)) => {
            let key = (*after.first()?)?;
            below(&find(options, key)?.value_type, &after[1..])
        }
        _ => None,
    }
}

/// Why something may change nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// An empty list or mapping, which says nothing.
    Empty,
    /// Only the running system uses it.
    Later,
    /// It stands in another place as well, and one of the two would do.
    SaidAgain,
    /// A renderer where every definition has one that is said nearer to it.
    Overruled,
}

fn known(texts: &Inputs<'_>, at: usize, path: &[Step]) -> Option<Known> {
    let tree = &texts.trees[at];
    match tree.at(path)? {
        Tree::List(items) if items.is_empty() => return Some(Known::Empty),
        Tree::Map(entries) if entries.is_empty() => return Some(Known::Empty),
        _ => {}
    }
    if is_later(path) {
        return Some(Known::Later);
    }
    if said_again(texts.trees, at, path) {
        return Some(Known::SaidAgain);
    }
    let is_renderer =
        |path: &[Step]| matches!(path.last(), Some(Step::Entry(_, key)) if key == "renderer");
    if is_renderer(path) {
        let leaves = tree.leaves();
        let others = leaves
            .iter()
            .rev()
            .filter(|other| is_renderer(other) && other.len() > path.len());
        let alone = others.fold(tree.clone(), |tree, other| tree.without(other));
        // The others stand further down, so that the path holds. One of the two
        // may be what holds anyway.
        let said =
            ["networkd", "NetworkManager"].map(|value| texts.said(at, &alone.with(path, value)));
        return (said[0] != said[1]).then_some(Known::Overruled);
    }
    None
}

fn is_later(path: &[Step]) -> bool {
    let names: Vec<&str> = path
        .iter()
        .map_while(|step| match step {
            Step::Entry(_, key) => Some(key.as_str()),
            Step::Item(_) => None,
        })
        .collect();
    let [_, section, _, key, below @ ..] = names.as_slice() else {
        return false;
    };
    let mut found = schema::section(section).and_then(|section| find(section.keys, key));
    let mut below = below.iter();
    while let Some(key) = found {
        if key.support == SupportLevel::Later {
            return true;
        }
        found = match (&key.value_type, below.next()) {
            (ValueType::Map(groups), Some(name)) => find(groups, name),
            _ => None,
        };
    }
    false
}

/// Whether the same key is there again, in another file or beside itself, or
/// the same item in its list.
fn said_again(trees: &[Tree], at: usize, path: &[Step]) -> bool {
    let own = without_indexes(&shown(path));
    let value = trees[at].at(path);
    let is_item = matches!(path.last(), Some(Step::Item(_)));
    trees.iter().enumerate().any(|(place, tree)| {
        let leaves = tree.leaves();
        leaves.iter().any(|other| {
            let is_another = place != at || other.as_slice() != path;
            is_another
                && without_indexes(&shown(other)) == own
                && (!is_item || tree.at(other) == value)
        })
    })
}
