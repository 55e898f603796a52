//! Controllers and namespaces as sysfs shows them
//! (drivers/nvme/host/sysfs.c).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use nvmeroot_plan::inserted;

/// A controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysController {
    /// Its name, `nvme0`.
    pub name: String,
    /// The subsystem that it belongs to.
    pub nqn: String,
    /// The portal, where it has one.
    pub traddr: Option<IpAddr>,
    /// The portal's port.
    pub trsvcid: Option<u16>,
    /// The interface that it is bound to, where it is.
    pub host_iface: Option<String>,
}

/// sysfs.
#[derive(Clone, Debug)]
pub struct NvmeTree {
    sys: PathBuf,
}

impl NvmeTree {
    /// Under `/sys`, or what plays it.
    pub fn new(sys: &Path) -> Self {
        Self {
            sys: sys.to_owned(),
        }
    }

    /// The names of all controllers.
    pub fn names(&self) -> BTreeSet<String> {
        names(&self.sys.join("class/nvme"))
    }

    /// All controllers, by name.
    pub fn controllers(&self) -> Vec<SysController> {
        let names = self.names();
        names
            .iter()
            .filter_map(|name| self.controller(name))
            .collect()
    }

    fn controller(&self, name: &str) -> Option<SysController> {
        let dir = self.sys.join("class/nvme").join(name);
        let address = attribute(&dir, "address").unwrap_or_default();
        let field = |key: &str| {
            address
                .split(',')
                .find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
        };
        Some(SysController {
            name: name.to_owned(),
            nqn: attribute(&dir, "subsysnqn")?,
            traddr: field("traddr").and_then(|a| a.parse().ok()),
            trsvcid: field("trsvcid").and_then(|p| p.parse().ok()),
            host_iface: field("host_iface").map(str::to_owned),
        })
    }

    /// The block devices of a subsystem's namespaces (`nvme0n1`): with multipath
    /// they lie under the subsystem, without it under its controllers.
    pub fn namespaces(&self, nqn: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        for class in ["class/nvme-subsystem", "class/nvme"] {
            let class = self.sys.join(class);
            for name in names(&class) {
                let dir = class.join(name);
                if attribute(&dir, "subsysnqn").as_deref() == Some(nqn) {
                    found.extend(names(&dir).into_iter().filter(|name| is_namespace(name)));
                }
            }
        }
        found.into_iter().collect()
    }

    /// Removes a controller; returns when it is gone. One that is gone
    /// already is no error.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn delete(&self, instance: u32) -> io::Result<()> {
        let file = self
            .sys
            .join(format!("class/nvme/nvme{instance}/delete_controller"));
        match fs::OpenOptions::new().write(true).open(file) {
            Ok(mut file) => io::Write::write_all(&mut file, b"1"),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
        }
    }
}

/// `nvmeXnY`: not a path of a multipath device (`nvmeXcYnZ`), which has no
/// block device, nor its generic device (`ngXnY`).
fn is_namespace(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    name.strip_prefix("nvme")
        .and_then(|rest| rest.split_once('n'))
        .is_some_and(|(controller, namespace)| digits(controller) && digits(namespace))
}

fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    inserted(entries.map(|entry| entry.file_name().to_string_lossy().into_owned()))
}

fn attribute(dir: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(dir.join(name)).ok()?;
    Some(text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    #[test]
    fn a_tree_is_read_with_and_without_multipath() {
        let root = tempfile::tempdir().expect("a directory");
        let sys = root.path();
        put(sys, "class/nvme/nvme0/subsysnqn", "nqn.a\n");
        put(sys, "class/nvme/nvme0/state", "live\n");
        put(
            sys,
            "class/nvme/nvme0/address",
            "traddr=192.0.2.1,trsvcid=4420,host_iface=eth0,src_addr=192.0.2.9\n",
        );
        put(sys, "class/nvme/nvme0/nvme0c0n1/nsid", "1\n");
        put(
            sys,
            "class/nvme-subsystem/nvme-subsys0/subsysnqn",
            "nqn.a\n",
        );
        put(sys, "class/nvme-subsystem/nvme-subsys0/nvme0n1/nsid", "1\n");
        put(
            sys,
            "class/nvme-subsystem/nvme-subsys0/nvme0n1/uuid",
            "u-1\n",
        );
        put(sys, "class/nvme/nvme1/subsysnqn", "nqn.b\n");
        put(sys, "class/nvme/nvme1/state", "connecting\n");
        put(sys, "class/nvme/nvme1/nvme1n2/nsid", "2\n");
        put(sys, "class/nvme/nvme1/ng1n2/nsid", "2\n");

        let tree = NvmeTree::new(sys);
        let controllers = tree.controllers();
        assert_eq!(controllers[0].traddr, "192.0.2.1".parse().ok());
        assert_eq!(controllers[0].trsvcid, Some(4420));
        assert_eq!(controllers[0].host_iface.as_deref(), Some("eth0"));
        assert_eq!(controllers[1].nqn, "nqn.b");
        assert_eq!(tree.namespaces("nqn.a"), ["nvme0n1"]);
        assert_eq!(tree.namespaces("nqn.b"), ["nvme1n2"]);
        assert!(tree.namespaces("nqn.c").is_empty());
    }

    #[test]
    fn only_block_devices_count() {
        assert!(is_namespace("nvme0n1") && is_namespace("nvme12n34"));
        for other in [
            "nvme0c1n1",
            "nvme0",
            "ng0n1",
            "nvme0n",
            "nvmen1",
            "nvme0n1p2",
        ] {
            assert!(!is_namespace(other), "{other}");
        }
    }
}
