//! `cargo xtask fuzz`: libFuzzer on every parser.

use anyhow::{Result, bail};

use crate::shell::{cargo, is_installed, part, top};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Seconds for each target
    #[arg(long, default_value_t = 300)]
    seconds: u32,
    /// Only these targets; all, if none is named
    targets: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if !is_installed("cargo-fuzz") {
        bail!("`cargo-fuzz` is not installed\nhint: cargo install --locked cargo-fuzz");
    }
    let known = targets()?;
    for name in &args.targets {
        if !known.contains(name) {
            bail!(
                "there is no fuzz target `{name}`\nhint: there are {}",
                known.join(", ")
            );
        }
    }
    let chosen = if args.targets.is_empty() {
        &known
    } else {
        &args.targets
    };
    for target in chosen {
        let mut command = cargo();
        // The fuzzer's instrumentation is a nightly option of rustc; this
        // makes the stable one take it.
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["fuzz", "run", target]);
        let seeds = top().join("fuzz/seeds").join(target);
        let corpus = top().join("fuzz/corpus").join(target);
        std::fs::create_dir_all(&corpus)?;
        command.arg(&corpus);
        if seeds.is_dir() {
            command.arg(seeds);
        }
        command.args(["--", "-rss_limit_mb=2048", "-timeout=5", "-max_len=65536"]);
        command.arg(format!("-max_total_time={}", args.seconds));
        part(&format!("fuzz {target}"), &mut command)?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(top().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        if let (Some(stem), Some("rs")) =
            (path.file_stem(), path.extension().and_then(|e| e.to_str()))
        {
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
