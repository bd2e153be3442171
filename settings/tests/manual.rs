//! docs/settings.md says what the tables say. `UPDATE_DOCS=1 cargo test -p pulse-settings --test manual` renews it.

use pulse_settings::{AGENT, CLI, CONTROLLER, manual};
use std::path::Path;

#[test]
fn the_page_has_the_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    let kept = std::fs::read_to_string(&path).unwrap();
    let renewed = [&CONTROLLER, &AGENT, &CLI].iter().fold(kept.clone(), |page, program| {
        let (begin, end) = (format!("<!-- settings of {} -->\n", program.name), "<!-- end -->");
        let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("docs/settings.md has no {begin}"));
        let (_, after) = rest.split_once(end).expect("the end of the table");
        format!("{before}{begin}\n{}\n{end}{after}", manual(program))
    });
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &renewed).unwrap();
    }
    assert!(renewed == kept || std::env::var_os("UPDATE_DOCS").is_some(), "UPDATE_DOCS=1 renews docs/settings.md");
}
