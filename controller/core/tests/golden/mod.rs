//! Texts kept beside the tests. `UPDATE_GOLDEN=1` writes them anew; the difference is then read in review.

use std::path::Path;

/// Fails unless the file under `tests/golden` holds exactly this text.
#[expect(clippy::disallowed_methods, reason = "a test is steered by its environment")]
pub fn check(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).expect("a golden file can be written");
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((line, (kept, found))) = kept.lines().zip(found.lines()).enumerate().find(|(_, (kept, found))| kept != found) {
        panic!("{name}:{}: kept and found differ (UPDATE_GOLDEN=1 writes it anew)\n  kept:  {kept}\n  found: {found}", line + 1);
    }
    assert!(kept == found, "{name}: kept {} lines, found {}", kept.lines().count(), found.lines().count());
}
