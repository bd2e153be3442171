//! Lists: `{"items": […], "nextCursor": …}`, bounded.

use super::Problem;
use super::answers::Page;
use axum::http::StatusCode;
use pulse_store::Definition;

/// Items of a page unless said.
const DEFAULT: u32 = 100;
/// Items of a page at most.
const MAX: u32 = 500;

/// The parameters of a list without any of its own.
#[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// Items of the page: 100 unless said, at most 500.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub(super) limit: Option<u32>,
    /// The `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// Which source is meant; needed only where several have the name.
#[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceQuery {
    /// The source that is meant.
    pub(super) source: Option<String>,
}

impl SourceQuery {
    /// The definition that is meant, of all that have a name.
    pub(super) fn only(&self, all: impl Iterator<Item = Definition>) -> Result<Option<Definition>, Problem> {
        let mut all: Vec<Definition> =
            all.filter(|definition| self.source.as_ref().is_none_or(|source| *source == definition.source)).collect();
        if all.len() < 2 {
            return Ok(all.pop());
        }
        let sources: Vec<String> = all.into_iter().map(|definition| definition.source).collect();
        let detail = format!("several sources have the name: {}", sources.join(", "));
        let problem = Problem::new(StatusCode::CONFLICT, "ambiguous_name", detail).with("sources", sources);
        Err(problem.with_help("say which is meant: `?source=` in the request, or `--source` of `pulse get` and `pulse describe`"))
    }
}

/// The key of a definition in a list of all sources: by name, then by source.
pub(super) fn key(definition: &Definition) -> String {
    // No name holds a comma, which sorts before everything that a name may hold, and a URL takes it as it is.
    format!("{},{}", definition.manifest.metadata().name, definition.source)
}

/// How many items a page has. More than the bound is the bound: whoever wants more follows the cursor.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        Some(0) => Err(Problem::parameter("limit", "it must be 1 or more")),
        asked => Ok(asked.unwrap_or(DEFAULT).min(MAX)),
    }
}

/// A page.
pub(super) fn page<T>(items: impl IntoIterator<Item = T>, next_cursor: Option<String>) -> Page<T> {
    Page { items: items.into_iter().collect(), next_cursor }
}

/// The page of a list that is in memory, sorted by the unique key that is its cursor. Only what is shown is made.
pub(super) fn by_name<T, V>(all: Vec<(String, T)>, query: &PageQuery, view: impl Fn(T) -> V) -> Result<Page<V>, Problem> {
    let (taken, next) = of_page(all, query)?;
    Ok(page(taken.into_iter().map(view), next))
}

/// What such a page holds, and where the next one begins.
pub(super) fn of_page<T>(all: Vec<(String, T)>, query: &PageQuery) -> Result<(Vec<T>, Option<String>), Problem> {
    let limit = limit(query.limit)? as usize;
    let mut rest = all.into_iter().filter(|(name, _)| query.cursor.as_ref().is_none_or(|cursor| name > cursor)).peekable();
    let taken: Vec<_> = rest.by_ref().take(limit).collect();
    let next = rest.peek().and(taken.last()).map(|(name, _)| name.clone());
    Ok((taken.into_iter().map(|(_, item)| item).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::{PageQuery, by_name};
    use serde_json::json;

    #[test]
    fn pages_follow_each_other_and_end() {
        let all = || ["a", "b", "c"].map(|name| (name.to_owned(), name)).to_vec();
        let page = |limit, cursor: Option<&str>| {
            json!(by_name(all(), &PageQuery { limit, cursor: cursor.map(str::to_owned) }, |name| name).unwrap())
        };
        assert_eq!(page(Some(2), None), json!({"items": ["a", "b"], "nextCursor": "b"}));
        assert_eq!(page(Some(2), Some("b")), json!({"items": ["c"], "nextCursor": null}));
        assert_eq!(page(Some(3), None), json!({"items": ["a", "b", "c"], "nextCursor": null}));
        assert_eq!(page(None, Some("z")), json!({"items": [], "nextCursor": null}));
        assert!(by_name(all(), &PageQuery { limit: Some(0), cursor: None }, |name| name).is_err());
    }
}
