//! QEMU's monitor (QMP: qemu.org/docs/master/interop/qmp-spec.html).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::{Error, Result};

const ANSWER: Duration = Duration::from_secs(20);

/// A connection to one machine's monitor.
#[derive(Debug)]
pub(super) struct Qmp {
    vm: String,
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl Qmp {
    /// Connects to the socket that QEMU makes when it starts.
    pub(super) fn connect(vm: &str, socket: &Path) -> Result<Self> {
        let deadline = Instant::now() + ANSWER;
        let stream = loop {
            match UnixStream::connect(socket) {
                Ok(stream) => break stream,
                Err(e) if Instant::now() > deadline => {
                    return Err(Error::Monitor {
                        vm: vm.to_owned(),
                        what: format!("no connection to QEMU's monitor: {e}"),
                    });
                }
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        };
        let prepared = stream
            .set_read_timeout(Some(ANSWER))
            .and_then(|()| stream.try_clone());
        let writer = prepared.map_err(|e| Error::Monitor {
            vm: vm.to_owned(),
            what: format!("QEMU's monitor: {e}"),
        })?;
        let mut qmp = Qmp {
            vm: vm.to_owned(),
            reader: BufReader::new(stream),
            writer,
        };
        qmp.message()?;
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Runs one command and returns its result.
    pub(super) fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let request = json!({ "execute": command, "arguments": arguments });
        writeln!(self.writer, "{request}").map_err(|e| self.fault(command, &e.to_string()))?;
        loop {
            let mut answer = self.message()?;
            if let Some(error) = answer.get("error") {
                let error = error.to_string();
                return Err(self.fault(command, &error));
            }
            // Anything else is an event.
            if let Some(result) = answer.get_mut("return") {
                return Ok(result.take());
            }
        }
    }

    fn message(&mut self) -> Result<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => Err(self.fault("read", "connection closed")),
            Ok(_) => serde_json::from_str(&line).map_err(|e| self.fault("read", &e.to_string())),
            Err(e) => Err(self.fault("read", &e.to_string())),
        }
    }

    fn fault(&self, command: &str, answer: &str) -> Error {
        Error::Monitor {
            vm: self.vm.clone(),
            what: format!("QEMU's monitor: {command}: {answer}"),
        }
    }
}
