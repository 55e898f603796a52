//! A reader of YAML that is written in C and that every installer has: libyaml by
//! PyYAML.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::shell::top;

/// Reads the text so often, and prints the seconds of each time: the reading alone,
/// without the start of the interpreter.
const PROGRAM: &str = "\
import sys, time, yaml
text = open(sys.argv[1]).read()
for _ in range(int(sys.argv[2])):
    began = time.perf_counter()
    yaml.load(text, Loader=yaml.CSafeLoader)
    print(time.perf_counter() - began)
";

/// How long it takes for a file, so often.
pub(super) fn times(file: &Path, runs: usize) -> Result<Vec<Duration>> {
    let mut command = Command::new(interpreter()?);
    command.args(["-c", PROGRAM]).arg(file);
    let text = said(command.arg(runs.to_string()))?;
    let times = text.lines().map(|line| {
        let seconds = line.trim().parse();
        let seconds = seconds.with_context(|| format!("Python printed `{line}`"))?;
        Ok(Duration::from_secs_f64(seconds))
    });
    times.collect()
}

/// An interpreter that has the loader; one of our own where the system's has not.
fn interpreter() -> Result<PathBuf> {
    let has = |python: &Path| {
        let mut command = Command::new(python);
        said(command.args(["-c", "import yaml; yaml.CSafeLoader"])).is_ok()
    };
    let own = top().join("target/bench-python");
    let python = own.join("bin/python3");
    let known = [PathBuf::from("python3"), "/usr/bin/python3".into()];
    let mut known = known.into_iter().chain([python.clone()]);
    if let Some(found) = known.find(|python| has(python)) {
        return Ok(found);
    }
    said(Command::new("python3").args(["-m", "venv"]).arg(&own))?;
    said(Command::new(&python).args(["-m", "pip", "install", "--quiet", "pyyaml"]))?;
    if !has(&python) {
        bail!("PyYAML as pip has it lacks `CSafeLoader`");
    }
    Ok(python)
}

/// What a command prints, where it ends well.
fn said(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("can't run {command:?}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?}: {}", errors.lines().last().unwrap_or_default());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
