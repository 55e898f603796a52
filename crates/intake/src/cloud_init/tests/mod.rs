//! Whole configurations in, fragments or located errors out. That the
//! interfaces are those of cloud-init's own rendering was checked against
//! cloud-init itself, outside this repository.

mod errors;
mod left_aside;
mod precedence;
mod properties;
mod version_1;

use nvmeroot_plan::{Fragment, Interface, Severity};

use crate::netplan::{Source, read_with};
use crate::{IntakeError, curtin};

/// Reads curtin's configuration and what it writes for the network.
fn read(text: &str) -> Result<Fragment, IntakeError> {
    let input = curtin::read("c.yaml", text)?;
    let sources: Vec<Source<'_>> = input
        .texts
        .iter()
        .map(|text| Source {
            name: text.name.to_string(),
            path: text.path.clone(),
            text: &text.content,
            within: Some(text.within.clone()),
        })
        .collect();
    let mut fragment = read_with(&sources, input.network.as_ref())?;
    fragment.warnings.splice(0..0, input.fragment.warnings);
    Ok(fragment)
}

fn fragment(text: &str) -> Fragment {
    match read(text) {
        Ok(fragment) => fragment,
        Err(error) => panic!("{}\nin:\n{text}", error.into_diagnostics()),
    }
}

/// The interfaces of version 1 entries.
fn interfaces(entries: &str) -> Vec<Interface> {
    let text = version_1(entries);
    fragment(&text).interfaces.expect("a network")
}

fn version_1(entries: &str) -> String {
    format!("network:\n  version: 1\n  config:\n{entries}")
}

fn refused(text: &str) -> String {
    match read(text) {
        Ok(fragment) => panic!("read as {fragment:?}\nfrom:\n{text}"),
        Err(error) => error.into_diagnostics().to_string(),
    }
}

/// Name, how it gets addresses, where it routes to.
fn shown(one: &Interface) -> String {
    let mut words = vec![one.name.to_string()];
    words.extend(one.dhcp4.as_ref().map(|_| "dhcp4".to_owned()));
    words.extend(one.dhcp6.as_ref().map(|_| "dhcp6".to_owned()));
    words.extend(one.addresses.iter().map(|a| a.address.to_string()));
    words.extend(one.routes.iter().map(|route| {
        let via = route.via.map(|via| format!(" via {via}"));
        let on_link = if route.on_link { " onlink" } else { "" };
        let metric = route.metric.map(|metric| format!(" metric {metric}"));
        format!(
            "({}{}{on_link}{})",
            route.to,
            via.unwrap_or_default(),
            metric.unwrap_or_default()
        )
    }));
    words.join(" ")
}

fn all(entries: &str) -> Vec<String> {
    interfaces(entries).iter().map(shown).collect()
}

/// Those of netplan's front-end that say what is not carried out yet are left
/// out: they are not this one's.
fn diagnostics(interface: &Interface) -> Vec<String> {
    let own = interface.diagnostics.iter().filter(|diagnostic| {
        let message = &diagnostic.warning.message;
        !message.contains("in the initramfs") && !message.contains("the initramfs does not")
    });
    own.map(|diagnostic| {
        let severity = format!("{:?}", diagnostic.severity).to_lowercase();
        let warning = &diagnostic.warning;
        let origin = warning.origin.as_ref().expect("a place");
        let hint = warning.hint.as_ref().map(|hint| format!(" ({hint})"));
        let hint = hint.unwrap_or_default();
        format!("{severity} {origin}: {}{hint}", warning.message)
    })
    .collect()
}

fn warnings(fragment: &Fragment) -> Vec<String> {
    let shown = fragment.warnings.iter().map(|warning| {
        let origin = warning.origin.as_ref().expect("a place");
        format!("{origin}: {}", warning.message)
    });
    shown.collect()
}
