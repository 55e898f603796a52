//! The graph of storage: what lies on what, from a mount down to the
//! controllers.

use std::collections::HashMap;
use std::rc::Rc;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::json::is_default;
use crate::layer::Layer;
use crate::name::{NameError, name_type};
use crate::{Controller, Origin};

name_type!(
    /// Where a filesystem is mounted: an absolute path without `.`, `..`, double
    /// or trailing slashes, or `swap` for swap space, which has no path.
    MountPoint
);

impl MountPoint {
    /// The path is `ancestor` or lies under it, by path component.
    pub fn is_at_or_under(&self, ancestor: &str) -> bool {
        self.0
            .strip_prefix(ancestor)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// A directory lies in what is mounted there.
    pub fn holds(&self, directory: &Self) -> bool {
        self.0 == "/" && directory.0.starts_with('/') || directory.is_at_or_under(&self.0)
    }

    /// The machine can't boot without it: `/`, and every mount point at or
    /// under `/usr` and `/var`.
    pub fn is_essential(&self) -> bool {
        self.0 == "/" || self.is_at_or_under("/usr") || self.is_at_or_under("/var")
    }

    /// The firmware or its boot loader reads it: `/boot` and `/boot/efi`.
    pub fn is_read_by_firmware(&self) -> bool {
        self.0 == "/boot" || self.0 == "/boot/efi"
    }
}

impl FromStr for MountPoint {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refuse = |why| Err(NameError::text(text, "mount point", why));
        if text == "none" || text == "swap" {
            return Ok(Self("swap".to_owned()));
        }
        if text.is_empty() {
            return refuse("it is empty");
        }
        if !text.starts_with('/') {
            return refuse("it does not start with `/`");
        }
        if text.contains(['\0', '\n']) {
            return refuse("it contains a line break or a NUL byte");
        }
        let mut path = String::with_capacity(text.len());
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => return refuse("it contains `..`"),
                _ => {
                    path.push('/');
                    path.push_str(part);
                }
            }
        }
        if path.is_empty() {
            path.push('/');
        }
        Ok(Self(path))
    }
}

name_type!(
    /// The kernel's name of a filesystem (filesystems(5)): `ext4`, `xfs`.
    ///
    /// Up to 32 lower-case letters, digits, `_` and `-`, a letter or digit first.
    FilesystemType: "filesystem", check_filesystem
);

fn check_filesystem(text: &str) -> Result<(), &'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let named = text.starts_with(plain)
        && text.len() <= 32
        && text.chars().all(|c| plain(c) || "_-".contains(c));
    let expected = "expected lower-case letters and digits, such as `ext4`";
    named.then_some(()).ok_or(expected)
}

/// One thing of the storage configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its id, by which others refer to it.
    pub id: String,
    /// Its type, in the source's own word (`partition`, `raid`, …).
    pub kind: String,
    /// What it lies on.
    pub on: Vec<Reference>,
    /// What it means to the plan.
    pub role: NodeRole,
    /// Where it is defined.
    pub origin: Origin,
}

/// A node's word for another node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The other node's id.
    pub id: String,
    /// Where it is said.
    pub origin: Origin,
}

/// What a node means to the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    /// Something between mounts and controllers that the kernel finds by itself.
    Device,
    /// Something there that is put together.
    Layer(Layer),
    /// A remote controller.
    Controller(Box<Controller>),
    /// A controller in the machine (PCI Express): local.
    LocalController,
    /// Something remote that NVMe/TCP does not reach.
    OtherRemote(OtherRemote),
    /// A mount.
    Mount(MountRequest),
}

/// What else can be remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherRemote {
    /// An NVMe controller by another transport (`fc`, `rdma`).
    NvmeOver(String),
    /// A disk by iSCSI.
    Iscsi,
}

/// A mount as the source asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountRequest {
    /// Where.
    pub path: MountPoint,
    /// `_netdev` is among its options; `None` where the source gives it none,
    /// as ZFS does for its datasets.
    pub netdev: Option<bool>,
    /// The source says nothing of what it lies on, so that only `_netdev`
    /// tells whether it is remote.
    pub unknown_device: bool,
    /// Its options say that the running system boots without it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional: bool,
    /// What is mounted, where the source says it.
    pub filesystem: Option<FilesystemType>,
    /// Who asks for it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: MountSource,
}

