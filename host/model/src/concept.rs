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

/// The part of Data Fair's vocabulary that this version acts upon or offers.
pub const VOCABULARY: &[Concept] = &[
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
