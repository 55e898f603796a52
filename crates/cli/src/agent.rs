//! Finding the agent that belongs to this program.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use nvmeroot_render::AGENT_PATH;

use crate::Failure;
use crate::elf::{Machine, Program};
use crate::root::{RootTree, read_file};

/// Its file name.
const NAME: &str = "nvmeroot-agent";

/// An initramfs has no room for more.
const LONGEST: u64 = 64 << 20;

/// As much of a program as says what it runs on.
const HEAD: u64 = 64;

/// The bytes of the agent for a root tree: what the user names, else the first
/// that fits of those that lie where one belongs.
pub(crate) fn find(named: Option<&Path>, root: &RootTree) -> Result<Vec<u8>, Failure> {
    let machine = machine_of(root)?;
    if let Some(path) = named {
        return read(path, machine)
            .map_err(|why| anyhow!("{why}\nhint: {}", hint("name another with")).into());
    }
    let mut unfit = Vec::new();
    for path in places() {
        match path.try_exists() {
            Ok(false) => {}
            _ => match read(&path, machine) {
                Ok(bytes) => return Ok(bytes),
                Err(why) => unfit.push(format!("\n  {why}")),
            },
        }
    }
    Err(anyhow!(
        "there is no `{NAME}` for the initramfs{}\nhint: put it at `/{AGENT_PATH}`; or {}",
        unfit.concat(),
        hint("name it with")
    )
    .into())
}

fn hint(verb: &str) -> String {
    format!(
        "{verb} `--agent FILE` (`cargo xtask agent` builds it); or pass `--runtime scripts`, which needs none"
    )
}

/// Where an agent belongs: beside this program, where cargo puts it when this
/// program lies in a build tree, and where a package puts it.
fn places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    let own = std::env::current_exe().ok();
    if let Some(directory) = own.as_deref().and_then(Path::parent) {
        places.push(directory.join(NAME));
        if let (Some(top), Some(profile)) = (directory.parent(), directory.file_name()) {
            for libc in ["musl", "gnu"] {
                let target = format!("{}-unknown-linux-{libc}", std::env::consts::ARCH);
                let target = top.join(target);
                places.push(target.join("agent").join(NAME));
                places.push(target.join(profile).join(NAME));
            }
        }
    }
    places.push(Path::new("/").join(AGENT_PATH));
    places
}

/// What the root tree's programs run on; a tree without a shell is taken for
/// this machine's.
fn machine_of(root: &RootTree) -> Result<Machine, Failure> {
    for path in ["usr/bin/sh", "bin/sh"] {
        let head = root.read(path, HEAD)?.unwrap_or_default();
        if let Ok(machine) = Machine::read(&head) {
            return Ok(machine);
        }
    }
    own_head()
        .ok()
        .and_then(|bytes| Machine::read(&bytes).ok())
        .ok_or_else(|| {
            anyhow!(
                "can't tell which machine the root tree is for: it has no shell (`bin/sh`), and this program can't read itself\nhint: install the root tree's base system first; see that /proc is mounted"
            )
            .into()
        })
}

/// The beginning of this program.
fn own_head() -> io::Result<Vec<u8>> {
    let own = File::open(std::env::current_exe()?)?;
    let mut head = Vec::new();
    own.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

/// Reads a file, if it can work in an initramfs of such a machine; else says
/// why not.
fn read(path: &Path, machine: Machine) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let bytes =
        read_file(path, LONGEST).map_err(|e| format!("can't read the agent `{shown}`: {e}"))?;
    let can_not = |why: String| format!("`{shown}` can't be the agent: {why}");
    let program = Program::read(&bytes).map_err(|e| can_not(e.to_string()))?;
    if program.machine != machine {
        return Err(can_not(format!(
            "it is for {}, and the root tree is for {machine}",
            program.machine
        )));
    }
    if !program.is_static {
        return Err(can_not(
            "it is not static, and the initramfs has no libraries for it".to_owned(),
        ));
    }
    Ok(bytes)
}
