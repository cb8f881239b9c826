//! Tables of what parameters ask for, and of the texts that refuse them.

use halle_model::{Capabilities, Column, ColumnKind};
use proptest::prelude::*;

use super::simple::tests::short;
use super::{
    Fields, LinesParams, MetricAggParams, Params, SimpleMetricsParams, ValuesAggParams, ValuesParams,
};
use crate::ast::{GroupOrder, Interval, SortBy};

fn columns() -> Vec<Column> {
    let refers = |mut column: Column, uri: &str| {
        column.refers_to = Some(uri.to_owned());
        column
    };
    let mut closed = Column::new("closed", ColumnKind::Text);
    closed.capabilities = Capabilities {
        index: Some(false),
        values: Some(false),
        insensitive: Some(false),
        ..Capabilities::default()
    };
    let mut wild = Column::new("wild", ColumnKind::Text);
    wild.capabilities.wildcard = Some(true);
    vec![
        Column::new("nom", ColumnKind::Text),
        Column::new("population", ColumnKind::Integer),
        Column::new("surface", ColumnKind::Number),
        Column::new("actif", ColumnKind::Boolean),
        refers(Column::new("jour", ColumnKind::Date), "http://schema.org/Date"),
        Column::new("_t.libelle", ColumnKind::Text),
        refers(Column::new("code", ColumnKind::Text), "http://rdf.insee.fr/def/geo#codeCommune"),
        Column::new("Code_postal_(BAN)", ColumnKind::Text),
        closed,
        wild,
    ]
}

fn parse(pairs: &[(&str, &str)], geolocated: bool) -> Result<LinesParams, String> {
    let columns = columns();
    let params = Params::new(pairs.iter().copied()).map_err(|e| e.to_string())?;
    LinesParams::parse(&params, &Fields::new(&columns, geolocated)).map_err(|e| e.to_string())
}

#[track_caller]
fn matches(name: &str, value: &str, expect: &str) {
    let found = parse(&[(name, value)], true).map_or_else(|error| error, |lines| short(&lines.query));
    assert_eq!(found, expect, "{name}={value}");
}

