//! What the line says to the agent itself: `nvmeroot=off`, `nvmeroot.debug`,
//! `nvmeroot.deadline=SECONDS`, and the `root=` that the initramfs will mount. Of several
//! settings of one name the last one counts.

use std::time::Duration;

use super::words::words;

/// How long the program tries when the command line does not say.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(180);

/// What the command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// `nvmeroot=off`: do nothing.
    pub off: bool,
    /// `nvmeroot.debug`: tell more.
    pub debug: bool,
    /// Time until the program gives up.
    pub deadline: Duration,
    /// The device that the initramfs mounts as root, as written.
    pub root: Option<String>,
    /// What could not be understood, for the log.
    pub complaints: Vec<String>,
}

impl Default for CommandLine {
    fn default() -> Self {
        Self {
            off: false,
            debug: false,
            deadline: DEFAULT_DEADLINE,
            root: None,
            complaints: Vec::new(),
        }
    }
}

impl CommandLine {
    /// Reads the text of `/proc/cmdline`. Nothing in it is an error: a machine
    /// must not fail to boot over a typing mistake.
    pub fn parse(text: &str) -> Self {
        let mut line = Self::default();
        for (name, value) in words(text) {
            match (name.as_str(), value) {
                ("nvmeroot", Some(value)) => match value.as_str() {
                    "off" | "0" | "no" => line.off = true,
                    "on" | "1" | "yes" => line.off = false,
                    _ => line.complain(format!("`nvmeroot={value}` is neither `on` nor `off`")),
                },
                ("nvmeroot.debug", value) => {
                    line.debug = !matches!(value.as_deref(), Some("0" | "no" | "off"));
                }
                ("nvmeroot.deadline", value) => {
                    let value = value.unwrap_or_default();
                    match value.parse::<u32>() {
                        Ok(seconds) if seconds > 0 => {
                            line.deadline = Duration::from_secs(seconds.into());
                        }
                        _ => line.complain(format!(
                            "`nvmeroot.deadline={value}` is no whole number of seconds above 0"
                        )),
                    }
                }
                ("root", Some(value)) if !value.is_empty() => line.root = Some(value),
                // Whether the firmware's tables count ([`takes_tables`](super::takes_tables)).
                ("nvmeroot.nbft", _) => {}
                (name, _) if name.starts_with("nvmeroot.") => {
                    line.complain(format!("`{name}` is no option of nvmeroot"));
                }
                _ => {}
            }
        }
        line
    }

    fn complain(&mut self, what: String) {
        self.complaints.push(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_its_own_words_and_leaves_the_others() {
        let line = CommandLine::parse(
            "BOOT_IMAGE=/vmlinuz root=UUID=ab-cd ro quiet nvmeroot.debug nvmeroot.deadline=30\n",
        );
        assert!(line.debug);
        assert!(!line.off);
        assert_eq!(line.deadline, Duration::from_secs(30));
        assert_eq!(line.root.as_deref(), Some("UUID=ab-cd"));
        assert_eq!(line.complaints, Vec::<String>::new());
        assert!(CommandLine::parse("nvmeroot=off").off);
        assert!(!CommandLine::parse("nvmeroot=off nvmeroot=on").off);
        assert_eq!(CommandLine::parse(""), CommandLine::default());
    }

    #[test]
    fn quotes_hold_words_together() {
        let line =
            CommandLine::parse("a=\"x nvmeroot=off\" \"root=LABEL=my root\" -- nvmeroot=off");
        assert!(!line.off);
        assert_eq!(line.root.as_deref(), Some("LABEL=my root"));
    }

    #[test]
    fn a_bad_value_is_told_and_changes_nothing() {
        for bad in ["0", "-1", "soon", "", "99999999999"] {
            let line = CommandLine::parse(&format!("nvmeroot.deadline={bad}"));
            assert_eq!(line.deadline, DEFAULT_DEADLINE);
            assert_eq!(
                line.complaints,
                [format!(
                    "`nvmeroot.deadline={bad}` is no whole number of seconds above 0"
                )]
            );
        }
        assert_eq!(
            CommandLine::parse("nvmeroot.deadline").complaints,
            CommandLine::parse("nvmeroot.deadline=").complaints
        );
        assert_eq!(
            CommandLine::parse("nvmeroot.dedline=3").complaints,
            ["`nvmeroot.dedline` is no option of nvmeroot"]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC*") {
            let line = CommandLine::parse(&text);
            prop_assert!(line.deadline >= Duration::from_secs(1));
        }

        #[test]
        fn a_switch_is_found_among_any_words(words in "[a-z=. ]{0,60}") {
            let text = format!("{words} nvmeroot=off");
            prop_assert!(CommandLine::parse(&text).off);
        }
    }
}
