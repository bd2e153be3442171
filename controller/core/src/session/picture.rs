//! The controller's full picture, in as many messages as it takes.

use pulse_protocol::{Assignment, CommandSpec, Epoch, ToAgent};

/// Bytes of commands in one message; far below the longest frame also when every byte is escaped.
const MESSAGE_BYTES: usize = 512 * 1024;
/// Attempts in one message.
const MESSAGE_ITEMS: usize = 500;

/// Everything that an agent shall have. Only a picture that fits into one message is called full.
pub fn messages(wanted: Vec<Assignment>, epoch: Epoch) -> Vec<ToAgent> {
    let mut parts: Vec<Vec<Assignment>> = vec![Vec::new()];
    let mut bytes = 0;
    for assignment in wanted {
        let size = assignment.command.as_ref().map_or(0, size_of);
        if let Some(part) = parts.last()
            && !part.is_empty()
            && (bytes + size > MESSAGE_BYTES || part.len() >= MESSAGE_ITEMS)
        {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.push(assignment);
        }
    }
    let full = parts.len() == 1;
    parts.into_iter().map(|assignments| ToAgent::Assign { epoch, assignments, full }).collect()
}

/// Bytes that a command brings into a message, more or less: files are longer there by a third.
fn size_of(command: &CommandSpec) -> usize {
    let env: usize = command.env.iter().map(|(name, value)| name.len() + value.len()).sum();
    let args: usize = command.script_file.iter().flat_map(|script| &script.args).map(String::len).sum();
    command.script.len() + env + args + command.files_bytes() / 3 * 4
}
