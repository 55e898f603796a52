//! What makes a root tree's initramfs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::anyhow;
use nvmeroot_plan::Warning;
use nvmeroot_render::{Generator, RequiredProgram};
use serde::Serialize;

use crate::Failure;
use crate::args::GeneratorArg;
use crate::root::RootTree;

/// What dpkg knows of each package (dpkg(1), Files).
const PACKAGES: &str = "var/lib/dpkg/status";

/// As much of it as is looked at.
const LONGEST: u64 = 64 << 20;

/// The generator that the files are for, and why that one.
#[derive(Debug, Serialize)]
pub(crate) struct Choice {
    #[serde(serialize_with = "name")]
    pub(crate) generator: Generator,
    pub(crate) why: &'static str,
    /// Nothing in the tree tells.
    #[serde(skip)]
    pub(crate) is_guess: bool,
}

fn name<S: serde::Serializer>(generator: &Generator, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(generator.name())
}

impl Choice {
    /// What `--initramfs` says, else what really makes the tree's images.
    pub(crate) fn of(root: &RootTree, wanted: GeneratorArg) -> Result<Self, Failure> {
        let asked = match wanted {
            GeneratorArg::Auto => None,
            GeneratorArg::InitramfsTools => Some(Generator::InitramfsTools),
            GeneratorArg::Dracut => Some(Generator::Dracut),
        };
        if let Some(generator) = asked {
            return Ok(Self::known(generator, "as `--initramfs` says"));
        }
        // `update-initramfs` is no sign: dracut's package has a program of that name too.
        let has = |generator: Generator| is_installed(root, generator.program());
        Ok(
            match (has(Generator::InitramfsTools)?, has(Generator::Dracut)?) {
                (true, false) => Self::known(
                    Generator::InitramfsTools,
                    "the root tree has `mkinitramfs` and no `dracut`",
                ),
                (false, true) => Self::known(
                    Generator::Dracut,
                    "the root tree has `dracut` and no `mkinitramfs`",
                ),
                (true, true) => Self::of_both(root)?,
                (false, false) => Self::guess("the root tree has no generator yet"),
            },
        )
    }

    /// Both programs are there: `mkinitramfs` stays until a package is cleared away that
    /// nobody asked for, and so does what a kernel's package runs. The two packages that
    /// make images exclude each other, so there is one at most.
    fn of_both(root: &RootTree) -> Result<Self, Failure> {
        let bytes = root.read(PACKAGES, LONGEST)?.unwrap_or_default();
        let status = String::from_utf8_lossy(&bytes);
        let has = |package| is_package_installed(&status, package);
        Ok(match (has("initramfs-tools"), has("dracut")) {
            (false, true) => Self::known(
                Generator::Dracut,
                "both generators are there, and the package `dracut` is installed",
            ),
            (true, false) => Self::known(
                Generator::InitramfsTools,
                "both generators are there, and the package `initramfs-tools` is installed",
            ),
            _ => {
                Self::guess("both generators are there, and no package tells which of them is used")
            }
        })
    }

    const fn known(generator: Generator, why: &'static str) -> Self {
        Self {
            generator,
            why,
            is_guess: false,
        }
    }

    const fn guess(why: &'static str) -> Self {
        Self {
            is_guess: true,
            ..Self::known(Generator::InitramfsTools, why)
        }
    }

    /// After files were taken away: where the tree does not tell, the generator that they
    /// were for.
    pub(crate) fn of_former<'a>(
        root: &RootTree,
        wanted: GeneratorArg,
        paths: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Failure> {
        let choice = Self::of(root, wanted)?;
        let mut told = paths.filter_map(generator_of);
        Ok(match told.next() {
            Some(first) if choice.is_guess && told.all(|other| other == first) => {
                Self::known(first, "nvmeroot's files were for it")
            }
            _ => choice,
        })
    }

    /// That nothing in the tree tells.
    pub(crate) fn warning(&self) -> Option<Warning> {
        self.warning_with(|| "say `--initramfs initramfs-tools` or `--initramfs dracut`".to_owned())
    }

    /// The same where it is `configure` that can be told.
    pub(crate) fn warning_of_check(&self, configure: &str) -> Option<Warning> {
        self.warning_with(|| {
            format!("install it in the root tree, or say `--initramfs` to {configure}")
        })
    }

    /// The same where the generator can't be said.
    pub(crate) fn warning_of_revert(&self, root: &Path) -> Option<Warning> {
        self.warning_with(|| {
            let other = match self.generator {
                Generator::Dracut => Generator::InitramfsTools,
                _ => Generator::Dracut,
            };
            let command = next_command(other, root);
            format!("if it is `{}`, run `{command}`", other.name())
        })
    }

    /// For a report: which one, and why.
    pub(crate) fn line(&self) -> String {
        format!("initramfs: {} ({})\n", self.generator.name(), self.why)
    }

    fn warning_with(&self, hint: impl FnOnce() -> String) -> Option<Warning> {
        self.is_guess.then(|| {
            let message = format!(
                "what makes the initramfs is a guess, `{}`: {}",
                self.generator.name(),
                self.why
            );
            Warning::general(message).with_hint(hint())
        })
    }
}

/// The program is in the root tree.
pub(crate) fn is_installed(root: &RootTree, program: RequiredProgram) -> Result<bool, Failure> {
    let directories = program.directories.iter();
    let files = directories.map(|directory| format!("{directory}/{}", program.name));
    Ok(root.has_any(files)?)
}

