//! The program itself: how long `configure`, `plan` and `check` take, held against what this
//! machine needs for something else at the same time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::Section;
use super::goal::{Goal, Limit};
use super::inputs;
use super::measure::table;
use super::pyyaml;
use crate::program::build_program;

/// What is linear takes four times as long for four times the input, on a busy
/// machine half as much again; what is quadratic takes sixteen times.
const LINEAR: Limit = Limit::AtMost(6.0);
/// `configure` does what it does in the time of two starts of the program.
const STARTS: Limit = Limit::AtMost(3.0);
/// Memory that `check` may have, KiB: it reads an image as it comes.
const CHECK_KIB: u32 = 100 * 1024;
/// How many times as fast as a reader of the same YAML that is written in C.
const FASTER: Limit = Limit::AtLeast(12.0);

/// An input of which one size is compared with a quarter of it.
struct Kind {
    what: &'static str,
    text: fn(usize) -> String,
    sizes: [usize; 3],
    arguments: &'static [&'static str],
    /// Whether another reader of YAML finds all of it: netplan's text is a string in
    /// curtin's.
    by_others: bool,
}

const KINDS: [Kind; 3] = [
    Kind {
        what: "storage actions",
        text: inputs::storage_of,
        sizes: [10_000, 25_000, 100_000],
        arguments: &["--format", "json"],
        by_others: true,
    },
    Kind {
        what: "interfaces, cards",
        text: inputs::network_of,
        sizes: [500, 1_250, 5_000],
        arguments: &[],
        by_others: false,
    },
    Kind {
        what: "interfaces, links on links",
        text: inputs::links_of,
        sizes: [500, 1_250, 5_000],
        arguments: &[],
        by_others: false,
    },
];

pub(super) fn section(runs: usize) -> Result<Section> {
    let program = build_program()?;
    let scratch = tempfile::tempdir()?;
    let mut report = Report::default();
    configure(&program, runs, &mut report)?;
    check(&program, &scratch, runs.min(20), &mut report)?;
    for kind in &KINDS {
        plan(&program, scratch.path(), runs.min(20), kind, &mut report)?;
    }
    let header = ["command", "input", "shortest", "median", "p95", "longest"];
    let mut measured = table(&header, &report.rows);
    for note in &report.notes {
        measured.push_str("\n\n");
        measured.push_str(note);
    }
    Ok(Section::judged("configure", &measured, &report.goals))
}

#[derive(Default)]
struct Report {
    rows: Vec<Vec<String>>,
    goals: Vec<Goal>,
    notes: Vec<String>,
}

impl Report {
    /// Notes times, and returns the shortest in seconds: the others hold what else
    /// this machine did.
    fn add(&mut self, command: &str, input: &str, mut times: Vec<Duration>) -> f64 {
        times.sort();
        let (median, p95) = (times[times.len() / 2], times[times.len() * 95 / 100]);
        let mut row = vec![command.to_owned(), input.to_owned()];
        row.extend([times[0], median, p95, times[times.len() - 1]].map(shown));
        self.rows.push(row);
        times[0].as_secs_f64()
    }

    fn skip(&mut self, what: &str) {
        let note = format!("Skipped, {what}");
        eprintln!("configure: {note}");
        self.notes.push(note);
    }

    fn goal(&mut self, what: String, limit: Limit, measured: f64) {
        self.goals.push(Goal {
            what,
            limit,
            measured,
        });
    }
}

fn shown(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// How long the command's whole process takes.
fn time(command: &mut Command) -> Result<Duration> {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let output = command
        .output()
        .with_context(|| format!("can't run {command:?}"))?;
    let took = start.elapsed();
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(took)
}

/// A filesystem in memory, where waiting for the drive is no part of the time.
const MEMORY: &str = "/dev/shm";

/// An ordinary installation, and the program's mere start in turn with it. It waits
/// four times until the drive has all that was written, which says more of the drive
/// than of the program: that is shown, and judged is what it takes in memory.
fn configure(program: &Path, runs: usize, report: &mut Report) -> Result<()> {
    let (start, whole) = configure_in(program, &tempfile::tempdir_in(MEMORY)?, runs)?;
    let (_, on_drive) = configure_in(program, &tempfile::tempdir()?, runs)?;
    let start = report.add("--version", "none", start);
    let whole = report.add(
        "configure",
        "an ordinary configuration, tree in memory",
        whole,
    );
    report.add("configure", "the same, tree on a drive", on_drive);
    let what = "configure of an ordinary configuration / the program's start";
    report.goal(what.to_owned(), STARTS, whole / start);
    Ok(())
}

/// The times of the start and of the whole. Every run meets a tree of its own, so that
/// all files are written.
fn configure_in(
    program: &Path,
    scratch: &TempDir,
    runs: usize,
) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let file = scratch.path().join("curtin.yaml");
    std::fs::write(&file, inputs::ORDINARY)?;
    let (mut starts, mut whole) = (Vec::new(), Vec::new());
    for number in 0..runs.max(1) {
        let tree = scratch.path().join(format!("root{number}"));
        stand_in_tree(&tree)?;
        let mut version = Command::new(program);
        version.arg("--version");
        starts.push(time(&mut version)?);
        let mut command = Command::new(program);
        command.args(["configure", "--runtime", "scripts", "--curtin"]);
        command.arg(&file).arg("--root").arg(&tree);
        whole.push(time(&mut command)?);
    }
    Ok((starts, whole))
}

