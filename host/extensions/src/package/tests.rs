use super::*;

const MANIFEST: &str = r#"
schema = 1
[plugin]
id = "territory"
version = "1.0.0"
kind = "enricher"
contract = "halle:enricher@1"
title = { en = "Territory" }
licence = "MIT"
"#;

fn package() -> Package {
    let statics = BTreeMap::from([("static/icon.svg".to_owned(), Bytes::from_static(b"<svg/>"))]);
    Package::new(MANIFEST, Bytes::from_static(b"\0asm"), statics).unwrap()
}

fn key() -> (SigningKey, TrustedKey) {
    let key = SigningKey::from_seed(&[7; 32]).unwrap();
    let trusted = TrustedKey::parse(&format!("us={}", key.public_hex())).unwrap();
    (key, trusted)
}

/// An archive of these entries, in this order.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, body) in entries {
        let mut header = tar::Header::new_ustar();
        // `set_path` would refuse what this test wants to write.
        let field = &mut header.as_mut_bytes()[..name.len()];
        field.copy_from_slice(name.as_bytes());
        header.set_size(body.len() as u64);
        header.set_cksum();
        tar.append(&header, *body).unwrap();
    }
    zstd::encode_all(tar.into_inner().unwrap().as_slice(), 3).unwrap()
}

fn refused(entries: &[(&str, &[u8])]) -> String {
    Package::read(&archive(entries)).unwrap_err().to_string()
}

#[test]
fn a_package_comes_back_as_it_was_written() {
    let (key, trusted) = key();
    let mut package = package();
    package.sign(&key);
    let archive = package.write().unwrap();
    let read = Package::read(&archive).unwrap();
    assert_eq!(read.digest(), package.digest());
    assert_eq!(read.component(), package.component());
    assert_eq!(read.static_file("icon.svg").unwrap().media_type, "image/svg+xml");
    let signer = Signer { key: key.public_hex(), name: Some("us".to_owned()) };
    assert_eq!(read.verify(&[trusted]).unwrap(), Some(signer));
    assert_eq!(read.write().unwrap(), archive, "the same content gives the same bytes");
}

#[test]
fn a_signature_covers_every_file_and_tells_its_key() {
    let (key, trusted) = key();
    let mut package = package();
    assert_eq!(package.verify(std::slice::from_ref(&trusted)).unwrap(), None);
    package.sign(&key);
    let stranger = package.verify(&[]).unwrap().unwrap();
    assert_eq!((stranger.key, stranger.name), (key.public_hex(), None));
    for name in [MANIFEST_NAME, COMPONENT_NAME, "static/icon.svg"] {
        let mut changed = package.clone();
        changed.files.insert(name.to_owned(), Bytes::from_static(b"changed"));
        let verdict = changed.verify(std::slice::from_ref(&trusted));
        assert!(matches!(verdict, Err(PackageError::Signature(_))), "{name}: {verdict:?}");
    }
}

#[test]
fn names_outside_the_grammar_are_refused() {
    let manifest = (MANIFEST_NAME, MANIFEST.as_bytes());
    for bad in [
        "../x",
        "static/../x",
        "/etc/passwd",
        "static//x",
        "static/.hidden",
        "static/X",
        "other/x",
        "static/a b",
    ] {
        let error = refused(&[manifest, (COMPONENT_NAME, b"x"), (bad, b"")]);
        assert!(error.contains("is no name for a file"), "{bad}: {error}");
    }
}

#[test]
fn order_duplicates_and_missing_files_are_told() {
    let manifest = (MANIFEST_NAME, MANIFEST.as_bytes());
    let component: (&str, &[u8]) = (COMPONENT_NAME, b"x");
    assert!(refused(&[component, manifest]).contains("not in its place"));
    assert!(refused(&[manifest, component, component]).contains("twice"));
    assert!(refused(&[manifest]).contains("`component.wasm` is missing"));
    assert!(Package::read(b"PK not zstd").unwrap_err().to_string().contains("zstd"));
    let whole = package().write().unwrap();
    assert!(Package::read(&whole[..whole.len() / 2]).is_err(), "a truncated package was accepted");
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let zeroes = vec![0; COMPONENT_BYTES_MAX];
    let bomb = archive(&[(MANIFEST_NAME, MANIFEST.as_bytes()), (COMPONENT_NAME, &zeroes)]);
    assert!(bomb.len() < 64 * 1024);
    let error = Package::read(&bomb).unwrap_err();
    assert!(matches!(error, PackageError::TooLarge(_)), "{error}");
}
