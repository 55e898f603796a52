//! What all work has in common, on interfaces as on controllers: it waits,
//! retries, complains, and is recorded.

mod context;
mod failure_scope;
mod log_throttle;
mod recorder;
mod retry;

pub use context::Context;
pub(crate) use failure_scope::{ControllerAddress, FailureScope};
pub use recorder::{OpenStep, Recorder, monotonic_us};
pub(crate) use retry::{Ended, LONG, Next, SLOWEST_RETRY, backoff};
