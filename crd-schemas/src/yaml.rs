//! Text to trees, with bounds; what the YAML parser says becomes problems with a place and, for the known traps, the mend.

use crate::problem::{Problem, Severity, code};
use crate::source::Source;
use crate::tree::{Node, Span, clip};
use crate::yaml_hints as hints;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{AliasLimits, DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Options};

/// Lists and maps inside each other.
pub(crate) const MAX_DEPTH: usize = 48;
/// Values in one file.
pub(crate) const MAX_NODES: usize = 100_000;
/// Documents in one file.
pub(crate) const MAX_DOCUMENTS: usize = 1000;
/// Aliases in one file.
pub(crate) const MAX_ALIASES: usize = 1000;
/// Values that aliases may repeat in one file.
pub(crate) const MAX_REPEATED: usize = 10_000;

/// One tree for each document of the text that is not empty. A syntax error hides the rest of the file, so it comes alone.
pub fn read(source: &Source) -> Result<Vec<Node>, Box<Problem>> {
    serde_saphyr::from_multiple_with_options(source.text(), options()).map_err(|error| Box::new(problem(source, &error)))
}

/// Duplicate keys are let through, because the decoder reports all of them; `<<` is an ordinary key, which it refuses.
fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        emit_comments: false,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        alias_limits: alias_limits(),
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_documents: MAX_DOCUMENTS,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_recorded_anchor_events: 4 * MAX_NODES,
            enforce_alias_anchor_ratio: false,
        },
    }
}

fn alias_limits() -> AliasLimits {
    serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPEATED, max_replay_stack_depth: MAX_DEPTH }
}

fn problem(source: &Source, error: &Error) -> Problem {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line() as u32, at.column() as u32));
    let start = source.byte(line, column);
    let at = Span { start, end: start + source.text()[start..].chars().next().map_or(0, char::len_utf8) };
    let cause = match error {
        Error::AliasError { error, .. } => error,
        _ => error,
    };
    let say = |at, code, message: String, help| source.problem(at, "", Severity::Error, code, message, help);
    if let Some((message, help)) = too_complex(cause) {
        return say(at, code::TOO_COMPLEX, message, Some(help.into()));
    }
    match cause {
        Error::UnsupportedTag { tag, .. } => {
            let message = format!("`{}` is a YAML tag, and manifests have no tags", clip(tag));
            let help = "an unquoted `!` at the start of a value is a tag for YAML; put the whole value into quotes";
            say(tag_span(source, line, at, tag), code::YAML_TAG, message, Some(help.into()))
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            say(at, code::YAML_SYNTAX, "an anchor holds an alias of itself".into(), Some("write the value out".into()))
        }
        _ => {
            let said = sentence(cause);
            let help = hints::hint(source, line, &said);
            say(at, code::YAML_SYNTAX, format!("this is no YAML: {said}"), help)
        }
    }
}

/// Which bound was passed, and the mend; `None` for any other error.
fn too_complex(error: &Error) -> Option<(String, &'static str)> {
    const SPLIT: &str = "split the file";
    const WRITE_OUT: &str = "write the values out instead of repeating them with aliases";
    Some(match error {
        Error::Budget { breach: BudgetBreach::SequenceUnbalanced, .. } => return None,
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => (too_deep(), "a manifest needs no such depth"),
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } => {
            (format!("the file has more than {MAX_DOCUMENTS} documents"), SPLIT)
        }
        Error::Budget { breach: BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. }, .. } => {
            (format!("the file has more than {MAX_ALIASES} anchors or aliases"), WRITE_OUT)
        }
        Error::Budget {
            breach: BudgetBreach::RecordedAnchorEvents { .. } | BudgetBreach::RecordedAnchorBytes { .. }, ..
        }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            (format!("the file's aliases repeat more than {MAX_REPEATED} values"), WRITE_OUT)
        }
        Error::Budget { .. } => (format!("the file has more than {MAX_NODES} values"), SPLIT),
        // The scanner has a bound of its own for brackets that it looks past before the first value is counted.
        _ if sentence(error).contains("recursion limit") => (too_deep(), "a manifest needs no such depth"),
        _ => return None,
    })
}

fn too_deep() -> String {
    format!("lists and maps stand inside each other more than {MAX_DEPTH} deep")
}

/// The parser names the place of the value; the tag stands before it, mostly on the same line.
fn tag_span(source: &Source, line: u32, value: Span, tag: &str) -> Span {
    let start = source.byte(line, 1);
    match source.text().get(start..value.start).and_then(|before| before.rfind(tag)) {
        Some(at) => Span { start: start + at, end: start + at + tag.len() },
        None => value,
    }
}

/// The parser's sentence without its own place at the end.
fn sentence(error: &Error) -> String {
    let text = error.without_snippet().to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].trim().chars().take(200).collect()
}
