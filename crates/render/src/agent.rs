//! The agent runtime's files for initramfs-tools (initramfs-tools(7)).
//!
//! `init-top` starts the program in the background, `init-premount` waits for
//! it, `local-block` starts it again while root's device is missing,
//! `init-bottom` ends it. The scripts are the same for every plan; all that
//! depends on the plan is in the plan's own JSON form.

use nvmeroot_plan::{BootPlan, Document, Scope, telling_secrets};

use crate::{ChangeKind, FileSet, Mode, RenderError, TreePath, modules};

/// Where the program is, in the root tree and in the initramfs, relative to
/// the top.
pub const AGENT_PATH: &str = "usr/lib/nvmeroot/nvmeroot-agent";

const PROGRAM: TreePath = TreePath::fixed(AGENT_PATH);
const PLAN: TreePath = TreePath::fixed("etc/nvmeroot/plan.json");
const MODULES: TreePath = TreePath::fixed("etc/nvmeroot/modules");
const HOOK: TreePath = TreePath::fixed("etc/initramfs-tools/hooks/nvmeroot");
const INIT_TOP: TreePath = TreePath::fixed("etc/initramfs-tools/scripts/init-top/nvmeroot");
const INIT_PREMOUNT: TreePath =
    TreePath::fixed("etc/initramfs-tools/scripts/init-premount/nvmeroot");
const LOCAL_BLOCK: TreePath = TreePath::fixed("etc/initramfs-tools/scripts/local-block/nvmeroot");
const INIT_BOTTOM: TreePath = TreePath::fixed("etc/initramfs-tools/scripts/init-bottom/nvmeroot");
const PATHS: TreePath = TreePath::fixed("etc/systemd/system/nvmeroot-paths.service");
const PATHS_WANTED: TreePath =
    TreePath::fixed("etc/systemd/system/multi-user.target.wants/nvmeroot-paths.service");

/// Adds the files. `program`: the agent's bytes.
pub(crate) fn add(plan: &BootPlan, program: &[u8], set: &mut FileSet) -> Result<(), RenderError> {
    set.push(
        PROGRAM,
        "brings the network up and connects the controllers",
        ChangeKind::File {
            mode: Mode::Program,
            bytes: program.to_vec(),
        },
    );
    set.file(
        PLAN,
        Mode::Private,
        "says what the agent is to do",
        document(plan)?,
    );
    modules::add(plan, MODULES, set);
    set.file(
        INIT_TOP,
        Mode::Program,
        "starts the agent while devices are still being found",
        include_str!("agent/init-top.sh").to_owned(),
    );
    set.file(
        INIT_PREMOUNT,
        Mode::Program,
        "waits for the agent before anything is put together from root's drives",
        include_str!("agent/init-premount.sh").to_owned(),
    );
    set.file(
        LOCAL_BLOCK,
        Mode::Program,
        "starts the agent again while the root filesystem's device is missing",
        include_str!("agent/local-block.sh").to_owned(),
    );
    set.file(
        INIT_BOTTOM,
        Mode::Program,
        "ends the agent and leaves the network as it is",
        include_str!("agent/init-bottom.sh").to_owned(),
    );
    set.file(
        PATHS,
        Mode::Config,
        "connects in the running system what the boot did without",
        include_str!("agent/paths.service").to_owned(),
    );
    set.push(
        PATHS_WANTED,
        "starts that with the system",
        ChangeKind::Symlink {
            target: "../nvmeroot-paths.service",
        },
    );
    // Without it nothing of this comes into the initramfs.
    set.file(
        HOOK,
        Mode::Program,
        "puts the agent, its plan and kernel modules into the initramfs",
        include_str!("agent/hook.sh").to_owned(),
    );
    Ok(())
}

/// Takes away what makes the agent run. The program itself stays: it may have
/// come with a package, and nothing starts it any more.
pub(crate) fn remove(set: &mut FileSet) {
    for path in [
        HOOK,
        INIT_TOP,
        INIT_PREMOUNT,
        LOCAL_BLOCK,
        INIT_BOTTOM,
        PATHS_WANTED,
        PATHS,
        PLAN,
        MODULES,
    ] {
        let why = "the scripts runtime takes the agent's place";
        set.push(path, why, ChangeKind::Absent);
    }
}

/// The plan as the agent reads it: what `nvmeroot plan --format json` shows,
/// with the secrets.
fn document(plan: &BootPlan) -> Result<String, RenderError> {
    let document = Document::new(plan.clone(), Scope::Path);
    // The file is for the administrator alone (`Mode::Private`).
    let mut text = telling_secrets(|| serde_json::to_string_pretty(&document))
        .map_err(|e| RenderError::Json { why: e.to_string() })?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod shell_tests;
#[cfg(test)]
mod tests;
