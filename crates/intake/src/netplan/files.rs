//! Which files count, and in which order.

use std::sync::Arc;

use nvmeroot_plan::Origin;

use crate::yaml::{Document, Position};

/// One file, or one text that becomes a file of the root tree.
#[derive(Clone, Debug, Default)]
pub struct Source<'a> {
    /// What messages call it: a path as the user named it, or the name of an
    /// embedded text.
    pub name: String,
    /// Where it is, or will be, in the root tree. netplan's order goes by the
    /// file name, and of two files of one name the one in `run` hides the one
    /// in `etc`, that the one in `lib`. Under `etc/cloud` it is a file of
    /// cloud-init. Without a path it counts in any case, in the order of names.
    pub path: Option<String>,
    /// The text.
    pub text: &'a [u8],
    /// What messages call the file that the text is a part of, and where in it the text
    /// begins.
    pub within: Option<(Arc<str>, Position)>,
}

/// A file that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'s, 'd> {
    /// Its name decides its place.
    pub(super) name: &'s str,
    /// `None`: cloud-init writes it when the machine boots, or nobody does.
    pub(super) source: Option<&'s Source<'s>>,
    pub(super) document: &'d Document,
}

impl<'s, 'd> File<'s, 'd> {
    pub(super) fn of(source: &'s Source<'s>, document: &'d Document) -> Self {
        Self {
            name: source.key(),
            source: Some(source),
            document,
        }
    }

    pub(super) fn of_cloud_init(document: &'d Document) -> Self {
        Self {
            name: CLOUD_INIT_WRITES,
            ..Self::of_words(document)
        }
    }

    /// A document that is nobody's file.
    pub(super) fn of_words(document: &'d Document) -> Self {
        Self {
            name: "",
            source: None,
            document,
        }
    }
}

/// Who reads the file in the running system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// netplan itself.
    Netplan,
    /// cloud-init, which writes what is under `network` into netplan's
    /// directory.
    CloudInit,
}

const CLOUD_INIT_WRITES: &str = "50-cloud-init.yaml";

/// Where curtin writes its own `network` (curtin `curtin/net/__init__.py`).
const CURTIN_WRITES: &str = "50-curtin-networking.cfg";

impl Source<'_> {
    /// Where it begins.
    pub(super) fn origin(&self) -> Origin {
        match &self.within {
            Some((file, at)) if *at != Position::START => {
                Origin::at(file.clone(), at.line, at.column)
            }
            Some((file, _)) => Origin::whole(file.clone()),
            None => Origin::whole(self.name.as_str()),
        }
    }

    /// What a message about the whole file calls it.
    pub(super) fn shown_path(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.name)
    }

    fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        let path = self.path.as_deref().unwrap_or_default();
        path.split('/')
            .filter(|part| !part.is_empty() && *part != ".")
    }

    fn reader(&self) -> Reader {
        let mut before = "";
        for part in self.components() {
            if part == "cloud" && matches!(before, "etc" | "lib") {
                return Reader::CloudInit;
            }
            before = part;
        }
        Reader::Netplan
    }

    /// The file name that decides its place.
    fn key(&self) -> &str {
        self.components().next_back().unwrap_or(&self.name)
    }

    /// How much a directory hides the others.
    fn rank(&self) -> u8 {
        match self.components().nth_back(2) {
            Some("run") => 2,
            Some("lib") => 0,
            _ => 1,
        }
    }

    /// netplan reads no other files.
    pub(super) fn is_ignored_by_netplan(&self) -> bool {
        self.path.is_some() && !self.key().ends_with(".yaml")
    }

    /// It is the file that cloud-init writes.
    pub(super) fn is_cloud_inits(&self) -> bool {
        self.path.is_some() && self.key() == CLOUD_INIT_WRITES
    }

    /// What a cloud or the user gives beside the system's own configuration:
    /// it counts where that says nothing of the network (cloud-init
    /// `stages.py`; `NoCloud`'s `network-config`).
    pub(super) fn is_seed(&self) -> bool {
        self.key() == "network-config"
    }

    /// Of cloud-init's files: it comes over what curtin writes.
    pub(super) fn is_after_curtins(&self) -> bool {
        self.is_drop_in() && self.key() > CURTIN_WRITES
    }

    /// It lies in `cloud.cfg.d`, whose files come over `cloud.cfg`.
    fn is_drop_in(&self) -> bool {
        self.components().nth_back(1) == Some("cloud.cfg.d")
    }
}

