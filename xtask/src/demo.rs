//! `cargo xtask demo`: two machines boot from a drive across the network.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets};
use nvmeroot_lab::scenario::{self, Scenario};
use nvmeroot_lab::{Lab, Marks, Report, Vm};

use crate::setup;

/// What is shown, by the lab's names.
const SHOWN: [&str; 2] = ["static-ipv4", "dhcp4"];

/// A machine that has not booted by then won't.
const BOOT: Duration = Duration::from_secs(240);
const POWER_OFF: Duration = Duration::from_secs(120);

/// Console lines that tell how far a boot has come: a part of the line, and
/// what it means. Each is shown once.
const MILESTONES: [(&str, &str); 7] = [
    (
        "Linux version ",
        "the kernel starts; only kernel and initramfs are local",
    ),
    (
        "Running /scripts/init-premount",
        "the initramfs runs nvmeroot's boot script",
    ),
    ("nvmeroot: network is up", "the network is up"),
    ("nvmeroot: connected to", "the drive is connected"),
    ("EXT4-fs (nvme", "root is mounted from it"),
    ("running in system mode", "systemd runs from it"),
    ("lab: marker", "the machine is up"),
];

pub(crate) fn run() -> Result<()> {
    let began = Instant::now();
    setup::run()?;
    say("building nvmeroot");
    let program = crate::lab::build()?;
    let lab = Lab::open(&program, &|text| {
        say(&format!("preparing: {text} (kept for the next time)"));
    })?;
    let plain = lab.plain_initrd_bytes()?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "host",
        "root",
        "portal",
        "interface",
        "kernel",
        "network up",
        "root mounted",
        "machine up",
        "added to the initrd",
    ]);
    // Both at once: each keeps one processor busy.
    let rows: Vec<Result<Vec<String>>> = thread::scope(|scope| {
        let boots: Vec<_> = SHOWN
            .iter()
            .map(|name| scope.spawn(|| boot(&lab, name, plain)))
            .collect();
        boots
            .into_iter()
            .map(|boot| {
                boot.join()
                    .unwrap_or_else(|_| bail!("a part of the demonstration panicked"))
            })
            .collect()
    });
    for row in rows {
        table.add_row(row?);
    }
    println!("\n{table}");
    println!("seconds count from switching the machine on, under emulation");
    println!("done in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn say(text: &str) {
    println!("── {text}");
}

fn boot(lab: &Lab, name: &str, plain: u64) -> Result<Vec<String>> {
    let scenario = scenario::all()
        .into_iter()
        .find(|s| s.name == name)
        .with_context(|| format!("the lab has no scenario `{name}`"))?;
    let scenario = &scenario;
    let say = |text: &str| println!("{name:>12} │ {text}");
    say("`nvmeroot configure` and update-initramfs in the host's tree");
    let image = lab.host_image(&scenario.host)?;
    let mut wiring = scenario.wiring.clone();
    // The lab's tests watch the running machine for a minute; this does not.
    wiring.settle = 1;
    let dir = lab.run_dir(&format!("demo-{}", scenario.name))?;
    let cables = lab.cables(wiring.slots.len())?;
    let spec = scenario
        .target
        .as_ref()
        .context("the scenario has no target")?;
    say("switching on the machine that exports the drive");
    let target = lab
        .target(spec, &image, &wiring, &cables, &dir)?
        .start(&dir)?;
    target.console().wait("lab: target ready", BOOT)?;
    say("switching on the machine that boots from it");
    let mut host = lab.host(&image, &wiring, &cables).start(&dir)?;
    watch(&host, name)?;
    let report = report(&mut host)?;
    let marks = Marks::of(&host.console().lines());
    row(
        scenario,
        &report,
        &marks,
        image.initrd_bytes()?.saturating_sub(plain),
    )
}

/// Shows the boot's milestones as they are reached.
fn watch(host: &Vm, name: &str) -> Result<()> {
    let console = host.console();
    let mut shown = [false; MILESTONES.len()];
    let mut read = 0;
    while console.began().elapsed() < BOOT {
        let lines = console.lines();
        for line in lines.iter().skip(read) {
            for (seen, (part, meaning)) in shown.iter_mut().zip(MILESTONES) {
                if !*seen && line.text.contains(part) {
                    *seen = true;
                    println!("{name:>12} │ {:6.1} s  {meaning}", line.at.as_secs_f64());
                }
            }
        }
        // The last line may still grow.
        read = lines.len().saturating_sub(1);
        if shown.ends_with(&[true]) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!(
        "the machine is not up after {} s; its console is in {}",
        BOOT.as_secs(),
        console.file().display()
    );
}

fn report(host: &mut Vm) -> Result<Report> {
    let deadline = Instant::now() + POWER_OFF;
    while !Report::is_complete(&host.report()?) {
        if Instant::now() > deadline {
            bail!(
                "the machine does not report; its console is in {}",
                host.console().file().display()
            );
        }
        thread::sleep(Duration::from_millis(200));
    }
    let report = Report::parse(&host.report()?)?;
    host.wait_exit(POWER_OFF)?;
    Ok(report)
}

fn row(scenario: &Scenario, report: &Report, marks: &Marks, added: u64) -> Result<Vec<String>> {
    let root = report.mount("/").context("the machine reports no root")?;
    let controller = report
        .controllers
        .iter()
        .find(|c| c.transport == "tcp" && c.state == "live")
        .context("the machine reports no live NVMe/TCP controller")?;
    if !root.source.starts_with("/dev/nvme") {
        bail!("root is on `{}`, not on a remote drive", root.source);
    }
    let field = |name: &str| {
        controller
            .address
            .split(',')
            .find_map(|part| part.strip_prefix(name))
            .unwrap_or("?")
            .to_owned()
    };
    let source = field("src_addr=");
    let interface = report
        .addresses
        .iter()
        .find(|a| a.ip.to_string() == source)
        .map_or_else(|| "?".to_owned(), |a| a.interface.clone());
    let seconds = |mark: Option<f64>| mark.map_or_else(|| "?".to_owned(), |s| format!("{s:.1} s"));
    Ok(vec![
        scenario.title.to_owned(),
        format!("{} ({})", root.source, root.fstype),
        format!("{}:{}", field("traddr="), field("trsvcid=")),
        format!("{interface} ({source})"),
        seconds(marks.kernel),
        seconds(marks.network),
        seconds(marks.root),
        seconds(marks.marker),
        format!("{} kB", added / 1000),
    ])
}
