//! Writes what a package has beside the programs: manual pages, completions of three
//! shells, and the agent's part of the initramfs. `cargo xtask dist` runs this.
//!
//!     cargo run --package nvmeroot --example package_files -- DIRECTORY

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::Man;
use nvmeroot_render::{ChangeKind, package_files};
use roff::{Roff, bold, roman};

#[path = "../src/args.rs"]
#[allow(
    dead_code,
    reason = "what the program does with them is not needed here"
)]
mod args;

fn main() -> Result<()> {
    let directory = std::env::args_os()
        .nth(1)
        .context("no directory is given")?;
    let directory = PathBuf::from(directory);
    manuals(&directory.join("usr/share/man/man8"))?;
    completions(&directory)?;
    for change in &package_files()? {
        let ChangeKind::File { mode, bytes } = &change.kind else {
            anyhow::bail!("`{}` is no file", change.path);
        };
        write(&directory.join(change.path.as_str()), bytes, mode.bits())?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, bytes).with_context(|| format!("can't write `{}`", path.display()))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

/// A page for the program, and one for each of its commands.
fn manuals(directory: &Path) -> Result<()> {
    let program = args::Cli::command().disable_help_subcommand(true);
    let whole = page(program.clone());
    let mut bytes = head(&whole)?;
    whole.render_subcommands_section(&mut bytes)?;
    more().to_writer(&mut bytes)?;
    write(&directory.join("nvmeroot.8"), &bytes, 0o644)?;
    for command in program.get_subcommands() {
        // clap wants names that last. The synopsis has the words that are typed, the
        // file's name has a hyphen.
        let name: &str = format!("nvmeroot-{}", command.get_name()).leak();
        let words = format!("nvmeroot {}", command.get_name());
        let page = page(command.clone().name(name).bin_name(words));
        let mut bytes = head(&page)?;
        exit_status(command.get_name()).to_writer(&mut bytes)?;
        see_also(&["nvmeroot"]).to_writer(&mut bytes)?;
        write(&directory.join(format!("{name}.8")), &bytes, 0o644)?;
    }
    Ok(())
}

/// The version is the package's; a date would be another at each build.
fn page(command: Command) -> Man {
    Man::new(command)
        .section("8")
        .manual("System administration")
        .source(concat!("nvmeroot ", env!("CARGO_PKG_VERSION")))
        .date("")
}

fn head(page: &Man) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    page.render_title(&mut bytes)?;
    page.render_name_section(&mut bytes)?;
    page.render_synopsis_section(&mut bytes)?;
    page.render_description_section(&mut bytes)?;
    page.render_options_section(&mut bytes)?;
    Ok(bytes)
}

fn exit_status(command: &str) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["EXIT STATUS"]);
    let of_check = [
        ("0", "no fault was found"),
        (
            "1",
            "a fault was found: the tree would not boot, or would lose its root",
        ),
        (
            "2",
            "the question could not be asked: wrong usage, bad input, another version of the package in the tree, no permission",
        ),
    ];
    let of_all = [
        ("0", "done"),
        (
            "1",
            "could not be done; the root tree is as it was, or all is written and --update-initramfs failed, as the message says",
        ),
        ("2", "wrong usage or bad input; nothing was written"),
        (
            "129, 130, 143",
            "SIGHUP, SIGINT or SIGTERM stopped it; the root tree is as it was",
        ),
    ];
    let rows = match command {
        "check" => &of_check[..],
        _ => &of_all[..],
    };
    for (status, what) in rows {
        page.control("TP", []);
        page.text([bold(*status)]);
        page.text([roman(*what)]);
    }
    page
}

