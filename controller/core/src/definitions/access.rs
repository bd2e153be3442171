//! What can be wrong with an `AccessPolicy` beside its form.

use super::Finding;
use super::command::COMMAND;
use crate::selector::Selector;
use crd_schemas::is_name;
use crd_schemas::manifest::AccessPolicy;

/// What the policy can be asked by itself: each item is a name or a selector.
pub(super) fn check_own_policy(policy: &AccessPolicy) -> Vec<Finding> {
    let spec = &policy.spec;
    let lists = [("workflows", &spec.workflows), ("agents", &spec.agents)];
    let items =
        lists.into_iter().flat_map(|(list, items)| items.iter().enumerate().map(move |(index, item)| (list, index, item)));
    let wrong = items.filter(|(_, _, item)| !is_name(item)).filter_map(|(list, index, item)| {
        let why = item.parse::<Selector>().err()?;
        let finding = Finding::error(format!("/spec/{list}/{index}"), "bad-value", why.message);
        Some(finding.with_help("write a name, or labels such as `team=infra,env!=dev`"))
    });
    wrong.collect()
}

/// What the set can be asked of it. A policy that names a workflow which is not there protects nothing, and looks as if it did.
pub(super) fn check_policy(policy: &AccessPolicy, is_workflow: impl Fn(&str) -> bool) -> Vec<Finding> {
    let items = policy.spec.workflows.iter().enumerate();
    let is_known = |item: &str| item == COMMAND || is_workflow(item);
    let unknown = items.filter(|(_, item)| is_name(item) && !is_known(item)).map(|(index, item)| {
        let message = format!("no Workflow of this source is named `{item}`");
        Finding::error(format!("/spec/workflows/{index}"), "unknown-workflow", message)
            .with_help("correct the name, or select by a label")
    });
    unknown.collect()
}
