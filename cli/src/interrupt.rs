//! Ctrl-C while following: the first one is a wish to stop looking, the second one ends the process at once.

use crate::failure::Failure;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether Ctrl-C was pressed since [`Interrupt::listen`].
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes Ctrl-C over from the system.
    pub fn listen() -> Result<Self, Failure> {
        let pressed = Arc::new(AtomicBool::new(false));
        let failed = |error| Failure::new(format!("cannot listen for Ctrl-C: {error}"));
        // Order matters: the default action must look at the flag before the first press sets it.
        flag::register_conditional_default(SIGINT, Arc::clone(&pressed)).map_err(failed)?;
        flag::register(SIGINT, Arc::clone(&pressed)).map_err(failed)?;
        Ok(Self(pressed))
    }

    /// Ctrl-C was pressed.
    pub fn pressed(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
