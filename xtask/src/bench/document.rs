//! `docs/benchmarks.md`: parts of it are written anew, the prose stays.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// Replaces what stands between the marks of `name`.
pub(super) fn replaced(document: &str, name: &str, text: &str) -> Result<String> {
    let begin = format!("<!-- begin {name} -->\n");
    let end = format!("<!-- end {name} -->");
    let (before, rest) = document
        .split_once(&begin)
        .with_context(|| format!("no line `{}`", begin.trim()))?;
    let Some((_, after)) = rest.split_once(&end) else {
        bail!("no line `{end}`");
    };
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", text.trim()))
}

/// What was measured, with what and where.
pub(super) fn circumstances(command: &str) -> String {
    let kernel = said("uname", &["-r"]);
    let qemu = said("qemu-system-x86_64", &["--version"]);
    let accel = std::env::var("NVMEROOT_LAB_ACCEL").unwrap_or_else(|_| "tcg".to_owned());
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?");
    format!(
        "`{command}`, {}, commit {}; {processors} processors ({}), Linux {kernel}, {}, `-accel \
         {accel}`; load {load} at the start.",
        said("date", &["+%F"]),
        said("git", &["rev-parse", "--short", "HEAD"]),
        processor(),
        qemu.split(" (").next().unwrap_or_default(),
    )
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(": "));
    name.map_or("unknown", |(_, name)| name).trim().to_owned()
}

/// The first line that a program prints.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(crate::shell::top())
        .output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_between_its_marks_changes() {
        let document =
            "a\n<!-- begin x -->\nold\n<!-- end x -->\n<!-- begin y -->\n<!-- end y -->\n";
        let new = replaced(document, "x", "new\n").unwrap();
        let expected =
            "a\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\n<!-- begin y -->\n<!-- end y -->\n";
        assert_eq!(new, expected);
        assert_eq!(replaced(&new, "x", "new\n").unwrap(), expected);
        let error = replaced(document, "z", "").unwrap_err();
        assert!(error.to_string().contains("begin z"), "{error}");
    }
}
