//! Making controllers, and asking a portal what it offers.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use nvmeroot_fabrics::log_page::{Offered, read_log};
use rustix::io::Errno;

use super::connect_lock::ConnectLock;
use super::error::unreadable;
use super::tcp::{Inquiry, Unanswered};
use super::{NvmeTree, Request, Supported, admin, classify};
use crate::sys::kmsg::KernelLog;
use crate::sys::modprobe::modprobe;
use crate::sys::paths::Paths;
use nvmeroot_record::{Failure, FailureKind};

/// The kernel's side: one for real ([`Kernel`]), and whatever a test gives.
pub trait Device: Send + Sync {
    /// Loads what it consists of, and relock when that is done.
    fn prepare(&self) {}

    /// What reading the device lists.
    ///
    /// # Errors
    /// As the kernel answers.
    fn options(&self) -> io::Result<String>;

    /// Makes a controller and relock its instance number.
    ///
    /// # Errors
    /// The kernel's errno and log.
    fn create(&self, text: &str) -> Result<u32, Refusal>;

    /// Reads a part of a controller's discovery log. Relock the NVMe status.
    ///
    /// # Errors
    /// As the kernel answers.
    fn discovery_log(&self, instance: u32, offset: u64, buffer: &mut [u8]) -> io::Result<u16>;

    /// Removes a controller.
    ///
    /// # Errors
    /// As the kernel answers.
    fn delete(&self, instance: u32) -> io::Result<()>;
}

/// The kernel did not make a controller.
#[derive(Debug)]
pub struct Refusal {
    /// Its answer.
    pub error: io::Error,
    /// What it said in its log meanwhile.
    pub said: Vec<String>,
}

/// The kernel itself.
#[derive(Debug)]
pub struct Kernel {
    paths: Paths,
    modprobe_tried: Mutex<bool>,
}

impl Kernel {
    /// The kernel behind these files.
    pub fn new(paths: Paths) -> Self {
        Self {
            paths,
            modprobe_tried: Mutex::new(false),
        }
    }

    /// Loads the modules, once.
    fn load(&self) {
        let tried = self.modprobe_tried.lock();
        let mut tried = tried.unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *tried, true) {
            return;
        }
        // What is missing shows when it is used. The first is for DHCP, and small.
        let _ = modprobe(["-q", "-a", "af_packet", "nvme-tcp"]);
    }

    fn open(&self) -> io::Result<File> {
        let device = self.paths.dev.join("nvme-fabrics");
        let open = || OpenOptions::new().read(true).write(true).open(&device);
        match open() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.load();
                open()
            }
            other => other,
        }
    }
}

impl Device for Kernel {
    fn prepare(&self) {
        self.load();
    }

    fn options(&self) -> io::Result<String> {
        let mut text = String::new();
        self.open()?.take(16 * 1024).read_to_string(&mut text)?;
        Ok(text)
    }

    fn create(&self, text: &str) -> Result<u32, Refusal> {
        // What the kernel says meanwhile of controllers that it has already,
        // which may be reconnecting, is not about this one.
        let others = NvmeTree::new(&self.paths.sys).names();
        let mut log = KernelLog::from_now(&self.paths);
        let made = || {
            let mut device = self.open()?;
            // The kernel takes each write for a whole request.
            let written = device.write(text.as_bytes())?;
            if written != text.len() {
                return Err(io::Error::from(io::ErrorKind::WriteZero));
            }
            let mut answer = String::new();
            device.take(4096).read_to_string(&mut answer)?;
            instance(&answer).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
        };
        made().map_err(|error| Refusal {
            error,
            said: log
                .as_mut()
                .map(KernelLog::lines)
                .unwrap_or_default()
                .into_iter()
                .map(|line| line.text)
                .filter(|text| !is_about(text, &others))
                .collect(),
        })
    }

    fn discovery_log(&self, instance: u32, offset: u64, buffer: &mut [u8]) -> io::Result<u16> {
        let device = File::open(self.paths.dev.join(format!("nvme{instance}")))?;
        Ok(admin::get_discovery_log(&device, offset, buffer)?)
    }

    fn delete(&self, instance: u32) -> io::Result<()> {
        NvmeTree::new(&self.paths.sys).delete(instance)
    }
}

/// The line of the kernel log is about one of these controllers.
fn is_about(line: &str, controllers: &BTreeSet<String>) -> bool {
    line.strip_prefix("nvme ")
        .and_then(|rest| rest.split_once(':'))
        .is_some_and(|(name, _)| controllers.contains(name))
}

/// `instance=N,cntlid=M`.
fn instance(answer: &str) -> Option<u32> {
    answer
        .trim()
        .split(',')
        .find_map(|part| part.strip_prefix("instance="))?
        .parse()
        .ok()
}

/// A controller that was made, or was there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Its instance number; `None` where it was there already.
    pub instance: Option<u32>,
    /// Options of the plan that the kernel lacks.
    pub left_out: Vec<&'static str>,
}

/// Makes controllers, one after the other ([`ConnectLock`]): the kernel holds a lock
/// over each connect anyway, and so each line in its log has one cause. Who knows
/// that a portal does not answer must not come here, or all others wait with it.
pub struct Fabrics {
    device: Box<dyn Device>,
    lock: ConnectLock,
    supported: OnceLock<Supported>,
}

