//! The hand-off to systemd-networkd where its own files set root's interfaces up:
//! drop-ins beside them (systemd.network(5)).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nvmeroot_plan::{BootPlan, Interface, InterfaceName};

use crate::{FileSet, Mode, RenderError, TreePath};

const HEADER: &str = "\
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`.
#
";

/// Where drop-ins lie that an administrator may edit, in directories whose names end
/// so, and what ours is called.
pub(crate) const PLACE: &str = "etc/systemd/network";
pub(crate) const DIRECTORY: &str = ".network.d";
pub(crate) const NAME: &str = "nvmeroot.conf";

/// A file of systemd-networkd's that may set an interface up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkdFile {
    /// Its name, without directories.
    pub name: String,
    /// Those of root's interfaces that it may be for; none any more, where there is a
    /// drop-in of an earlier run.
    pub interfaces: Vec<InterfaceName>,
}

/// Adds the drop-ins, and takes away those of files that are for none of root's
/// interfaces any more.
pub(crate) fn add(
    plan: &BootPlan,
    files: &[NetworkdFile],
    set: &mut FileSet,
) -> Result<(), RenderError> {
    let all = plan.storage_interfaces();
    let by_name: BTreeMap<_, _> = all.into_iter().map(|one| (&one.name, one)).collect();
    for file in files {
        let interfaces = file.interfaces.iter();
        let interfaces: Vec<_> = interfaces
            .filter_map(|name| by_name.get(name).copied())
            .collect();
        let path = drop_in(&file.name)?;
        if interfaces.is_empty() {
            let why = "the file sets no interface of root's up (any more)";
            set.absent([path], why);
        } else {
            let why = "keeps systemd-networkd from taking root's network away";
            set.file(path, Mode::Config, why, text(&interfaces));
        }
    }
    Ok(())
}

/// The path of our drop-in for a file of that name.
pub(super) fn drop_in(name: &str) -> Result<TreePath, RenderError> {
    format!("{PLACE}/{name}.d/{NAME}").parse()
}

fn text(interfaces: &[&Interface]) -> String {
    let names = interfaces.iter().map(|one| format!("`{}`", one.name));
    let names = Vec::from_iter(names).join(", ");
    let mut text = format!(
        "{HEADER}# The root filesystem stands on {names}.\n[Network]\nKeepConfiguration=yes\n"
    );
    let mut clients = interfaces.iter().filter_map(|one| one.dhcp4.as_ref());
    if let Some(client) = clients.next() {
        let metric = client.route_metric;
        let _ = writeln!(text, "\n[DHCPv4]\nRouteMetric={metric}");
        if client.identifier_mac {
            text.push_str("ClientIdentifier=mac\n");
        }
    }
    let mut clients = interfaces.iter().filter_map(|one| one.dhcp6.as_ref());
    if let Some(iaid) = clients.find_map(|client| client.link_layer_iaid) {
        text.push('\n');
        text.push_str(&same_dhcp6_client(iaid));
    }
    let mut metrics = interfaces.iter().filter_map(|one| one.ra_metric);
    if let Some(metric) = metrics.next() {
        let _ = writeln!(text, "\n[IPv6AcceptRA]\nRouteMetric={metric}");
    }
    text
}

/// A drop-in for what makes the running system the same DHCPv6 client as the initramfs.
pub(super) fn dhcp6_only(iaid: u32) -> String {
    let section = same_dhcp6_client(iaid);
    format!("{HEADER}# The initramfs asks for root's address under this identity.\n{section}")
}

/// The identity that the agent and the scripts' dhcpcd are given: DUID-LL and
/// the plan's IAID.
fn same_dhcp6_client(iaid: u32) -> String {
    format!("[DHCPv6]\nDUIDType=link-layer\nIAID={iaid}\n")
}

#[cfg(test)]
mod tests {
    use nvmeroot_plan::{Dhcp4, Dhcp6};

    use super::*;
    use crate::ChangeKind;
    use crate::testing::{controller, ethernet, initramfs_plan};

    /// The text of each drop-in; `None`: it is taken away.
    fn drop_ins(
        interfaces: Vec<Interface>,
        files: &[(&str, &[&str])],
    ) -> Vec<(String, Option<String>)> {
        let plan = initramfs_plan(interfaces, vec![controller("10.0.0.9", "4420")]);
        let files: Vec<_> = files
            .iter()
            .map(|(name, interfaces)| NetworkdFile {
                name: (*name).to_owned(),
                interfaces: interfaces
                    .iter()
                    .map(|name| name.parse().expect("a name"))
                    .collect(),
            })
            .collect();
        let mut set = FileSet::default();
        add(&plan, &files, &mut set).expect("paths");
        set.into_iter()
            .map(|change| {
                let text = match &change.kind {
                    ChangeKind::File { bytes, .. } => {
                        Some(String::from_utf8_lossy(bytes).into_owned())
                    }
                    _ => None,
                };
                (change.path.to_string(), text)
            })
            .collect()
    }

    #[test]
    fn the_file_that_sets_the_interface_up_has_a_drop_in() {
        let mut ens3 = ethernet("ens3");
        ens3.dhcp4 = Some(Dhcp4::default());
        ens3.dhcp6 = Some(Dhcp6::default());
        let all = drop_ins(
            vec![ens3, ethernet("ens4")],
            &[
                ("20-wired.network", &["ens3", "ens4"]),
                ("90-other.network", &[]),
            ],
        );
        let [(path, Some(text)), (other, None)] = all.as_slice() else {
            panic!("{all:?}");
        };
        assert_eq!(path, "etc/systemd/network/20-wired.network.d/nvmeroot.conf");
        assert_eq!(
            other,
            "etc/systemd/network/90-other.network.d/nvmeroot.conf"
        );
        assert_eq!(
            text.strip_prefix(HEADER),
            Some(
                "\
# The root filesystem stands on `ens3`, `ens4`.
[Network]
KeepConfiguration=yes

[DHCPv4]
RouteMetric=100
ClientIdentifier=mac

[DHCPv6]
DUIDType=link-layer
IAID=1

[IPv6AcceptRA]
RouteMetric=100
"
            )
        );
    }

    #[test]
    fn a_static_interface_is_only_kept() {
        let all = drop_ins(vec![ethernet("ens3")], &[("a.network", &["ens3"])]);
        let text = all[0].1.as_deref().expect("a file");
        assert!(
            text.ends_with("[Network]\nKeepConfiguration=yes\n"),
            "{text}"
        );
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let error = drop_in("../../x.network").expect_err("outside");
        assert!(matches!(error, RenderError::TreePath { .. }), "{error}");
    }
}
