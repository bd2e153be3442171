//! Prompts: opened and closed with the events, one end for each, lists for people.

use crate::bench::{Bench, NOW, Run, started};
use crd_schemas::Duration;
use pulse_core::execution::{PromptClosed, PromptRow, PromptStatus, StepPath};
use pulse_core::time::Timestamp;
use pulse_protocol::PromptId;
use pulse_store::{Order, PromptFilter, Store, StoredPrompt, WriteError, WriteItem};
use uuid::Uuid;

pub fn question(message: &str) -> PromptRow {
    PromptRow {
        prompt: PromptId(Uuid::now_v7()),
        step: StepPath("approve".to_owned()),
        visit: 1,
        message: message.to_owned(),
        options: vec!["Yes".to_owned(), "No, \"never\" ✓".to_owned()],
        who: vec!["group:dba".to_owned()],
        opened_at: NOW,
        timeout: Some(Duration::from_millis(1500)),
    }
}

fn answered(row: &PromptRow, answer: &str, by: &str) -> PromptClosed {
    let comment = Some(format!("{by} says so"));
    let (answer, by) = (Some(answer.to_owned()), Some(by.to_owned()));
    PromptClosed { prompt: row.prompt, status: PromptStatus::Answered, answer, by, comment, at: Timestamp(NOW.0 + 7) }
}

pub fn ended(row: &PromptRow, status: PromptStatus) -> PromptClosed {
    PromptClosed { prompt: row.prompt, status, answer: None, by: None, comment: None, at: Timestamp(NOW.0 + 9) }
}

fn asks(run: &mut Run, rows: &[&PromptRow]) -> WriteItem {
    WriteItem { prompts_opened: rows.iter().map(|row| (*row).clone()).collect(), ..run.note("asks") }
}

fn ends(run: &mut Run, ends: &[PromptClosed]) -> WriteItem {
    WriteItem { prompts_closed: ends.to_vec(), ..run.note("ends") }
}

async fn write(store: &Store, item: WriteItem) {
    store.writer().submit(item).await.expect("written");
}

/// Everything that a filter lets through, in pages of two.
async fn listed(store: &Store, filter: &PromptFilter, order: Order) -> Vec<PromptId> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.prompts(filter, order, 2, cursor).await.expect("readable");
        assert!(page.items.len() <= 2);
        found.extend(page.items.into_iter().map(|row| row.expect("readable").row.prompt));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

pub async fn a_prompt_is_opened_and_closed_with_the_events(bench: Bench) {
    let store = bench.open().await;
    let mut run = started(&store, "update", 812).await;
    let (first, second) = (question("Go on?\n\0 ü"), PromptRow { timeout: None, ..question("Again?") });
    write(&store, asks(&mut run, &[&first])).await;
    let execution = run.id();
    let stored = |row: &PromptRow, end: Option<PromptClosed>| StoredPrompt {
        row: row.clone(),
        execution,
        source: "main".to_owned(),
        workflow: "update".to_owned(),
        number: 812,
        end,
    };
    assert_eq!(store.prompt(first.prompt).await.expect("readable"), Some(stored(&first, None)));
    // One ends and the next is asked, in one item; then one is asked and withdrawn at once.
    let end = answered(&first, "Yes", "anna");
    write(&store, WriteItem { prompts_opened: vec![second.clone()], ..ends(&mut run, std::slice::from_ref(&end)) }).await;
    let third = question("Never seen");
    let withdrawn = [ended(&second, PromptStatus::Expired), ended(&third, PromptStatus::Withdrawn)];
    write(&store, WriteItem { prompts_opened: vec![third.clone()], ..ends(&mut run, &withdrawn) }).await;
    store.close().await;
    let store = bench.open().await;
    let expected =
        [stored(&first, Some(end)), stored(&second, Some(withdrawn[0].clone())), stored(&third, Some(withdrawn[1].clone()))];
    for stored in expected {
        assert_eq!(store.prompt(stored.row.prompt).await.expect("readable"), Some(stored));
    }
    assert_eq!(store.prompt(PromptId(Uuid::now_v7())).await.expect("readable"), None);
}

