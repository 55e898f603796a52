//! Reading the sources, and resolving what they say. They add to each other as
//! they do on the machine; none silences another.

mod curtin;
mod machine;
mod mounted;
mod native;
mod source;
mod tree;

pub(crate) use self::mounted::is_of_tree;

use std::path::Path;

use nvmeroot_intake::{Card, IntakeError, netplan};
use nvmeroot_plan::{BootPlan, Fragment, HostIdentity, Manager, Origin, Warning, resolve};

pub(crate) use self::machine::{Known, cards, pools};
use self::source::{NetworkText, SourceError};
use crate::Failure;
use crate::args::Input;
use crate::diagnose::{InputErrors, SourceMap};
use crate::root::RootTree;

/// The plan, and the texts that its origins point into.
pub(crate) struct Read {
    pub(crate) plan: BootPlan,
    /// What it was made of.
    pub(crate) fragments: Vec<Fragment>,
    pub(crate) source_map: SourceMap,
}

/// Opens the root tree that the user named.
pub(crate) fn open_root(path: &Path) -> Result<RootTree, Failure> {
    RootTree::open(path).map_err(|e| Failure::Usage(e.to_string()))
}

/// Reads everything that the input names.
/// `host`: the identity that the user gives, which counts more than the tree's.
pub(crate) fn read(
    input: &Input,
    root: Option<&RootTree>,
    host: Option<&HostIdentity>,
) -> Result<Read, Failure> {
    let mut source_map = SourceMap::default();
    let fragments = match fragments(input, root, host, &mut source_map) {
        Ok(fragments) => fragments,
        Err(SourceError::Failure(failure)) => return Err(failure),
        Err(SourceError::Input(error)) => return Err(Failure::Input(errors(error, source_map))),
    };
    let plan = resolve(fragments.clone());
    if plan.errors.is_empty() {
        return Ok(Read {
            plan,
            fragments,
            source_map,
        });
    }
    Err(Failure::Input(InputErrors {
        errors: plan.errors,
        source_map,
        left_out: 0,
    }))
}

/// What the sources say, the weakest first.
fn fragments(
    input: &Input,
    root: Option<&RootTree>,
    host: Option<&HostIdentity>,
    source_map: &mut SourceMap,
) -> Result<Vec<Fragment>, SourceError> {
    let Some(path) = &input.curtin else {
        return without_curtin(input, root, host, source_map);
    };
    let mut configuration = curtin::read(path, source_map)?;
    let without_storage = configuration.without_storage.take();
    configuration.fragment.warnings.extend(without_storage);
    let written = curtin::network(&configuration, source_map);
    // What cloud-init finds when the machine first boots, it writes anew.
    let is_cloud_inits = configuration.network.is_some() || written.iter().any(tree::is_cloud_init);
    let mut fragments = vec![configuration.fragment];
    let mut network = Vec::new();
    if let Some(root) = root {
        network = tree::network(root, is_cloud_inits, source_map)?;
        fragments.extend(of_managers(root, &[], source_map)?);
    }
    // What curtin writes replaces a file of the same path that was there.
    network.extend(written);
    fragments.extend(netplan_of(&network, configuration.network.as_ref())?);
    if let Some(root) = root {
        fragments.extend(tree::nvme(root, source_map)?);
        fragments.push(identity(root, host)?);
    }
    Ok(fragments)
}

/// What the tree says, and the machine that runs this where the tree says nothing.
fn without_curtin(
    input: &Input,
    root: Option<&RootTree>,
    host: Option<&HostIdentity>,
    source_map: &mut SourceMap,
) -> Result<Vec<Fragment>, SourceError> {
    let (Some(root), Some(path)) = (root, &input.root) else {
        let message = "no configuration is given\nhint: pass `--root DIR` for an installed system (`--root /`: the running one), or `--curtin FILE`; curtin's hooks have it in CONFIG";
        return Err(Failure::Usage(message.to_owned()).into());
    };
    let nvme = tree::nvme(root, source_map)?;
    let place = mounted::Place {
        root,
        path,
        machine: input.machine.as_deref(),
    };
    let mut fragments = vec![mounted::storage(&place, &nvme, source_map)?];
    let network = tree::network(root, false, source_map)?;
    let cards = machine::cards(place.files())?.known;
    fragments.extend(of_managers(root, &cards, source_map)?);
    fragments.extend(netplan_of(&network, None)?);
    let is_silent = fragments.iter().all(|one| one.interfaces.is_none());
    if is_silent && place.is_of_this_machine(&fragments)? {
        fragments.extend(machine::network(input.machine.as_deref())?);
    }
    fragments.extend(nvme);
    let own = identity(root, host)?;
    fragments.extend(mounted::another_identity(&fragments, &own));
    fragments.push(own);
    Ok(fragments)
}

/// What the own files of the tree's network managers say, and which files of others are
/// there.
fn of_managers(
    root: &RootTree,
    cards: &[Card],
    source_map: &mut SourceMap,
) -> Result<Vec<Fragment>, SourceError> {
    let managers = Manager::of_tree(|file| root.exists(file)).map_err(Failure::from)?;
    let mut fragments = native::network(root, &managers, cards, source_map)?;
    fragments.push(tree::passed_over(root, &managers)?);
    Ok(fragments)
}

/// What netplan's and cloud-init's files say, where there are any.
fn netplan_of(
    network: &[NetworkText],
    curtin: Option<&nvmeroot_intake::curtin::Network>,
) -> Result<Option<Fragment>, IntakeError> {
    if network.is_empty() && curtin.is_none() {
        return Ok(None);
    }
    let sources: Vec<netplan::Source<'_>> = network.iter().map(NetworkText::source).collect();
    netplan::read_with(&sources, curtin).map(Some)
}

/// The identity that the user gives, else the tree's.
fn identity(root: &RootTree, host: Option<&HostIdentity>) -> Result<Fragment, Failure> {
    match host {
        Some(given) => Ok(Fragment {
            host: Some((given.clone(), Origin::whole("the command line"))),
            ..Fragment::default()
        }),
        None => tree::host(root),
    }
}

fn errors(error: IntakeError, source_map: SourceMap) -> InputErrors {
    let found = error.into_diagnostics();
    let errors = found
        .shown
        .into_iter()
        .map(|d| Warning {
            message: d.sentence(),
            hint: d.hint,
            origin: Some(d.origin),
        })
        .collect();
    InputErrors {
        errors,
        source_map,
        left_out: found.left_out,
    }
}
