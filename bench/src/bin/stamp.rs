//! The command whose first instruction is timed: it reads the clock that all processes share, and tells the time, with the
//! execution that it belongs to, to the socket that its last argument names.

use rustix::time::{ClockId, clock_gettime};
use std::os::unix::net::UnixDatagram;
use std::process::ExitCode;

fn main() -> ExitCode {
    let now = clock_gettime(ClockId::Monotonic);
    let (Some(socket), Ok(execution)) = (std::env::args_os().next_back(), std::env::var("PULSE_EXECUTION")) else {
        return ExitCode::from(2);
    };
    let line = format!("{execution} {} {}", now.tv_sec, now.tv_nsec);
    let told = UnixDatagram::unbound().and_then(|sender| sender.send_to(line.as_bytes(), socket));
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