pub async fn of_many_ends_of_one_prompt_one_counts(bench: Bench) {
    let store = bench.open().await;
    let mut run = started(&store, "update", 1).await;
    let row = question("Go on?");
    write(&store, asks(&mut run, &[&row])).await;
    let names: Vec<String> = (0..50).map(|number| format!("person{number}")).collect();
    let items = names.iter().map(|name| ends(&mut run.clone(), &[answered(&row, "Yes", name)]));
    let answers = futures_util::future::join_all(items.map(|item| store.writer().submit(item))).await;
    let winner = store.prompt(row.prompt).await.expect("readable").and_then(|prompt| prompt.end?.by).expect("one has won");
    for (name, answer) in names.iter().zip(answers) {
        let expected = if *name == winner { Ok(()) } else { Err(WriteError::Stale { execution: run.id() }) };
        assert_eq!(answer, expected, "{name}");
    }
    assert_eq!(store.history(run.id()).await.expect("readable").len(), 3);
}

/// Also where no event gives it away, as after a hand in the database.
pub async fn of_256_items_only_the_one_whose_prompt_is_over_fails(bench: Bench) {
    let store = bench.open().await;
    let mut runs: Vec<(Run, PromptRow)> = (1..=256).map(|number| (Run::new("update", number), question("?"))).collect();
    let items: Vec<_> =
        runs.iter_mut().map(|(run, row)| WriteItem { prompts_opened: vec![row.clone()], ..run.create() }).collect();
    for answer in futures_util::future::join_all(items.into_iter().map(|item| store.writer().submit(item))).await {
        answer.expect("written");
    }
    let taken = runs[100].1.prompt;
    bench
        .meddle(&format!("UPDATE prompts SET status = 'answered', answered_by = 'bert', closed_at = 1 WHERE id = '{taken}'"))
        .await;
    // One closes what another asks.
    let foreign = runs[7].1.clone();
    let items: Vec<_> = runs
        .iter_mut()
        .enumerate()
        .map(|(index, (run, row))| match index {
            7 => run.note("leaves it open"),
            8 => ends(run, &[answered(&foreign, "Yes", "eve")]),
            _ => ends(run, &[answered(row, &format!("answer {index}"), "anna")]),
        })
        .collect();
    let answers = futures_util::future::join_all(items.into_iter().map(|item| store.writer().submit(item))).await;
    for (index, ((run, row), answer)) in runs.iter().zip(answers).enumerate() {
        let fails = matches!(index, 8 | 100);
        assert_eq!(answer, if fails { Err(WriteError::Stale { execution: run.id() }) } else { Ok(()) }, "{index}");
        assert_eq!(store.history(run.id()).await.expect("readable").len(), if fails { 1 } else { 2 }, "{index}");
        let prompt = store.prompt(row.prompt).await.expect("readable").expect("asked");
        let expected = match index {
            7 | 8 => None,
            100 => Some((None, Some("bert".to_owned()))),
            _ => Some((Some(format!("answer {index}")), Some("anna".to_owned()))),
        };
        assert_eq!(prompt.end.map(|end| (end.answer, end.by)), expected, "{index}");
    }
}

pub async fn open_prompts_are_listed_oldest_first_and_history_newest_first(bench: Bench) {
    let store = bench.open().await;
    let (mut one, mut other) = (started(&store, "update", 1).await, Run::new("backup", 1));
    other.summary.source = "other".to_owned();
    write(&store, other.create()).await;
    let rows: Vec<PromptRow> = (0..7).map(|number| question(&format!("{number}?"))).collect();
    for (index, row) in rows.iter().enumerate() {
        write(&store, asks(if index == 3 { &mut other } else { &mut one }, &[row])).await;
    }
    write(&store, ends(&mut one, &[answered(&rows[1], "Yes", "anna"), ended(&rows[4], PromptStatus::Withdrawn)])).await;
    let ids = |wanted: &[usize]| wanted.iter().map(|index| rows[*index].prompt).collect::<Vec<_>>();
    let all = PromptFilter::default();
    let open = PromptFilter { status: Some(PromptStatus::Open), ..all.clone() };
    assert_eq!(listed(&store, &open, Order::OldestFirst).await, ids(&[0, 2, 3, 5, 6]));
    assert_eq!(listed(&store, &all, Order::NewestFirst).await, ids(&[6, 5, 4, 3, 2, 1, 0]));
    let answered = PromptFilter { status: Some(PromptStatus::Answered), ..all.clone() };
    assert_eq!(listed(&store, &answered, Order::NewestFirst).await, ids(&[1]));
    for filter in [
        PromptFilter { execution: Some(other.id()), ..all.clone() },
        PromptFilter { workflow: Some("backup".to_owned()), ..open.clone() },
        PromptFilter { source: Some("other".to_owned()), ..all.clone() },
    ] {
        assert_eq!(listed(&store, &filter, Order::OldestFirst).await, ids(&[3]), "{filter:?}");
    }
    let counts = [(PromptStatus::Open, 5), (PromptStatus::Answered, 1), (PromptStatus::Expired, 0), (PromptStatus::Withdrawn, 1)];
    for (status, count) in counts {
        assert_eq!(store.count_prompts(status).await.expect("readable"), count, "{status:?}");
    }
}

