//! `write_files` and `cloudconfig`: the network configurations among them.

use std::sync::Arc;

use nvmeroot_plan::{Origin, Warning};

use super::keys::misspelt;
use super::value::{is_null, misshapen, scalar};
use crate::diagnostic::{Diagnostic, Excerpt, Report};
use crate::yaml::pyyaml::{Integer, Value, base64};
use crate::yaml::{KeyPath, Mapping, Node as YamlNode, Position, parse};

/// The entry by which Ubuntu's installer passes on its netplan file.
const INSTALLER: &str = "etc_netplan_installer";

/// A network configuration that curtin writes into the root tree.
#[derive(Clone, PartialEq, Eq)]
pub struct EmbeddedText {
    /// The entry's name.
    pub name: Arc<str>,
    /// Where it is written, below the root tree, without a leading slash; the
    /// installer's entry may leave it out.
    pub path: Option<String>,
    /// Its bytes, decoded.
    pub content: Vec<u8>,
    /// What it is.
    pub kind: TextKind,
    /// Its mode, where the entry says one.
    pub mode: Option<u32>,
    /// Where the text begins in curtin's configuration.
    pub origin: Origin,
    /// What messages call the file that it is read from, and where in it the text begins:
    /// curtin's where it stands there line by line, else the text by itself.
    pub within: (Arc<str>, Position),
}

/// Hides the content: it may hold secrets.
impl std::fmt::Debug for EmbeddedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedText")
            .field("name", &self.name)
            .field("path", &self.path)
            .field("bytes", &self.content.len())
            .field("kind", &self.kind)
            .field("mode", &self.mode)
            .field("origin", &self.origin)
            .field("within", &self.within)
            .finish()
    }
}

/// Who reads an embedded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// netplan: `etc`, `lib` or `run/netplan/*.yaml`.
    Netplan,
    /// cloud-init's network configuration: `etc/cloud/cloud.cfg`,
    /// `etc/cloud/cloud.cfg.d/*.cfg` and a seed's `network-config`.
    CloudInit,
}

/// The files of both keys, in the order in which curtin writes them
/// (`curthook_cloudinit` comes after the extraction, which writes the others).
pub(super) fn read(report: &mut Report, root: Mapping<'_>, whole: &str) -> Vec<EmbeddedText> {
    let mut texts = written(report, root);
    texts.extend(of_cloud_config(report, root));
    if !texts.is_empty() {
        let lines: Vec<&str> = whole.lines().collect();
        for text in texts.iter_mut().filter(|text| stands_there(text, &lines)) {
            let Origin { line, column, .. } = text.origin;
            text.within = (text.origin.file.clone(), Position { line, column });
        }
    }
    texts
}

/// The lines of curtin's file have the text as it is, further to the right: it is a block
/// with `|`.
fn stands_there(text: &EmbeddedText, lines: &[&str]) -> bool {
    let before = |place: u32| {
        usize::try_from(place)
            .unwrap_or(usize::MAX)
            .saturating_sub(1)
    };
    let (first, indent) = (before(text.origin.line), before(text.origin.column));
    let lines = lines.get(first..).unwrap_or_default();
    let is_block = lines.first().is_some_and(|line| {
        let blank = line.len() - line.trim_start_matches(' ').len();
        blank == indent
    });
    let content = std::str::from_utf8(&text.content).unwrap_or_default();
    is_block
        && !content.is_empty()
        && content.lines().enumerate().all(|(n, wanted)| {
            let line = lines.get(n).copied().unwrap_or_default();
            line.get(indent..).unwrap_or_default() == wanted
        })
}

