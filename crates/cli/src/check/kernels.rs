//! The kernels of a tree, and the images that belong to them: Debian's and Fedora's
//! names, the Boot Loader Specification's directories, and unified kernel images.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Seek as _, SeekFrom};

use nvmeroot_initrd::sections;

use super::owner::{Owner, machine};
use super::subject::Subject;

/// Before and after a kernel's release, what images are called.
const IMAGES: [(&str, &str); 5] = [
    ("initrd.img-", ""),
    ("initramfs-", ".img"),
    ("initramfs-", ""),
    ("initrd-", ".img"),
    ("initrd-", ""),
];

/// Before a kernel's release, what kernels are called.
pub(crate) const KERNELS: [&str; 3] = ["vmlinuz-", "vmlinux-", "kernel-"];

/// Where the Boot Loader Specification has its directories.
const BOOTS: [&str; 3] = ["boot", "boot/efi", "efi"];

/// As much of a section as is looked at.
const LONGEST: u64 = 4096;

/// A kernel of the tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Kernel {
    /// The kernel itself, where it is in the tree.
    pub(crate) file: Option<String>,
    /// The tree has its modules.
    pub(crate) has_modules: bool,
    /// The tree has modules of other kernels, and none of this, and no boot entry starts it
    /// with this tree's root: it may be another system's, which has the same `/boot`.
    pub(crate) may_be_another_s: bool,
    /// Its images.
    pub(crate) images: Vec<String>,
}

/// The kernels by their release. A directory of modules without a kernel counts only
/// where no kernel is in the tree at all: packages leave such behind. `own`: the releases
/// that boot entries start with this tree's root.
pub(crate) fn find(subject: &Subject<'_>, own: &BTreeSet<String>) -> BTreeMap<String, Kernel> {
    let mut kernels: BTreeMap<String, Kernel> = BTreeMap::new();
    for name in subject.list("boot") {
        let mut releases = KERNELS
            .iter()
            .filter_map(|before| name.strip_prefix(before));
        if let Some(release) = releases.next().filter(|release| is_release(release)) {
            let kernel = kernels.entry(release.to_owned()).or_default();
            kernel.file = Some(format!("boot/{name}"));
        }
    }
    for release in subject.list("lib/modules") {
        let has = |name: &str| {
            let path = format!("lib/modules/{release}/{name}");
            subject.root.exists(&path).unwrap_or(false)
        };
        if !has("modules.dep") && !has("modules.builtin") {
            continue;
        }
        let file = has("vmlinuz").then(|| format!("lib/modules/{release}/vmlinuz"));
        let kernel = kernels.entry(release).or_default();
        kernel.has_modules = true;
        kernel.file = kernel.file.take().or(file);
    }
    let unified = unified(subject);
    for (path, release) in &unified {
        kernels.entry(release.clone()).or_default().file = Some(path.clone());
    }
    let owner = Owner::of(subject);
    if kernels.values().any(|kernel| kernel.has_modules) {
        for (release, kernel) in &mut kernels {
            kernel.may_be_another_s = !kernel.has_modules && !own.contains(release);
        }
        kernels.retain(|_, kernel| {
            !kernel.may_be_another_s || !owner.is_another(kernel.file.as_deref().and_then(machine))
        });
    }
    let has_file = |kernel: &Kernel| kernel.file.is_some();
    if kernels
        .values()
        .any(|one| has_file(one) && !one.may_be_another_s)
    {
        kernels.retain(|_, kernel| has_file(kernel));
    }
    for (release, kernel) in &mut kernels {
        kernel.images = images(subject, release);
        let own = unified.iter().filter(|(_, other)| other == release);
        kernel.images.extend(own.map(|(path, _)| path.clone()));
        let is_another = |path: &String| owner.is_another(machine(path));
        if !kernel.images.iter().all(is_another) {
            kernel.images.retain(|path| !is_another(path));
        }
    }
    kernels
}

/// Debian's old names and rescue images are no kernels of their own.
fn is_release(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && !text.starts_with("0-rescue")
        && ![".old", ".bak", ".dpkg-tmp", ".hmac"]
            .iter()
            .any(|end| text.ends_with(end))
}

fn images(subject: &Subject<'_>, release: &str) -> Vec<String> {
    let exists = |path: &String| subject.root.exists(path).unwrap_or(false);
    let named = IMAGES
        .iter()
        .map(|(before, after)| format!("boot/{before}{release}{after}"));
    let mut found: Vec<String> = named.filter(exists).collect();
    for boot in BOOTS {
        for token in subject.list(boot) {
            let directory = format!("{boot}/{token}/{release}");
            if subject.root.is_directory(&directory) {
                let names = subject.list(&directory).into_iter();
                let images = names.filter(|name| name.starts_with("initr"));
                found.extend(images.map(|name| format!("{directory}/{name}")));
            }
        }
    }
    found
}

/// Unified kernel images, with their kernels' releases.
fn unified(subject: &Subject<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for boot in BOOTS {
        let directory = format!("{boot}/EFI/Linux");
        for name in subject.list(&directory) {
            let path = format!("{directory}/{name}");
            if name.ends_with(".efi")
                && let Some(release) = section(subject, &path, ".uname")
            {
                found.push((path, release));
            }
        }
    }
    found
}

/// The text of a unified kernel image's section.
pub(crate) fn section(subject: &Subject<'_>, path: &str, name: &str) -> Option<String> {
    let mut file = subject.root.open_file(path).ok().flatten()?;
    let sections = sections(&mut file).ok().flatten()?;
    let section = sections.into_iter().find(|section| section.name == name)?;
    file.seek(SeekFrom::Start(section.at)).ok()?;
    let mut bytes = Vec::new();
    let size = section.size.min(LONGEST);
    file.take(size).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}
