//! The plan of this boot: the installed one, or what becomes of it with the firmware's
//! tables and the kernel command line.

use std::collections::BTreeMap;

use nvmeroot_firmware::{
    Boot, NamedTable, Overlay, TABLES_DO_NOT_COUNT, changes, overlay, takes_tables,
};
use nvmeroot_plan::{
    BootPlan, FORMAT_VERSION, Fragment, Interface, InterfaceName, Reach, Warning, inserted, resolve,
};
use serde::Deserialize;

use super::cards::cards;
use super::error::StartError;
use super::tables;
use crate::sys::kmsg::{Kmsg, Level};
use crate::sys::paths::Paths;

/// What is done in this boot.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) plan: BootPlan,
    /// Interfaces of it that the installed system has not been told of; with what that
    /// says of them, where all of it counts.
    pub(crate) only_at_boot: BTreeMap<InterfaceName, Option<Interface>>,
    /// What the report of a failure says beside what failed.
    pub(crate) remarks: Vec<String>,
    /// Where the plan expects a table and there is none: nothing can come of it.
    pub(crate) hopeless: bool,
}

/// What every version of the plan's form says of itself.
#[derive(Deserialize)]
struct Form {
    version: u32,
}

/// What the plan was made of.
#[derive(Deserialize)]
struct Sources {
    #[serde(default)]
    fragments: Vec<Fragment>,
}

/// The plan of this boot. What of the installed plan, the tables and the command line
/// does not count is said.
pub(crate) fn resolved(paths: &Paths, kmsg: &Kmsg) -> Result<Resolved, StartError> {
    let text = text(paths)?;
    let installed = installed(&text, paths)?;
    // The steps and the sources beside it are for others: the steps follow from the
    // plan, and what would read them here weighs as much as a DHCP client.
    let line = std::fs::read_to_string(&paths.cmdline).unwrap_or_default();
    let takes = takes_tables(&line);
    let tables = match takes {
        true => tables::read(paths, kmsg),
        false => Vec::new(),
    };
    for NamedTable { name, table } in &tables {
        let text = format!(
            "the firmware's table `{name}` counts: {} network cards, {} drives",
            table.hfis.len(),
            table.storage().count()
        );
        kmsg.say(Level::Info, &text);
    }
    if !takes && tables::are_there(paths) {
        kmsg.say(Level::Info, TABLES_DO_NOT_COUNT);
    }
    let sources = sources(&text, kmsg);
    let cards = cards(paths, &tables, &line, &sources);
    let boot = Boot {
        tables: &tables,
        command_line: &line,
        cards: &cards,
        reach: installed.reach,
    };
    let Overlay {
        fragments,
        warnings,
    } = overlay(&sources, boot);
    for warning in &warnings {
        say(kmsg, Level::Warning, warning);
    }
    let mut remarks = Vec::new();
    if installed.reach == Reach::Firmware && tables.is_empty() && takes {
        let text = "the firmware left no boot table (NBFT) that counts, and the plan expects one: see in the firmware's setup that it boots over NVMe/TCP, or name the drive by `rd.nvmf.discover=` and the network by `ip=`";
        kmsg.say(Level::Warning, text);
        remarks.push(text.to_owned());
    }
    let plan = match fragments.is_empty() {
        true => installed.clone(),
        false => again(sources, fragments, &installed, kmsg),
    };
    Ok(Resolved {
        hopeless: !remarks.is_empty() && plan.paths.iter().all(|p| p.interfaces.is_empty()),
        only_at_boot: only_at_boot(&installed, &plan),
        remarks,
        plan,
    })
}

/// The installed plan as it stands there.
pub(super) fn text(paths: &Paths) -> Result<Vec<u8>, StartError> {
    std::fs::read(&paths.plan).map_err(|source| StartError::Read {
        path: paths.plan.clone(),
        source,
    })
}

/// The installed plan, where this program can carry it out.
pub(super) fn installed(text: &[u8], paths: &Paths) -> Result<BootPlan, StartError> {
    let path = || paths.plan.clone();
    // The version first: a newer plan may hold what this one can't read.
    let parse = |source| StartError::Parse {
        path: path(),
        source,
    };
    let Form { version } = serde_json::from_slice(text).map_err(parse)?;
    if version != FORMAT_VERSION {
        return Err(StartError::Version {
            path: path(),
            version,
        });
    }
    serde_json::from_slice(text).map_err(parse)
}

/// What the plan was made of. A plan that can be read is carried out whatever is wrong
/// here.
fn sources(text: &[u8], kmsg: &Kmsg) -> Vec<Fragment> {
    match serde_json::from_slice(text) {
        Ok(Sources { fragments }) => fragments,
        Err(e) => {
            let text = format!(
                "what the plan was made of can't be read: {e}; run `nvmeroot configure` again and regenerate the initramfs"
            );
            kmsg.say(Level::Warning, &text);
            Vec::new()
        }
    }
}

/// Resolves again, and says what becomes of the installed plan.
fn again(
    sources: Vec<Fragment>,
    fragments: Vec<Fragment>,
    installed: &BootPlan,
    kmsg: &Kmsg,
) -> BootPlan {
    if sources.is_empty() {
        let text = "the plan does not say what it was made of, so the firmware's table and the kernel command line don't count; run `nvmeroot configure` again and regenerate the initramfs";
        kmsg.say(Level::Warning, text);
        return installed.clone();
    }
    let plan = resolve(sources.into_iter().chain(fragments).collect());
    for line in changes(installed, &plan) {
        kmsg.say(Level::Info, &line);
    }
    for warning in &plan.warnings {
        if !installed.warnings.contains(warning) {
            say(kmsg, Level::Warning, warning);
        }
    }
    // Who must boot tries what can be tried.
    for error in &plan.errors {
        say(kmsg, Level::Error, error);
    }
    plan
}

fn say(kmsg: &Kmsg, level: Level, warning: &Warning) {
    let place = warning.origin.as_ref().map(|origin| format!("{origin}: "));
    let hint = warning.hint.as_ref().map(|hint| format!("; {hint}"));
    let (place, hint) = (place.unwrap_or_default(), hint.unwrap_or_default());
    kmsg.say(level, &format!("{place}{}{hint}", warning.message));
}

/// The interfaces that lead to the storage otherwise than the installed plan has it.
fn only_at_boot(
    installed: &BootPlan,
    plan: &BootPlan,
) -> BTreeMap<InterfaceName, Option<Interface>> {
    let known = installed.storage_interfaces();
    let is_told = |one: &Interface| known.iter().any(|known| known.says_the_same(one));
    let before = |one: &Interface| {
        let mut all = installed.network.interfaces.iter();
        let same = |known: &&Interface| known.id == one.id && known.name == one.name;
        all.find(same).filter(|known| one.keeps(known)).cloned()
    };
    let here = plan.storage_interfaces().into_iter();
    let new = here.filter(|one| !is_told(one));
    inserted(new.map(|one| (one.name.clone(), before(one))))
}

#[cfg(test)]
mod tests;