/// `handle_cloudconfig` in curtin/commands/curthooks.py: each entry becomes a
/// file of cloud-init, and its `path` is ignored.
fn of_cloud_config(report: &mut Report, root: Mapping<'_>) -> Vec<EmbeddedText> {
    let path = KeyPath::ROOT.key("cloudconfig");
    let Some(files) = root.get("cloudconfig").and_then(YamlNode::as_mapping) else {
        return Vec::new();
    };
    let mut texts = Vec::new();
    for entry in files.entries() {
        let Some(file) = entry.value.as_mapping().filter(|file| says_network(*file)) else {
            continue;
        };
        let path = path.key(entry.name());
        let place = format!("etc/cloud/cloud.cfg.d/95-cloudconfig-{}.cfg", entry.name());
        let kind = TextKind::CloudInit;
        texts.extend(embedded(
            report,
            entry.name(),
            file,
            &path,
            Some(place),
            kind,
        ));
        if let Some(ignored) = file.get("path") {
            let message =
                "curtin ignores `path` in `cloudconfig`, and names the file after its key";
            let origin = ignored.origin(&path.key("path"));
            report.warn(Warning::at(origin, message));
        }
    }
    texts
}

fn written(report: &mut Report, root: Mapping<'_>) -> Vec<EmbeddedText> {
    let path = KeyPath::ROOT.key("write_files");
    let Some(files) = root.get("write_files") else {
        misspelt(report, root, &KeyPath::ROOT, "write_files");
        return Vec::new();
    };
    let Some(mapping) = files.as_mapping() else {
        let is_off = matches!(
            scalar(files),
            Some(Value::Null | Value::Text("") | Value::Boolean(false))
        );
        if !is_off {
            let expected = "a mapping of names to files";
            let hint = "curtin takes a mapping here, unlike cloud-init: give each file a name";
            let hint = files.as_sequence().map(|_| hint);
            misshapen(report, files, &path, "`write_files`", expected, hint);
        }
        return Vec::new();
    };
    let mut texts = Vec::new();
    for entry in mapping.entries() {
        let path = path.key(entry.name());
        if let Some(file) = entry.value.as_mapping() {
            texts.extend(text(report, entry.name(), file, &path));
        } else {
            let what = format!("the file `{}`", Excerpt(entry.name()));
            let expected = "a mapping with `path` and `content`";
            misshapen(report, entry.value, &path, &what, expected, None);
        }
    }
    texts
}

fn text(
    report: &mut Report,
    name: &str,
    file: Mapping<'_>,
    path: &KeyPath<'_>,
) -> Option<EmbeddedText> {
    let place = file.get("path").and_then(YamlNode::text).map(normal);
    let place = place.filter(|place| !place.is_empty());
    let kind = place.as_deref().and_then(kind_of).or_else(|| {
        // The installer's text counts wherever it is written.
        (name == INSTALLER).then_some(TextKind::Netplan)
    });
    if let (None, Some(place), Some(at)) = (kind, &place, file.get("path"))
        && let Some(stem) = place.strip_suffix(".yml")
        && kind_of(&format!("{stem}.yaml")) == Some(TextKind::Netplan)
    {
        let message = format!(
            "netplan does not read `{}`, nor does nvmeroot",
            Excerpt(place)
        );
        let warning = Warning::at(at.origin(&path.key("path")), message);
        report.warn(warning.with_hint("let its name end in `.yaml`"));
    }
    let kind = kind?;
    let is_named = place
        .as_deref()
        .is_some_and(|place| place.contains("network"));
    if kind == TextKind::CloudInit && !is_named && !says_network(file) {
        return None;
    }
    embedded(report, name, file, path, place, kind)
}

fn embedded(
    report: &mut Report,
    name: &str,
    file: Mapping<'_>,
    path: &KeyPath<'_>,
    place: Option<String>,
    kind: TextKind,
) -> Option<EmbeddedText> {
    let content = file.get("content").filter(|node| !is_null(*node));
    let Some(node) = content else {
        let at = file.get("content").or_else(|| file.get("path"));
        if let Some(at) = at {
            let message = format!("the file `{}` has no content", Excerpt(name));
            report.warn(Warning::at(at.origin(path), message));
        }
        return None;
    };
    let at = path.key("content");
    let plain = content_bytes(report, node, &at)?;
    let content = decoded(report, file, node, path, plain)?;
    let origin = node.origin(&at);
    let itself = format!("{}, {}", origin.file, at.to_text());
    Some(EmbeddedText {
        name: name.into(),
        within: (itself.into(), Position::START),
        path: place,
        content,
        kind,
        mode: file
            .get("permissions")
            .or_else(|| file.get("perms"))
            .and_then(mode),
        origin,
    })
}

