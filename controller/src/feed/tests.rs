use super::{Feed, Heard, KEPT, Listener, Notice, Position};

fn tell(feed: &Feed, times: usize) {
    (0..times).for_each(|_| feed.tell(Notice::Agent { agent: "a".into(), state: "online" }));
}

/// What it hears without waiting.
async fn heard(listener: &mut Listener) -> Vec<Result<u64, u64>> {
    let mut all = Vec::new();
    while let Ok(next) = tokio::time::timeout(std::time::Duration::ZERO, listener.next()).await {
        all.push(match next {
            Heard::Notice(told) => Ok(told.number),
            Heard::Lost(position) => Err(position.number),
        });
    }
    all
}

#[tokio::test]
async fn each_hears_everything_in_order_at_its_own_pace() {
    let feed = Feed::new("s".into());
    tell(&feed, 2);
    let (mut new, mut old) = (feed.listen(None), feed.listen(Some(&feed.position(0))));
    assert_eq!(heard(&mut new).await, []);
    assert_eq!(heard(&mut old).await, [Ok(1), Ok(2)]);
    tell(&feed, 1);
    assert_eq!((heard(&mut new).await, heard(&mut old).await), (vec![Ok(3)], vec![Ok(3)]));
    assert_eq!(new.position().to_string(), "s-3");
    assert!(!new.begins_lost() && !old.begins_lost());
}

#[tokio::test]
async fn what_is_not_kept_is_lost_and_said_once() {
    let feed = Feed::new("s".into());
    let mut slow = feed.listen(None);
    tell(&feed, KEPT);
    assert_eq!(heard(&mut feed.listen(Some(&feed.position(0)))).await.len(), KEPT, "just so many are kept");
    tell(&feed, 1);
    assert_eq!(heard(&mut slow).await, [Err(4097)]);
    tell(&feed, 1);
    assert_eq!(heard(&mut slow).await, [Ok(4098)]);
    for lost in ["s-1", "s-4099", "t-4098"] {
        let after: Position = lost.parse().unwrap();
        let mut listener = feed.listen(Some(&after));
        assert!(listener.begins_lost() && !listener.begins_lost(), "{lost}");
        assert_eq!(heard(&mut listener).await, [], "{lost}: it begins now");
    }
}

#[tokio::test]
async fn one_that_waits_is_woken() {
    let feed = Feed::new("s".into());
    let mut listener = feed.listen(None);
    let waits = tokio::spawn(async move { listener.next().await });
    tokio::task::yield_now().await;
    tell(&feed, 1);
    assert!(matches!(waits.await.unwrap(), Heard::Notice(told) if told.number == 1));
}

#[test]
fn positions_are_read_as_they_are_written() {
    assert_eq!("5f0c-12".parse(), Ok(Position { stream: "5f0c".into(), number: 12 }));
    for wrong in ["", "-", "a-", "-1", "a-+1", "a-x", "a-1-2", "a b-1", "a-99999999999999999999"] {
        assert!(wrong.parse::<Position>().is_err(), "{wrong}");
    }
}
