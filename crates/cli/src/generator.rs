//! What makes a root tree's initramfs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::anyhow;
use nvmeroot_plan::Warning;
use nvmeroot_render::Generator;
use serde::Serialize;

use crate::Failure;
use crate::args::GeneratorArg;
use crate::root::RootTree;

/// Makes an image for initramfs-tools. `update-initramfs` is no sign: dracut's package
/// has a program of that name too.
const MKINITRAMFS: &str = "usr/sbin/mkinitramfs";
const DRACUT: &str = "usr/bin/dracut";

/// What a kernel's package runs when it is installed (run-parts(8), in this order).
const HOOKS: [(&str, Generator); 2] = [
    ("etc/kernel/postinst.d/dracut", Generator::Dracut),
    (
        "etc/kernel/postinst.d/initramfs-tools",
        Generator::InitramfsTools,
    ),
];

/// The generator that the files are for, and why that one.
#[derive(Debug, Serialize)]
pub(crate) struct Choice {
    #[serde(rename = "generator", serialize_with = "name")]
    pub(crate) generator: Generator,
    pub(crate) why: &'static str,
    /// Nothing in the tree tells.
    #[serde(skip)]
    pub(crate) is_guess: bool,
}

/// As `--initramfs` names it.
pub(crate) const fn named(generator: Generator) -> &'static str {
    match generator {
        Generator::Dracut => "dracut",
        _ => "initramfs-tools",
    }
}

fn name<S: serde::Serializer>(generator: &Generator, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(named(*generator))
}

impl Choice {
    /// What `--initramfs` says, else what really makes the tree's images.
    pub(crate) fn of(root: &RootTree, wanted: GeneratorArg) -> Result<Self, Failure> {
        let chosen = |generator, why| Self {
            generator,
            why,
            is_guess: false,
        };
        let asked = match wanted {
            GeneratorArg::Auto => None,
            GeneratorArg::InitramfsTools => Some(Generator::InitramfsTools),
            GeneratorArg::Dracut => Some(Generator::Dracut),
        };
        if let Some(generator) = asked {
            return Ok(chosen(generator, "as `--initramfs` says"));
        }
        let (initramfs_tools, dracut) = (root.exists(MKINITRAMFS)?, root.exists(DRACUT)?);
        Ok(match (initramfs_tools, dracut) {
            (true, false) => chosen(
                Generator::InitramfsTools,
                "the root tree has `usr/sbin/mkinitramfs` and no `usr/bin/dracut`",
            ),
            (false, true) => chosen(
                Generator::Dracut,
                "the root tree has `usr/bin/dracut` and no `usr/sbin/mkinitramfs`",
            ),
            (true, true) => Self::of_both(root)?,
            (false, false) => Self {
                is_guess: true,
                ..chosen(
                    Generator::InitramfsTools,
                    "the root tree has no generator yet",
                )
            },
        })
    }

    /// Both are installed: what a new kernel runs last makes the image that stays.
    fn of_both(root: &RootTree) -> Result<Self, Failure> {
        let mut last = None;
        for (hook, generator) in HOOKS {
            if root.exists(hook)? {
                last = Some(generator);
            }
        }
        let (generator, why) = match last {
            Some(Generator::Dracut) => (
                Generator::Dracut,
                "both generators are there, and a new kernel runs `etc/kernel/postinst.d/dracut`",
            ),
            Some(_) => (
                Generator::InitramfsTools,
                "both generators are there, and a new kernel runs `etc/kernel/postinst.d/initramfs-tools`",
            ),
            None => (
                Generator::InitramfsTools,
                "both generators are there, and a new kernel runs neither",
            ),
        };
        Ok(Self {
            generator,
            why,
            is_guess: last.is_none(),
        })
    }

    /// That nothing in the tree tells.
    pub(crate) fn warning(&self) -> Option<Warning> {
        self.is_guess.then(|| {
            let other = match self.generator {
                Generator::Dracut => Generator::InitramfsTools,
                _ => Generator::Dracut,
            };
            let message = format!(
                "what makes the initramfs is a guess, `{}`: {}",
                named(self.generator),
                self.why
            );
            Warning::general(message).with_hint(format!(
                "say `--initramfs {}` or `--initramfs {}`",
                named(self.generator),
                named(other)
            ))
        })
    }
}

/// Makes the tree's images anew.
pub(crate) fn regenerate(generator: Generator, root: &Path) -> Result<(), Failure> {
    let command = generator.command();
    let status = Command::new("chroot")
        // Never an option, whatever its name.
        .arg(root.canonicalize()?)
        .args(command)
        // Standard output is the report's.
        .stdout(Stdio::from(std::io::stderr()))
        .status()
        .map_err(|e| anyhow!("can't run `chroot`: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Runtime(anyhow!(
            "`{}` failed in the root tree ({status})",
            command[0]
        )))
    }
}

/// What a shell takes for the command that does the same.
pub(crate) fn next_command(generator: Generator, root: &Path) -> String {
    let command = generator.command().join(" ");
    let absolute = root.canonicalize().unwrap_or_else(|_| PathBuf::from(root));
    if absolute == Path::new("/") {
        return command;
    }
    let mut shown = root.display().to_string();
    if shown.starts_with('-') {
        shown.insert_str(0, "./");
    }
    let quoted = shlex::try_quote(&shown).unwrap_or(std::borrow::Cow::Borrowed(&shown));
    format!("chroot {quoted} {command}")
}
