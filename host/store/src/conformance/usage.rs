//! What plugins used.

use crate::usage::{UsageBy, UsageKey, UsageOf, UsagePage, UsageSums};
use crate::{Store, StoreResult};

fn key(plugin: &str, day: i64, account: &str, instance: &str) -> UsageKey {
    UsageKey {
        day,
        plugin: plugin.to_owned(),
        version: "1.0.0".to_owned(),
        account: account.to_owned(),
        kind: "processing".to_owned(),
        instance: instance.to_owned(),
    }
}

fn sums(guest_us: i64, memory_peak_bytes: i64) -> UsageSums {
    UsageSums {
        answered: 1,
        trapped: 2,
        wall_us: 2 * guest_us,
        guest_us,
        memory_peak_bytes,
        host_calls: 3,
        bytes_in: 5,
        http_bytes_out: 7,
        ..UsageSums::default()
    }
}

async fn given(store: &dyn Store, used: &[(UsageKey, UsageSums)]) -> StoreResult<()> {
    let mut work = store.begin().await?;
    work.usage().add(used).await?;
    work.commit().await
}

async fn page(store: &dyn Store, of: UsageOf<'_>, by: UsageBy) -> StoreResult<UsagePage> {
    store.read().await?.usage().page(of, by, 0, 100).await
}

pub(super) async fn what_is_added_adds_up(store: &dyn Store) -> StoreResult<()> {
    let one = key("adds-up", 20_000, "user:add", "p1");
    // Together they are more than fits into 32 bits.
    given(store, &[(one.clone(), sums(3_000_000_000, 64)), (one.clone(), sums(10, 128))]).await?;
    given(store, &[(one.clone(), sums(1, 32))]).await?;
    let of = UsageOf { plugin: Some("adds-up"), account: None, from: 20_000, to: 20_000 };
    let found = page(store, of, UsageBy::Instance).await?;
    let expected = UsageSums {
        answered: 3,
        trapped: 6,
        wall_us: 6_000_000_022,
        guest_us: 3_000_000_011,
        memory_peak_bytes: 128,
        host_calls: 9,
        bytes_in: 15,
        http_bytes_out: 21,
        ..UsageSums::default()
    };
    assert_eq!((found.count, found.total), (1, expected));
    assert_eq!(found.lines, [(UsageKey { day: 0, ..one }, expected)]);
    assert_eq!(expected.calls(), 9);
    let mut work = store.read().await?;
    assert_eq!(work.usage().guest_us("user:add", 20_000).await?, 3_000_000_011);
    assert_eq!(work.usage().guest_us("user:add", 20_001).await?, 0);
    assert_eq!(work.usage().guest_us("user:ad", 20_000).await?, 0);
    Ok(())
}

pub(super) async fn lines_are_by_day_account_or_instance(store: &dyn Store) -> StoreResult<()> {
    given(
        store,
        &[
            (key("lines", 10, "user:a", "p1"), sums(1, 1)),
            (key("lines", 11, "user:a", "p1"), sums(2, 1)),
            (key("lines", 11, "user:a", "p2"), sums(4, 1)),
            (key("lines", 12, "user:b", "p1"), sums(8, 1)),
            (key("lines-2", 11, "user:a", "p1"), sums(16, 1)),
        ],
    )
    .await?;
    let all = UsageOf { plugin: Some("lines"), account: None, from: 10, to: 12 };
    let times = |page: &UsagePage| page.lines.iter().map(|(_, sums)| sums.guest_us).collect::<Vec<_>>();
    let days = page(store, all, UsageBy::Day).await?;
    assert_eq!(days.lines.iter().map(|(key, _)| key.day).collect::<Vec<_>>(), [12, 11, 10]);
    assert_eq!((times(&days), days.total.guest_us), (vec![8, 6, 1], 15));
    let accounts = page(store, all, UsageBy::Account).await?;
    let named: Vec<&str> = accounts.lines.iter().map(|(key, _)| key.account.as_str()).collect();
    assert_eq!((named, times(&accounts)), (vec!["user:b", "user:a"], vec![8, 7]));
    assert_eq!(times(&page(store, all, UsageBy::Instance).await?), [8, 4, 3]);
    let mut work = store.read().await?;
    let second = work.usage().page(all, UsageBy::Instance, 1, 1).await?;
    assert_eq!((second.count, times(&second), second.total.guest_us), (3, vec![4], 15));
    let of_a = UsageOf { account: Some("user:a"), from: 11, to: 11, ..all };
    let own = work.usage().page(of_a, UsageBy::Account, 0, 10).await?;
    assert_eq!((own.count, times(&own), own.total.guest_us), (1, vec![6], 6));
    let nobody = UsageOf { account: Some(""), ..all };
    assert_eq!(work.usage().page(nobody, UsageBy::Day, 0, 10).await?, UsagePage::default());
    Ok(())
}

