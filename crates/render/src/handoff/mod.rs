//! How the running system takes root's network over, one file a network
//! manager.

use std::collections::BTreeSet;

use nvmeroot_plan::{BootPlan, Manager, Warning};

use crate::{FileSet, Options, RenderError, Runtime};

pub(crate) mod ifupdown;
pub(crate) mod netplan;
pub(crate) mod network_manager;
pub(crate) mod networkd;

/// Adds what each of the managers needs, and takes away what is there for others.
pub(crate) fn add(
    plan: &BootPlan,
    options: &Options,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    match options.without_netplan {
        true => netplan::remove("netplan is not there (any more)", set),
        false => netplan::add(plan, set)?,
    }
    networkd::add(plan, &options.networkd_files, set)?;
    if options.managers.contains(&Manager::NetworkManager) {
        network_manager::add(plan, set);
    } else {
        network_manager::remove("NetworkManager is not there (any more)", set);
    }
    if options.managers.contains(&Manager::Ifupdown) {
        let by_agent = options.runtime == Runtime::Agent;
        let renews = by_agent && Manager::is_left_to_ifupdown(&options.managers);
        ifupdown::add(plan, renews, set);
    } else {
        ifupdown::remove("ifupdown is not there (any more)", set);
    }
    Ok(())
}

/// What can't be handed over to these managers, whatever the plan.
pub(crate) fn limits(managers: &BTreeSet<Manager>, runtime: Runtime) -> Vec<Warning> {
    if Manager::is_left_to_ifupdown(managers) && runtime == Runtime::Scripts {
        let message = "the boot scripts can't tell ifupdown that root's interfaces are up: `ifup` fails where an address is set, and renews no lease of theirs";
        return vec![Warning::general(message).with_hint("let the agent run")];
    }
    let other = [Manager::Ifupdown2, Manager::IfupdownNg];
    let mut other = other.iter().filter(|one| managers.contains(one));
    let is_alone = managers.len() == 1;
    let warning = |one: &Manager| {
        let message = format!(
            "root's interfaces are not handed over to {}: it may take them down, at shutdown too",
            one.name()
        );
        let hint =
            "let ifupdown, networkd or NetworkManager have the interfaces that lead to the storage";
        Warning::general(message).with_hint(hint)
    };
    Vec::from_iter(other.next().filter(|_| is_alone).map(warning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(managers: &[Manager], runtime: Runtime) -> Vec<String> {
        let limits = limits(&managers.iter().copied().collect(), runtime);
        limits.into_iter().map(|one| one.message).collect()
    }

    #[test]
    fn what_is_not_handed_over_is_said() {
        let message = "root's interfaces are not handed over to ifupdown2: it may take them down, at shutdown too";
        assert_eq!(said(&[Manager::Ifupdown2], Runtime::Agent), [message]);
        let message = message.replace("ifupdown2", "ifupdown-ng");
        assert_eq!(said(&[Manager::IfupdownNg], Runtime::Scripts), [message]);
        let by_scripts = said(&[Manager::Ifupdown], Runtime::Scripts);
        assert!(by_scripts[0].starts_with("the boot scripts can't tell ifupdown"));
        for managers in [
            &[Manager::Ifupdown][..],
            &[Manager::Ifupdown2, Manager::NetworkManager],
            &[Manager::Networkd],
            &[],
        ] {
            assert_eq!(said(managers, Runtime::Agent), [""; 0], "{managers:?}");
        }
    }
}
