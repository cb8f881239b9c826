use super::*;
use crate::grants::HostLimits;
use crate::host::Described;

fn version(digest: &str, origins: &[&str]) -> Version {
    version_that_asks(digest, &format!("[http.api]\norigins = {origins:?}"))
}

/// A version whose manifest ends with these tables.
fn version_that_asks(digest: &str, tables: &str) -> Version {
    let manifest = format!(
        r#"
        schema = 1
        [plugin]
        id = "p"
        version = "{digest}.0.0"
        kind = "processing"
        contract = "halle:processing@1"
        title = {{ en = "P" }}
        licence = "MIT"
        {tables}
        "#
    );
    let manifest = crate::check::parse(&manifest).unwrap();
    let limits = HostLimits::default().effective(manifest.plugin.kind, manifest.limits.as_ref());
    let installed = Installed {
        id: "p".to_owned(),
        digest: digest.to_owned(),
        manifest,
        grants: None,
        limits,
        signed_by: None,
    };
    let (imports, exports) = (Vec::new(), Vec::new());
    let admission = Admission { imports, exports, initial_memory_bytes: 0, described: Described::default() };
    Version {
        installed,
        admission,
        installed_at: Timestamp::UNIX_EPOCH,
        signer: None,
        package_bytes: 1,
        component_bytes: 1,
        pages: Pages::default(),
        consented: false,
    }
}

/// A plugin whose first version, `1`, was granted these origins.
fn granted(origins: &[&str]) -> Installation {
    let mut installation = Installation::new(version("1", origins));
    installation.consent(None, None).unwrap();
    installation
}

/// Digests with their states, as `2 current, 1 kept`.
fn standing(installation: &Installation) -> String {
    let versions = installation.versions().map(|(state, version)| {
        let state = serde_json::to_value(state).unwrap();
        format!("{} {}", version.installed.digest, state.as_str().unwrap())
    });
    versions.collect::<Vec<_>>().join(", ")
}

fn origins(version: &Version) -> Option<&[String]> {
    version.installed.grants.as_ref().map(|grants| grants.origins.as_slice())
}

#[test]
fn an_upgrade_runs_with_its_grants_unless_it_asks_for_more() {
    let mut installation = granted(&["https://a.example", "https://b.example"]);
    assert_eq!(installation.receive(version("2", &["https://a.example"])), VersionState::Current);
    assert_eq!(origins(&installation.current).unwrap(), ["https://a.example"]);

    let more = version("3", &["https://a.example", "https://c.example"]);
    assert_eq!(installation.receive(more), VersionState::Waiting);
    assert_eq!(standing(&installation), "2 current, 3 waiting, 1 kept");
    assert_eq!(origins(&installation.current).unwrap(), ["https://a.example"], "the old version still runs");
    assert_eq!(origins(installation.undecided()), None, "nothing is granted by itself");

    installation.consent(Some("3"), None).unwrap();
    assert_eq!(standing(&installation), "3 current, 2 kept, 1 kept");
    assert_eq!(origins(&installation.current).unwrap(), ["https://a.example", "https://c.example"]);
}

#[test]
fn what_was_never_granted_gives_way_at_once_and_runs_no_more_than_before() {
    let mut installation = Installation::new(version("1", &["https://a.example"]));
    assert_eq!(installation.receive(version("2", &["https://b.example"])), VersionState::Current);
    assert_eq!(standing(&installation), "2 current, 1 kept");
    assert_eq!(installation.current.installed.granted().unwrap_err().code(), "denied/consent");
}

#[test]
fn grants_that_an_administrator_narrowed_stay_narrow() {
    let mut installation = Installation::new(version("1", &["https://a.example", "https://b.example"]));
    let narrow = Grants { origins: vec!["https://a.example".to_owned()], ..Grants::default() };
    installation.consent(None, Some(narrow)).unwrap();
    installation.receive(version("2", &["https://a.example", "https://b.example"]));
    assert_eq!(origins(&installation.current).unwrap(), ["https://a.example"]);
}

