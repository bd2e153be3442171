//! Why a value cannot stand where it stands, each with its mend.

use super::source::Value;
use crate::template::TemplateError;

/// A reason to refuse a value's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    Argv,
    SingleQuotes,
    QuotedHereDocument,
    HereDocumentDelimiter,
    Arithmetic,
    DoubleBrackets,
    Backticks,
    Parameter,
    Subscript,
    AfterBackslash,
    AfterDollar,
    CommandName,
    Descriptor,
    Name,
    Test,
    PrintfFormat,
    Declaration(String),
    Builtin(String),
    Special(String),
}

impl Refusal {
    /// The error about this value.
    pub(super) fn error(&self, value: &Value) -> TemplateError {
        let item = format!("{{{{ {} }}}}", value.path);
        let (why, mend) = self.explain(&item);
        TemplateError::new(value.offset, value.length, format!("`{item}` cannot stand here: {why}"), mend)
    }

    fn explain(&self, item: &str) -> (String, String) {
        let say = |why: &str, mend: String| (why.to_owned(), mend);
        match self {
            Self::Argv => say(
                "nothing is known of how this program reads its text",
                format!("declare `env: {{VALUE: \"{item}\"}}` and read `VALUE` from the environment there"),
            ),
            Self::SingleQuotes => say(
                "a shell puts nothing in between single quotes",
                format!("use double quotes, or end the single ones before it: `'…'{item}'…'`"),
            ),
            Self::QuotedHereDocument => say(
                "a shell puts nothing into a here-document with a quoted delimiter",
                "write the delimiter without quotes: `<<EOF`".into(),
            ),
            Self::HereDocumentDelimiter => {
                say("a here-document's delimiter is taken as it stands", "write a fixed word: `<<EOF`".into())
            }
            Self::Arithmetic => say(
                "a shell would evaluate the value as arithmetic, and bash runs commands that stand in it",
                format!("check that it is a number first: `n={item}; case $n in ''|*[!0-9]*) exit 2;; esac`, then use `$n`"),
            ),
            Self::DoubleBrackets => say(
                "within `[[ … ]]` a shell would evaluate the value",
                format!("use single brackets, such as `[ {item} = yes ]`, or `case {item} in yes) …;; esac`"),
            ),
            Self::Backticks => say("a shell parses text between backticks twice", format!("write `$(… {item} …)`")),
            Self::Parameter => say(
                "within `${…}` a shell may parse the value",
                format!("give it a variable first: `value={item}`, then `${{name:-$value}}`"),
            ),
            Self::Subscript => say(
                "an array's subscript is evaluated",
                format!("give it a variable first and check that: `value={item}`, then `a[1]=$value`"),
            ),
            Self::AfterBackslash => {
                say("the backslash before it would undo its quoting", format!("write `{item}` without the backslash"))
            }
            Self::AfterDollar => say("the `$` before it would join with it", format!("write `{item}` without the `$`")),
            Self::CommandName => say(
                "a value in the place of the command could name a builtin that parses the next one",
                format!(
                    "write `env {item} …`, which runs programs only; where an unquoted variable stands before it, quote that"
                ),
            ),
            Self::Descriptor => {
                say("bash expands the target of `>&` and `<&` twice", format!("write `> {item} 2>&1` for a file"))
            }
            Self::Name => say("a name of the shell's own is needed here", "write a fixed name".into()),
            Self::Test => say(
                "`test` would evaluate it, or could take the value before it for an operator",
                format!("compare with an operator between: `[ {item} = yes ]`, `[ -n {item} ]`"),
            ),
            Self::PrintfFormat => {
                say("as printf's format or option it could name a variable", format!("write `printf '%s\\n' {item}`"))
            }
            Self::Declaration(name) => say(
                &format!("`{name}` may evaluate what it is given"),
                match name.as_str() {
                    "local" | "declare" | "typeset" => format!("assign it after: `{name} value; value={item}`"),
                    _ => format!("give it a name: `{name} VALUE={item}`"),
                },
            ),
            Self::Builtin(name) => say(
                &format!("`{name}` parses or evaluates its arguments again"),
                format!("do without `{name}`, or call a program with `{item}`"),
            ),
            Self::Special(name) => say(
                &format!("a shell evaluates what is assigned to `{name}`"),
                format!("use a variable of another name: `value={item}`"),
            ),
        }
    }
}
