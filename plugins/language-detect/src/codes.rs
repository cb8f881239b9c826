//! Codes of languages: two letters where ISO 639-1 has them, as in the attribute `lang` of a page, three otherwise.

use whatlang::Lang;

/// Codes of two letters, by the three letters of ISO 639-3 that the tables of trigrams have.
const SHORT: &str = "afr af,aka ak,amh am,ara ar,aze az,bel be,ben bn,bul bg,cat ca,ces cs,cmn zh,cym cy,dan da,deu de,ell el,\
     eng en,epo eo,est et,fin fi,fra fr,guj gu,heb he,hin hi,hrv hr,hun hu,hye hy,ind id,ita it,jav jv,jpn ja,kan kn,\
     kat ka,khm km,kor ko,lat la,lav lv,lit lt,mal ml,mar mr,mkd mk,mya my,nep ne,nld nl,nob nb,ori or,pan pa,pes fa,\
     pol pl,por pt,ron ro,rus ru,sin si,slk sk,slv sl,sna sn,spa es,srp sr,swe sv,tam ta,tel te,tgl tl,tha th,tuk tk,\
     tur tr,ukr uk,urd ur,uzb uz,vie vi,yid yi,zul zu";

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHORT.split(',').filter_map(|pair| pair.split_once(' '))
}

/// The code of a language.
pub fn of(lang: Lang) -> &'static str {
    pairs().find(|(long, _)| *long == lang.code()).map_or(lang.code(), |(_, short)| short)
}

/// The language of a code of two or three letters, in any case.
pub fn parse(code: &str) -> Option<Lang> {
    let code = code.to_ascii_lowercase();
    let long = pairs().find(|(_, short)| *short == code).map_or(code.as_str(), |(long, _)| long);
    Lang::from_code(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_code_of_two_letters_that_names_it() {
        for lang in Lang::all() {
            assert_eq!(of(*lang).len(), 2, "{lang:?}");
            assert_eq!((parse(of(*lang)), parse(lang.code())), (Some(*lang), Some(*lang)));
        }
        assert_eq!(parse("FR"), Some(Lang::Fra));
        assert_eq!((parse("zz"), parse("")), (None, None));
    }
}
