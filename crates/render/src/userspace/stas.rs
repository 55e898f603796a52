//! nvme-stas's configuration (stafd.conf(5)), by which the running system
//! connects what is not needed before it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use nvmeroot_plan::{BootPlan, CONNECT_OPTIONS, ConnectOption, Controller, Warning};

use crate::{ChangeKind, FileSet, Mode, RequiredProgram, TreePath};

/// What reads it.
pub(crate) const PROGRAM: RequiredProgram = RequiredProgram::new("stafd", "nvme-stas");

const OURS: TreePath = TreePath::fixed("etc/stas/stafd-curtin.conf");
const STAFD_CONF: TreePath = TreePath::fixed("etc/stas/stafd.conf");
const BACKUP: TreePath = TreePath::fixed("etc/stas/.stafd.conf.bak");
/// What our `stafd.conf` says.
const LINK: &str = "stafd-curtin.conf";

const HEADER: &str = "\
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`. nvme-stas reads it: `systemctl restart stafd` makes it
# read it again.
";

/// Adds the files, where there is a controller at all.
pub(crate) fn add(plan: &BootPlan, set: &mut FileSet) {
    if plan.controllers.is_empty() {
        return;
    }
    let mut directives: Vec<String> = plan.controllers.iter().map(directive).collect();
    // Several subsystems of one portal are one discovery controller.
    let mut seen = BTreeSet::new();
    directives.retain(|directive| seen.insert(directive.clone()));
    let mut text = format!("{HEADER}\n[Controllers]\n");
    for directive in directives {
        let _ = writeln!(text, "{directive}");
    }
    let why = "says which discovery controllers the running system connects";
    set.file(OURS, Mode::Config, why, text);
    set.push(
        STAFD_CONF,
        "keeps the administrator's own file",
        ChangeKind::MoveAside {
            to: BACKUP,
            unless_link_to: LINK,
        },
    );
    set.link(STAFD_CONF, "makes nvme-stas read our file", LINK);
}

/// The options that nvme-stas hands on from a discovery controller to what that one
/// offers (its staslib/stas.py, `tid_from_dlpe`), by its word and by ours. A digest in
/// such a line would be the discovery connection's alone.
const FIELDS: [(&str, &str); 2] = [("host-traddr", "host_traddr"), ("host-iface", "host_iface")];

fn directive(controller: &Controller) -> String {
    let Controller {
        transport,
        traddr,
        trsvcid,
        options,
        ..
    } = controller;
    let mut line = format!("controller = transport={transport};traddr={traddr};trsvcid={trsvcid}");
    for (field, name) in FIELDS {
        let option = ConnectOption::named(name);
        if let Some(value) = option.and_then(|option| option.value(options)) {
            let _ = write!(line, ";{field}={value}");
        }
    }
    line
}

/// What nvme-stas is not told, each with where the input asks for it.
pub(crate) fn limits(plan: &BootPlan) -> Vec<Warning> {
    let limit = |controller: &Controller| {
        let untold = CONNECT_OPTIONS.iter().filter(|option| {
            option.value(&controller.options).is_some()
                && !FIELDS.iter().any(|(_, name)| *name == option.name)
        });
        let untold: Vec<String> = untold.map(|option| format!("`{}`", option.name)).collect();
        if untold.is_empty() {
            return None;
        }
        let message = format!(
            "nvme-stas connects what `{}` offers without {}",
            controller.portal(),
            untold.join(", ")
        );
        let hint = "what nvme-stas knows of them is set for all controllers: in `[Global]` of `/etc/stas/stacd.conf` (stacd.conf(5)), the host's key in `/etc/stas/sys.conf`";
        Some(Warning::at(controller.origin.clone(), message).with_hint(hint))
    };
    plan.controllers.iter().filter_map(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::controller;

    #[test]
    fn what_stafd_knows_is_written_and_the_rest_is_said() {
        let mut one = controller("10.0.0.9", "8009");
        one.options.host_iface = Some("ens3".parse().expect("a name"));
        let known = "controller = transport=tcp;traddr=10.0.0.9;trsvcid=8009;host-iface=ens3";
        assert_eq!(directive(&one), known);
        let mut plan = BootPlan {
            controllers: vec![one],
            ..BootPlan::default()
        };
        assert_eq!(limits(&plan), []);
        let options = &mut plan.controllers[0].options;
        options.nr_io_queues = Some(4);
        options.hdr_digest = true;
        let secret = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
        options.dhchap_secret = Some(secret.parse().expect("a secret"));
        assert_eq!(directive(&plan.controllers[0]), known);
        let said = limits(&plan);
        assert_eq!(
            said[0].message,
            "nvme-stas connects what `10.0.0.9:8009` offers without `nr_io_queues`, `hdr_digest`, `dhchap_secret`"
        );
        assert_eq!(said[0].origin, Some(plan.controllers[0].origin.clone()));
    }
}