pub async fn prompts_that_contradict_themselves_are_refused(bench: Bench) {
    let store = bench.open().await;
    let mut run = started(&store, "update", 1).await;
    let row = question("?");
    let wide = PromptRow { step: StepPath("x".repeat(256)), ..row.clone() };
    let items = [
        (WriteItem { prompts_opened: vec![row.clone()], ..run.item(Vec::new()) }, "with an event"),
        (WriteItem { prompts_closed: vec![answered(&row, "Yes", "anna")], ..run.item(Vec::new()) }, "with an event"),
        (ends(&mut run.clone(), &[ended(&row, PromptStatus::Open)]), "said to be open"),
        (ends(&mut run.clone(), &[answered(&row, "Yes", &"x".repeat(256))]), "who answered"),
        (asks(&mut run.clone(), &[&wide]), "a step's path"),
    ];
    for (item, word) in items {
        let error = store.writer().submit(item).await.expect_err(word);
        assert!(error.code() == "invalid_write" && error.to_string().contains(word), "{error}");
    }
    let widest = PromptRow { step: StepPath("𝄞".repeat(255)), ..row.clone() };
    write(&store, asks(&mut run, &[&widest])).await;
    write(&store, ends(&mut run, &[answered(&widest, "Yes", &"𝄞".repeat(255))])).await;
    // The same id is not asked twice, and nothing of the item stays.
    assert_eq!(store.writer().submit(asks(&mut run.clone(), &[&row])).await, Err(WriteError::Stale { execution: run.id() }));
    assert_eq!(store.history(run.id()).await.expect("readable").len(), 3);
}

pub async fn one_bad_prompt_hides_no_other(bench: Bench) {
    let store = bench.open().await;
    let mut run = started(&store, "update", 1).await;
    let rows: Vec<PromptRow> = (0..4).map(|_| question("?")).collect();
    write(&store, asks(&mut run, &rows.iter().collect::<Vec<_>>())).await;
    bench.meddle(&format!("UPDATE prompts SET options = '[' WHERE id = '{}'", rows[0].prompt)).await;
    bench.meddle(&format!("UPDATE prompts SET status = 'dreamt' WHERE id = '{}'", rows[1].prompt)).await;
    bench.meddle(&format!("UPDATE prompts SET closed_at = 1 WHERE id = '{}'", rows[2].prompt)).await;
    let page = store.prompts(&PromptFilter::default(), Order::OldestFirst, 3, None).await.expect("the list is there");
    let reasons: Vec<_> = page.items.into_iter().map(|row| row.expect_err("bad").reason).collect();
    for (reason, word) in reasons.iter().zip(["options", "dreamt", "contradict"]) {
        assert!(reason.contains(word), "{reason}");
    }
    assert_eq!(page.next, Some(rows[2].prompt), "the cursor is a bad row's");
    let rest = store.prompts(&PromptFilter::default(), Order::OldestFirst, 3, page.next).await.expect("the list is there");
    assert_eq!(rest.items.into_iter().map(|row| row.expect("good").row.prompt).collect::<Vec<_>>(), [rows[3].prompt]);
}
