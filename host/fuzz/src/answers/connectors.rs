//! What catalogue connectors answer: pages of entries and folders, files with metadata, publications.

use halle_extensions::PluginResult;
use halle_extensions::host::{CatalogEntry, PluginHost, Publication};

use super::seeds::{Image, problem};
use super::{ANSWER_BYTES_MAX, SANDBOX, call, check_error, guests};

/// Entries that are asked for.
const PAGE_SIZE: u32 = 3;
/// Folders of a path, and bytes of a text or an identifier, that the contract and the host allow.
const PATH_MAX: usize = 64;
const TEXT_BYTES_MAX: usize = 1 << 10;

/// What is called, chosen by the first byte of an input.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Export {
    Browse,
    Fetch,
    Publish,
    Prepare,
}

impl Export {
    const ALL: [Self; 4] = [Self::Browse, Self::Fetch, Self::Publish, Self::Prepare];
}

/// A connector answers the input: what keeps the promises of the contract, or an error that is the connector's.
pub fn connector(input: &[u8]) {
    let Some((first, image)) = input.split_first() else { return };
    let export = Export::ALL[usize::from(*first) % Export::ALL.len()];
    let image = &image[..image.len().min(ANSWER_BYTES_MAX)];
    if let Err(error) = SANDBOX.runtime.block_on(ask(export, image)) {
        check_error(error);
    }
}

async fn ask(export: Export, image: &[u8]) -> PluginResult<()> {
    let config = guests::config(image, guests::Answers::Calls);
    let call = call("catalog-connector", config.clone());
    let host = &SANDBOX.host;
    match export {
        Export::Prepare => host.prepare(call, config).await.map(drop),
        Export::Browse => {
            let listing = host.connector(call).browse(Some("f"), Some("q"), 1, PAGE_SIZE, config).await?;
            assert!(
                listing.path.len() <= PATH_MAX && listing.entries.len() <= PAGE_SIZE as usize,
                "{listing:?}"
            );
            listing.path.iter().chain(&listing.entries).for_each(check_entry);
            // The answer of a route.
            serde_json::to_value(&listing).expect("a page can be written as JSON");
            Ok(())
        }
        Export::Fetch => {
            let fetched = host.connector(call).fetch("r", config).await?;
            assert!(fetched.file.path().is_file(), "{fetched:?}");
            let is_plain = !fetched.name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'));
            assert!(is_plain && !fetched.name.starts_with('.') && (1..=200).contains(&fetched.name.len()));
            check_text(fetched.etag.as_deref());
            // The format is found out from it, and the attributes are those of a dataset.
            drop(halle_ingest::identify(fetched.file.path(), &fetched.name));
            drop(fetched.metadata.to_string());
            Ok(())
        }
        Export::Publish => {
            let asked = Publication { target: "create".to_owned(), ..Publication::default() };
            let published = host.connector(call).publish(config, asked).await?;
            let twin = &published.twin;
            check_text(Some(&twin.target));
            check_text(twin.remote_id.as_deref());
            check_text(twin.url.as_deref());
            let is_web = |url: &String| url.starts_with("https://") || url.starts_with("http://");
            assert!(twin.url.as_ref().is_none_or(is_web), "{twin:?}");
            assert!(twin.state.to_string().len() <= 2 * (64 << 10), "{twin:?}");
            published.whole().map(drop)
        }
    }
}

fn check_entry(entry: &CatalogEntry) {
    assert!((1..=TEXT_BYTES_MAX).contains(&entry.id.len()), "{entry:?}");
    assert!(matches!(entry.kind.as_str(), "folder" | "resource"), "{entry:?}");
    for text in [Some(entry.title.as_str()), entry.format.as_deref(), entry.updated.as_deref()] {
        check_text(text);
    }
}

/// A text for people and programs has one line, of a limited length.
fn check_text(text: Option<&str>) {
    let is_sound = |text: &str| text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control);
    assert!(text.is_none_or(is_sound), "{text:?}");
}

/// A right answer of each export, and a problem.
pub fn seeds() -> Vec<Vec<u8>> {
    let of = |export: Export, image: Image| {
        let first = Export::ALL.iter().position(|one| *one == export).unwrap_or_default();
        [&[first as u8], &image.0[..]].concat()
    };
    vec![
        of(Export::Browse, listing()),
        of(Export::Fetch, fetched()),
        of(Export::Publish, published()),
        of(Export::Prepare, prepared()),
        of(Export::Browse, problem()),
        of(Export::Fetch, problem()),
    ]
}

/// The 20 words of an entry: identifier, title, kind, then format, size, date and details, which may be missing.
fn entry(image: &mut Image, id: &str, kind: &str) -> Vec<u32> {
    let (id, title, kind) = (image.text(id), image.text("Un jeu"), image.text(kind));
    let (format, updated) = (image.text("csv"), image.text("2024-02-29T10:00:00+01:00"));
    let details = image.text("{\"rows\":3}");
    // The length takes 64 bits, on a multiple of 8.
    [&id[..], &title, &kind, &[1], &format, &[0], &[1, 0, 500, 0], &[1], &updated, &[1], &details].concat()
}

fn listing() -> Image {
    let mut image = Image::new(48);
    let (a, b) = (entry(&mut image, "a", "resource"), entry(&mut image, "b", "folder"));
    let root = entry(&mut image, "root", "folder");
    let (entries, path) = (image.words(&[a, b].concat(), 2), image.words(&root, 1));
    image.set(8, &[1, 0, 2, 0]);
    image.set(24, &path);
    image.set(32, &entries);
    image
}

fn fetched() -> Image {
    let mut image = Image::new(48);
    let (name, etag) = (image.text("arbres.csv"), image.text("W/\"1\""));
    let metadata = image.text("{\"title\":\"Arbres\",\"keywords\":[\"a\"],\"modified\":\"2024-02-29\"}");
    // The body is put there by the guest.
    image.set(12, &name);
    image.set(20, &metadata);
    image.set(28, &[1]);
    image.set(32, &etag);
    image
}

fn published() -> Image {
    let mut image = Image::new(56);
    let (target, id) = (image.text("update"), image.text("42"));
    let (url, state) = (image.text("https://a.example/42"), image.text("{\"r\":1}"));
    image.set(8, &target);
    image.set(16, &[1]);
    image.set(20, &id);
    image.set(28, &[1]);
    image.set(32, &url);
    image.set(40, &state);
    image
}

fn prepared() -> Image {
    let mut image = Image::new(32);
    let config = image.text("{}");
    image.set(8, &config);
    image
}

#[cfg(test)]
mod tests {
    use halle_extensions::PluginError;

    use super::*;

    #[test]
    fn right_answers_are_read_and_problems_are_reported() {
        for seed in seeds() {
            let export = Export::ALL[usize::from(seed[0])];
            match (seed[1], SANDBOX.runtime.block_on(ask(export, &seed[1..]))) {
                (0, answered) => answered.unwrap_or_else(|error| panic!("{export:?}: {error}")),
                (_, Err(PluginError::Reported(problem))) => assert_eq!(problem.code, "config/invalid"),
                (_, answered) => panic!("{export:?}: {answered:?}"),
            }
        }
    }
}
