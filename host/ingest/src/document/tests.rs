use std::io::Write;

use proptest::prelude::*;

use super::*;

fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A PDF of these objects, the first being the catalogue.
fn pdf(objects: &[&[u8]]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    for (index, object) in objects.iter().enumerate() {
        out.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    out.extend_from_slice(b"trailer << /Root 1 0 R >>\n%%EOF\n");
    out
}

fn stream(dict: &str, data: &[u8]) -> Vec<u8> {
    let mut out = format!("<< {dict} /Length {} >>\nstream\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\nendstream");
    out
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A page of one font and these operators.
fn page(font: &str, content: &[u8]) -> Vec<u8> {
    let content = stream("", content);
    pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>",
        &content,
        font.as_bytes(),
    ])
}

const HELVETICA: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";

fn check(name: &str, bytes: &[u8], expect: &str) {
    assert_eq!(text(name, bytes).unwrap().as_deref(), Some(expect), "{name}");
}

#[test]
fn texts_are_read_in_their_encoding() {
    check("a.txt", "Été  à\tla\r\n\r\nplage".as_bytes(), "Été à la\nplage");
    check("a.txt", b"\xc9t\xe9 \xe0 la plage, for\xeat et ch\xeanes", "Été à la plage, forêt et chênes");
    let page = "<html><head><title>Avis</title><style>p { color: red }</style></head><body><!-- non -->\
                <p>Le ch&ecirc;ne<b>s</b> &amp; l&#233;rable &lt;5 m</p><script>secret()</script>&eacute;t&eacute</body>";
    check("a.html", page.as_bytes(), "Avis\nLe chênes & lérable <5 m\nét&eacute");
    check("a.md", "a\u{fb03}chage de la \u{fb01}n".as_bytes(), "affichage de la fin");
    check("sans-nom", b"<!DOCTYPE html><p>Oui", "Oui");
    let rtf = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator x;}\f0 L'\'e9t\'e9 \u8364? d\b un\b0\par Arr\'eat\'e9}";
    check("a.rtf", rtf, "L'été € dun\nArrêté");
}

#[test]
fn office_documents_give_their_paragraphs() {
    let word = zip(&[
        ("word/styles.xml", "<w:styles xmlns:w='w'><w:t>style</w:t></w:styles>"),
        (
            "word/document.xml",
            "<w:document xmlns:w='w'><w:p><w:r><w:t>Délibé</w:t></w:r><w:r><w:t>ration</w:t></w:r></w:p>\
             <w:p><w:r><w:t>du</w:t><w:tab/><w:t>conseil</w:t></w:r></w:p></w:document>",
        ),
    ]);
    check("a.docx", &word, "Délibération\ndu conseil");
    let text = zip(&[(
        "content.xml",
        "<o:document xmlns:o='o' xmlns:t='t'><o:styles>gris</o:styles><t:h>Titre</t:h>\
         <t:p>un<t:s/>deux <t:span>trois</t:span></t:p></o:document>",
    )]);
    check("a.odt", &text, "Titre\nun deux trois");
    let book = zip(&[
        (
            "xl/sharedStrings.xml",
            "<sst><si><t>Chêne</t></si><si><r><t>Er</t></r><r><t>able</t></r></si></sst>",
        ),
        ("xl/worksheets/sheet1.xml", "<s><c><v>3</v></c><c><is><t>Frêne</t></is></c></s>"),
    ]);
    check("a.xlsx", &book, "Chêne\nErable\nFrêne");
    let slides = zip(&[
        ("ppt/slides/slide10.xml", "<p xmlns:a='a'><a:p><a:t>dix</a:t></a:p></p>"),
        ("ppt/slides/slide2.xml", "<p xmlns:a='a'><a:p><a:t>deux</a:t></a:p></p>"),
    ]);
    check("a.pptx", &slides, "deux\ndix");
}

#[test]
fn a_page_gives_words_and_lines() {
    let content = b"BT /F1 12 Tf 70 700 Td (Arr\xeat\xe9 du maire) Tj 0 -14 Td [(sur le st) -20 (ationne) 5 (ment) -400 (g\\352nant)] TJ ET";
    check("a.pdf", &page(HELVETICA, content), "Arrêté du maire\nsur le stationnement gênant");
}

#[test]
fn widths_tell_words_that_are_placed_one_by_one() {
    let widths = ["600"; 224].join(" ");
    let font = format!(
        "<< /Type /Font /Subtype /TrueType /Encoding /WinAnsiEncoding /FirstChar 32 /Widths [{widths}] >>"
    );
    // Ten characters of 6 units: what follows at 60 is the same word, at 63 it is another.
    let content =
        b"BT /F1 10 Tf 1 0 0 1 0 0 Tm (stationnem) Tj 1 0 0 1 60 0 Tm (ent) Tj 1 0 0 1 81 0 Tm (libre) Tj ET";
    check("a.pdf", &page(&font, content), "stationnement libre");
    let upwards = b"BT /F1 10 Tf 0 1 -1 0 0 0 Tm (stationnem) Tj 0 1 -1 0 0 60 Tm (ent) Tj ET";
    check("a.pdf", &page(&font, upwards), "stationnement");
}