impl std::fmt::Debug for Fabrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fabrics").finish_non_exhaustive()
    }
}

impl Fabrics {
    /// By this device.
    pub fn new(device: Box<dyn Device>) -> Self {
        Self {
            device,
            lock: ConnectLock::default(),
            supported: OnceLock::new(),
        }
    }

    /// Loads what connecting needs, before it is needed.
    pub fn prepare(&self) {
        self.device.prepare();
    }

    fn supported(&self) -> Result<&Supported, Failure> {
        if let Some(known) = self.supported.get() {
            return Ok(known);
        }
        let known = match self.device.options() {
            Ok(text) => Supported::parse(&text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::new(
                    FailureKind::Kernel,
                    "`/dev/nvme-fabrics` is not there: the module `nvme-tcp` is not loaded",
                ));
            }
            // Kernels before 5.17 can't be asked.
            Err(_) => Supported::unknown(),
        };
        Ok(self.supported.get_or_init(|| known))
    }

    /// Root is there: what else there is to connect leaves it the processor.
    pub fn slow_down(&self) {
        self.lock.calm();
    }

    /// Root is mounted: what else there is to connect is connected as fast as can
    /// be.
    pub fn speed_up(&self) {
        self.lock.go_on();
    }

    /// Makes a controller. Of several that wait, the one with the fewest
    /// `failures` before comes first.
    ///
    /// # Errors
    /// What stood in the way, by layer.
    pub fn connect(&self, request: &Request<'_>, failures: u32) -> Result<Connected, Failure> {
        let _turn = self.lock.connect(failures);
        let (text, left_out) = request.text(self.supported()?);
        let instance = match self.device.create(&text) {
            Ok(instance) => Some(instance),
            Err(refusal) if is(&refusal.error, Errno::ALREADY) => None,
            Err(refusal) => return Err(judge(&refusal, request)),
        };
        Ok(Connected { instance, left_out })
    }

    /// Asks the discovery controller behind a portal what it offers. Where
    /// [`Fabrics::asks_itself`], the portal gets `patience` to take the
    /// connection.
    ///
    /// # Errors
    /// What stood in the way, by layer.
    pub fn discover(&self, request: &Request<'_>, patience: Duration) -> Result<Offered, Failure> {
        if let Some(inquiry) = Inquiry::of(request) {
            match inquiry.ask(patience) {
                Ok(offered) => return Ok(offered),
                Err(Unanswered::Failure(failure)) => return Err(failure),
                // The kernel speaks more than we do, and knows more to say.
                Err(Unanswered::NotUnderstood(_) | Unanswered::NotEnough) => {}
            }
        }
        self.discover_by_kernel(request)
    }

    /// The portal is asked over a connection that nobody else waits for.
    pub fn asks_itself(request: &Request<'_>) -> bool {
        Inquiry::of(request).is_some()
    }

    /// The controller is removed again before anybody else connects, so that it
    /// takes no device's name.
    fn discover_by_kernel(&self, request: &Request<'_>) -> Result<Offered, Failure> {
        let _turn = self.lock.discover();
        let (text, _) = request.text(self.supported()?);
        let made = self.device.create(&text);
        let instance = made.map_err(|refusal| judge(&refusal, request))?;
        let read = read_log(|offset, part| self.read_part(instance, offset, part));
        let removed = self.device.delete(instance);
        let portal = request.at.to_string();
        let offered = read.map_err(|what| unreadable(&portal, &what))?;
        removed.map_err(|e| {
            Failure::new(
                FailureKind::Kernel,
                format!("the discovery controller of `{portal}` can't be removed: {e}"),
            )
        })?;
        Ok(offered)
    }

    fn read_part(&self, instance: u32, offset: u64, part: &mut [u8]) -> Result<(), String> {
        match self.device.discovery_log(instance, offset, part) {
            Ok(0) => Ok(()),
            Ok(status) => Err(format!("NVMe status {status:#x}")),
            Err(e) => Err(e.to_string()),
        }
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

fn judge(refusal: &Refusal, request: &Request<'_>) -> Failure {
    match refusal.error.raw_os_error() {
        Some(errno) => classify(
            Errno::from_raw_os_error(errno),
            &refusal.said,
            &request.at.to_string(),
            request.nqn,
        ),
        None => Failure::new(
            FailureKind::Kernel,
            format!("`/dev/nvme-fabrics`: {}", refusal.error),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_others_does_not_count() {
        let others = BTreeSet::from(["nvme0".to_owned()]);
        let failed = |name: &str| format!("nvme {name}: Connect command failed, errno: -111");
        assert!(is_about(&failed("nvme0"), &others));
        assert!(!is_about(&failed("nvme1"), &others));
        assert!(!is_about(
            "nvme_fabrics: missing parameter 'nqn=%s'",
            &others
        ));
    }

    #[test]
    fn the_kernels_answer_names_the_instance() {
        assert_eq!(instance("instance=12,cntlid=3\n"), Some(12));
        assert_eq!(instance("instance=-1,cntlid=-1,transport=%s"), None);
        assert_eq!(instance(""), None);
    }
}