/// The path below the root tree, `/usr/lib` read as `/lib`: both are one
/// directory wherever netplan is.
fn normal(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let path = parts.join("/");
    match path.strip_prefix("usr/lib/") {
        Some(rest) => format!("lib/{rest}"),
        None => path,
    }
}

fn kind_of(path: &str) -> Option<TextKind> {
    let (directory, file) = path.rsplit_once('/')?;
    match directory {
        "etc/netplan" | "lib/netplan" | "run/netplan" => {
            let is_yaml = file.len() > 5 && file.ends_with(".yaml");
            is_yaml.then_some(TextKind::Netplan)
        }
        "etc/cloud/cloud.cfg.d" => file.ends_with(".cfg").then_some(TextKind::CloudInit),
        "etc/cloud" => (file == "cloud.cfg").then_some(TextKind::CloudInit),
        "var/lib/cloud/seed/nocloud" | "var/lib/cloud/seed/nocloud-net" => {
            (file == "network-config").then_some(TextKind::CloudInit)
        }
        _ => None,
    }
}

/// Most of cloud-init's files are about something else, and nobody's business
/// here, whatever is wrong with them.
fn says_network(file: Mapping<'_>) -> bool {
    let Some(Value::Text(text)) = file.get("content").and_then(scalar) else {
        return false;
    };
    let decoded = match file.get("encoding").and_then(YamlNode::text) {
        Some("b64" | "base64") => base64(text),
        _ => None,
    };
    let document = match decoded {
        Some(bytes) => parse("", bytes),
        None => parse("", text),
    };
    document.is_ok_and(|document| {
        let mapping = document.root().as_mapping();
        mapping.is_some_and(|mapping| mapping.get("network").is_some())
    })
}

fn content_bytes(report: &mut Report, node: YamlNode<'_>, path: &KeyPath<'_>) -> Option<Vec<u8>> {
    match scalar(node) {
        Some(Value::Bytes(bytes)) => Some(bytes),
        Some(Value::Text(text)) => Some(text.as_bytes().to_vec()),
        _ => {
            let is_mapping = node.as_mapping().is_some();
            let hint = is_mapping.then_some("write `content: |` and indent the text below it");
            misshapen(report, node, path, "`content`", "the file's text", hint);
            None
        }
    }
}

/// Undoes the encoding that cloud-init's `write_files` knows; curtin's own has
/// none.
fn decoded(
    report: &mut Report,
    file: Mapping<'_>,
    content: YamlNode<'_>,
    path: &KeyPath<'_>,
    bytes: Vec<u8>,
) -> Option<Vec<u8>> {
    let Some(node) = file.get("encoding").filter(|node| !is_null(*node)) else {
        return Some(bytes);
    };
    match node.text().unwrap_or_default() {
        "" | "text/plain" => Some(bytes),
        "b64" | "base64" => {
            let text = std::str::from_utf8(&bytes).ok().and_then(base64);
            if text.is_none() {
                let origin = content.origin(&path.key("content"));
                let message = "`content` is no base64, which `encoding` says that it is";
                report.error(Diagnostic::new(origin, message).expected("base64"));
            }
            text
        }
        other => {
            let message = format!("the encoding `{}` is not read", Excerpt(other));
            let fault = Diagnostic::new(node.origin(&path.key("encoding")), message);
            let fault = fault.expected("`b64`, or no `encoding`");
            report.error(fault.hint("write the text itself under `content: |`"));
            None
        }
    }
}

/// As curtin reads permissions: a number as it is, a text as octal.
fn mode(node: YamlNode<'_>) -> Option<u32> {
    let mode = match scalar(node)? {
        Value::Integer(Integer { value, .. }) => u32::try_from(value?).ok()?,
        Value::Text(text) => {
            u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8).ok()?
        }
        _ => return None,
    };
    (mode <= 0o7777).then_some(mode)
}