/// A look into a big initramfs, in turn with who only unpacks it. That some of nvmeroot's
/// files are not in it is status 1: it was read to its end all the same.
fn check(program: &Path, scratch: &TempDir, runs: usize, report: &mut Report) -> Result<()> {
    configure_in(program, scratch, 1)?;
    let scratch = scratch.path();
    let image = match initramfs(scratch) {
        Ok(image) => image,
        Err(error) => {
            report.skip(&format!("an initramfs to check: {error:#}"));
            return Ok(());
        }
    };
    let limited = format!(
        "ulimit -v {CHECK_KIB} && \"$0\" check --curtin \"$1/curtin.yaml\" \
         --root \"$1/root0\" --initrd \"$2\"; test $? -le 1"
    );
    let (mut unpacked, mut checked) = (Vec::new(), Vec::new());
    for _ in 0..runs.max(1) {
        let mut command = Command::new("zstd");
        unpacked.push(time(command.arg("-dc").arg(&image))?);
        let mut command = Command::new("sh");
        command.args(["-c", &limited]).arg(program);
        checked.push(time(command.arg(scratch).arg(&image))?);
    }
    let size = std::fs::metadata(&image)?.len() / 1_000_000;
    let input = format!("an initramfs of {size} MB");
    report.add("zstd -dc", &input, unpacked);
    report.add(
        &format!("check, in {} MB of memory", CHECK_KIB / 1024),
        &input,
        checked,
    );
    Ok(())
}

/// What looks like an initramfs with many kernel modules: what compresses to a third or so.
fn initramfs(scratch: &Path) -> Result<PathBuf> {
    let tree = scratch.join("initramfs/usr/lib/modules");
    std::fs::create_dir_all(&tree)?;
    let mut state = 1u64;
    let mut random = || {
        // Xorshift (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for number in 0..620 {
        // Of two bits one in four is set: such bytes have some six bits of news.
        let mut bytes: Vec<u8> = (0..15_000)
            .flat_map(|_| (random() & random()).to_le_bytes())
            .collect();
        bytes.extend_from_within(..);
        bytes.resize(300_000, 0);
        std::fs::write(tree.join(format!("{number}.ko")), bytes)?;
    }
    let image = scratch.join("initrd");
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "cd \"$0\" && find . | cpio -o -H newc --quiet | zstd -q -o \"$1\"",
    ]);
    time(command.arg(scratch.join("initramfs")).arg(&image))?;
    Ok(image)
}

/// Inputs of one kind, in turn, and the smallest by another reader as well.
fn plan(
    program: &Path,
    scratch: &Path,
    runs: usize,
    kind: &Kind,
    report: &mut Report,
) -> Result<()> {
    let files: Vec<PathBuf> = kind
        .sizes
        .iter()
        .map(|size| {
            let file = scratch.join(format!("{size}.yaml"));
            std::fs::write(&file, (kind.text)(*size))?;
            Ok(file)
        })
        .collect::<Result<_>>()?;
    let mut times = vec![Vec::new(); files.len()];
    for _ in 0..runs.max(1) {
        for (file, times) in files.iter().zip(&mut times) {
            let mut command = Command::new(program);
            command
                .arg("plan")
                .args(kind.arguments)
                .arg("--curtin")
                .arg(file);
            times.push(time(&mut command)?);
        }
    }
    let mut shortest = Vec::new();
    for (size, times) in kind.sizes.iter().zip(times) {
        shortest.push(report.add("plan", &format!("{size} {}", kind.what), times));
    }
    let ([smallest, quarter, whole], [first, _, most]) = (shortest[..].try_into()?, kind.sizes);
    let what = format!("plan of {most} {}: / a quarter of them", kind.what);
    report.goal(what, LINEAR, whole / quarter);
    if !kind.by_others {
        return Ok(());
    }
    let input = format!("{first} {}", kind.what);
    match pyyaml::times(&files[0], 5) {
        Ok(times) => {
            let loader = report.add("PyYAML's C loader", &input, times);
            let what = format!("{input}: PyYAML's C loader / plan");
            report.goal(what, FASTER, loader / smallest);
        }
        Err(error) => {
            report.skip(&format!("{input} by PyYAML's C loader: {error:#}"));
        }
    }
    Ok(())
}

/// A tree in which the programs that `configure` looks for are empty files.
fn stand_in_tree(tree: &Path) -> Result<()> {
    for directory in ["usr/sbin", "usr/bin", "usr/lib", "etc/nvme", "etc/netplan"] {
        std::fs::create_dir_all(tree.join(directory))?;
    }
    for program in [
        "usr/sbin/update-initramfs",
        "usr/sbin/nvme",
        "usr/bin/ip",
        "usr/sbin/dhcpcd",
    ] {
        std::fs::write(tree.join(program), "")?;
    }
    let id = "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d\n";
    std::fs::write(tree.join("etc/nvme/hostid"), id)?;
    let nqn = format!("nqn.2014-08.org.nvmexpress:uuid:{id}");
    std::fs::write(tree.join("etc/nvme/hostnqn"), nqn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_compared_with_a_quarter_of_it() {
        for kind in KINDS {
            let [smallest, quarter, whole] = kind.sizes;
            assert_eq!(quarter * 4, whole, "{}", kind.what);
            assert!(smallest < quarter, "{}", kind.what);
        }
    }

    #[test]
    fn the_shortest_time_decides() {
        let mut report = Report::default();
        let times = [9, 1, 2].map(Duration::from_millis).to_vec();
        assert_eq!(report.add("plan", "x", times), 0.001);
        let row = ["1.00 ms", "2.00 ms", "9.00 ms", "9.00 ms"];
        assert_eq!(report.rows[0][2..], row);
    }
}