pub(super) async fn an_account_is_told_of_every_plugin(store: &dyn Store) -> StoreResult<()> {
    given(
        store,
        &[
            (key("every-b", 10, "user:every", "p1"), sums(2, 64)),
            (key("every-b", 11, "user:every", "p2"), sums(4, 32)),
            (key("every-c", 11, "user:every", "p3"), sums(8, 16)),
            (key("every-a", 11, "user:every", "p1"), sums(6, 8)),
            (key("every-b", 11, "user:other", "p1"), sums(100, 8)),
            (key("every-b", 13, "user:every", "p1"), sums(100, 8)),
        ],
    )
    .await?;
    let of = UsageOf { plugin: None, account: Some("user:every"), from: 10, to: 12 };
    let told = |page: &UsagePage| -> Vec<(String, i64)> {
        page.lines.iter().map(|(key, sums)| (key.plugin.clone(), sums.guest_us)).collect()
    };
    let line = |plugin: &str, guest_us| (plugin.to_owned(), guest_us);
    let plugins = page(store, of, UsageBy::Plugin).await?;
    // Those that computed as much come in the order of their names.
    assert_eq!(told(&plugins), [line("every-c", 8), line("every-a", 6), line("every-b", 6)]);
    assert_eq!((plugins.count, plugins.total.guest_us, plugins.total.memory_peak_bytes), (3, 20, 64));
    assert_eq!(plugins.lines[0].0, UsageKey { plugin: "every-c".to_owned(), ..UsageKey::default() });

    // Pages are parts of this list, each with everything in one sum.
    let mut work = store.read().await?;
    let second = work.usage().page(of, UsageBy::Plugin, 1, 1).await?;
    assert_eq!((second.count, told(&second), second.total), (3, vec![line("every-a", 6)], plugins.total));
    assert_eq!(work.usage().page(of, UsageBy::Plugin, 3, 1).await?.lines, []);

    // What called is told with its plugin: `p1` called two.
    let instances = work.usage().page(of, UsageBy::Instance, 0, 10).await?;
    let expected = [line("every-c", 8), line("every-a", 6), line("every-b", 4), line("every-b", 2)];
    assert_eq!(told(&instances), expected);
    let days = work.usage().page(of, UsageBy::Day, 0, 10).await?;
    assert_eq!(
        days.lines.iter().map(|(key, sums)| (key.day, sums.guest_us)).collect::<Vec<_>>(),
        [(11, 18), (10, 2)]
    );
    let one = UsageOf { plugin: Some("every-b"), ..of };
    assert_eq!(told(&work.usage().page(one, UsageBy::Plugin, 0, 10).await?), [line("every-b", 6)]);
    let accounts = UsageOf { account: None, ..one };
    let accounts = work.usage().page(accounts, UsageBy::Account, 0, 10).await?;
    assert_eq!((accounts.count, accounts.total.guest_us), (2, 106));
    Ok(())
}

pub(super) async fn old_days_expire(store: &dyn Store) -> StoreResult<()> {
    let days = [-30, -20, -10].map(|day| (key("expire", day, "user:a", "p"), sums(1, 1)));
    given(store, &days).await?;
    let mut work = store.begin().await?;
    assert_eq!(work.usage().expire(-20).await?, 1);
    work.commit().await?;
    let of = UsageOf { plugin: Some("expire"), account: None, from: -100, to: 0 };
    assert_eq!(page(store, of, UsageBy::Day).await?.count, 2);
    Ok(())
}
