//! Somebody sits at the host's console.

use std::time::Duration;

use super::Session;
use crate::error::{Error, Result};
use crate::machine::Who;

/// The word of the kernel command line that makes `/dev/console` one on which somebody
/// types; the kernel's own messages go to both.
pub(crate) const KEYBOARD: &str = "console=hvc0";

/// How often somebody looks at it.
const LOOK: Duration = Duration::from_secs(1);

impl Session {
    /// Waits until the host asks one of `prompts` on its console ([`KEYBOARD`]); after
    /// `pause` the answer is typed.
    ///
    /// # Errors
    /// [`Error::Timeout`] when it does not ask within `bound`.
    pub(crate) fn answer(
        &mut self,
        prompts: &[&str],
        line: &str,
        pause: Duration,
        bound: Duration,
    ) -> Result<()> {
        let until = self.now() + bound;
        loop {
            let said = self.world.asked(Who::Host);
            if prompts.iter().any(|prompt| said.contains(prompt)) {
                break;
            }
            if self.now() >= until {
                return Err(Error::Timeout {
                    vm: Who::Host.to_string(),
                    what: prompts.join("` or `"),
                    seconds: bound.as_secs(),
                });
            }
            self.run_for(LOOK)?;
        }
        self.run_for(pause)?;
        self.world.send(Who::Host, line)
    }
}
