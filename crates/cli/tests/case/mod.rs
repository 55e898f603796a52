//! The cases of `original/*.txt`.
//!
//! ```text
//! === name
//! # what it is about
//! --- storage            the actions of `storage.config`; a line that starts
//!                        with `$` stands for several:
//!   $tcp ID ADDRESS PORT   a controller
//!   $remote PATH ID        disk, filesystem and `_netdev` mount on it
//!   $local PATH            disk, filesystem and mount in the machine
//! --- curtin             or else: the whole configuration as it is
//! --- netplan            the text of `etc_netplan_installer`; `$static` is
//!                        one interface in the network of 192.0.2.10
//! --- original           what the original answers
//! need_network: true     `true`, `false` or `crash EXCEPTION`
//! requires_firmware: false
//! --- fault              only in `faults.txt`: what is wrong with that
//! --- expect             what nvmeroot is to answer
//! reach: initramfs
//! controllers: 192.0.2.10 4420, 192.0.2.11 4420
//! remote: / /home        mounts that lie on a controller
//! over: /: 192.0.2.10 4420
//! error: …               or else: a part of the message, with exit status 2
//! --- commands
//! --- warnings           the messages, all of them
//! ```
//!
//! Of each connection, `--ctrl-loss-tmo -1` is left out: the original lets the
//! kernel give root up after ten minutes, nvmeroot never does.
//!
//! `--- original commands` holds those of the original where they differ.

use std::collections::BTreeMap;
use std::fmt;

/// What a predicate of the original answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Says(bool),
    Crashes(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Says(yes) => write!(f, "{yes}"),
            Self::Crashes(exception) => write!(f, "crash {exception}"),
        }
    }
}

impl Answer {
    fn read(text: &str) -> Self {
        match text {
            "true" => Self::Says(true),
            "false" => Self::Says(false),
            _ => match text.strip_prefix("crash ") {
                Some(exception) => Self::Crashes(exception.to_owned()),
                None => panic!("{text:?} is no answer"),
            },
        }
    }
}

/// One configuration and what is to be said of it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    curtin: String,
    netplan: Option<String>,
    pub(crate) need_network: Answer,
    pub(crate) requires_firmware: Answer,
    pub(crate) fault: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) reach: String,
    pub(crate) controllers: Vec<String>,
    pub(crate) remote: Vec<String>,
    pub(crate) over: Vec<String>,
    pub(crate) commands: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// The cases of `original/NAME.txt`.
pub(crate) fn read(name: &str) -> Vec<Case> {
    let path = format!("{}/tests/original/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("a file of cases");
    let (_, cases) = text.split_once("=== ").expect("a case");
    cases.split("\n=== ").map(Case::read).collect()
}

impl Case {
    fn read(text: &str) -> Self {
        let (name, body) = text.split_once('\n').expect("a name");
        let mut sections: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut section = "about";
        for line in body.lines() {
            if let Some(title) = line.strip_prefix("--- ") {
                section = title;
                sections.entry(section).or_default();
            } else {
                sections.entry(section).or_default().push(line);
            }
        }
        let whole = |title: &str| sections.get(title).map(|lines| lines.join("\n"));
        let lines = |title: &str| -> Vec<String> {
            let lines = sections.get(title).into_iter().flatten();
            lines
                .filter(|l| !l.is_empty())
                .map(|l| (*l).to_owned())
                .collect()
        };
        let field = |title: &str, key: &str| -> Option<String> {
            let prefix = format!("{key}: ");
            lines(title)
                .iter()
                .find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
        };
        let answer = |key: &str| Answer::read(&field("original", key).expect("an answer"));
        let split = |key: &str, at: &str| -> Vec<String> {
            let text = field("expect", key).unwrap_or_default();
            text.split(at)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let over = lines("expect");
        Self {
            name: name.trim().to_owned(),
            curtin: whole("curtin").unwrap_or_else(|| storage(&lines("storage"))),
            netplan: whole("netplan").map(|text| netplan(&text)),
            need_network: answer("need_network"),
            requires_firmware: answer("requires_firmware"),
            fault: whole("fault"),
            error: field("expect", "error"),
            reach: field("expect", "reach").unwrap_or_default(),
            controllers: split("controllers", ", "),
            remote: split("remote", " "),
            over: over
                .iter()
                .filter_map(|l| l.strip_prefix("over: "))
                .map(str::to_owned)
                .collect(),
            commands: lines("commands").into_iter().map(never_given_up).collect(),
            warnings: lines("warnings"),
        }
    }

    /// What nvme-stas is to be told.
    pub(crate) fn directives(&self) -> Vec<String> {
        if self.reach != "userspace" {
            return Vec::new();
        }
        let portals = self.controllers.iter().filter_map(|c| c.split_once(' '));
        portals
            .map(|(a, p)| format!("controller = transport=tcp;traddr={a};trsvcid={p}"))
            .collect()
    }

    /// The configuration as curtin gets it.
    pub(crate) fn curtin_yaml(&self) -> String {
        let mut yaml = self.curtin.clone();
        if !yaml.is_empty() && !yaml.ends_with('\n') {
            yaml.push('\n');
        }
        if let Some(netplan) = &self.netplan {
            yaml.push_str("write_files:\n  etc_netplan_installer:\n    path: etc/netplan/00-installer-config.yaml\n    permissions: \"0600\"\n    content: |\n");
            push_indented(&mut yaml, 6, netplan);
        }
        yaml
    }
}

/// What every connection of root has, and none of the original's.
fn never_given_up(command: String) -> String {
    match command.starts_with("nvme connect") {
        true => command + " --ctrl-loss-tmo -1",
        false => command,
    }
}

fn push_indented(yaml: &mut String, by: usize, text: &str) {
    for line in text.trim_end().lines() {
        yaml.push_str(&format!("{:by$}{line}\n", ""));
    }
}

fn netplan(text: &str) -> String {
    let interface =
        "network:\n  version: 2\n  ethernets:\n    ens3:\n      addresses: [192.0.2.20/24]\n";
    text.replace("$static", interface)
}

/// `storage` with these actions.
fn storage(lines: &[String]) -> String {
    let mut yaml = "storage:\n  version: 2\n  config:\n".to_owned();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let actions = match words.as_slice() {
            ["$tcp", id, address, port] => format!(
                "- {{id: {id}, type: nvme_controller, transport: tcp, tcp_addr: '{address}', tcp_port: {port}}}"
            ),
            ["$remote", path, id] => mounted(
                path,
                &format!(", nvme_controller: {id}"),
                ", options: _netdev",
            ),
            ["$local", path] => mounted(path, "", ""),
            _ => {
                assert!(!line.starts_with('$'), "{line:?} means nothing");
                line.clone()
            }
        };
        push_indented(&mut yaml, 4, &actions);
    }
    yaml
}

fn mounted(path: &str, controller: &str, options: &str) -> String {
    format!(
        "- {{id: 'disk of {path}', type: disk, serial: 'S{path}'{controller}}}\n\
         - {{id: 'fs of {path}', type: format, volume: 'disk of {path}', fstype: ext4}}\n\
         - {{id: 'mount of {path}', type: mount, device: 'fs of {path}', path: {path}{options}}}"
    )
}
