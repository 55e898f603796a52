//! What is an administrator's to mend in a root tree.

use std::borrow::Cow;

use nvmeroot_plan::{BootPlan, Reach, Warning, mask};
use nvmeroot_render::{Options, required_programs};

use crate::root::RootTree;
use crate::{Failure, generator};

/// libnvme's configuration, which may hold secrets.
const CONFIG_JSON: &str = "etc/nvme/config.json";

/// As much of it as is looked at.
const LONGEST: u64 = 1 << 20;

/// What the files call must be there when they are used.
pub(crate) fn missing_programs(
    root: &RootTree,
    plan: &BootPlan,
    options: &Options,
) -> Result<Option<Warning>, Failure> {
    let mut missing = Vec::new();
    for program in required_programs(plan, options.runtime, options.generator) {
        if !generator::is_installed(root, program)? {
            missing.push(program);
        }
    }
    if missing.is_empty() {
        return Ok(None);
    }
    let names = missing.iter().map(|program| match program.what {
        "" => format!("`{}`", program.name),
        what => format!("{what} `{}`", program.name),
    });
    let names: Vec<String> = names.collect();
    let packages: Vec<&str> = missing.iter().map(|p| p.package).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let message = format!(
        "{} {verb} needed and not in the root tree",
        names.join(", ")
    );
    let when = match plan.reach {
        Reach::Initramfs | Reach::Firmware => "before the initramfs is generated",
        _ => "before the machine boots",
    };
    let hint = format!("install there {when}: {}", packages.join(" "));
    Ok(Some(Warning::general(message).with_hint(hint)))
}

/// libnvme's own file is the administrator's: its mode is not ours to change.
pub(crate) fn open_secrets(root: &RootTree) -> Result<Option<Warning>, Failure> {
    let Some(mode) = root.mode(CONFIG_JSON)?.filter(|mode| mode & 0o077 != 0) else {
        return Ok(None);
    };
    let bytes = root.read(CONFIG_JSON, LONGEST)?.unwrap_or_default();
    if !matches!(mask(&String::from_utf8_lossy(&bytes)), Cow::Owned(_)) {
        return Ok(None);
    }
    let message =
        format!("`{CONFIG_JSON}` holds secrets, and its mode {mode:04o} opens it to others");
    let hint = format!("`chmod 0600 {CONFIG_JSON}` in the root tree");
    Ok(Some(Warning::general(message).with_hint(hint)))
}