#[test]
fn consent_is_given_to_what_was_read() {
    let mut installation = granted(&["https://a.example"]);
    installation.receive(version("2", &["https://b.example"]));
    let stale = installation.consent(Some("0"), None).unwrap_err();
    assert!(matches!(stale, RegistryError::NoVersion { .. }), "{stale}");
    let beyond = Grants { origins: vec!["https://c.example".to_owned()], ..Grants::default() };
    let beyond = installation.clone().consent(Some("2"), Some(beyond)).unwrap_err();
    assert!(matches!(beyond, RegistryError::NotAsked(_)), "{beyond}");
    installation.consent(Some("1"), None).unwrap();
    assert_eq!(
        standing(&installation),
        "1 current, 2 waiting",
        "the grants of the current one changed alone"
    );
}

#[test]
fn a_rollback_moves_a_pointer_and_another_one_moves_it_back() {
    let mut installation = granted(&["https://a.example"]);
    assert!(matches!(installation.activate(None), Err(RegistryError::NoPrevious(_))));
    installation.receive(version("2", &["https://a.example"]));
    installation.receive(version("3", &["https://a.example"]));
    installation.activate(None).unwrap();
    assert_eq!(standing(&installation), "2 current, 3 kept, 1 kept");
    installation.activate(None).unwrap();
    assert_eq!(standing(&installation), "3 current, 2 kept, 1 kept");
    installation.activate(Some("1")).unwrap();
    assert_eq!(standing(&installation), "1 current, 3 kept, 2 kept");
    assert!(matches!(installation.activate(Some("9")), Err(RegistryError::NoVersion { .. })));
}

#[test]
fn a_version_that_was_never_granted_does_not_replace_one_that_runs() {
    let mut installation = Installation::new(version("1", &["https://a.example"]));
    installation.receive(version("2", &["https://a.example"]));
    installation.consent(None, None).unwrap();
    assert!(matches!(installation.activate(Some("1")), Err(RegistryError::NotGranted { .. })));
    assert_eq!(standing(&installation), "2 current, 1 kept");
}

#[test]
fn versions_are_forgotten_but_for_the_one_that_runs_and_few_are_kept() {
    let mut installation = granted(&["https://a.example"]);
    for digest in ["2", "3", "4", "5", "6", "7"] {
        installation.receive(version(digest, &["https://a.example"]));
    }
    assert_eq!(installation.previous.len(), PREVIOUS_MAX);
    installation.receive(version("8", &["https://b.example"]));
    installation.forget("8").unwrap();
    installation.forget("5").unwrap();
    assert_eq!(standing(&installation), "7 current, 6 kept, 4 kept, 3 kept, 1 kept");
    assert!(matches!(installation.forget("7"), Err(RegistryError::IsCurrent { .. })));
    assert!(matches!(installation.forget("5"), Err(RegistryError::NoVersion { .. })));
}

#[test]
fn the_package_of_a_forgotten_version_stays_for_a_day() {
    let mut installation = granted(&["https://a.example"]);
    installation.receive(version("2", &["https://b.example"]));
    let (before, start) = (installation.digests(), Timestamp::UNIX_EPOCH);
    let after = |hours: i64| start + std::time::Duration::from_secs(hours as u64 * 3_600);
    installation.forget("2").unwrap();
    assert_eq!(installation.retire(&before, start), Vec::<String>::new());
    let before = installation.digests();
    assert_eq!(installation.retire(&before, after(23)), Vec::<String>::new());
    assert_eq!(installation.clone().retire(&before, after(24)), ["2"]);
    installation.receive(version("2", &["https://b.example"]));
    assert_eq!(installation.retire(&before, after(24)), Vec::<String>::new(), "it came back");
    assert!(installation.retired.is_empty());
}

#[test]
fn installing_the_same_package_again_keeps_everything() {
    let mut installation = granted(&["https://a.example"]);
    let before = installation.clone();
    assert_eq!(installation.receive(version("1", &["https://a.example"])), VersionState::Current);
    assert_eq!(installation, before);
}

#[test]
fn an_account_sees_what_is_public_or_shown_to_it() {
    let mut installation = granted(&["https://a.example"]);
    let town = AccountRef::organization("ville", "Ville");
    assert!(installation.is_visible_to(&town));
    installation.public = false;
    installation.private_access = vec![town.clone()];
    let water = AccountRef { department: Some("eau".to_owned()), ..town.clone() };
    let user = AccountRef::user("ville", "Somebody whose identifier is the same");
    let seen = [&town, &water, &user].map(|account| installation.is_visible_to(account));
    assert_eq!(seen, [true, true, false]);
    installation.private_access = vec![water];
    assert!(!installation.is_visible_to(&town), "a department is not its organisation");
}