/// Who says that something is mounted, and so where a user would correct it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountSource {
    /// An installer's storage configuration.
    #[default]
    Installer,
    /// The installed system: its `etc/fstab`, or the machine that has it mounted.
    System,
}

impl MountRequest {
    /// An installer's with no options, which lies on something.
    pub fn new(path: MountPoint) -> Self {
        Self {
            path,
            netdev: None,
            unknown_device: false,
            optional: false,
            filesystem: None,
            source: MountSource::default(),
        }
    }
}

/// Why nodes make no graph.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GraphError {
    /// Two nodes have one id.
    #[error("the id `{id}` is used twice, first at {first}")]
    DuplicateId {
        /// The id.
        id: String,
        /// The second use.
        origin: Origin,
        /// The first use.
        first: Origin,
    },
    /// A node refers to an id that no node has.
    #[error("`{from}` refers to `{id}`, and nothing has that id")]
    Dangling {
        /// The node that refers.
        from: String,
        /// The id that is missing.
        id: String,
        /// Where it is said.
        origin: Origin,
    },
    /// The nodes lie on so many others that no machine could mean it.
    #[error(
        "`{id}` and what lies beside it stand on more than {MOST_LINKS} controllers, counted once for each that stands on them"
    )]
    TooWide {
        /// The node at which the limit is passed.
        id: String,
        /// Where it is defined.
        origin: Origin,
    },
    /// Nodes lie on each other in a circle.
    #[error("these lie on each other in a circle: {}", .ids.join(" → "))]
    Cycle {
        /// The ids, in order; the first one again at the end.
        ids: Vec<String>,
        /// Where the circle closes.
        origin: Origin,
    },
}

impl GraphError {
    /// Where it was found.
    pub fn origin(&self) -> &Origin {
        match self {
            Self::DuplicateId { origin, .. }
            | Self::TooWide { origin, .. }
            | Self::Dangling { origin, .. }
            | Self::Cycle { origin, .. } => origin,
        }
    }
}

/// The graph of storage, without dangling ids and circles. Its JSON form is the
/// list of nodes. Nobody changes it, so that copies share what may be ten thousand nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Node>", into = "Vec<Node>")]
pub struct StorageGraph {
    nodes: Rc<Vec<Node>>,
    /// Per node, the nodes that it lies on.
    on: Rc<[Vec<usize>]>,
    /// Per node, the controllers that it lies on in the end.
    controllers: Rc<[Rc<[usize]>]>,
}

impl From<StorageGraph> for Vec<Node> {
    fn from(graph: StorageGraph) -> Self {
        Rc::unwrap_or_clone(graph.nodes)
    }
}

impl TryFrom<Vec<Node>> for StorageGraph {
    type Error = GraphError;

    /// The first error.
    fn try_from(nodes: Vec<Node>) -> Result<Self, GraphError> {
        Self::new(nodes).map_err(|mut errors| errors.swap_remove(0))
    }
}

/// More links from nodes to controllers than this are refused: a list of them
/// grows with the product of both.
const MOST_LINKS: usize = 2_000_000;

impl StorageGraph {
    /// Links nodes by their ids, in time linear in nodes and references.
    ///
    /// # Errors
    /// Every duplicate and dangling id, or else the first circle, or a graph
    /// that is too wide.
    pub fn new(nodes: impl Into<Rc<Vec<Node>>>) -> Result<Self, Vec<GraphError>> {
        let nodes = nodes.into();
        let mut errors = Vec::new();
        let mut index: HashMap<&str, usize> = HashMap::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            if let Some(first) = index.insert(&node.id, i) {
                errors.push(GraphError::DuplicateId {
                    id: node.id.clone(),
                    origin: node.origin.clone(),
                    first: nodes[first].origin.clone(),
                });
            }
        }
        let mut on = Vec::with_capacity(nodes.len());
        for node in nodes.iter() {
            let mut below = Vec::with_capacity(node.on.len());
            for reference in &node.on {
                match index.get(reference.id.as_str()) {
                    Some(&i) => below.push(i),
                    None => errors.push(GraphError::Dangling {
                        from: node.id.clone(),
                        id: reference.id.clone(),
                        origin: reference.origin.clone(),
                    }),
                }
            }
            on.push(below);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let controllers = bottom_up(&nodes, &on)
            .and_then(|order| controllers_below(&nodes, &on, &order))
            .map_err(|error| vec![error])?;
        Ok(Self {
            nodes,
            on: on.into(),
            controllers: controllers.into(),
        })
    }

