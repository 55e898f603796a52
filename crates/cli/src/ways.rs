//! What the boot needs and no interface leads to.

use nvmeroot_plan::{BootPlan, Mount, Reach, Requirement};

/// A requirement that can't be met: its portals, and the mounts that need it.
pub(crate) struct Wayless {
    portals: String,
    mounts: String,
    /// One of the mounts can't be had without; else it is of an array that can miss it.
    pub(crate) is_needed: bool,
}

impl Wayless {
    /// What is missing.
    pub(crate) fn what(&self) -> String {
        format!("no interface leads to {}", self.portals)
    }

    /// Who needs it.
    pub(crate) fn why(&self) -> String {
        match self.is_needed {
            true => format!("{} needs it before the system starts", self.mounts),
            false => format!("{} starts without that member of an array", self.mounts),
        }
    }
}

/// An interface must lead to one controller at least of each requirement.
pub(crate) fn missing(plan: &BootPlan) -> Vec<Wayless> {
    // The firmware's table tells at boot.
    if plan.reach == Reach::Firmware {
        return Vec::new();
    }
    let has_way = |controller: &usize| {
        let mut paths = plan.paths.iter();
        paths.any(|path| path.controller == *controller && !path.interfaces.is_empty())
    };
    let unmet = plan.requirements.iter();
    let unmet: Vec<&Requirement> = unmet
        .filter(|one| !one.any_of.iter().any(has_way))
        .collect();
    let lost: Vec<&Mount> = plan.lost(&unmet).collect();
    let wayless = unmet.iter().map(|requirement| {
        let controllers = requirement.any_of.iter();
        let controllers = controllers.filter_map(|one| plan.controllers.get(*one));
        let portals = controllers.map(|one| format!("`{}`", one.portal()));
        let mounts = requirement.mounts.iter().map(|one| format!("`{one}`"));
        Wayless {
            portals: Vec::from_iter(portals).join(" or "),
            mounts: Vec::from_iter(mounts).join(", "),
            is_needed: lost
                .iter()
                .any(|mount| requirement.mounts.contains(&mount.path)),
        }
    });
    wayless.collect()
}

/// For a report: that the machine would not come up by this plan alone.
pub(crate) fn lines(plan: &BootPlan) -> String {
    let lines = missing(plan).into_iter().filter(|one| one.is_needed);
    let lines = lines.map(|one| {
        let (what, mounts) = (one.what(), one.mounts);
        format!("would not boot: {what}, which {mounts} needs\n")
    });
    lines.collect()
}
