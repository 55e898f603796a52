//! What becomes of network files, beside a storage configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ipnet::IpNet;
use nvmeroot_plan::{BootPlan, Document, Fragment, InterfaceAddress, Origin, Warning, resolve};
use nvmeroot_render::{ChangeKind, Options, Runtime, render, runtime_steps};
use serde_json::{Value, json};

use crate::Diagnostics;
use crate::netplan::{Source, read};

/// The plan that the agent reads.
const AGENTS_PLAN: &str = "etc/nvmeroot/plan.json";

/// Files by their names below `etc/netplan`.
pub(super) type Files = Vec<(String, String)>;

/// Where the storage is.
pub(super) struct Storage {
    curtin: Fragment,
    /// Each interface by its id with the address that the storage's network
    /// gives it.
    addresses: BTreeMap<String, IpNet>,
}

impl Storage {
    /// Behind an interface that no file defines.
    pub(super) fn elsewhere() -> Self {
        Self::behind(&[("", "elsewhere0".to_owned())])
    }

    /// Behind every interface, each in a network of its own.
    pub(super) fn everywhere(fragment: &Fragment) -> Self {
        let interfaces = fragment.interfaces.iter().flatten();
        let names: Vec<_> = interfaces
            .map(|one| (one.id.as_str(), one.name.to_string()))
            .collect();
        assert!(names.len() < 256, "more interfaces than networks");
        if names.is_empty() {
            return Self::elsewhere();
        }
        Self::behind(&names)
    }

    fn behind(interfaces: &[(&str, String)]) -> Self {
        let mut text = "storage:\n  version: 1\n  config:\n".to_owned();
        let mut addresses = BTreeMap::new();
        for (n, (id, name)) in interfaces.iter().enumerate() {
            let name = Value::from(name.as_str());
            // A path may stand on a card of any name: `host_iface` is quoted.
            let _ = writeln!(
                text,
                "  - {{id: c{n}, type: nvme_controller, transport: tcp, tcp_addr: 198.18.{n}.9, tcp_port: 4420, host_iface: {name}}}"
            );
            let own = format!("198.18.{n}.5/24");
            addresses.insert((*id).to_owned(), own.parse().expect("an address"));
        }
        text.push_str(
            "  - {id: d, type: disk, nvme_controller: c0, path: /dev/nvme0n1}
  - {id: f, type: format, fstype: ext4, volume: d}
  - {id: m, type: mount, path: /, device: f, options: _netdev}
  - {id: l, type: disk, path: /dev/sda}
  - {id: lf, type: format, fstype: ext4, volume: l}
  - {id: lm, type: mount, path: /boot, device: lf}
",
        );
        let curtin = crate::curtin::read("curtin.yaml", text.as_bytes());
        let curtin = curtin.unwrap_or_else(|e| panic!("{}\nin:\n{text}", e.into_diagnostics()));
        Self {
            curtin: curtin.fragment,
            addresses,
        }
    }

    /// Plans a network.
    pub(super) fn plan(&self, mut network: Fragment) -> BootPlan {
        for interface in network.interfaces.iter_mut().flatten() {
            let own = self.addresses.get(interface.id.as_str());
            let own = own.map(|address| InterfaceAddress::new(*address));
            interface.addresses.extend(own);
        }
        resolve(vec![self.curtin.clone(), network])
    }
}

/// Reads the files as `nvmeroot` does.
pub(super) fn fragment(files: &Files) -> Result<Fragment, Diagnostics> {
    let sources: Vec<Source<'_>> = files
        .iter()
        .map(|(name, text)| Source {
            name: name.clone(),
            path: Some(format!("etc/netplan/{name}")),
            text: text.as_bytes(),
            ..Source::default()
        })
        .collect();
    read(&sources).map_err(crate::IntakeError::into_diagnostics)
}

/// What an outcome says, without the places where it was said: two texts that
/// differ in nothing but them say the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    /// The steps of the boot and the files of the root tree; `None` where the files are
    /// refused.
    pub(super) carried: Option<Value>,
    pub(super) warnings: Vec<String>,
    /// What the plan, or the reader, refuses.
    pub(super) refusals: Vec<String>,
}

