//! Concepts: what a column is about, whatever its name.

/// A concept of the default vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concept {
    /// Short identifier, as in `_c_{id}_eq`.
    pub id: &'static str,
    /// Title in French and in English.
    pub title: [&'static str; 2],
    /// Identifier URIs; the first is the canonical one.
    pub identifiers: &'static [&'static str],
    /// JSON type that a column must have, if the concept forces one.
    pub forced_type: Option<&'static str>,
}

/// Data Fair's vocabulary (reference §3.6).
pub static VOCABULARY: &[Concept] = &[
    concept("label", ["Libellé", "Label"], &["http://www.w3.org/2000/01/rdf-schema#label"], None),
    concept("description", ["Description", "Description"], &["http://schema.org/description"], None),
    concept("image", ["Image", "Image"], &["http://schema.org/image"], None),
    concept("address", ["Adresse", "Address"], &["http://schema.org/address"], None),
    concept("city", ["Commune", "City"], &["http://schema.org/City"], None),
    concept("postalCode", ["Code postal", "Postal code"], &["http://schema.org/postalCode"], None),
    concept("region", ["Région", "Region"], &["https://schema.org/addressRegion"], None),
    concept("departement", ["Département", "Department"], &["http://rdf.insee.fr/def/geo#Departement"], None),
    concept(
        "codeCommune",
        ["Code commune", "Commune code"],
        &["http://rdf.insee.fr/def/geo#codeCommune"],
        Some("string"),
    ),
    concept(
        "codeDepartement",
        ["Code département", "Department code"],
        &["http://rdf.insee.fr/def/geo#codeDepartement"],
        Some("string"),
    ),
    concept(
        "codeRegion",
        ["Code région", "Region code"],
        &["http://rdf.insee.fr/def/geo#codeRegion"],
        Some("string"),
    ),
    concept(
        "codeEPCI",
        ["Code EPCI", "EPCI code"],
        &["http://rdf.insee.fr/def/geo#EtablissementPublicDeCooperationIntercommunale"],
        Some("string"),
    ),
    concept(
        "siret",
        ["SIRET", "SIRET"],
        &["http://www.datatourisme.fr/ontology/core/1.0/#siret"],
        Some("string"),
    ),
    concept("siren", ["SIREN", "SIREN"], &["http://dbpedia.org/ontology/siren"], Some("string")),
    concept(
        "latitude",
        ["Latitude", "Latitude"],
        &["http://schema.org/latitude", "http://www.w3.org/2003/01/geo/wgs84_pos#lat"],
        Some("number"),
    ),
    concept(
        "longitude",
        ["Longitude", "Longitude"],
        &["http://schema.org/longitude", "http://www.w3.org/2003/01/geo/wgs84_pos#long"],
        Some("number"),
    ),
    concept(
        "latLon",
        ["Latitude / Longitude", "Latitude / Longitude"],
        &["http://www.w3.org/2003/01/geo/wgs84_pos#lat_long"],
        Some("string"),
    ),
    concept("geometry", ["Géométrie", "Geometry"], &["https://purl.org/geojson/vocab#geometry"], None),
    concept(
        "date",
        ["Date", "Date"],
        &["http://schema.org/Date", "http://purl.org/dc/identifierss/date"],
        Some("string"),
    ),
    concept("startDate", ["Date de début", "Start date"], &["https://schema.org/startDate"], Some("string")),
    concept("endDate", ["Date de fin", "End date"], &["https://schema.org/endDate"], Some("string")),
    concept("webPage", ["Page web", "Web page"], &["https://schema.org/WebPage"], None),
    concept("email", ["E-mail", "E-mail"], &["https://www.w3.org/2006/vcard/ns#email"], None),
    concept("tel", ["Téléphone", "Telephone"], &["https://www.w3.org/2006/vcard/ns#tel"], None),
    concept("tag", ["Mot clé", "Tag"], &["https://schema.org/DefinedTermSet"], None),
    concept("color", ["Couleur", "Color"], &["https://schema.org/color"], None),
    concept(
        "streetNumber",
        ["Numéro de rue", "Street number"],
        &["http://www.ontotext.com/proton/protonext#StreetNumber"],
        None,
    ),
    concept(
        "streetAddress",
        ["Rue ou lieu-dit", "Street address"],
        &["http://schema.org/streetAddress"],
        None,
    ),
    concept("country", ["Pays", "Country"], &["http://schema.org/addressCountry"], None),
    concept(
        "addressId",
        ["Identifiant d'adresse", "Address identifier"],
        &["http://www.w3.org/ns/locn#addressId"],
        None,
    ),
    concept(
        "codeIRIS",
        ["Code IRIS", "IRIS code"],
        &["http://rdf.insee.fr/def/geo#codeIRIS", "http://rdf.insee.fr/def/geo#IRIS"],
        Some("string"),
    ),
    concept(
        "codeGrandQuartier",
        ["Code grand quartier", "District code"],
        &["http://rdf.insee.fr/def/geo#codeGrandQuartier"],
        Some("string"),
    ),
    concept(
        "codePays",
        ["Code pays", "Country code"],
        &["http://rdf.insee.fr/def/geo#codePays"],
        Some("string"),
    ),
    concept(
        "uniteUrbaine2020",
        ["Unité urbaine 2020", "Urban unit 2020"],
        &["http://rdf.insee.fr/def/geo#UniteUrbaine2020"],
        Some("string"),
    ),
    concept("carreau", ["Carreau", "Grid cell"], &["http://rdf.insee.fr/def/geo#Carreau"], Some("string")),
    concept(
        "id-rnb",
        ["Identifiant RNB", "RNB identifier"],
        &["https://rnb.gouv.fr/#ID-RNB"],
        Some("string"),
    ),
    concept(
        "codeAPE",
        ["Code APE", "APE code"],
        &["http://www.datatourisme.fr/ontology/core/1.0#apeNaf"],
        Some("string"),
    ),
    concept(
        "cjNiveau3",
        ["Catégorie juridique niveau III", "Legal category, level III"],
        &["http://id.insee.fr/concepts/cj/cjNiveauIII"],
        Some("string"),
    ),
    concept(
        "idBV",
        ["Identifiant de bureau de vote", "Polling station identifier"],
        &["https://www.insee.fr/fr/information/3539086/idBV"],
        Some("string"),
    ),
    concept(
        "codeParcelle",
        ["Code parcelle", "Land parcel code"],
        &["http://dbpedia.org/ontology/codeLandRegistry"],
        Some("string"),
    ),
    concept(
        "qpv",
        ["Quartier prioritaire", "Priority district"],
        &["https://sig.ville.gouv.fr/qpv"],
        Some("string"),
    ),
    concept(
        "codeCPV",
        ["Code CPV", "CPV code"],
        &["http://data.europa.eu/cpv/cpv", "http://purl.org/cpv/2008"],
        Some("string"),
    ),
    concept(
        "coordX",
        ["Coordonnée X", "X coordinate"],
        &["http://data.ign.fr/def/geometrie#coordX"],
        Some("number"),
    ),
    concept(
        "coordY",
        ["Coordonnée Y", "Y coordinate"],
        &["http://data.ign.fr/def/geometrie#coordY"],
        Some("number"),
    ),
    concept(
        "geometryProj",
        ["Géométrie projetée", "Projected geometry"],
        &["http://data.ign.fr/def/geometrie#Geometry"],
        None,
    ),
    concept(
        "countryCodeISOAlpha2",
        ["Code pays ISO alpha-2", "ISO alpha-2 country code"],
        &[
            "http://dbpedia.org/ontology/iso31661Code",
            "http://www.omg.org/spec/LCC/Countries/CountryRepresentation/Alpha2Code",
        ],
        Some("string"),
    ),
    concept(
        "countryCodeISOAlpha3",
        ["Code pays ISO alpha-3", "ISO alpha-3 country code"],
        &["http://www.omg.org/spec/LCC/Countries/CountryRepresentation/Alpha3Code"],
        Some("string"),
    ),
    concept(
        "dateCreated",
        ["Date de création", "Creation date"],
        &["http://schema.org/dateCreated"],
        Some("string"),
    ),
    concept(
        "openingHours",
        ["Horaires d'ouverture", "Opening hours"],
        &["https://schema.org/openingHours"],
        None,
    ),
    concept("year", ["Année", "Year"], &["https://www.w3.org/TR/owl-time/#time:year"], None),
    concept(
        "attachment",
        ["Pièce jointe", "Attachment"],
        &["http://schema.org/DigitalDocument"],
        Some("string"),
    ),
    concept("price", ["Prix", "Price"], &["https://schema.org/price"], Some("number")),
    concept(
        "attendeeCapacity",
        ["Capacité d'accueil", "Attendee capacity"],
        &["https://schema.org/maximumPhysicalAttendeeCapacity"],
        None,
    ),
    concept(
        "accountRef",
        ["Compte", "Account"],
        &["https://github.com/data-fair/lib/account"],
        Some("string"),
    ),
];

const fn concept(
    id: &'static str,
    title: [&'static str; 2],
    identifiers: &'static [&'static str],
    forced_type: Option<&'static str>,
) -> Concept {
    Concept { id, title, identifiers, forced_type }
}

/// The concept with this short identifier.
pub fn by_id(id: &str) -> Option<&'static Concept> {
    VOCABULARY.iter().find(|concept| concept.id == id)
}

/// The concept that has this identifier URI, canonical or not.
pub fn by_uri(uri: &str) -> Option<&'static Concept> {
    VOCABULARY.iter().find(|concept| concept.identifiers.contains(&uri))
}

/// The canonical URI of a concept, or the URI itself when the vocabulary does not know it.
pub fn canonical(uri: &str) -> &str {
    by_uri(uri).map_or(uri, |concept| concept.identifiers[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_identifier_stands_for_two_concepts() {
        assert_eq!(VOCABULARY.len(), 54);
        for concept in VOCABULARY {
            assert!(std::ptr::eq(by_id(concept.id).unwrap(), concept), "{}", concept.id);
            for uri in concept.identifiers {
                assert!(std::ptr::eq(by_uri(uri).unwrap(), concept), "{uri}");
            }
        }
    }
}
