//! Problems as a compiler shows them: severity, code and sentence, `file:line:column`, the line with a caret, the help.

use super::escape::visible;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use crd_schemas::{Problem, Severity};

/// Lines around the problem that are shown.
const CONTEXT: usize = 1;

/// One problem in its file's text; without the text only the place is said.
pub fn render(problem: &Problem, text: Option<&str>, coloured: bool) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(visible(&problem.message)).id(visible(&problem.code));
    let mut groups = vec![match text.and_then(|text| excerpt(problem, text)) {
        Some(excerpt) => {
            let snippet = Snippet::source(excerpt.text).path(visible(&problem.file)).line_start(excerpt.first_line).fold(false);
            title.element(snippet.annotation(AnnotationKind::Primary.span(excerpt.span)))
        }
        None => {
            title.element(Origin::path(visible(&problem.file)).line(problem.line as usize).char_column(problem.column as usize))
        }
    }];
    if let Some(help) = &problem.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(help.split('\n').map(visible).collect::<Vec<_>>().join("\n"))));
    }
    let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).render(&groups)
}

struct Excerpt {
    text: String,
    first_line: usize,
    span: std::ops::Range<usize>,
}

/// The lines around a problem's first line, harmless for a terminal, and its bytes in them. `None` where the text has no such
/// line: it was changed since, or could not be read.
fn excerpt(problem: &Problem, text: &str) -> Option<Excerpt> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    let at = (problem.line as usize).checked_sub(1).filter(|at| *at < lines.len())?;
    let line = lines[at];
    let column = |column: u32| visible(&line.chars().take((column as usize).saturating_sub(1)).collect::<String>()).len();
    let start = column(problem.column);
    // A problem of several lines is shown by its first one.
    let end = if problem.end_line == problem.line { column(problem.end_column) } else { visible(line).len() };
    let (first, last) = (at.saturating_sub(CONTEXT), (at + CONTEXT).min(lines.len() - 1));
    let shown: Vec<String> = lines[first..=last].iter().map(|line| visible(line)).collect();
    let before: usize = shown[..at - first].iter().map(|line| line.len() + 1).sum();
    let shown_text = shown.join("\n");
    let limit = shown_text.len();
    let span = (before + start).min(limit)..(before + end.max(start)).min(limit);
    Some(Excerpt { text: shown_text, first_line: first + 1, span })
}

#[cfg(test)]
mod tests {
    use super::render;
    use crd_schemas::parse_file;

    #[test]
    fn a_problem_has_its_line_a_caret_its_code_and_its_help() {
        let text =
            "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: a}\nspec:\n  steps:\n    - {id: é, type: exectue}\n";
        let parsed = parse_file("a.yaml", text.as_bytes());
        let problem = parsed.problems.iter().find(|problem| problem.code == "unknown-step-type").expect("the problem");
        let shown = render(problem, Some(text), false);
        assert!(shown.starts_with("error[unknown-step-type]: "), "{shown}");
        assert!(shown.contains("--> a.yaml:6:21"), "{shown}");
        let line = shown.lines().find(|line| line.contains("type: exectue")).expect("the line");
        let caret = shown.lines().find(|line| line.contains("^^^^^^^")).expect("the caret");
        let before = |line: &str, what: &str| line.split(what).next().map(|part| part.chars().count());
        assert_eq!(before(line, "exectue"), before(caret, "^"), "{shown}");
        assert!(shown.contains("execute"), "{shown}");
    }

    #[test]
    fn a_file_that_no_longer_has_the_line_still_gets_a_place() {
        let parsed = parse_file("a.yaml", b"kind: [\n");
        let shown = render(&parsed.problems[0], None, false);
        assert!(shown.contains("--> a.yaml:"), "{shown}");
        let mut problem = parsed.problems[0].clone();
        (problem.line, problem.column) = (99, 7);
        assert!(render(&problem, Some("x"), false).contains("a.yaml:99:7"));
    }

    #[test]
    fn a_manifest_cannot_write_to_the_terminal() {
        let text = "kind: \"\u{1b}[2Jx\"\n\u{9b}: 1\n";
        let parsed = parse_file("a.yaml", text.as_bytes());
        for problem in &parsed.problems {
            let shown = render(problem, Some(text), false);
            assert!(!shown.contains('\u{1b}') && !shown.contains('\u{9b}'), "{shown}");
        }
        assert!(!parsed.problems.is_empty());
    }
}