/// What clap does not know: files, and what the kernel command line can say.
fn more() -> Roff {
    let mut page = exit_status("nvmeroot");
    page.control("PP", []);
    page.text([
        roman("That of check is in "),
        bold("nvmeroot-check"),
        roman("(8)."),
    ]);
    page.control("SH", ["ENVIRONMENT"]);
    for (variable, what) in [
        (
            "CONFIG",
            "what --curtin is if it is not given, inside curtin's hooks",
        ),
        ("TARGET_MOUNT_POINT", "what --root is if it is not given"),
        ("NVMEROOT_AGENT", "the agent's program"),
    ] {
        page.control("TP", []);
        page.text([bold(variable)]);
        page.text([roman(what)]);
    }
    page.control("SH", ["FILES"]);
    for (file, what) in [
        (
            "/etc/nvmeroot/plan.json",
            "what the agent does at boot; for root alone",
        ),
        (
            "/usr/lib/nvmeroot/nvmeroot-agent",
            "the program that runs in the initramfs",
        ),
        (
            "/run/nvmeroot/boot.json",
            "what it did, step by step, since this boot",
        ),
        (
            "/etc/nvme/hostnqn, /etc/nvme/hostid",
            "the host's identity, always a pair",
        ),
    ] {
        page.control("TP", []);
        page.text([bold(file)]);
        page.text([roman(what)]);
    }
    page.control("SH", ["KERNEL COMMAND LINE"]);
    for (option, what) in [
        ("nvmeroot=off", "the agent does nothing in this boot"),
        ("nvmeroot.debug", "it says each step"),
        (
            "nvmeroot.deadline=SECONDS",
            "when it gives up; 180 if not given",
        ),
    ] {
        page.control("TP", []);
        page.text([bold(option)]);
        page.text([roman(what)]);
    }
    let commands = args::Cli::command();
    let names: Vec<String> = commands
        .get_subcommands()
        .map(|command| format!("nvmeroot-{}", command.get_name()))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    page.extend([see_also(&names)]);
    page
}

fn see_also(names: &[&str]) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["SEE ALSO"]);
    for (place, name) in names.iter().enumerate() {
        let end = if place + 1 == names.len() { "" } else { "," };
        page.text([bold(*name), roman(format!("(8){end}"))]);
    }
    page.control("PP", []);
    page.text([roman("The guide: /usr/share/doc/nvmeroot/docs/guide")]);
    page
}

fn completions(directory: &Path) -> Result<()> {
    for (shell, path) in [
        (
            Shell::Bash,
            "usr/share/bash-completion/completions/nvmeroot",
        ),
        (Shell::Zsh, "usr/share/zsh/vendor-completions/_nvmeroot"),
        (
            Shell::Fish,
            "usr/share/fish/vendor_completions.d/nvmeroot.fish",
        ),
    ] {
        let mut bytes = Vec::new();
        generate(
            shell,
            &mut shown(&args::Cli::command()),
            "nvmeroot",
            &mut bytes,
        );
        write(&directory.join(path), &bytes, 0o644)?;
    }
    Ok(())
}

/// The same without what is hidden, which not every shell's generator leaves out.
fn shown(command: &Command) -> Command {
    // clap wants names that last.
    let leaked = |text: &str| -> &'static str { text.to_owned().leak() };
    let arguments = command.get_arguments().filter(|one| !one.is_hide_set());
    let same = Command::new(leaked(command.get_name()))
        .about(command.get_about().cloned().unwrap_or_default())
        .args(arguments.cloned())
        .subcommands(command.get_subcommands().map(shown));
    match command.get_version() {
        Some(version) => same.version(leaked(version)),
        None => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_completed_by_no_shell() {
        let directory = tempfile::tempdir().expect("a directory");
        completions(directory.path()).expect("completions");
        for path in [
            "usr/share/bash-completion/completions/nvmeroot",
            "usr/share/zsh/vendor-completions/_nvmeroot",
            "usr/share/fish/vendor_completions.d/nvmeroot.fish",
        ] {
            let text = fs::read_to_string(directory.path().join(path)).expect("a file");
            assert!(text.contains("update-initramfs"), "{path}");
            for hidden in ["--machine", "-l machine"] {
                assert!(!text.contains(hidden), "{path}");
            }
        }
    }
}