#[test]
fn what_an_earlier_release_stored_is_read() {
    let old = serde_json::to_value(granted(&["https://a.example"])).unwrap();
    let mut old = old.as_object().unwrap().clone();
    for key in ["waiting", "disabled", "public", "privateAccess", "retired"] {
        old.remove(key);
    }
    let current = old["current"].as_object_mut().unwrap();
    for key in ["signer", "packageBytes", "componentBytes", "pages", "consented"] {
        current.remove(key);
    }
    let read: Installation = serde_json::from_value(old.into()).unwrap();
    assert!(read.public && !read.disabled && read.waiting.is_none() && read.current.signer.is_none());
}

/// Tables of a plugin that sends a secret to a bank, and reads tiles without it.
const BANK_AND_TILES: &str = r#"
    [config]
    type = "object"
    [config.properties.token]
    type = "string"
    x-secret = true
    [http.bank]
    origins = ["https://bank.example"]
    methods = ["GET", "POST"]
    credential = { secret = "token", place = "bearer" }
    [http.tiles]
    origins = ["https://tiles.example"]
    "#;

/// A plugin whose first version, `1`, has [`BANK_AND_TILES`] and was granted all of it.
fn granted_bank_and_tiles() -> Installation {
    let mut installation = Installation::new(version_that_asks("1", BANK_AND_TILES));
    installation.consent(None, None).unwrap();
    installation
}

