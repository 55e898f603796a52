//! How the running system takes root's network over, one file a network
//! manager.

use nvmeroot_plan::{BootPlan, Manager};

use crate::{FileSet, Options, RenderError};

pub(crate) mod netplan;
pub(crate) mod network_manager;
pub(crate) mod networkd;

/// Adds what each of the managers needs, and takes away what is there for others.
/// netplan's file is always there: it does nothing where netplan is not.
pub(crate) fn add(
    plan: &BootPlan,
    options: &Options,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    netplan::add(plan, set)?;
    networkd::add(plan, &options.networkd_files, set)?;
    if options.managers.contains(&Manager::NetworkManager) {
        network_manager::add(plan, set);
    } else {
        network_manager::remove("NetworkManager is not there (any more)", set);
    }
    Ok(())
}