#[test]
fn fonts_say_what_their_codes_stand_for() {
    let differences =
        "<< /Type /Font /Subtype /Type1 /Encoding << /Differences [1 /eacute /t /uni00EA 65 /fi] >> >>";
    check("a.pdf", &page(differences, b"BT /F1 9 Tf (\x01\x02\x01 A\x03) Tj ET"), "été fiê");
    let map = b"begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0001> <00c90074> endbfchar \
                1 beginbfrange <0002> <0004> <0061> endbfrange endcmap";
    let packed = deflated(map);
    let objects: [&[u8]; 7] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] >>",
        b"<< /Type /Page /Contents [4 0 R] /Resources << /Font << /F1 5 0 R >> >> >>",
        &stream("", b"BT /F1 12 Tf <00010002000300040009> Tj ET"),
        b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 6 0 R /DescendantFonts [7 0 R] >>",
        &stream("/Filter /FlateDecode", &packed),
        b"<< /Type /Font /Subtype /CIDFontType2 /DW 500 /W [1 [500 600] 3 4 550] >>",
    ];
    check("a.pdf", &pdf(&objects), "Étabc");
}

#[test]
fn objects_in_streams_and_updates_are_found() {
    let inner = b"1 0 2 34 << /Type /Catalog /Pages 2 0 R >> << /Type /Pages /Kids [3 0 R] >>";
    let packed = deflated(inner);
    let first = b"1 0 2 34 ".len();
    let mut file = b"%PDF-1.5\n10 0 obj\n".to_vec();
    file.extend(stream(&format!("/Type /ObjStm /N 2 /First {first} /Filter /FlateDecode"), &packed));
    file.extend(b"\nendobj\n3 0 obj << /Type /Page /Contents 4 0 R /Resources << /Font << /F 5 0 R >> /XObject << /X 6 0 R >> >> >> endobj\n");
    file.extend(b"4 0 obj\n");
    file.extend(stream("", b"BT /F 12 Tf (ancien) Tj ET"));
    file.extend(b"\nendobj\n5 0 obj << /Subtype /Type1 >> endobj\n6 0 obj\n");
    file.extend(stream("/Subtype /Form", b"BT /F 12 Tf 0 -40 Td (formulaire) Tj ET"));
    file.extend(b"\nendobj\n4 0 obj\n");
    file.extend(stream("", b"BT /F 12 Tf (nouveau) Tj ET /X Do"));
    file.extend(b"\nendobj\n");
    check("a.pdf", &file, "nouveau\nformulaire");
}

#[test]
fn what_cannot_be_read_says_why() {
    let refused = |name: &str, bytes: &[u8]| text(name, bytes).unwrap_err().to_string();
    let mut protected = page(HELVETICA, b"");
    protected.extend(b"trailer << /Encrypt 9 0 R >>");
    assert!(refused("a.pdf", &protected).contains("protégé"));
    assert!(refused("a.pdf", b"%PDF-1.4 rien").contains("pas de page"));
    assert!(refused("a.docx", b"PK\x03\x04 rien").contains("archive"));
    let seen = |name: &str, bytes: &[u8]| (media_type(name, bytes), text(name, bytes).unwrap());
    assert_eq!(seen("a.png", b"\x89PNG"), ("image/png", None));
    assert_eq!(seen("a.pdf", b"no pdf"), ("application/octet-stream", None));
}

#[test]
fn documents_that_grow_are_stopped() {
    let long = "été ".repeat(TEXT_BYTES_MAX);
    let cut = text("a.txt", long.as_bytes()).unwrap().unwrap();
    assert!(cut.len() <= TEXT_BYTES_MAX && cut.len() > TEXT_BYTES_MAX - 8);
    let bomb = deflated(&deflated(&vec![b' '; 70 << 20]));
    let content = stream("/Filter [/FlateDecode /FlateDecode]", &bomb);
    let objects: [&[u8]; 4] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R 2 0 R] >>",
        b"<< /Type /Page /Contents 4 0 R >>",
        &content,
    ];
    assert!(text("a.pdf", &pdf(&objects)).unwrap_err().to_string().contains("trop de calculs"));
    let deep = page(HELVETICA, &b"[".repeat(100_000));
    check("deep.pdf", &deep, "");
    let mut nested = b"{\\rtf1 ".to_vec();
    nested.extend(b"{".repeat(100_000));
    nested.extend(b"fond");
    nested.extend(b"}".repeat(100_000));
    nested.extend(b"surface}");
    check("a.rtf", &nested, "surface");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn broken_documents_are_no_panic(at in 0..600_usize, byte: u8, cut in 0..900_usize, which in 0..3_usize) {
        let documents = [
            page(HELVETICA, b"q 1 0 0 1 5 5 cm BT /F1 12 Tf (Arr\\352t\\351) Tj [(a) -200 <62>] TJ (c) ' ET Q"),
            br"{\rtf1\ansi{\fonttbl x}\'e9\u233?{\*\b c}\bin3 abc d\par}".to_vec(),
            b"<html><!-- a --><p class='x'>&eacute;&#233;</p><script>x</script>".to_vec(),
        ];
        let mut bytes = documents[which].clone();
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len().saturating_sub(cut % bytes.len()));
        let mut out = Text::new(TEXT_BYTES_MAX);
        // Past the guard of `text`, which would hide a panic.
        let kinds = [Kind::Pdf, Kind::Rtf, Kind::Html];
        let _ = read(kinds[which], &bytes, &mut out);
        prop_assert!(out.finish().len() <= TEXT_BYTES_MAX);
    }
}