#[test]
fn two_tables_made_one_ask_for_more() {
    let mut installation = granted_bank_and_tiles();
    let origins = r#"origins = ["https://bank.example", "https://tiles.example"]"#;
    let (bank, _) = BANK_AND_TILES.split_once("[http.tiles]").unwrap();
    let merged = version_that_asks("2", &bank.replace(r#"origins = ["https://bank.example"]"#, origins));
    let (old, new) = (&installation.current.installed.manifest, &merged.installed.manifest);
    assert_eq!(grants::asked(old), grants::asked(new), "the lists are the same");
    let more = ["http: POST https://tiles.example", "secret: token (bearer) -> https://tiles.example"];
    assert_eq!(merged.installed.asks_beyond(&installation.current.installed, &grants::asked(old)), more);
    assert_eq!(installation.receive(merged), VersionState::Waiting);

    let named_otherwise = BANK_AND_TILES.replace("http.tiles", "http.maps");
    assert_eq!(installation.receive(version_that_asks("3", &named_otherwise)), VersionState::Current);
    let (_, tiles) = BANK_AND_TILES.split_once("[http.tiles]").unwrap();
    let less = version_that_asks("4", &format!("[http.tiles]{tiles}"));
    assert_eq!(installation.receive(less), VersionState::Current);
}

#[test]
fn a_secret_that_is_placed_elsewhere_is_asked_again() {
    let mut installation = granted_bank_and_tiles();
    let elsewhere = BANK_AND_TILES.replace(r#"place = "bearer""#, r#"place = "query:t""#);
    assert_eq!(installation.receive(version_that_asks("2", &elsewhere)), VersionState::Waiting);
}

#[test]
fn higher_limits_ask_for_more() {
    let limits = |cpu_ms: u64| {
        version_that_asks(&cpu_ms.to_string(), &format!("[limits]\ncpu-ms = {cpu_ms}\nmemory-mib = 64"))
    };
    let mut installation = Installation::new(limits(1_000));
    installation.consent(None, None).unwrap();
    assert_eq!(installation.receive(limits(900)), VersionState::Current);
    let more = limits(1_000);
    assert_eq!(
        more.installed.asks_beyond(&installation.current.installed, &Grants::default()),
        ["cpuMsMax: 1000"]
    );
    assert_eq!(installation.receive(more), VersionState::Waiting);
    let unlimited = version_that_asks("2", "");
    assert_eq!(installation.receive(unlimited), VersionState::Waiting, "the host allows more than was asked");

    let mut same = limits(900);
    same.installed.digest = "3".to_owned();
    same.installed.limits.cpu_ms_max = 950;
    assert_eq!(installation.receive(same), VersionState::Current, "the host changed, the question did not");
}

#[test]
fn another_kind_is_named_among_what_is_asked() {
    let installation = granted(&["https://a.example"]);
    let mut other = version("2", &["https://a.example"]);
    other.installed.manifest.plugin.kind = crate::manifest::PluginKind::CatalogConnector;
    let held = grants::asked(&installation.current.installed.manifest);
    let more = other.installed.asks_beyond(&installation.current.installed, &held);
    assert_eq!(more, ["kind: catalog-connector"]);
}

#[test]
fn what_an_administrator_left_out_is_more_than_what_is_held() {
    let asks = version("1", &["https://a.example", "https://b.example"]).installed;
    let held = Grants {
        origins: vec!["https://a.example".to_owned()],
        methods: vec!["GET".to_owned()],
        ..Grants::default()
    };
    let more = asks.asks_beyond(&asks, &held);
    assert_eq!(more, ["origins: https://b.example", "http: GET https://b.example"]);
}

#[test]
fn uploads_never_push_out_the_last_version_that_was_consented_to() {
    let mut installation = granted(&["https://a.example"]);
    for digest in 2..20 {
        installation.receive(version(&digest.to_string(), &["https://a.example"]));
    }
    assert_eq!(standing(&installation), "19 current, 18 kept, 17 kept, 16 kept, 15 kept, 1 kept");
    installation.receive(version("1", &["https://a.example"]));
    assert!(installation.current.consented, "the same package is the same version");
    installation.activate(Some("17")).unwrap();
    installation.consent(None, None).unwrap();
    assert_eq!(standing(&installation), "17 current, 1 kept, 19 kept, 18 kept, 16 kept, 15 kept");
    for digest in 20..30 {
        installation.receive(version(&digest.to_string(), &["https://a.example"]));
    }
    assert_eq!(standing(&installation), "29 current, 28 kept, 27 kept, 26 kept, 25 kept, 17 kept");
}

#[test]
fn few_forgotten_packages_stay() {
    let mut installation = granted(&["https://a.example"]);
    let mut gone = Vec::new();
    for digest in 2..40 {
        let before = installation.digests();
        installation.receive(version(&digest.to_string(), &["https://b.example"]));
        gone.extend(installation.retire(&before, Timestamp::UNIX_EPOCH));
    }
    assert_eq!(installation.retired.len(), RETIRED_MAX);
    assert_eq!(installation.retired.last().unwrap().digest, "38", "the last one that gave way");
    assert_eq!(
        (gone.len(), gone[0].as_str()),
        (17, "2"),
        "the oldest go first, and their packages with them"
    );
}

/// A plugin whose version `2` is kept from when it ran, and waits since it was sent again.
fn kept_and_waiting() -> Installation {
    let mut installation = granted(&["https://a.example"]);
    installation.receive(version("2", &["https://b.example"]));
    installation.consent(Some("2"), None).unwrap();
    installation.activate(Some("1")).unwrap();
    assert_eq!(installation.receive(version("2", &["https://b.example"])), VersionState::Waiting);
    assert_eq!(standing(&installation), "1 current, 2 waiting, 2 kept");
    installation
}

#[test]
fn what_is_declined_is_the_upgrade_and_not_the_version_that_ran() {
    let mut installation = kept_and_waiting();
    installation.forget("2").unwrap();
    assert_eq!(standing(&installation), "1 current, 2 kept");
    installation.forget("2").unwrap();
    assert_eq!(standing(&installation), "1 current");
}

#[test]
fn a_version_that_runs_waits_no_more() {
    let mut installation = kept_and_waiting();
    installation.activate(Some("2")).unwrap();
    assert_eq!(standing(&installation), "2 current, 1 kept");
}

#[test]
fn while_a_version_waits_consent_says_to_which() {
    let mut installation = granted(&["https://a.example"]);
    installation.receive(version("2", &["https://b.example"]));
    let before = installation.clone();
    let unsaid = installation.consent(None, None).unwrap_err();
    assert!(matches!(&unsaid, RegistryError::WhichVersion { digest, .. } if digest == "2"), "{unsaid}");
    assert_eq!(installation, before);
}

#[test]
fn what_was_kept_of_an_admission_under_its_old_names_is_read() {
    let kept = serde_json::json!({ "imports": ["a"], "exports": [], "initial_memory_bytes": 65_536 });
    let admission: Admission = serde_json::from_value(kept).unwrap();
    assert_eq!((admission.initial_memory_bytes, admission.described), (65_536, Described::default()));
}
