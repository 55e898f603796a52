//! `nvmeroot check`: would this tree boot?

mod command_line;
mod configured;
mod dracut;
mod entries;
mod entry;
mod extlinux;
mod finding;
mod identity;
mod initrd;
mod input;
mod kernels;
mod machine;
mod maker;
mod modules;
mod mounts;
mod online;
mod owner;
mod report;
mod shell;
mod space;
mod subject;
mod version;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use nvmeroot_plan::Reach;

use self::finding::{Finding, Topic};
use self::initrd::Inside;
use self::kernels::Kernel;
use self::modules::MOST_RELEASES;
use self::report::Report;
use self::subject::Subject;
use crate::args::{CheckArgs, ReportFormat};
use crate::configure::for_boot;
use crate::environment::path_variable;
use crate::{Failure, generator, output, sources};

/// Looks at everything, says what was found, and whether the machine would boot.
pub(crate) fn run(args: CheckArgs) -> Result<ExitCode, Failure> {
    let from = args.input.resolve(path_variable);
    let Some(root_path) = from.root.clone() else {
        return Err(Failure::Usage(
            "no root tree is given\nhint: pass `--root DIR`; `--root /` is this machine".to_owned(),
        ));
    };
    let root = sources::open_root(&root_path)?;
    let root_word = generator::quoted(&root_path);
    let mut configure = match from.curtin.as_deref().map(generator::quoted) {
        Some(curtin) => format!("`nvmeroot configure --curtin {curtin} --root {root_word}`"),
        None => format!("`nvmeroot configure --root {root_word}`"),
    };
    let configured = match &from.curtin {
        Some(_) => None,
        None => configured::plan_of_tree(&root, &configure)?,
    };
    let is_given = configured.is_none();
    let mut is_of_tree = false;
    if let Some(Ok(document)) = &configured {
        is_of_tree = sources::is_of_tree(&document.plan);
        if !is_of_tree {
            configure = format!("`nvmeroot configure --curtin FILE --root {root_word}`");
        }
    }
    let mut findings = Vec::new();
    let plan = match configured {
        Some(document) => document.map(|document| (document.plan, document.fragments)),
        // What the sources say is what should be there.
        None => {
            let read = sources::read(&from, Some(&root), None)?;
            findings = input::findings(&read);
            let fragments = for_boot(read.fragments, &read.plan);
            Ok((read.plan, fragments))
        }
    };
    let report = match plan {
        Ok((plan, fragments)) => {
            let made = (&plan, fragments);
            let subject = Subject::new(&root, &root_path, made, configure)?;
            if is_of_tree {
                input::compare(&subject, &from, &mut findings)?;
            }
            let mut report = look(&subject, args.initrd.as_deref(), is_given, findings)?;
            if args.online {
                online::check(&subject, &mut report.findings);
            }
            report.judged()
        }
        Err(finding) => Report::new(Reach::Initramfs, Vec::new(), vec![*finding]),
    };
    let text = match args.format {
        ReportFormat::Text => report.to_string(),
        ReportFormat::Json => serde_json::to_string_pretty(&report)? + "\n",
    };
    output::data(&text)?;
    Ok(match report.boots {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// `is_given`: the plan comes from an input and not from the tree.
fn look(
    subject: &Subject<'_>,
    initrd: Option<&Path>,
    is_given: bool,
    mut findings: Vec<Finding>,
) -> Result<Report, Failure> {
    configured::check(subject, is_given, &mut findings)?;
    let reach = subject.plan.reach;
    if !reach.is_by_initramfs() {
        return Ok(Report::new(reach, Vec::new(), findings));
    }
    identity::check(subject, &mut findings)?;
    mounts::check(subject, &mut findings);
    let entries = entries::all(subject, &mut findings);
    let own = command_line::of_this_root(subject, &entries);
    let kernels = kernels::find(subject, &own);
    let entries = entries::of_tree(subject, entries, &kernels);
    command_line::check(subject, &entries, &mut findings);
    dracut::check(subject, &mut findings);
    // Who names an image may start it over the network.
    let is_unified = |one: &Kernel| one.file.as_ref().is_some_and(|file| file.ends_with(".efi"));
    let is_started = kernels.is_empty() || kernels.values().any(is_unified);
    if initrd.is_none() && entries.is_empty() && !is_started {
        findings.push(command_line::no_entry());
    }
    let images = match initrd {
        Some(path) => one_image(subject, path, &mut findings)?,
        None => all_images(subject, &kernels, &mut findings)?,
    };
    subject.machine.check(&mut findings);
    Ok(Report::new(reach, images, findings))
}

/// The image that the user names, which may be anywhere.
fn one_image(
    subject: &Subject<'_>,
    path: &Path,
    findings: &mut Vec<Finding>,
) -> Result<Vec<String>, Failure> {
    let name = path.display().to_string();
    let file = File::open(path)
        .map_err(|error| Failure::Usage(format!("can't read `{name}`: {error}")))?;
    match Inside::read(subject, &name, file)? {
        Err(finding) => findings.push(*finding),
        Ok(inside) => {
            initrd::check(subject, &inside, findings)?;
            let releases = modules::releases(&inside);
            if releases.is_empty() {
                modules::check(subject, &inside, "", findings);
            }
            for release in releases.iter().take(MOST_RELEASES) {
                modules::check(subject, &inside, release, findings);
            }
            if releases.len() > MOST_RELEASES {
                let count = releases.len();
                let what = format!("`{name}` has modules of {count} kernels");
                findings.push(
                    Finding::warning(Topic::InitrdUnread, what)
                        .because(format!("it was looked at for {MOST_RELEASES} of them"))
                        .mend("make an image for each kernel"),
                );
            }
        }
    }
    Ok(vec![name])
}

/// Those of all kernels.
fn all_images(
    subject: &Subject<'_>,
    kernels: &BTreeMap<String, Kernel>,
    findings: &mut Vec<Finding>,
) -> Result<Vec<String>, Failure> {
    if kernels.is_empty() {
        findings.push(
            Finding::fault(Topic::KernelMissing, "the root tree has no kernel")
                .because("neither `boot` nor `lib/modules` has one; `boot` may be a filesystem that is not mounted there")
                .mend("mount it, or install a kernel (`linux-image-amd64`)"),
        );
    }
    let mut names = Vec::new();
    let mut largest = 0;
    for (release, kernel) in kernels {
        if !kernel.has_modules {
            findings.push(no_modules(release, kernel));
        }
        if kernel.may_be_another_s {
            continue;
        }
        if kernel.images.is_empty() {
            let what = format!("the kernel `{release}` has no initramfs");
            findings.push(
                Finding::fault(Topic::InitrdMissing, what)
                    .because("nothing connects the drives when it is started")
                    .mend(new_image(subject, release)),
            );
        }
        for path in &kernel.images {
            let file = match subject.root.open_file(path) {
                Ok(Some(file)) => file,
                Ok(None) => continue,
                Err(error) if error.is_denied() => return Err(error.into()),
                Err(error) => {
                    let (error, regenerate) = (error.to_string(), subject.regenerate());
                    findings.push(
                        Finding::of_error(Topic::InitrdBroken, &error, &regenerate)
                            .because("there is no initramfs"),
                    );
                    continue;
                }
            };
            let meta = file.metadata()?;
            largest = largest.max(meta.len());
            findings.extend(of_mode(subject, path, &meta));
            names.push(path.clone());
            match Inside::read(subject, path, file)? {
                Err(finding) => findings.push(*finding),
                Ok(inside) => {
                    initrd::check(subject, &inside, findings)?;
                    modules::check(subject, &inside, release, findings);
                }
            }
        }
    }
    space::check(subject, largest, findings);
    Ok(names)
}

fn no_modules(release: &str, kernel: &Kernel) -> Finding {
    let what = format!("the root tree has no modules of the kernel `{release}`");
    let file = kernel.file.as_deref().unwrap_or("it");
    let again = format!("install its package again, or remove `{file}`");
    let (why, mend) = match kernel.may_be_another_s {
        true => (
            "it is taken for another system's on the same `/boot`, and was not looked at",
            format!("if it is this system's, {again}"),
        ),
        false => (
            "the running system can load none, and the next initramfs has none",
            again,
        ),
    };
    Finding::warning(Topic::ModulesMissing, what)
        .because(why)
        .mend(mend)
}

/// What to type for a kernel that has none: the generators' usual commands pass it over.
fn new_image(subject: &Subject<'_>, release: &str) -> String {
    use nvmeroot_render::Generator;
    match subject.choice.generator {
        Generator::Dracut => format!(
            "{} (with `dracut --force /boot/initrd.img-{release} {release}` for this one alone)",
            subject.regenerate()
        ),
        _ => subject.regenerate().replace(
            "update-initramfs -u -k all",
            &format!("update-initramfs -c -k {release}"),
        ),
    }
}

/// An image with a secret is for the administrator alone.
fn of_mode(subject: &Subject<'_>, path: &str, meta: &std::fs::Metadata) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt;
    let mode = meta.permissions().mode() & 0o7777;
    (subject.has_secret() && mode & 0o077 != 0).then(|| {
        let what = format!("`{path}` holds secrets, and its mode {mode:04o} opens it to others");
        Finding::warning(Topic::InitrdOpen, what)
            .because("who reads it can be this host to the drives")
            .mend(format!("`chmod 0600 {path}` in the root tree"))
    })
}
