//! What the agent recorded in `/run/nvmeroot/boot.json`: as much of it as
//! assertions need, read anew here, for users read that file with programs of
//! their own too.

use serde::Deserialize;

/// The record of one boot.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Record {
    /// `running`, `done`, `failed`, `idle`
    pub outcome: String,
    /// When the agent started.
    pub start: Moment,
    /// When the goal was reached or given up.
    pub decided: Option<Moment>,
    /// When root was mounted, if other paths were still worked on then.
    pub mounted: Option<Moment>,
    /// The steps, in the order in which they began.
    pub steps: Vec<RecordedStep>,
    /// What is left to the running system.
    #[serde(default)]
    pub missing: Vec<Missing>,
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Moment {
    /// Microseconds of the monotonic clock.
    pub monotonic_us: u64,
    /// Microseconds of the kernel log's clock.
    pub kernel_us: Option<u64>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RecordedStep {
    /// An interface's name, or a portal.
    pub subject: String,
    /// `card`, `carrier`, `dhcp4`, `connect`, …
    pub action: String,
    /// What with.
    #[serde(default)]
    pub detail: String,
    /// `running`, `done`, `failed`
    pub state: String,
    /// When it began.
    pub start: Moment,
    /// When it ended.
    pub end: Option<Moment>,
    /// How often it was tried.
    pub tries: u32,
    /// What went wrong meanwhile.
    #[serde(default)]
    pub errors: Vec<RecordedError>,
}

/// One error of a step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RecordedError {
    /// When it was met first.
    pub at: Moment,
    /// `no-card`, `no-carrier`, `refused`, …
    #[serde(rename = "failure")]
    pub layer: String,
    /// What was seen.
    pub message: String,
}

/// What is not there although the plan names it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Missing {
    /// An interface's name, or a portal.
    pub subject: String,
    /// As in [`RecordedError`].
    #[serde(rename = "failure")]
    pub layer: String,
}

impl Record {
    /// Finds the record in what a host wrote to its second serial port.
    pub fn find(text: &str) -> Option<Record> {
        serde_json::from_str(Self::text(text)?).ok()
    }

    /// The same as it is written there.
    pub fn text(text: &str) -> Option<&str> {
        let section = text.split("@section record\n").nth(1)?;
        let json = section.split("@section ").next()?;
        (!json.trim().is_empty()).then_some(json)
    }

    /// Each moment by its name, in milliseconds since the kernel started: what two
    /// runs can be compared by.
    pub fn milliseconds(&self) -> Vec<(String, u64)> {
        let steps = self.steps.iter().flat_map(|step| {
            let name = format!("{} {}", step.subject, step.action);
            let end = step.end.map(|end| (format!("{name} ends"), end));
            let begin = (format!("{name} begins"), step.start);
            let errors = step.errors.iter();
            let errors = errors.map(|error| (format!("{name} meets {}", error.layer), error.at));
            [Some(begin), end]
                .into_iter()
                .flatten()
                .chain(errors)
                .collect::<Vec<_>>()
        });
        let whole = [
            Some(("start".to_owned(), self.start)),
            self.decided.map(|at| ("decided".to_owned(), at)),
            self.mounted.map(|at| ("mounted".to_owned(), at)),
        ];
        let all = whole.into_iter().flatten().chain(steps);
        all.map(|(name, at)| (name, at.monotonic_us / 1000))
            .collect()
    }

    /// The step `action` of `subject`.
    pub fn step(&self, subject: &str, action: &str) -> Option<&RecordedStep> {
        self.steps
            .iter()
            .find(|step| step.subject == subject && step.action == action)
    }

    /// Whether portals are left to the running system, which goes on with them.
    pub fn leaves_paths(&self) -> bool {
        let mut steps = self.steps.iter();
        !self.missing.is_empty() || steps.any(|step| step.state == "running")
    }

    /// Seconds from the agent's start to its decision.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.decided?.since(self.start))
    }
}

impl RecordedStep {
    /// Seconds from its start to its end.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.end?.since(self.start))
    }

    /// Whether it met an error of that layer.
    pub fn met(&self, layer: &str) -> bool {
        self.errors.iter().any(|error| error.layer == layer)
    }
}

impl Moment {
    /// Seconds since `earlier`.
    pub fn since(self, earlier: Moment) -> f64 {
        self.monotonic_us.saturating_sub(earlier.monotonic_us) as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_found() {
        let text = r#"
@section processes
@section record
{"version":2,"outcome":"failed","start":{"monotonic_us":1000000,"kernel_us":5},
 "decided":{"monotonic_us":3500000},"requirements":[],
 "steps":[{"subject":"10.0.0.1:4420","action":"connect","state":"failed","tries":3,
  "start":{"monotonic_us":1},"end":{"monotonic_us":2000001},
  "errors":[{"at":{"monotonic_us":2},"times":3,"failure":"refused","message":"m","hint":"h"}]}]}

@section end
"#;
        let record = Record::find(text).unwrap();
        assert_eq!(record.seconds(), Some(2.5));
        let step = record.step("10.0.0.1:4420", "connect").unwrap();
        assert_eq!(step.seconds(), Some(2.0));
        assert!(step.met("refused") && !step.met("timeout"));
        assert_eq!(Record::find("@section record\n\n@section end\n"), None);
    }
}