/// Whether dpkg's list says so; one that was removed may still stand in it.
fn is_package_installed(status: &str, package: &str) -> bool {
    let mut packages = status.split("\n\n");
    packages.any(|one| {
        let says = |line: &str| one.lines().any(|other| other == line);
        says(&format!("Package: {package}")) && says("Status: install ok installed")
    })
}

/// What shows that the scripts runtime is there.
pub(crate) const OF_SCRIPTS: &str = "etc/curtin-nvme-over-tcp/connect-nvme";

/// A generator reads the file, or what is beside it; or nvmeroot's hook or module, which
/// may be the package's, puts it into the image.
pub(crate) fn is_read(path: &str) -> bool {
    let is_copied = ["etc/nvmeroot/", "etc/curtin-nvme-over-tcp/"]
        .iter()
        .any(|directory| path.starts_with(directory));
    is_copied || generator_of(path).is_some()
}

/// The generator in whose directories the path is.
fn generator_of(path: &str) -> Option<Generator> {
    [
        ("etc/initramfs-tools/", Generator::InitramfsTools),
        ("etc/dracut.conf.d/", Generator::Dracut),
        ("usr/lib/dracut/", Generator::Dracut),
    ]
    .into_iter()
    .find_map(|(directory, generator)| path.starts_with(directory).then_some(generator))
}

/// Makes the tree's images anew.
///
/// # Errors
/// Also where there is none to make, of which the generator says nothing.
pub(crate) fn regenerate(
    generator: Generator,
    root: &RootTree,
    path: &Path,
) -> Result<(), Failure> {
    let command = generator.command();
    let next = next_command(generator, path);
    if !has_work(generator, root)? {
        let (what, hint) = match generator {
            Generator::Dracut => ("`lib/modules` has no kernel's modules", ""),
            _ => (
                "`boot` has no kernel that has one",
                "; one that has none gets it by `update-initramfs -c -k all` in the tree",
            ),
        };
        return Err(Failure::Runtime(anyhow!(
            "`{next}` has no initramfs to make: {what}\nhint: install a kernel in the root tree, whose package makes its initramfs{hint}"
        )));
    }
    let status = Command::new("chroot")
        // Never an option, whatever its name.
        .arg(path.canonicalize()?)
        .args(command)
        // Standard output is the report's.
        .stdout(Stdio::from(std::io::stderr()))
        .status()
        .map_err(|e| anyhow!("can't run `chroot`: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Runtime(anyhow!(
            "`{}` failed in the root tree ({status}): all files are in their places, and the initramfs is still the old one\nhint: mend what it says, then run `{next}`",
            command[0]
        )))
    }
}

/// There is an image that the generator's command makes: of dracut one for each kernel's
/// modules, of initramfs-tools each that is there for a kernel.
fn has_work(generator: Generator, root: &RootTree) -> Result<bool, Failure> {
    let files: Vec<String> = match generator {
        Generator::Dracut => {
            let releases = root.list("lib/modules")?.into_iter();
            let lists = |release| {
                ["modules.dep", "modules.dep.bin"]
                    .map(|name| format!("lib/modules/{release}/{name}"))
            };
            releases.flat_map(lists).collect()
        }
        _ => {
            let names = root.list("boot")?;
            let releases = names
                .iter()
                .filter_map(|name| name.strip_prefix("initrd.img-"));
            let kernels = |release| {
                [
                    format!("boot/vmlinuz-{release}"),
                    format!("boot/vmlinux-{release}"),
                    format!("lib/modules/{release}/vmlinuz"),
                ]
            };
            releases.flat_map(kernels).collect()
        }
    };
    Ok(root.has_any(files)?)
}

/// What a shell takes for the command that does the same.
pub(crate) fn next_command(generator: Generator, root: &Path) -> String {
    let command = generator.command().join(" ");
    let absolute = root.canonicalize().unwrap_or_else(|_| PathBuf::from(root));
    if absolute == Path::new("/") {
        return command;
    }
    format!("chroot {} {command}", quoted(root))
}

/// What is left to type, where the images are to be made anew and `is_done` does not say
/// that this run does it.
pub(crate) fn left_to_run(choice: Option<&Choice>, is_done: bool, root: &Path) -> Option<String> {
    let choice = choice.filter(|_| !is_done)?;
    Some(next_command(choice.generator, root))
}

/// A path as a word that a shell takes for it, and never for an option.
pub(crate) fn quoted(path: &Path) -> String {
    let mut shown = path.display().to_string();
    if shown.starts_with('-') {
        shown.insert_str(0, "./");
    }
    match shlex::try_quote(&shown) {
        Ok(word) => word.into_owned(),
        Err(_) => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::is_package_installed;

    #[test]
    fn a_package_that_was_removed_is_not_installed() {
        let status = "Package: dracut\nStatus: install ok installed\n\n\
                      Package: initramfs-tools\nStatus: deinstall ok config-files\n\n\
                      Package: initramfs-tools-core\nStatus: install ok installed\n";
        assert!(is_package_installed(status, "dracut"));
        assert!(!is_package_installed(status, "initramfs-tools"));
        assert!(!is_package_installed(status, "initramfs"));
        assert!(!is_package_installed("", "dracut"));
    }
}
