//! The hand-off by netplan: what keeps the running system from taking away the network
//! that root stands on.
//!
//! Without `critical` systemd-networkd removes the addresses that it did not
//! set itself, and then waits for pages of a root filesystem that it can no
//! longer reach. And unless its DHCP client is the same client to the server
//! as the initramfs's, it gets another address, while root's own runs out with
//! its lease.

use std::fmt::Write as _;

use nvmeroot_plan::{BootPlan, Interface, LinkKind, netplan_file};

use super::networkd;
use crate::{FileSet, Mode, RenderError, TreePath};

/// The netplan file that the hand-off consists of, relative to the root tree.
pub const HAND_OFF_PATH: &str = "etc/netplan/99-nvmeroot.yaml";

const NETPLAN: TreePath = TreePath::fixed(HAND_OFF_PATH);

const HEADER: &str = "\
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`. It adds to what the other files here say.
#
# The root filesystem stands on these interfaces.
";

/// Takes the hand-off away.
pub(crate) fn remove(why: &'static str, set: &mut FileSet) {
    set.absent([NETPLAN], why);
}

/// Adds the files.
pub(crate) fn add(plan: &BootPlan, set: &mut FileSet) -> Result<(), RenderError> {
    let interfaces = plan.storage_interfaces();
    if interfaces.is_empty() {
        remove("no interface leads to the root filesystem (any more)", set);
        return Ok(());
    }
    let why = "keeps the running system from taking root's network away";
    set.file(NETPLAN, Mode::Private, why, netplan(&interfaces)?);
    for interface in interfaces {
        let path = networkd_drop_in(interface)?;
        let client = interface.dhcp6.as_ref();
        if let Some(iaid) = client.and_then(|client| client.link_layer_iaid) {
            let why = "makes the running system the same DHCPv6 client as the initramfs";
            set.file(path, Mode::Config, why, networkd::dhcp6_only(iaid));
        } else {
            let why = "the interface does not ask for DHCPv6 (any more)";
            set.absent([path], why);
        }
    }
    Ok(())
}

/// A netplan file that merges over the installer's.
fn netplan(interfaces: &[&Interface]) -> Result<String, RenderError> {
    let mut sections: Vec<(&str, Vec<&Interface>)> = Vec::new();
    for interface in interfaces {
        let section = section(interface)?;
        match sections.iter_mut().find(|(name, _)| *name == section) {
            Some((_, members)) => members.push(interface),
            None => sections.push((section, vec![interface])),
        }
    }
    let mut text = format!("{HEADER}network:\n  version: 2\n");
    for (section, members) in sections {
        let _ = writeln!(text, "  {section}:");
        for interface in members {
            let id = interface.id.as_str();
            if id.contains('\0') {
                return Err(RenderError::Nul {
                    word: id.escape_default().to_string(),
                    origin: interface.origin.clone(),
                });
            }
            let _ = writeln!(text, "    {}:\n      critical: true", scalar(id));
            if interface
                .dhcp4
                .as_ref()
                .is_some_and(|client| client.identifier_mac)
            {
                // What the initramfs says: the agent by its plan, dhcpcd by
                // `clientid`.
                let _ = writeln!(text, "      dhcp-identifier: mac");
            }
            // The agent tells NetworkManager by it that the profile is up.
            if let Some(connection) = interface.connection {
                let _ = writeln!(
                    text,
                    "      networkmanager:\n        uuid: \"{connection}\""
                );
            }
        }
    }
    Ok(text)
}

fn section(interface: &Interface) -> Result<&'static str, RenderError> {
    Ok(match interface.kind {
        LinkKind::Ethernet => "ethernets",
        LinkKind::Vlan { .. } => "vlans",
        LinkKind::Bond { .. } => "bonds",
        LinkKind::Bridge { .. } => "bridges",
        LinkKind::Vrf { .. } => "vrfs",
        LinkKind::Dummy(_) => "dummy-devices",
        _ => {
            return Err(RenderError::Kind {
                interface: interface.name.clone(),
                origin: interface.origin.clone(),
            });
        }
    })
}

/// A YAML scalar in double quotes (YAML 1.1, section 5.6 for the escapes), so
/// that no reader takes it for anything but this text.
fn scalar(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            ' '..='~' => write!(quoted, "{c}"),
            _ => match u32::from(c) {
                code @ 0..=0xff => write!(quoted, "\\x{code:02X}"),
                code @ 0x100..=0xffff => write!(quoted, "\\u{code:04X}"),
                code => write!(quoted, "\\U{code:08X}"),
            },
        };
    }
    quoted.push('"');
    quoted
}

/// A drop-in for the file that netplan makes of the definition. netplan itself
/// has no key for what stands in it.
fn networkd_drop_in(interface: &Interface) -> Result<TreePath, RenderError> {
    networkd::drop_in(&netplan_file(&interface.id))
}

#[cfg(test)]
mod tests;