#[test]
fn column_filters() {
    matches("nom_eq", "Paris", r#"?In { column: "nom", values: [Text("Paris")] }"#);
    matches("nom_in", r#""a,b","c""#, r#"?In { column: "nom", values: [Text("a,b"), Text("c")] }"#);
    matches("population_nin", "1,2", r#"?!In { column: "population", values: [Integer(1), Integer(2)] }"#);
    matches(
        "population_gte",
        "10",
        r#"?Range { column: "population", lower: Included(Integer(10)), upper: None }"#,
    );
    matches("jour_lt", "1970-01-11", r#"?Range { column: "jour", lower: None, upper: Excluded(Day(10)) }"#);
    matches("nom_starts", "Par", r#"?Prefix { column: "nom", prefix: "Par" }"#);
    matches("wild_contains", "ari", r#"?Wildcard { column: "wild", pattern: "*ari*" }"#);
    matches("nom_search", "rue +paix", "?(nom:rue & nom:paix)");
    matches("nom_exists", "", r#"?Exists { column: "nom" }"#);
    matches("nom_nexists", "", r#"?!Exists { column: "nom" }"#);
    matches("_t.libelle_eq", "x", r#"?In { column: "_t.libelle", values: [Text("x")] }"#);
    matches("_c_codeCommune_eq", "75056", r#"?In { column: "code", values: [Text("75056")] }"#);
    matches("_i_lte", "3", r#"?Range { column: "_i", lower: None, upper: Included(Integer(3)) }"#);
}

#[test]
fn what_is_no_filter_of_this_dataset_is_ignored() {
    matches("_c_siret_eq", "1", "All");
    matches("rows", "10", "All");
    matches("Code_postal_(BAN)", "75001", "All");
}

#[test]
fn refused_filters_say_why() {
    matches(
        "inconnu_eq",
        "1",
        "Impossible d'appliquer un filtre sur le champ inconnu, il n'existe pas dans le jeu de données.",
    );
    matches("nom_eq", "", "Filtre nom_eq nécessite une valeur.");
    matches("nom_in", "\"a", "\"nom_in\" parameter is malformed");
    matches(
        "closed_eq",
        "1",
        "Impossible d'appliquer un filtre _eq sur le champ closed. La fonctionnalité \"Filtrable sur valeur exacte\" n'est pas activée dans la configuration technique du champ. Opérations disponibles sur ce champ — filtres : _search ; tri : non ; groupement : non.",
    );
    matches(
        "nom_contains",
        "1",
        "Impossible d'appliquer un filtre _contains sur le champ nom. La fonctionnalité \"Texte filtrable sur groupe de caractères\" n'est pas activée dans la configuration technique du champ. Opérations disponibles sur ce champ — filtres : _eq, _neq, _in, _nin, _gt, _gte, _lt, _lte, _starts, _exists, _nexists, _search ; tri : oui ; groupement : oui.",
    );
    matches(
        "nom_eq",
        &"x".repeat(201),
        "Impossible d'appliquer un filtre _eq sur le champ nom. La valeur dépasse 200 caractères.",
    );
}

#[test]
fn qs_is_lucene_checked_against_the_schema() {
    let syntax = |at, what| {
        format!(
            "Impossible d'effectuer cette recherche, la syntaxe du paramètre \"qs\" n'est pas respectée (caractère {at} : {what})."
        )
    };
    matches("qs", "paris lyon", "(paris | lyon)");
    matches("qs", "a AND b OR c", "(a & b)");
    matches("qs", "a OR b NOT c", "((a | b) & !c)");
    matches("qs", "NOT nom:x", r#"!In { column: "nom", values: [Text("x")] }"#);
    matches("qs", "nom:\"test 1\"", r#"In { column: "nom", values: [Text("test 1")] }"#);
    matches("qs", "nom:Par*", r#"Prefix { column: "nom", prefix: "Par" }"#);
    matches("qs", "nom:P?r*s", r#"Wildcard { column: "nom", pattern: "P?r*s" }"#);
    matches("qs", "nom:*", r#"Exists { column: "nom" }"#);
    matches("qs", "_exists_:nom", r#"Exists { column: "nom" }"#);
    matches(
        "qs",
        "population:[1 TO 5}",
        r#"Range { column: "population", lower: Included(Integer(1)), upper: Excluded(Integer(5)) }"#,
    );
    matches(
        "qs",
        "population:>3",
        r#"Range { column: "population", lower: Excluded(Integer(3)), upper: None }"#,
    );
    matches("qs", "population:-3", r#"In { column: "population", values: [Integer(-3)] }"#);
    matches("qs", "jour:[1970 TO *]", r#"Range { column: "jour", lower: Included(Day(0)), upper: None }"#);
    matches(
        "qs",
        "nom:(a OR b)",
        r#"(In { column: "nom", values: [Text("a")] } | In { column: "nom", values: [Text("b")] })"#,
    );
    matches("qs", "nom.text:rues", "nom:rues");
    matches("qs", "nom.text:\"rue haute\"~1", r#"nom:"rue haute"~1"#);
    matches("qs", "wild.wildcard:*suite", r#"Wildcard { column: "wild", pattern: "*suite" }"#);
    matches(
        "qs",
        r"Code_postal_\(BAN\):75001",
        r#"In { column: "Code_postal_(BAN)", values: [Text("75001")] }"#,
    );
    matches("qs", "_t.libelle:x", r#"In { column: "_t.libelle", values: [Text("x")] }"#);
    matches("qs", "*:*", "All");
    matches("qs", "a^2 bord~1", "(a | bord~1)");
    matches(
        "qs",
        "rue~ le~ boulevard~ quai~0 nom.text:haut~9",
        "(rue~1 | le | boulevard~2 | quai | nom:haut~2)",
    );
    matches("qs", "nom:(a", &syntax(7, "parenthèse fermante attendue"));
    matches("qs", "AND a", &syntax(5, "opérateur sans terme à sa gauche"));
    matches("qs", "nom:", &syntax(5, "terme attendu"));
    matches("qs", "nom:\"a", &syntax(5, "guillemet fermant attendu"));
    matches("qs", "a)", &syntax(2, "parenthèse fermante sans ouvrante"));
    matches("qs", "population:[1 5]", &syntax(15, "TO attendu"));
    matches(
        "qs",
        "inconnu:1",
        "Impossible d'appliquer un filtre sur le champ inconnu, il n'existe pas dans le jeu de données.",
    );
}

#[test]
fn full_text_modes() {
    let q = |mode: &str, text: &str, expect: &str| {
        let lines = parse(&[("q", text), ("q_mode", mode)], false).unwrap();
        assert_eq!(short(&lines.query), expect, "{mode} {text}");
        assert_eq!(lines.sort[0].by, SortBy::Score);
    };
    q("simple", "rue paix", "(rue | paix)");
    q("and", "rue de la paix", "(rue & paix)");
    q("complete", "par", r#"((par* | par) | Wildcard { column: "wild", pattern: "*par*" })"#);
    q(
        "complete",
        "rue de la pa",
        r#"((rue & (pa* | pa)) | "rue de la pa" | Wildcard { column: "wild", pattern: "*rue de la pa*" })"#,
    );
    q("complete", "par*", "par*");
    let error = parse(&[("q", "a"), ("q_mode", "3")], false).unwrap_err();
    assert!(error.contains("\"q_mode\" must be one of"), "{error}");
    let error = parse(&[("q", "a"), ("q_fields", "rien")], false).unwrap_err();
    assert_eq!(error, "Impossible de rechercher sur le champ rien, il n'existe pas dans le jeu de données.");
    let lines = parse(&[("q", "rue paix"), ("q_fields", "nom,code")], false).unwrap();
    assert_eq!(short(&lines.query), "(nom,code:rue | nom,code:paix)");
    let lines = parse(&[("q", "rue paix"), ("q_ignored", "rue")], false).unwrap();
    assert_eq!(short(&lines.query), "(?paix & (rue | paix))");
}

#[test]
fn q_and_filters_combine_and_filters_do_not_score() {
    let lines = parse(&[("q", "a"), ("qs", "b"), ("nom_exists", ""), ("population_gt", "1")], false).unwrap();
    let expect = r#"(a & b & ?(Exists { column: "nom" } & Range { column: "population", lower: Excluded(Integer(1)), upper: None }))"#;
    assert_eq!(short(&lines.query), expect);
}

#[test]
fn places() {
    matches("bbox", "-1,45,2,48.5", "?Box([-1.0, 45.0, 2.0, 48.5])");
    matches("xyz", "0,0,0", "?Box([-180.0, -85.0511287798066, 180.0, 85.0511287798066])");
    matches("geo_distance", "2.5,48,10km", "?Near { lon: 2.5, lat: 48.0, metres: 10000.0 }");
    matches("geo_distance", "2.5:48:500", "?Near { lon: 2.5, lat: 48.0, metres: 500.0 }");
    matches("geo_distance", "2.5,48", "?Near { lon: 2.5, lat: 48.0, metres: 1.0 }");
    matches("bbox", "1,2,3", "\"bbox\" parameter is malformed, it must be left,bottom,right,top");
    matches("geo_distance", "x,1", "\"geo_distance\" parameter is malformed");
    for name in ["bbox", "xyz", "geo_distance"] {
        let expect = format!("\"{name}\" filter cannot be used on this dataset. It is not geolocalized.");
        assert_eq!(parse(&[(name, "0,0,0")], false).unwrap_err(), expect);
        let concept = format!("_c_{name}");
        assert!(parse(&[(&concept, "0,0,0")], false).is_ok(), "{concept} is sent to every dataset");
    }
}

#[test]
fn dates() {
    let day = |lower, upper| format!(r#"?Range {{ column: "jour", lower: {lower}, upper: {upper} }}"#);
    matches("date_match", "1970-01-02", &day("Included(Day(1))", "Included(Day(1))"));
    matches("date_match", "1970-01-02,", &day("Included(Day(1))", "None"));
    let other = [Column::new("x", ColumnKind::Text)];
    let params = Params::new([("date_match", "2024-01-01")]).unwrap();
    let error = LinesParams::parse(&params, &Fields::new(&other, false)).unwrap_err();
    assert_eq!(error.to_string(), "\"date_match\" ne peut pas être utilisé sur ce jeu de données.");
}

#[test]
fn pages_have_limits() {
    let error = |pairs: &[(&str, &str)]| parse(pairs, false).unwrap_err();
    assert_eq!(error(&[("size", "10001")]), "\"size\" cannot be more than 10000");
    assert_eq!(error(&[("size", "100"), ("page", "101")]), "\"size * page\" cannot be more than 10000");
    assert_eq!(error(&[("after", "x")]), "\"after\" parameter is malformed");
    assert_eq!(error(&[("size", "dix")]), "\"size\" must be a whole number, not \"dix\"");
    assert_eq!(
        error(&[("select", "rien")]),
        "Impossible de sélectionner le champ rien, il n'existe pas dans le jeu de données."
    );
    assert_eq!(
        error(&[("sort", "-rien")]),
        "Impossible de trier sur le champ rien, il n'existe pas dans le jeu de données."
    );
    assert!(error(&[("sort", "closed")]).starts_with(
        "Impossible de trier sur le champ closed. La fonctionnalité \"Triable et groupable\" n'est pas activée"
    ));
    let lines = parse(&[("size", "100"), ("page", "3"), ("sort", "-population,_rand")], false).unwrap();
    let request = lines.request(0);
    assert_eq!((request.skip, request.size, request.count), (200, 100, true));
    let by: Vec<_> = lines.sort.iter().map(|key| (key.by.clone(), key.descending)).collect();
    let column = SortBy::Column("population".to_owned());
    assert_eq!(by, [(column, true), (SortBy::Random, false), (SortBy::Line, false)]);
    let lines = parse(&[("after", "3,\"b\""), ("page", "9000"), ("select", "_id,nom")], false).unwrap();
    assert_eq!(lines.after, Some(vec![3.into(), "b".into()]));
    assert!(!lines.count && lines.fields.id && !lines.fields.line);
    assert_eq!(lines.select, ["nom"]);
}

fn agg(pairs: &[(&str, &str)]) -> Result<ValuesAggParams, String> {
    let columns = columns();
    let params = Params::new(pairs.iter().copied()).map_err(|e| e.to_string())?;
    ValuesAggParams::parse(&params, &Fields::new(&columns, false)).map_err(|e| e.to_string())
}

#[test]
fn groups() {
    let nested = agg(&[
        ("field", "nom;jour"),
        ("interval", "value;month"),
        ("agg_size", "5;6"),
        ("sort", "-key;count;-population"),
        ("metric", "avg"),
        ("metric_field", "surface"),
        ("extra_metrics", "population:sum"),
        ("size", "2"),
        ("missing", "?"),
    ])
    .unwrap();
    let [first, second] = nested.request.levels.as_slice() else { panic!("two levels") };
    assert_eq!(
        (first.size, &first.interval, first.order[0].clone()),
        (5, &Interval::Value, (GroupOrder::Key, true))
    );
    assert_eq!((second.size, &second.interval), (6, &Interval::Calendar("month")));
    assert_eq!(nested.by_key, Some(true));
    let names: Vec<_> = nested.request.metrics.iter().map(|(_, _, name)| name.as_str()).collect();
    assert_eq!(names, ["metric", "population_sum"]);
    assert_eq!(nested.request.sort[0].by, SortBy::Column("population".to_owned()));
    let dates = agg(&[("field", "jour"), ("interval", "12h")]).unwrap();
    assert_eq!(dates.request.levels[0].interval, Interval::Fixed(43_200_000));
    assert_eq!(dates.by_key, Some(false), "date histograms come in order");
}

#[test]
fn refused_groups_say_why() {
    let error = |pairs: &[(&str, &str)]| agg(pairs).unwrap_err();
    assert_eq!(error(&[]), "Le paramètre \"field\" est obligatoire");
    assert_eq!(error(&[("field", "rien")]), "Le paramètre \"field\" référence un champ inconnu rien");
    assert!(error(&[("field", "closed")]).starts_with("Impossible de grouper sur le champ closed. "));
    assert_eq!(error(&[("field", "nom"), ("agg_size", "1001")]), "\"agg_size\" cannot be more than 1000");
    assert_eq!(
        error(&[("field", "nom"), ("sort", "rien")]),
        "Impossible de trier les groupes de la colonne nom par rien"
    );
    assert_eq!(error(&[("field", "surface"), ("missing", "x")]), "missing should be a number");
    assert_eq!(error(&[("field", "actif"), ("missing", "x")]), "missing should be a boolean");
    assert_eq!(
        error(&[("field", "nom"), ("size", "101"), ("agg_size", "1000")]),
        "\"size\" x \"agg_size\" cannot be more than 100000"
    );
    assert_eq!(
        error(&[("field", "nom"), ("metric", "avg"), ("metric_field", "nom")]),
        "Impossible de calculer une métrique sur le champ nom. La métrique \"avg\", n'est pas supportée pour ce type de champ."
    );
}

#[test]
fn metrics_and_values() {
    let columns = columns();
    let fields = Fields::new(&columns, false);
    let params = |pairs: &[(&str, &str)]| Params::new(pairs.iter().copied()).unwrap();
    let metric =
        MetricAggParams::parse(&params(&[("metric", "percentiles"), ("field", "surface")]), &fields).unwrap();
    assert_eq!(metric.percents, [1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0]);
    let error = MetricAggParams::parse(&params(&[("field", "surface")]), &fields).unwrap_err();
    assert_eq!(error.to_string(), "Le paramètre \"metric\" est obligatoire");
    let simple = SimpleMetricsParams::parse(&params(&[("fields", "nom,population")]), &fields).unwrap();
    let names: Vec<_> = simple.metrics.iter().map(|(column, _, name)| format!("{column}:{name}")).collect();
    assert_eq!(names, ["nom:cardinality", "population:min", "population:max"]);
    let error = ValuesParams::parse(&params(&[]), "rien", &fields).unwrap_err();
    assert_eq!(error.to_string(), "field \"rien\" is unknown");
    let error = ValuesParams::parse(&params(&[("size", "1001")]), "nom", &fields).unwrap_err();
    assert_eq!(error.to_string(), "\"size\" cannot be more than 1000");
    let values =
        ValuesParams::parse(&params(&[("q", "par"), ("q_mode", "complete")]), "nom", &fields).unwrap();
    assert_eq!(short(&values.request.query), "(nom:par* & All)");
}

proptest! {
    #[test]
    fn no_text_makes_a_query_panic(text in "\\PC{0,60}") {
        for name in ["q", "qs", "nom_search", "nom_in", "jour_gte", "bbox", "geo_distance", "xyz", "date_match", "after", "sort"] {
            let _ = parse(&[(name, &text)], true);
        }
        let _ = agg(&[("field", "nom"), ("interval", &text), ("agg_size", &text), ("sort", &text)]);
    }

    #[test]
    fn no_operators_make_a_query_panic(text in r#"[ab:\\()"+|*~<>\[\]{}!^/&. -]{0,40}"#) {
        for name in ["q", "qs", "nom_search"] {
            let _ = parse(&[(name, &text), ("q_mode", "complete")], true);
            let _ = parse(&[(name, &text)], true);
        }
    }

    #[test]
    fn an_escaped_text_is_found_as_it_is(text in r#"[a-z()\[\]:"*?!+-]{1,20}"#) {
        let escaped: String = text.chars().flat_map(|c| ['\\', c]).collect();
        let lines = parse(&[("qs", &format!("nom:{escaped}"))], true).unwrap();
        let expect = format!("In {{ column: \"nom\", values: [Text({text:?})] }}");
        prop_assert_eq!(short(&lines.query), expect);
    }
}