/// What is said of files.
pub(super) fn said(files: &Files, storage: &Storage) -> Outcome {
    match fragment(files) {
        Ok(network) => said_by(storage.plan(network)),
        Err(found) => {
            let refusals = found.shown.iter();
            let refusals = refusals.map(|d| placed(Some(&d.origin), &d.sentence()));
            Outcome {
                carried: None,
                warnings: heard(&found.warnings),
                refusals: refusals.collect(),
            }
        }
    }
}

/// What a plan says.
pub(super) fn said_by(plan: BootPlan) -> Outcome {
    let (warnings, refusals) = (heard(&plan.warnings), heard(&plan.errors));
    let steps = serde_json::to_value(runtime_steps(&plan, Runtime::Agent));
    let mut files = rendered(&plan);
    // What counts is what is made of it.
    files.remove(AGENTS_PLAN);
    // What the hand-off tells NetworkManager, with files or without.
    let interfaces = plan.network.interfaces.iter();
    let profiles: Vec<_> = interfaces.map(|one| one.connection).collect();
    let mut carried = json!({
        "steps": steps.expect("steps have a JSON form"),
        "files": files,
        "profiles": profiles,
    });
    forget_places(&mut carried);
    Outcome {
        carried: Some(carried),
        warnings,
        refusals,
    }
}

/// Where the plan that is shown (`plan --format json`, but for its explanation) differs
/// from the file that the agent reads. The program itself is held to the same in
/// `crates/cli/tests/field.rs`.
pub(super) fn shown_otherwise(plan: &BootPlan) -> Option<String> {
    let files = rendered(plan);
    let Some((_, given)) = files.get(AGENTS_PLAN) else {
        return Some("there is no plan for the agent".to_owned());
    };
    let document = Document::of_steps(plan.clone(), runtime_steps(plan, Runtime::Agent));
    let shown = serde_json::to_string_pretty(&document).expect("a plan has a JSON form") + "\n";
    (shown != *given).then(|| format!("shown:\n{shown}\nand the agent reads:\n{given}"))
}

/// Path, mode and text of each file; none where the plan is carried out by nobody.
fn rendered(plan: &BootPlan) -> BTreeMap<String, (String, String)> {
    if !plan.errors.is_empty() {
        return BTreeMap::new();
    }
    let options = Options {
        agent: Some(Vec::new()),
        ..Options::default()
    };
    let files = render(plan, &options).expect("a plan without errors has files");
    let changes = files.changes().iter().filter_map(|change| {
        let ChangeKind::File { bytes, mode } = &change.kind else {
            return None;
        };
        let text = String::from_utf8_lossy(bytes).into_owned();
        Some((change.path.to_string(), (format!("{mode:?}"), text)))
    });
    changes.collect()
}

fn heard(warnings: &[Warning]) -> Vec<String> {
    warnings
        .iter()
        .map(|w| placed(w.origin.as_ref(), &w.message))
        .collect()
}

fn placed(origin: Option<&Origin>, message: &str) -> String {
    let key = origin.and_then(|o| o.key.as_deref()).unwrap_or_default();
    format!("{}: {}", without_indexes(key), without_numbers(message))
}

/// A path without the places in lists, which shift.
pub(super) fn without_indexes(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    let mut rest = key;
    while let Some((before, after)) = rest.split_once('[') {
        text.push_str(before);
        match after.split_once(']') {
            Some((index, after)) if index.bytes().all(|b| b.is_ascii_digit()) => rest = after,
            _ => {
                text.push('[');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

/// A message without the line that it names (`first in line 3`).
fn without_numbers(message: &str) -> String {
    match message.split_once(" in line ") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before} in line{after}")
        }
        None => message.to_owned(),
    }
}

fn forget_places(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("origin");
            map.values_mut().for_each(forget_places);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_places),
        _ => {}
    }
}

#[test]
fn paths_lose_their_indexes_and_nothing_else() {
    assert_eq!(without_indexes("a.b[0].c[12]"), "a.b.c");
    assert_eq!(without_indexes("a[\"x y\"].b[1]"), "a[\"x y\"].b");
}
