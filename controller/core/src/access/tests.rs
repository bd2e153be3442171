//! Who may do what, case by case.

use super::{Access, Denied, Kind, Object, Policy, PolicyOrigin, Role, RoleGroups, Scope, Subject, Verb};
use crd_schemas::manifest::{AccessPolicySpec, Effect};
use std::collections::{BTreeMap, BTreeSet};

fn user(name: &str, groups: &[&str], roles: &[Role]) -> Subject {
    Subject {
        kind: Kind::User,
        name: name.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        roles: roles.iter().copied().collect(),
        scope: Scope::default(),
    }
}

fn spec(effect: Effect, subjects: &[&str], verbs: &[Verb]) -> AccessPolicySpec {
    let subjects = subjects.iter().map(|text| (*text).to_owned()).collect();
    let (workflows, steps, agents) = (Vec::new(), Vec::new(), Vec::new());
    AccessPolicySpec { description: None, effect, subjects, verbs: verbs.to_vec(), workflows, steps, agents }
}

fn access(policies: &[AccessPolicySpec]) -> Access {
    let mut access = Access::default();
    for (index, spec) in policies.iter().enumerate() {
        access.put(Policy::of(PolicyOrigin { source: "main".into(), name: format!("p{index}") }, spec));
    }
    access
}

fn labels(team: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("team".to_owned(), team.to_owned())])
}

fn workflow<'a>(name: &'a str, labels: &'a BTreeMap<String, String>) -> Object<'a> {
    Object::Workflow { source: "main", name, labels }
}

#[test]
fn each_role_has_its_verbs() {
    let verbs = |role: Role| Verb::ALL.into_iter().filter(|verb| role.has(*verb)).map(Verb::as_str).collect::<Vec<_>>().join(" ");
    assert_eq!(verbs(Role::Admin), "view run answer cancel resolve pause command administer audit");
    assert_eq!(verbs(Role::Operator), "view run answer cancel resolve pause");
    assert_eq!(verbs(Role::Viewer), "view");
    assert_eq!(verbs(Role::Auditor), "view audit");
}

