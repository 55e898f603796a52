//! What the running system's network manager is told of interfaces that only the boot
//! knows: those of the firmware's table, and of the kernel command line.
//!
//! Nothing that was written when the system was installed speaks of these. All of it
//! lies in `/run`, so the next boot begins anew.

use std::io;

use nvmeroot_plan::Interface;

use super::card::{Card, Wanted};
use crate::sys::netlink::Link;
use crate::sys::paths::Paths;

pub(super) mod network_manager;
pub(super) mod networkd;

/// An interface that only the boot knows, and its link.
#[derive(Clone, Copy, Debug)]
pub(super) struct New<'a> {
    pub(super) interface: &'a Interface,
    pub(super) link: &'a Link,
    /// What the installed configuration says of the same link.
    pub(super) installed: Option<&'a Interface>,
}

impl<'a> New<'a> {
    /// `all`: the plan's interfaces, among which may be what the installed configuration
    /// calls this link.
    pub(super) fn of(
        interface: &'a Interface,
        link: &'a Link,
        all: &'a [Interface],
        installed: impl Fn(&Interface) -> bool,
        paths: &Paths,
    ) -> Self {
        let is_link = |one: &&Interface| {
            let wanted = Wanted {
                name: &one.name,
                matching: one.matching.as_ref(),
                renamed: one.set_name,
            };
            wanted
                .find(std::iter::once(Card::of(link.clone(), paths)))
                .is_some()
        };
        let mut others = all
            .iter()
            .filter(|one| installed(one) && one.kind == interface.kind);
        Self {
            interface,
            link,
            installed: others.find(is_link),
        }
    }
}

/// Writes a file below `/run`.
fn write(path: &std::path::Path, text: &str, mode: u32) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(mode);
    file.open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests;
