//! The Debian package comes later, again, and goes: what boots then.

use super::{Scenario, boots, dracut, home, slim};
use crate::host_spec::{HostKind, HostSpec, PackageStory};

pub(super) fn all() -> Vec<Scenario> {
    let upgraded = told(
        "package-upgraded",
        "a later version of the package has made the initramfs",
        PackageStory::Upgraded,
    );
    let reinstalled = told(
        "package-reinstalled",
        "the package was installed again",
        PackageStory::Reinstalled,
    );
    let purged = purged();
    vec![
        dracut::by_dracut(&upgraded),
        dracut::by_dracut(&purged),
        upgraded,
        reinstalled,
        purged,
    ]
}

fn told(name: &'static str, title: &'static str, story: PackageStory) -> Scenario {
    let base = slim::agent_ipv4();
    Scenario {
        name,
        title,
        host: HostSpec {
            name: name.to_owned(),
            story: Some(story),
            ..base.host
        },
        ..base
    }
}

/// Configured for a remote drive, purged, and started from its local one.
fn purged() -> Scenario {
    Scenario {
        name: "package-purged",
        title: "a tree was configured and the package purged: it boots from its local drive",
        host: HostSpec {
            name: "package-purged".to_owned(),
            kind: HostKind::Debian,
            story: Some(PackageStory::Purged),
            ..slim::agent_ipv4().host
        },
        end: boots(),
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                let controllers = &report.controllers;
                faults.expect(controllers.is_empty(), || {
                    format!("connected: {controllers:?}")
                });
            }
            let ours = |line: &&crate::machine::Line| line.text.contains("nvmeroot");
            let said = outcome.console.iter().find(ours);
            faults.expect(said.is_none(), || format!("somebody is at work: {said:?}"));
        },
        ..home::remote_home()
    }
}
