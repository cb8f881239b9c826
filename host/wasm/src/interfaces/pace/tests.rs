use halle_extensions::metering::InstanceKind;

use super::state::{
    BACKOFF_MS_MAX, Heard, ORIGINS_MAX, REPLAYS_MAX, RETRY_AFTER_MS_MAX, heard_answer, heard_problem,
};
use super::*;

fn of(instance: &str, origin: &str) -> Origin {
    let subject = Subject {
        plugin: "gbfs".to_owned(),
        version: "1.0.0".to_owned(),
        account: "organization:ville".to_owned(),
        kind: InstanceKind::Processing,
        instance: instance.to_owned(),
    };
    Origin { subject: Arc::new(subject), origin: origin.to_owned() }
}

fn later(told_ms: Option<u64>) -> Heard {
    Heard::Trouble { told: told_ms.map(Duration::from_millis), again: true }
}

fn ms(wait: Option<Duration>) -> Option<u64> {
    wait.map(|wait| u64::try_from(wait.as_millis()).unwrap())
}

fn told(headers: &[(&str, &str)]) -> Option<u64> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    match heard_answer((503, &headers)) {
        Heard::Trouble { told, .. } => ms(told),
        heard => panic!("{heard:?}"),
    }
}

#[test]
fn an_origin_is_left_alone_for_as_long_as_it_asks_and_no_other_is() {
    let (paces, now) = (Paces::default(), Instant::now());
    assert_eq!(ms(paces.note(&of("1", "https://a.org"), &later(Some(30_000)), now)), Some(30_000));
    let waits =
        |instance, origin, seconds| ms(paces.wait(&of(instance, origin), now + Duration::from_secs(seconds)));
    assert_eq!(waits("1", "https://a.org", 0), Some(30_000));
    assert_eq!(waits("1", "https://a.org", 20), Some(10_000));
    assert_eq!(waits("1", "https://a.org", 30), None);
    assert_eq!(waits("1", "https://b.org", 0), None, "another origin");
    assert_eq!(waits("2", "https://a.org", 0), None, "another instance");
}

#[test]
fn a_wait_beyond_the_limit_is_cut_and_nothing_is_made_again() {
    let (paces, now, origin) = (Paces::default(), Instant::now(), of("1", "https://a.org"));
    for told_ms in [RETRY_AFTER_MS_MAX + 1, u64::MAX] {
        assert_eq!(paces.note(&origin, &later(Some(told_ms)), now), None);
        assert_eq!(ms(paces.wait(&origin, now)), Some(RETRY_AFTER_MS_MAX));
    }
    let fresh = Paces::default();
    assert_eq!(ms(fresh.note(&origin, &later(Some(RETRY_AFTER_MS_MAX)), now)), Some(RETRY_AFTER_MS_MAX));
}

#[test]
fn who_does_not_say_is_asked_less_and_less_until_it_works() {
    let (paces, start, origin) = (Paces::default(), Instant::now(), of("1", "https://a.org"));
    let mut now = start;
    let mut waits = Vec::new();
    for failure in 1..=7 {
        let again = paces.note(&origin, &later(None), now);
        assert_eq!(again.is_some(), failure <= REPLAYS_MAX, "failure {failure}");
        let wait = paces.wait(&origin, now).unwrap();
        waits.push(ms(Some(wait)).unwrap());
        now += wait;
    }
    assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 8_000, BACKOFF_MS_MAX]);
    assert_eq!(paces.note(&origin, &Heard::Nothing, now), None, "a refusal of the host's says nothing");
    assert_eq!(paces.len(), 1);
    paces.note(&origin, &Heard::Works, now);
    assert_eq!(paces.len(), 0, "an origin that works is not remembered");
    assert_eq!(ms(paces.note(&origin, &later(None), now)), Some(500), "and begins anew");
}

#[test]
fn failures_of_long_ago_do_not_count() {
    let (paces, now, origin) = (Paces::default(), Instant::now(), of("1", "https://a.org"));
    for _ in 0..5 {
        paces.note(&origin, &later(None), now);
    }
    let long_after = now + Duration::from_secs(3_600);
    assert_eq!(ms(paces.note(&origin, &later(None), long_after)), Some(500));
}

#[test]
fn the_longer_of_two_waits_is_kept() {
    let (paces, now, origin) = (Paces::default(), Instant::now(), of("1", "https://a.org"));
    paces.note(&origin, &later(Some(30_000)), now);
    paces.note(&origin, &later(Some(1_000)), now);
    assert_eq!(ms(paces.wait(&origin, now)), Some(30_000));
}

#[test]
fn of_origins_without_end_the_oldest_is_forgotten_and_no_other() {
    let (paces, start) = (Paces::default(), Instant::now());
    let number = |number: usize| of("1", &format!("https://{number}.a.org"));
    let at = |number: usize| start + Duration::from_micros(number as u64);
    for origin in 0..=ORIGINS_MAX {
        paces.note(&number(origin), &later(Some(30_000)), at(origin));
    }
    assert_eq!(paces.len(), ORIGINS_MAX);
    let is_held = |origin| paces.wait(&number(origin), at(ORIGINS_MAX)).is_some();
    assert!(!is_held(0) && is_held(1) && is_held(ORIGINS_MAX));
}

#[test]
fn servers_say_when_in_seconds_or_by_their_own_clock() {
    let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
    assert_eq!(told(&[("retry-after", " 2 ")]), Some(2_000));
    assert_eq!(told(&[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"), date]), Some(30_000));
    assert_eq!(told(&[("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT"), date]), Some(0), "it is over");
    for unclear in ["-1", "soon", "", "1.5", "Wed, 21 Oct 2026 07:28:30 GMT"] {
        assert_eq!(told(&[("retry-after", unclear)]), None, "{unclear:?} without a date of the answer");
    }
    assert_eq!(told(&[]), None);
}

#[test]
fn what_passes_by_itself_is_trouble_and_nothing_else() {
    for status in [429, 502, 503, 504] {
        assert_eq!(heard_answer((status, &[])), later(None), "{status}");
    }
    for status in [200, 204, 304, 400, 401, 404, 409, 500, 501] {
        assert_eq!(heard_answer((status, &[])), Heard::Works, "{status}");
    }
    let heard = |code| heard_problem(&Problem::new(code, "x"));
    assert_eq!(heard("remote/unreachable"), later(None));
    assert_eq!(heard("remote/timeout"), Heard::Trouble { told: None, again: false });
    for code in ["denied/http", "limit/rate", "http/too-large", "remote/redirects", "cancelled"] {
        assert_eq!(heard(code), Heard::Nothing, "{code}");
    }
}