    /// All nodes, in declared order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The nodes that this one lies on, in declared order.
    pub(crate) fn on(&self, node: usize) -> impl Iterator<Item = usize> {
        self.on[node].iter().copied()
    }

    /// Per node, in declared order: the nodes with a role other than
    /// [`NodeRole::Device`], [`NodeRole::Layer`] and [`NodeRole::Mount`] that it lies
    /// on in the end, ascending. Nodes on a single other node share its list.
    pub fn controllers_below(&self) -> &[Rc<[usize]>] {
        &self.controllers
    }
}

fn controllers_below(
    nodes: &[Node],
    on: &[Vec<usize>],
    bottom_up: &[usize],
) -> Result<Vec<Rc<[usize]>>, GraphError> {
    let none: Rc<[usize]> = Rc::from([]);
    let mut below: Vec<Rc<[usize]>> = vec![none; nodes.len()];
    let mut links = 0;
    for &i in bottom_up {
        let own = matches!(
            nodes[i].role,
            NodeRole::Controller(_) | NodeRole::LocalController | NodeRole::OtherRemote(_)
        );
        below[i] = match (own, on[i].as_slice()) {
            (true, []) => Rc::from([i]),
            (false, [single]) => Rc::clone(&below[*single]),
            (_, several) => {
                links += several.iter().map(|n| below[*n].len()).sum::<usize>();
                if links > MOST_LINKS {
                    return Err(GraphError::TooWide {
                        id: nodes[i].id.clone(),
                        origin: nodes[i].origin.clone(),
                    });
                }
                let mut all: Vec<usize> = several
                    .iter()
                    .flat_map(|n| below[*n].iter().copied())
                    .collect();
                all.extend(own.then_some(i));
                all.sort_unstable();
                all.dedup();
                Rc::from(all)
            }
        };
    }
    Ok(below)
}

