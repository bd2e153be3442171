//! What `pulse` can be told. It has no file: its flags are clap's own, and a test of the CLI holds this table against them.

use crate::program::Program;
use crate::setting::{Kind, Setting};

/// The CLI.
pub static CLI: Program = Program { name: "pulse", settings: &[SETTINGS], file: None, file_names: &[], others: &[] };

const SETTINGS: &[Setting] = &[
    Setting::new("PULSE_SERVER", "server", "server", Kind::Text("URL"), "The controller's address.").or("http://127.0.0.1:8080"),
    Setting::new(
        "PULSE_TOKEN",
        "token",
        "token-file",
        Kind::Text("TOKEN"),
        "The token; the flag --token shows it to other users of the machine.",
    )
    .secret(),
    Setting::new("PULSE_INSECURE_HTTP", "insecureHttp", "insecure-http", Kind::Bool, "Speak plain http also to other machines.")
        .or("false"),
    Setting::new(
        "PULSE_CA",
        "ca",
        "ca",
        Kind::Path("FILE"),
        "A PEM file with the only certificate authorities to trust over https.",
    )
    .or_else("the machine's authorities"),
];
