//! A step that asks a person.

use super::steps::GOTO;
use crate::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// Most characters of a prompt's message.
pub const MAX_MESSAGE_CHARS: usize = 16_384;
/// Most characters of an answer.
pub const MAX_ANSWER_CHARS: usize = 256;
/// Most options of a prompt.
pub const MAX_OPTIONS: usize = 20;

/// Asks a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("anyOf" = [{"required": ["timeout"]}, {"not": {"required": ["onTimeout"]}}]))]
pub struct Prompt {
    /// What is asked; may hold `{{ … }}`. Whoever is asked also sees how the command before it ended.
    #[schemars(regex(pattern = r"\S"), length(max = 16384))]
    pub message: String,
    /// What can be answered: a text, or `{value, goto}` for an answer that leads elsewhere. No two are alike.
    #[schemars(length(min = 1, max = 20))]
    pub options: Vec<PromptOption>,
    /// Who may answer: `user:…`, `group:…`, `role:…`, `token:…`, or `everyone`; whoever may answer this workflow's prompts unless
    /// said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(regex(pattern = super::SUBJECT)), extend("uniqueItems" = true))]
    pub who: Vec<String>,
    /// How long an answer is waited for while a controller runs; for ever unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// What happens when nobody has answered by then: `fail`, unless said, or `{answer: …}`. Only beside `timeout`.
    #[serde(default, skip_serializing_if = "OnTimeout::is_fail")]
    pub on_timeout: OnTimeout,
}

/// An answer that can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptOption {
    /// The answer.
    pub value: String,
    /// The step that follows it, or `end`.
    pub goto: Option<String>,
}

/// What happens when nobody has answered in time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OnTimeout {
    /// The step fails.
    #[default]
    Fail,
    /// This answer is taken.
    Answer(String),
}

impl OnTimeout {
    /// Is it the one that need not be said?
    fn is_fail(&self) -> bool {
        *self == Self::Fail
    }
}

/// How an option with a `goto` is written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OptionForm {
    Value(String),
    WithGoto { value: String, goto: Option<String> },
}

impl Serialize for PromptOption {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match &self.goto {
            None => OptionForm::Value(self.value.clone()),
            goto => OptionForm::WithGoto { value: self.value.clone(), goto: goto.clone() },
        };
        form.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for PromptOption {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match OptionForm::deserialize(deserializer)? {
            OptionForm::Value(value) => Self { value, goto: None },
            OptionForm::WithGoto { value, goto } => Self { value, goto },
        })
    }
}
impl JsonSchema for PromptOption {
    fn schema_name() -> Cow<'static, str> {
        "PromptOption".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let value = serde_json::json!({"type": "string", "pattern": r"\S", "maxLength": 256});
        let mut described = value.clone();
        described["description"] = "The answer.".into();
        json_schema!({
            "anyOf": [value, {
                "type": "object",
                "properties": {"value": described, "goto": {
                    "type": "string", "pattern": GOTO, "description": "The step that follows this answer, or `end`.",
                }},
                "required": ["value"],
                "additionalProperties": false,
            }],
        })
    }
}

/// How `{answer: …}` is written.
#[derive(Serialize, Deserialize)]
struct AnswerForm {
    answer: String,
}

impl Serialize for OnTimeout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fail => serializer.serialize_str("fail"),
            Self::Answer(answer) => AnswerForm { answer: answer.clone() }.serialize(serializer),
        }
    }
}
impl<'de> Deserialize<'de> for OnTimeout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Word(String),
            Answer(AnswerForm),
        }
        match Form::deserialize(deserializer)? {
            Form::Word(word) if word == "fail" => Ok(Self::Fail),
            Form::Word(word) => Err(serde::de::Error::custom(format!("`{word}` is neither `fail` nor `{{answer: …}}`"))),
            Form::Answer(form) => Ok(Self::Answer(form.answer)),
        }
    }
}
impl JsonSchema for OnTimeout {
    fn schema_name() -> Cow<'static, str> {
        "OnTimeout".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{"const": "fail"}, {
                "type": "object",
                "properties": {"answer": {"type": "string", "description": "One of the options, which is then taken with its `goto`."}},
                "required": ["answer"],
                "additionalProperties": false,
            }],
        })
    }
}
