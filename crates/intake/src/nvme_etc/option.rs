//! Connect options as text.

use nvmeroot_plan::{ConnectOption, ConnectOptions, OptionError};

use crate::yaml::pyyaml::Excerpt;

/// Sets an option.
///
/// # Errors
/// What is wrong with the value. A secret is not shown.
pub(super) fn set(
    options: &mut ConnectOptions,
    option: &ConnectOption,
    value: &str,
) -> Result<(), String> {
    // libnvme's default, by which it leaves the option out.
    if option.name == "tos" && value == "-1" {
        options.tos = None;
        return Ok(());
    }
    option.set(options, value).map_err(|error| match error {
        OptionError::Misfit { expected } => misfit(option.name, value, expected),
        other => other.to_string(),
    })
}

/// What a message shows of a word of the input.
pub(super) fn shown(word: &str) -> String {
    Excerpt(word).to_string()
}

pub(super) fn misfit(name: &str, value: &str, expected: &str) -> String {
    format!("`{name}` is `{}`; expected {expected}", Excerpt(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmeroot_plan::CONNECT_OPTIONS;

    #[test]
    fn a_misfit_names_the_option_the_value_and_what_was_expected() {
        let mut options = ConnectOptions::default();
        let mut all = CONNECT_OPTIONS.iter();
        let tos = all.find(|o| o.name == "tos").expect("an option");
        assert_eq!(
            set(&mut options, tos, "256"),
            Err("`tos` is `256`; expected a whole number from 0 to 255".to_owned())
        );
        assert_eq!(set(&mut options, tos, "7"), Ok(()));
        assert_eq!(set(&mut options, tos, "-1"), Ok(()));
        assert_eq!(options, ConnectOptions::default());
    }
}