/// The files that netplan reads, in its order.
pub(super) fn of_netplan<'s>(sources: &'s [Source<'s>]) -> Vec<&'s Source<'s>> {
    let hidden_by = |one: &Source<'_>, by: &Source<'_>| {
        one.path.is_some() && by.path.is_some() && one.key() == by.key()
    };
    let mut order: Vec<&Source<'_>> = sources
        .iter()
        .filter(|source| source.reader() == Reader::Netplan)
        .collect();
    // Of one name and one directory the last one written is the file.
    order.sort_by_key(|one| (one.key(), one.path.is_some(), one.rank()));
    keep_last(&mut order, hidden_by);
    order
}

/// The files that cloud-init reads, weakest first. The one that `curtin` writes
/// for its own key is left out.
pub(super) fn of_cloud_init<'s>(sources: &'s [Source<'s>], curtin: bool) -> Vec<&'s Source<'s>> {
    let mut order: Vec<&Source<'_>> = sources
        .iter()
        .filter(|source| source.reader() == Reader::CloudInit)
        .filter(|source| !(curtin && source.is_drop_in() && source.key() == CURTIN_WRITES))
        .collect();
    let path = |one: &Source<'_>| one.components().map(str::to_owned).collect::<Vec<_>>();
    order.sort_by_key(|one| (!one.is_seed(), one.is_drop_in(), path(one)));
    // Of one path the last one written is the file.
    keep_last(&mut order, |one, by| path(one) == path(by));
    order
}

/// Of neighbours of which one hides the other the later one is kept.
fn keep_last<T: Copy>(all: &mut Vec<T>, is_hidden: impl Fn(T, T) -> bool) {
    all.dedup_by(|later, kept| {
        let hides = is_hidden(*kept, *later);
        if hides {
            *kept = *later;
        }
        hides
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(paths: &[&str]) -> Vec<String> {
        let sources: Vec<Source<'_>> = paths
            .iter()
            .map(|path| Source {
                name: (*path).to_owned(),
                path: path.contains('/').then(|| (*path).to_owned()),
                text: b"",
                ..Source::default()
            })
            .collect();
        let order = of_netplan(&sources).into_iter();
        order.map(|one| one.name.clone()).collect()
    }

    #[test]
    fn names_order_and_directories_hide() {
        assert_eq!(
            order(&[
                "etc/netplan/90-late.yaml",
                "run/netplan/50-a.yaml",
                "/etc/netplan/50-a.yaml",
                "lib/netplan/50-a.yaml",
                "usr/lib/netplan/10-first.yaml",
            ]),
            [
                "usr/lib/netplan/10-first.yaml",
                "run/netplan/50-a.yaml",
                "etc/netplan/90-late.yaml"
            ]
        );
    }

    #[test]
    fn the_last_file_written_to_one_path_is_the_file() {
        let text = |text| Source {
            name: String::new(),
            path: Some("etc/netplan/a.yaml".to_owned()),
            text,
            ..Source::default()
        };
        let both = [text(b"1"), text(b"2")];
        let kept: Vec<_> = of_netplan(&both).iter().map(|one| one.text).collect();
        assert_eq!(kept, [b"2"]);
    }

    #[test]
    fn texts_without_a_path_all_count() {
        assert_eq!(
            order(&["etc_netplan_installer", "etc_netplan_installer"]).len(),
            2
        );
    }

    #[test]
    fn cloud_init_reads_its_files_by_name_and_seeds_before_them() {
        let source = |path: &str| Source {
            name: path.to_owned(),
            path: Some(path.to_owned()),
            text: b"",
            ..Source::default()
        };
        let sources = [
            "etc/netplan/60-b.yaml",
            "etc/cloud/cloud.cfg.d/99-x.cfg",
            "/etc/cloud/cloud.cfg.d/50-curtin-networking.cfg",
            "etc/cloud/cloud.cfg.d/05-x.cfg",
            "etc/cloud/cloud.cfg.d/99-x.cfg",
            "etc/cloud/cloud.cfg",
            "var/lib/cloud/seed/nocloud/network-config",
        ]
        .map(source);
        let names = |curtin| -> Vec<&str> {
            let order = of_cloud_init(&sources, curtin).into_iter();
            order.map(Source::key).collect()
        };
        assert_eq!(
            names(false),
            [
                "network-config",
                "cloud.cfg",
                "05-x.cfg",
                "50-curtin-networking.cfg",
                "99-x.cfg"
            ]
        );
        assert_eq!(names(true).len(), 4);
        assert!(sources[1].is_after_curtins() && !sources[3].is_after_curtins());
    }

    #[test]
    fn only_yaml_files_are_read_by_netplan() {
        let source = |path: &str| Source {
            name: String::new(),
            path: Some(path.to_owned()),
            text: b"",
            ..Source::default()
        };
        assert!(source("etc/netplan/a.yml").is_ignored_by_netplan());
        assert!(!source("etc/netplan/a.yaml").is_ignored_by_netplan());
    }
}