/// Every node after those that it lies on; without recursion, since chains
/// are as long as the input.
fn bottom_up(nodes: &[Node], on: &[Vec<usize>]) -> Result<Vec<usize>, GraphError> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    let mut stack: Vec<(usize, usize)> = Vec::new();
    for first in 0..nodes.len() {
        if marks[first] != Mark::New {
            continue;
        }
        marks[first] = Mark::Open;
        stack.push((first, 0));
        while let Some(top) = stack.last_mut() {
            let (at, next) = *top;
            let Some(&below) = on[at].get(next) else {
                marks[at] = Mark::Done;
                order.push(at);
                stack.pop();
                continue;
            };
            top.1 += 1;
            match marks[below] {
                Mark::Done => {}
                Mark::New => {
                    marks[below] = Mark::Open;
                    stack.push((below, 0));
                }
                Mark::Open => {
                    let start = stack.iter().position(|(n, _)| *n == below).unwrap_or(0);
                    let mut ids: Vec<String> = stack[start..]
                        .iter()
                        .map(|(n, _)| nodes[*n].id.clone())
                        .collect();
                    ids.push(nodes[below].id.clone());
                    let origin = nodes[at].on[next].origin.clone();
                    return Err(GraphError::Cycle { ids, origin });
                }
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::whole("test")
    }

    fn node(id: &str, on: &[&str], role: NodeRole) -> Node {
        let on = on
            .iter()
            .map(|id| Reference {
                id: (*id).to_owned(),
                origin: origin(),
            })
            .collect();
        Node {
            id: id.to_owned(),
            kind: "device".to_owned(),
            on,
            role,
            origin: origin(),
        }
    }

    #[test]
    fn a_filesystem_holds_what_lies_under_its_mount_point() {
        let held = |by: &str, what: &str| {
            let [by, what]: [MountPoint; 2] = [by, what].map(|path| path.parse().expect(path));
            by.holds(&what)
        };
        for (by, what) in [
            ("/", "/"),
            ("/", "/var"),
            ("/var", "/var"),
            ("/var", "/var/log"),
        ] {
            assert!(held(by, what), "{by} {what}");
        }
        for (by, what) in [
            ("/", "swap"),
            ("/var", "/"),
            ("/var", "/variety"),
            ("swap", "/"),
        ] {
            assert!(!held(by, what), "{by} {what}");
        }
    }

    #[test]
    fn filesystems_are_what_the_kernel_may_call_one() {
        let name = |text: &str| text.parse::<FilesystemType>();
        for good in ["ext4", "xfs", "9p", "fuse-x", "a_b", &"x".repeat(32)] {
            let name = name(good).expect(good);
            assert_eq!((name.as_str(), name.to_string().as_str()), (good, good));
        }
        for bad in ["", "-q", "Ext4", "ext4 ", "a/b", "ext4,rw", &"x".repeat(33)] {
            assert_eq!(
                name(bad),
                Err(NameError::text(
                    bad,
                    "filesystem",
                    "expected lower-case letters and digits, such as `ext4`"
                ))
            );
        }
    }

    #[test]
    fn mount_points_compare_by_component() {
        let point = |text: &str| text.parse::<MountPoint>().expect("a mount point");
        assert!(point("/").is_essential());
        assert!(point("/usr").is_essential() && point("/usr/share//").is_essential());
        assert!(point("/var/lib").is_essential());
        assert!(!point("/usrlocal").is_essential());
        assert!(!point("/variable").is_essential() && !point("/home").is_essential());
        assert!(point("/boot//efi/").is_read_by_firmware());
        assert_eq!(point("//").as_str(), "/");
        assert_eq!(
            (point("swap").as_str(), point("none").as_str()),
            ("swap", "swap")
        );
        let why = |text: &str| match text.parse::<MountPoint>() {
            Err(NameError::Text { why, .. }) => why,
            other => panic!("{text:?} gave {other:?}"),
        };
        assert_eq!(why("srv"), "it does not start with `/`");
        assert_eq!(why("/srv/../etc"), "it contains `..`");
        assert_eq!(why(""), "it is empty");
    }

    #[test]
    fn a_node_on_several_has_the_controllers_of_all() {
        let graph = StorageGraph::new(vec![
            node("md0", &["d0", "d1"], NodeRole::Device),
            node("c0", &[], NodeRole::LocalController),
            node("d0", &["c0"], NodeRole::Device),
            node("d1", &["c1"], NodeRole::Device),
            node("c1", &[], NodeRole::LocalController),
            node("lv", &["md0"], NodeRole::Device),
        ])
        .expect("a graph");
        let below = graph.controllers_below();
        assert_eq!(below[5].as_ref(), [1, 4]);
        assert_eq!(below[2].as_ref(), [1]);
    }

    #[test]
    fn bad_graphs_are_named() {
        let errors = StorageGraph::new(vec![
            node("a", &["nowhere"], NodeRole::Device),
            node("a", &[], NodeRole::Device),
        ])
        .expect_err("two faults");
        assert!(matches!(&errors[0], GraphError::DuplicateId { id, .. } if id == "a"));
        assert!(matches!(&errors[1], GraphError::Dangling { id, .. } if id == "nowhere"));

        let errors = StorageGraph::new(vec![
            node("top", &["a"], NodeRole::Device),
            node("a", &["b"], NodeRole::Device),
            node("b", &["c"], NodeRole::Device),
            node("c", &["a"], NodeRole::Device),
        ])
        .expect_err("a circle");
        assert_eq!(
            errors[0].to_string(),
            "these lie on each other in a circle: a → b → c → a"
        );
    }

    #[test]
    fn what_grows_with_a_product_is_refused() {
        let mut nodes: Vec<Node> = (0..3_000)
            .map(|i| node(&format!("c{i}"), &[], NodeRole::LocalController))
            .collect();
        let ids: Vec<String> = nodes.iter().map(|n| n.id.clone()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        nodes.push(node("wide", &ids, NodeRole::Device));
        for i in 0..1_000 {
            let on = ["wide", "c0"];
            nodes.push(node(&format!("v{i}"), &on, NodeRole::Device));
        }
        let errors = StorageGraph::new(nodes).expect_err("three million links");
        assert!(
            matches!(&errors[0], GraphError::TooWide { id, .. } if id == "v665"),
            "{errors:?}"
        );
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_does_not_overflow() {
        let mut nodes = vec![node("0", &[], NodeRole::LocalController)];
        for i in 1..100_000 {
            nodes.push(node(
                &i.to_string(),
                &[&(i - 1).to_string()],
                NodeRole::Device,
            ));
        }
        nodes.reverse();
        let graph = StorageGraph::new(nodes).expect("a graph");
        assert_eq!(graph.controllers_below()[0].as_ref(), [99_999]);
    }
}
