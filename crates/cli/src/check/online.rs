//! Asks the portals of the plan, from user space and as the plan's own host: whether they
//! are reached, are NVMe/TCP, know the subsystem, admit the host, take its secret, and
//! have a namespace for it. It uses this machine's network as it is now.

mod portal;

use std::time::{Duration, Instant};

use nvmeroot_fabrics::command::{Command, PAGE};
use nvmeroot_fabrics::log_page::{DiscoveryEntry, SubsystemKind};
use nvmeroot_plan::{BootPlan, Controller, HostIdentity, Nqn, Reach, Secret};

use self::portal::{Portal, broken, fault, status, untried};
use super::finding::{Finding, Severity, Topic};
use super::subject::Subject;
use crate::output;

/// For all portals together; no connection begins after that.
const TOGETHER: Duration = Duration::from_secs(90);

/// More subsystems of one discovery log are not tried.
const MOST_SUBSYSTEMS: usize = 16;

/// What came of a controller of the plan.
#[derive(Default)]
struct Outcome {
    /// Namespaces that the host gets by it.
    namespaces: usize,
    /// What does not work, even where something else does.
    findings: Vec<Finding>,
}

impl Outcome {
    fn add(&mut self, asked: Result<usize, Finding>) {
        match asked {
            Ok(count) => self.namespaces += count,
            Err(finding) => self.findings.push(finding),
        }
    }
}

/// Asks all portals, and says on standard error how far it is.
pub(crate) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let plan = subject.plan;
    if plan.controllers.is_empty() {
        output::talk("the plan names no portal that could be asked\n");
        return;
    }
    let Some(host) = &plan.host else {
        let mend = match plan.reach {
            Reach::Firmware => {
                "the firmware's table may name it at boot: `nvmeroot nbft` shows the table"
                    .to_owned()
            }
            _ => format!(
                "{}, with `--hostnqn NQN --hostid UUID` or `--host-from /etc/nvme`",
                subject.configure
            ),
        };
        findings.push(
            Finding::warning(Topic::PortalUnsure, "no portal was asked")
                .because("the plan names no host, and a target answers by who asks")
                .mend(mend),
        );
        return;
    };
    let until = Instant::now() + TOGETHER;
    let asker = Asker { plan, host, until };
    let asked = plan.controllers.iter().enumerate().map(|(at, controller)| {
        let portal = controller.portal();
        output::talk(&format!("asking `{portal}` …\n"));
        let outcome = asker.ask(at, controller);
        let said = match (outcome.namespaces, outcome.findings.first()) {
            (0, Some(finding)) => format!("is not ready ({})", finding.topic.word()),
            (1, _) => "is ready, with 1 namespace".to_owned(),
            (count, _) => format!("is ready, with {count} namespaces"),
        };
        output::talk(&format!("`{portal}` {said}\n"));
        outcome
    });
    let outcomes: Vec<Outcome> = asked.collect();
    // One controller of a requirement is enough.
    let is_met = |any_of: &[usize]| {
        let mut all = any_of.iter().filter_map(|one| outcomes.get(*one));
        all.any(|outcome| outcome.namespaces > 0)
    };
    for (at, outcome) in outcomes.iter().enumerate() {
        let mut all = plan.requirements.iter();
        let is_needed = all.any(|one| one.any_of.contains(&at) && !is_met(&one.any_of));
        findings.extend(outcome.findings.iter().cloned().map(|mut finding| {
            if !is_needed {
                finding.severity = Severity::Warning;
            }
            finding
        }));
    }
}

struct Asker<'a> {
    plan: &'a BootPlan,
    host: &'a HostIdentity,
    until: Instant,
}

impl Asker<'_> {
    /// Asks a controller of the plan; `at`: its place there.
    fn ask(&self, at: usize, controller: &Controller) -> Outcome {
        let portal = Portal::of(self.plan, at, controller);
        let mut outcome = Outcome::default();
        match &controller.nqn {
            Some(nqn) if nqn.as_str() != Nqn::DISCOVERY => {
                outcome.add(self.subsystem(controller, &portal, nqn));
            }
            _ => match self.log(controller, &portal) {
                Err(finding) => outcome.findings.push(finding),
                Ok(entries) => self.offered(controller, &portal, &entries, &mut outcome),
            },
        }
        outcome
    }

    /// What a discovery controller offers.
    fn log(
        &self,
        controller: &Controller,
        portal: &Portal,
    ) -> Result<Vec<DiscoveryEntry>, Finding> {
        let mut conversation = portal.open(self.until)?;
        let secret = controller.options.dhchap_secret.as_ref();
        portal.connect(&mut conversation, self.host, Nqn::DISCOVERY, secret)?;
        conversation.enable().map_err(|e| broken(portal, &e))?;
        let log = conversation.log();
        let (entries, _) = log.map_err(|e| untried(portal, &e.to_string()))?;
        Ok(entries)
    }

    /// Asks all subsystems of a discovery log: the plan does not say which one root is on.
    fn offered(
        &self,
        controller: &Controller,
        portal: &Portal,
        entries: &[DiscoveryEntry],
        outcome: &mut Outcome,
    ) {
        let of_kind = |kind| entries.iter().filter(move |entry| entry.kind == kind);
        let subsystems = of_kind(SubsystemKind::Nvm);
        for entry in subsystems.clone().take(MOST_SUBSYSTEMS) {
            let there = portal.beside(entry.traddr, entry.trsvcid.get());
            outcome.add(self.subsystem(controller, &there, &entry.nqn));
        }
        let more = subsystems.count().saturating_sub(MOST_SUBSYSTEMS);
        if more > 0 {
            let why = format!("of its subsystems {more} more were not asked");
            outcome.findings.push(untried(portal, &why));
        }
        let has_found = outcome.namespaces > 0 || !outcome.findings.is_empty();
        if has_found {
            return;
        }
        outcome.findings.push(match of_kind(SubsystemKind::Referral).count() {
            0 => fault(
                Topic::NothingOffered,
                format!("`{portal}` offers nothing to `{}`", self.host.nqn),
                "a target lists what this host may use: it does not admit the host, or exports nothing there",
                "add the host NQN to the subsystem's allowed hosts on the target, and the subsystem to the port",
            ),
            _ => untried(portal, "it only refers to other discovery portals, which were not asked"),
        });
    }

    /// How many namespaces of a subsystem the host gets at a portal.
    fn subsystem(
        &self,
        controller: &Controller,
        portal: &Portal,
        nqn: &Nqn,
    ) -> Result<usize, Finding> {
        let options = self.plan.options_of(controller, portal.address(), nqn);
        let secret: Option<&Secret> = options.dhchap_secret.as_ref();
        let mut conversation = portal.open(self.until)?;
        portal.connect(&mut conversation, self.host, nqn.as_str(), secret)?;
        conversation.enable().map_err(|e| broken(portal, &e))?;
        let mut page = vec![0; usize::try_from(PAGE).unwrap_or(0)];
        let end = conversation
            .command(Command::Namespaces, &mut page)
            .map_err(|e| broken(portal, &e))?;
        if end.status != 0 {
            return Err(status(portal, end.status));
        }
        let ids = page.chunks_exact(4);
        match ids.take_while(|id| **id != [0; 4]).count() {
            0 => Err(fault(
                Topic::NoNamespace,
                format!("`{nqn}` at `{portal}` has no namespace for this host"),
                "the controller would be connected, and no drive would appear",
                "enable a namespace of the subsystem on the target",
            )),
            count => Ok(count),
        }
    }
}