#[test]
fn groups_give_roles_and_foreign_ones_give_none() {
    let of = |names: &[&str]| RoleGroups::default().roles(&names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(of(&["admin", "x"]), BTreeSet::from([Role::Admin]));
    assert_eq!(of(&["employee", "auditor"]), BTreeSet::from([Role::Operator, Role::Auditor]));
    assert_eq!(of(&["Admin", "administrators", ""]), BTreeSet::new());
    let mut own = RoleGroups::default();
    own.set(Role::Admin, BTreeSet::from(["sre".to_owned()]));
    assert_eq!(own.roles(&BTreeSet::from(["admin".to_owned()])), BTreeSet::new());
    assert!(own.knows("sre") && own.knows("employee") && !own.knows("admin"));
}

#[test]
fn a_policy_gives_what_the_role_does_not() {
    let mut given = spec(Effect::Allow, &["group:web"], &[Verb::Run]);
    given.workflows = vec!["deploy".into(), "team=web".into()];
    let access = access(&[given]);
    let (anna, web, db) = (user("anna", &["web"], &[Role::Viewer]), labels("web"), labels("db"));
    assert!(access.could(&anna, Verb::Run).is_ok());
    assert!(access.decide(&anna, Verb::Run, &workflow("deploy", &db)).is_ok());
    assert!(access.decide(&anna, Verb::Run, &workflow("other", &web)).is_ok());
    assert_eq!(access.decide(&anna, Verb::Run, &workflow("other", &db)), Err(Denied::NoRight(Verb::Run)));
    assert_eq!(access.decide(&anna, Verb::Run, &Object::Pulse), Err(Denied::NoRight(Verb::Run)));
    let elsewhere = Object::Workflow { source: "other", name: "deploy", labels: &web };
    assert!(access.decide(&anna, Verb::Run, &elsewhere).is_err(), "a policy speaks of its own source");
    let bert = user("bert", &[], &[Role::Viewer]);
    assert_eq!(access.could(&bert, Verb::Run), Err(Denied::NoRight(Verb::Run)));
}

#[test]
fn to_deny_beats_to_allow_and_every_role_but_the_controllers_own_token() {
    let allow = spec(Effect::Allow, &["everyone"], &[Verb::Run]);
    let mut deny = spec(Effect::Deny, &["everyone"], &[Verb::Run, Verb::View]);
    deny.workflows = vec!["team=secret".into()];
    let access = access(&[allow, deny]);
    let (secret, web) = (labels("secret"), labels("web"));
    let boss = user("boss", &[], &[Role::Admin]);
    let denied = access.decide(&boss, Verb::Run, &workflow("w", &secret)).unwrap_err();
    assert_eq!(denied.to_string(), "the AccessPolicy `p1` denies it");
    assert!(access.decide(&boss, Verb::View, &workflow("w", &secret)).is_err());
    assert!(access.decide(&boss, Verb::Run, &workflow("w", &web)).is_ok());
    let root = Subject { kind: Kind::Root, ..user("admin", &[], &[]) };
    assert!(access.decide(&root, Verb::Run, &workflow("w", &secret)).is_ok());
}

#[test]
fn who_names_those_who_answer_and_nobody_else() {
    let access = access(&[]);
    let (none, who) = (BTreeMap::new(), ["group:dba".to_owned(), "user:carl".to_owned()]);
    let prompt = |who| Object::Prompt { source: "main", workflow: "w", labels: &none, step: "ask", who };
    let answer = |subject: &Subject, who| access.decide(subject, Verb::Answer, &prompt(who));
    assert!(answer(&user("dora", &["dba"], &[Role::Viewer]), &who).is_ok());
    assert!(answer(&user("carl", &[], &[Role::Viewer]), &who).is_ok());
    let denied = answer(&user("boss", &[], &[Role::Admin]), &who).unwrap_err();
    assert_eq!(denied.to_string(), "the prompt is for group:dba, user:carl");
    assert!(answer(&user("boss", &[], &[Role::Admin]), &[]).is_ok());
    assert!(answer(&user("vera", &[], &[Role::Viewer]), &[]).is_err());
    let token = Subject { kind: Kind::Token, ..user("carl", &[], &[Role::Operator]) };
    assert!(answer(&token, &who).is_err(), "a token is no person of the same name");
}

#[test]
fn a_step_s_prompts_can_be_denied() {
    let mut deny = spec(Effect::Deny, &["user:anna"], &[Verb::Answer]);
    deny.steps = vec!["approve".into()];
    let access = access(&[deny]);
    let (none, anna) = (BTreeMap::new(), user("anna", &["dba"], &[Role::Operator]));
    let who = ["group:dba".to_owned()];
    let prompt = |step| Object::Prompt { source: "main", workflow: "w", labels: &none, step, who: &who };
    assert!(access.decide(&anna, Verb::Answer, &prompt("ask")).is_ok());
    assert!(matches!(access.decide(&anna, Verb::Answer, &prompt("approve")), Err(Denied::Policy(_))));
}

#[test]
fn a_scope_narrows_what_a_role_allows_and_widens_nothing() {
    let (verbs, workflows) = (BTreeSet::from([Verb::Run, Verb::Administer]), vec!["deploy".to_owned()]);
    let token = Subject { kind: Kind::Token, scope: Scope { verbs, workflows }, ..user("ci", &[], &[Role::Operator]) };
    let (access, none) = (access(&[]), BTreeMap::new());
    assert!(access.decide(&token, Verb::Run, &workflow("deploy", &none)).is_ok());
    assert_eq!(access.decide(&token, Verb::Run, &workflow("other", &none)), Err(Denied::Scope));
    assert_eq!(access.decide(&token, Verb::View, &workflow("deploy", &none)), Err(Denied::Scope));
    assert_eq!(access.decide(&token, Verb::Administer, &Object::Pulse), Err(Denied::Scope));
    assert_eq!(access.could(&token, Verb::Administer), Err(Denied::NoRight(Verb::Administer)));
    assert_eq!(access.could(&token, Verb::Answer), Err(Denied::Scope));
}

#[test]
fn agents_narrow_commands() {
    let mut given = spec(Effect::Allow, &["group:web"], &[Verb::Command]);
    given.agents = vec!["role=web".into(), "bastion".into()];
    let (access, anna) = (access(&[given]), user("anna", &["web"], &[Role::Viewer]));
    let web = BTreeMap::from([("role".to_owned(), "web".to_owned())]);
    let none = BTreeMap::new();
    let on = |name, labels| access.decide(&anna, Verb::Command, &Object::Agent { name, labels }).is_ok();
    assert!(on("w1", &web) && on("bastion", &none) && !on("db1", &none));
}

#[test]
fn a_policy_that_cannot_be_read_any_more_gives_no_right() {
    let anna = user("anna", &[], &[Role::Operator]);
    let access = access(&[spec(Effect::Allow, &["robot:x"], &[Verb::Command]), spec(Effect::Deny, &["robot:x"], &[Verb::Run])]);
    assert!(access.could(&anna, Verb::Command).is_err());
    assert!(matches!(access.decide(&anna, Verb::Run, &Object::Pulse), Err(Denied::Policy(_))));
}

#[test]
fn what_is_denied_of_a_part_is_denied_of_the_whole() {
    let mut deny = spec(Effect::Deny, &["user:anna"], &[Verb::Pause]);
    deny.workflows = vec!["billing".into()];
    let (access, anna, bert) = (access(&[deny]), user("anna", &[], &[Role::Operator]), user("bert", &[], &[Role::Operator]));
    assert!(access.decide(&anna, Verb::Pause, &Object::Pulse).is_ok(), "it is no part of that");
    assert!(matches!(access.decide_all(&anna, Verb::Pause), Err(Denied::Policy(_))));
    assert!(access.decide_all(&bert, Verb::Pause).is_ok());
    assert!(access.decide_all(&user("vera", &[], &[Role::Viewer]), Verb::Pause).is_err());
}
