//! The plan that `nvmeroot` makes of a configuration, for the agent.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::configuration::Configuration;
use crate::cache::write;
use crate::command::Program;
use crate::error::{Error, Result};
use crate::host_spec::{HOST_ID, HOST_NQN};

/// The installer's storage: a mount that init needs behind each portal.
fn storage(one: &Configuration) -> String {
    let mut yaml = String::from(
        "storage:\n  version: 1\n  config:\n\
         \x20 - {id: disk, type: disk, path: /dev/vda, ptable: gpt}\n\
         \x20 - {id: part, type: partition, device: disk, number: 1, size: 1G}\n\
         \x20 - {id: boot-format, type: format, fstype: ext4, volume: part}\n\
         \x20 - {id: boot-mount, type: mount, device: boot-format, path: /boot}\n",
    );
    for (number, portal) in one.portals.iter().enumerate() {
        let path = match number {
            0 => "/".to_owned(),
            more => format!("/var/{more}"),
        };
        // Writing to a String can't fail.
        let _ = writeln!(
            yaml,
            "  - {{id: c{number}, type: nvme_controller, transport: tcp, tcp_addr: '{portal}', tcp_port: 4420}}\n\
             \x20 - {{id: d{number}, type: disk, path: /dev/nvme{number}n1, nvme_controller: c{number}}}\n\
             \x20 - {{id: f{number}, type: format, fstype: ext4, volume: d{number}}}\n\
             \x20 - {{id: m{number}, type: mount, device: f{number}, path: {path}, options: 'defaults,_netdev'}}"
        );
    }
    yaml
}

/// Has `nvmeroot` plan `one`; `dir` is for its files.
pub(super) fn plan(nvmeroot: &Path, one: &Configuration, dir: &Path) -> Result<Value> {
    let root = dir.join("root");
    for (name, text) in &one.files {
        write(&root.join("etc/netplan").join(name), 0o600, text)?;
    }
    write(
        &root.join("etc/nvme/hostnqn"),
        0o644,
        format!("{HOST_NQN}\n"),
    )?;
    write(&root.join("etc/nvme/hostid"), 0o644, format!("{HOST_ID}\n"))?;
    let curtin = dir.join("curtin.yaml");
    write(&curtin, 0o600, storage(one))?;
    let text = Program::new(nvmeroot)
        .args(["plan", "--format", "json", "--curtin"])
        .arg(&curtin)
        .arg("--root")
        .arg(&root)
        .output()?;
    let nonsense = |what: String| Error::Plan {
        configuration: one.name.clone(),
        what,
    };
    let plan: Value = serde_json::from_str(&text).map_err(|e| nonsense(e.to_string()))?;
    match left_out(&plan).as_slice() {
        [] => Ok(plan),
        names => Err(nonsense(format!(
            "`{}` lead to no portal, so the agent would leave them alone",
            names.join("`, `")
        ))),
    }
}

/// The interfaces that the plan does not bring up before init.
fn left_out(plan: &Value) -> Vec<&str> {
    let links = plan.pointer("/explanation/links").and_then(Value::as_array);
    let brought_up = |at: usize| {
        let mut links = links.into_iter().flatten();
        links.any(|link| link["interface"].as_u64() == u64::try_from(at).ok())
    };
    let interfaces = plan
        .pointer("/network/interfaces")
        .and_then(Value::as_array);
    interfaces
        .into_iter()
        .flatten()
        .enumerate()
        .filter(|(at, _)| !brought_up(*at))
        .filter_map(|(_, interface)| interface["name"].as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_interface_without_a_way_is_found() {
        let plan = json!({
            "network": { "interfaces": [{ "name": "ens3" }, { "name": "ens4" }] },
            "explanation": { "links": [{ "interface": 0 }] },
        });
        assert_eq!(left_out(&plan), ["ens4"]);
    }
}
