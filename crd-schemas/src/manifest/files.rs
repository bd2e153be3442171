//! What an `execute` step takes from the commit beside its manifest: the script that it runs, and files for its work folder.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A path below the source's root, as a pattern: parts between `/`, none of them empty, `.` or `..`, no control character.
const PATH: &str = r"^([^/.\x00-\x1f\x7f][^/\x00-\x1f\x7f]*|\.[^/.\x00-\x1f\x7f][^/\x00-\x1f\x7f]*|\.\.[^/\x00-\x1f\x7f]+)(/([^/.\x00-\x1f\x7f][^/\x00-\x1f\x7f]*|\.[^/.\x00-\x1f\x7f][^/\x00-\x1f\x7f]*|\.\.[^/\x00-\x1f\x7f]+))*$";

/// Longest path, bytes.
pub const MAX_PATH_BYTES: usize = 512;
/// Most files of one step, beside its script.
pub const MAX_FILES: usize = 64;
/// Most arguments of a script.
pub const MAX_ARGS: usize = 100;

/// What an `execute` step runs: exactly one of `command` and `script`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Run {
    /// Text for the shell. `{{ params.x }}` becomes an environment variable, never shell text.
    Command(String),
    /// A file of the commit.
    Script(Script),
}

impl JsonSchema for Run {
    fn schema_name() -> Cow<'static, str> {
        "Run".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut script = generator.subschema_for::<Script>();
        script.insert("description".into(), "A script of the same commit, instead of `command`.".into());
        json_schema!({
            "type": "object",
            "properties": {
                "command": {
                    "description": "The command, for the shell. `{{ params.x }}` becomes an environment variable, never shell text.",
                    "type": "string",
                    "pattern": r"\S",
                },
                "script": script,
            },
            "oneOf": [{"required": ["command"]}, {"required": ["script"]}],
        })
    }
}

/// A file of the commit that is run with arguments. One whose first line begins with `#!` is executed as it is; any other one
/// is given to the step's shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields, inline)]
pub struct Script {
    /// The file, relative to the source's root; it lies under the same path in the work folder.
    #[schemars(regex(pattern = PATH), length(max = 512))]
    pub file: String,
    /// Its arguments. Values of `{{ … }}` stay within their argument. Every user of the target's host can read them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 65536)))]
    pub args: Vec<String>,
}

/// A file of the commit that is laid into the work folder before the command starts. In YAML the path alone, or
/// `{from: …, to: …}` where it shall have another path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Item", into = "Item")]
pub struct StepFile {
    /// The file, relative to the source's root.
    pub from: String,
    /// Where it lies, relative to the work folder.
    pub to: String,
}

impl StepFile {
    /// A file that keeps its path.
    pub fn kept(path: String) -> Self {
        Self { from: path.clone(), to: path }
    }
    /// Whether it lies under its own path.
    pub fn is_kept(&self) -> bool {
        self.from == self.to
    }
}

impl JsonSchema for StepFile {
    fn schema_name() -> Cow<'static, str> {
        "StepFile".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Item::json_schema(generator)
    }
}

/// A file for the work folder: its path, or `{from: …, to: …}`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Item {
    /// The path, relative to the source's root; the file keeps it in the work folder.
    Kept(#[schemars(regex(pattern = PATH), length(max = 512))] String),
    /// With another path in the work folder.
    Moved(Moved),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
struct Moved {
    /// The file, relative to the source's root.
    #[schemars(regex(pattern = PATH), length(max = 512))]
    from: String,
    /// Where it lies, relative to the work folder; under its own path unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = PATH), length(max = 512))]
    to: Option<String>,
}

impl From<Item> for StepFile {
    fn from(item: Item) -> Self {
        match item {
            Item::Kept(path) | Item::Moved(Moved { from: path, to: None }) => Self::kept(path),
            Item::Moved(Moved { from, to: Some(to) }) => Self { from, to },
        }
    }
}

impl From<StepFile> for Item {
    fn from(file: StepFile) -> Self {
        if file.is_kept() { Self::Kept(file.from) } else { Self::Moved(Moved { from: file.from, to: Some(file.to) }) }
    }
}
