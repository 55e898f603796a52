//! Which files count, and in which order.

/// One file, or one text that becomes a file of the root tree.
#[derive(Clone, Debug)]
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
}

/// Who reads the file in the running system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// netplan itself.
    Netplan,
    /// cloud-init, which writes what is under `network` into netplan's
    /// directory as `50-cloud-init.yaml`.
    CloudInit,
}

const CLOUD_INIT_WRITES: &str = "50-cloud-init.yaml";

impl Source<'_> {
    fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        let path = self.path.as_deref().unwrap_or_default();
        path.split('/')
            .filter(|part| !part.is_empty() && *part != ".")
    }

    pub(super) fn reader(&self) -> Reader {
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
        match (self.reader(), self.components().next_back()) {
            (Reader::CloudInit, _) => CLOUD_INIT_WRITES,
            (Reader::Netplan, Some(file)) => file,
            (Reader::Netplan, None) => &self.name,
        }
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
        self.path.is_some() && self.reader() == Reader::Netplan && !self.key().ends_with(".yaml")
    }
}

/// The sources that count, as places in `sources`, in netplan's order. All of
/// cloud-init's files stand in the place of the one that it writes: which of
/// them counts, their content decides.
pub(super) fn in_order(sources: &[Source<'_>]) -> Vec<usize> {
    let hidden_by = |one: &Source<'_>, by: &Source<'_>| {
        one.path.is_some()
            && by.path.is_some()
            && one.reader() == Reader::Netplan
            && by.reader() == Reader::Netplan
            && one.key() == by.key()
    };
    let mut order: Vec<usize> = (0..sources.len()).collect();
    // Of one name and one directory the last one written is the file.
    order.sort_by_key(|&at| {
        let one = &sources[at];
        let cloud_init = one.reader() == Reader::CloudInit;
        (one.key(), cloud_init, one.path.is_some(), one.rank())
    });
    let mut kept: Vec<usize> = Vec::with_capacity(order.len());
    for at in order {
        while let Some(&before) = kept.last()
            && hidden_by(&sources[before], &sources[at])
        {
            kept.pop();
        }
        kept.push(at);
    }
    kept
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
            })
            .collect();
        let order = in_order(&sources).into_iter();
        order.map(|at| sources[at].name.clone()).collect()
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
        };
        assert_eq!(in_order(&[text(b"1"), text(b"2")]), [1]);
    }

    #[test]
    fn texts_without_a_path_all_count() {
        assert_eq!(
            order(&["etc_netplan_installer", "etc_netplan_installer"]).len(),
            2
        );
    }

    #[test]
    fn cloud_init_files_stand_where_it_writes() {
        assert_eq!(
            order(&[
                "etc/netplan/60-b.yaml",
                "etc/cloud/cloud.cfg.d/99-x.cfg",
                "etc/netplan/00-a.yaml",
            ]),
            [
                "etc/netplan/00-a.yaml",
                "etc/cloud/cloud.cfg.d/99-x.cfg",
                "etc/netplan/60-b.yaml"
            ]
        );
    }

    #[test]
    fn only_yaml_files_are_read_by_netplan() {
        let source = |path: &str| Source {
            name: String::new(),
            path: Some(path.to_owned()),
            text: b"",
        };
        assert!(source("etc/netplan/a.yml").is_ignored_by_netplan());
        assert!(!source("etc/netplan/a.yaml").is_ignored_by_netplan());
        assert!(!source("etc/cloud/cloud.cfg.d/a.cfg").is_ignored_by_netplan());
    }
}
