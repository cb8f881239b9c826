//! A reader of vector tiles, written from the specification alone.

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Number(f64),
    Boolean(bool),
}

/// A feature.
#[derive(Debug, Default)]
pub struct Feature {
    pub id: Option<u64>,
    pub kind: u64,
    pub attributes: Vec<(String, Value)>,
    /// Paths; each closed one ends where it begins.
    pub paths: Vec<Vec<[i64; 2]>>,
}

/// A layer.
#[derive(Debug, Default)]
pub struct Layer {
    pub name: String,
    pub version: u64,
    pub extent: u64,
    pub features: Vec<Feature>,
}

struct Reader<'a>(&'a [u8]);

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Reader<'a> {
    fn varint(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..).step_by(7) {
            let (byte, rest) = self.0.split_first().unwrap();
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        number
    }

    fn next(&mut self) -> Option<(u64, Field<'a>)> {
        if self.0.is_empty() {
            return None;
        }
        let tag = self.varint();
        let length = match tag & 7 {
            0 => return Some((tag >> 3, Field::Number(self.varint()))),
            1 => 8,
            2 => self.varint() as usize,
            wire => panic!("wire type {wire}"),
        };
        let (content, rest) = self.0.split_at(length);
        self.0 = rest;
        Some((tag >> 3, Field::Bytes(content)))
    }
}

fn text(field: &Field<'_>) -> String {
    let Field::Bytes(content) = field else { panic!("a text") };
    String::from_utf8(content.to_vec()).unwrap()
}

fn numbers(field: &Field<'_>) -> Vec<u64> {
    let Field::Bytes(content) = field else { panic!("numbers") };
    let mut reader = Reader(content);
    std::iter::from_fn(|| (!reader.0.is_empty()).then(|| reader.varint())).collect()
}

fn signed(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

fn value(content: &Field<'_>) -> Value {
    let Field::Bytes(content) = content else { panic!("a value") };
    let mut reader = Reader(content);
    let value = match reader.next().unwrap() {
        (1, field) => Value::Text(text(&field)),
        (3, Field::Bytes(content)) => Value::Number(f64::from_le_bytes(content.try_into().unwrap())),
        (5, Field::Number(number)) => Value::Number(number as f64),
        (6, Field::Number(number)) => Value::Number(signed(number) as f64),
        (7, Field::Number(number)) => Value::Boolean(number == 1),
        (field, _) => panic!("field {field} of a value"),
    };
    assert!(reader.next().is_none());
    value
}

fn paths(commands: &[u64]) -> Vec<Vec<[i64; 2]>> {
    let (mut at, mut cursor) = (0, [0, 0]);
    let mut paths: Vec<Vec<[i64; 2]>> = Vec::new();
    while at < commands.len() {
        let (command, count) = (commands[at] & 7, commands[at] >> 3);
        at += 1;
        assert!(count > 0);
        for _ in 0..count {
            if command == 7 {
                let first = paths.last().unwrap()[0];
                paths.last_mut().unwrap().push(first);
                continue;
            }
            cursor = [cursor[0] + signed(commands[at]), cursor[1] + signed(commands[at + 1])];
            at += 2;
            match command {
                1 => paths.push(vec![cursor]),
                2 => paths.last_mut().unwrap().push(cursor),
                other => panic!("command {other}"),
            }
        }
    }
    paths
}

fn feature(content: &Field<'_>) -> (Feature, Vec<u64>) {
    let Field::Bytes(content) = content else { panic!("a feature") };
    let (mut reader, mut feature, mut tags) = (Reader(content), Feature::default(), Vec::new());
    while let Some((number, field)) = reader.next() {
        match (number, &field) {
            (1, Field::Number(id)) => feature.id = Some(*id),
            (2, field) => tags = numbers(field),
            (3, Field::Number(kind)) => feature.kind = *kind,
            (4, field) => feature.paths = paths(&numbers(field)),
            (other, _) => panic!("field {other} of a feature"),
        }
    }
    (feature, tags)
}

/// The only layer of a tile.
pub fn layer(tile: &[u8]) -> Layer {
    let mut outer = Reader(tile);
    let Some((3, Field::Bytes(content))) = outer.next() else { panic!("a layer") };
    assert!(outer.next().is_none());
    let (mut reader, mut layer) = (Reader(content), Layer::default());
    let (mut keys, mut values, mut features) = (Vec::new(), Vec::new(), Vec::new());
    while let Some((number, field)) = reader.next() {
        match (number, &field) {
            (1, field) => layer.name = text(field),
            (2, field) => features.push(feature(field)),
            (3, field) => keys.push(text(field)),
            (4, field) => values.push(value(field)),
            (5, Field::Number(extent)) => layer.extent = *extent,
            (15, Field::Number(version)) => layer.version = *version,
            (other, _) => panic!("field {other} of a layer"),
        }
    }
    for (mut feature, tags) in features {
        let pair = |pair: &[u64]| (keys[pair[0] as usize].clone(), values[pair[1] as usize].clone());
        feature.attributes = tags.chunks(2).map(pair).collect();
        layer.features.push(feature);
    }
    layer
}
