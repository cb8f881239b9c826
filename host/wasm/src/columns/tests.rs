use halle_base::{Dice, SeededDice};

use super::*;

fn field(key: &str, kind: ColumnKind) -> Field {
    Field { key: key.to_owned(), kind, nullable: true, title: None, concept: None }
}

fn every_kind() -> (RecordBatch, Vec<Field>) {
    use ColumnKind::{Boolean, Date, DateTime, Integer, Number, Object, Text};
    let fields: Vec<Field> = [Text, Integer, Number, Boolean, Date, DateTime, Object]
        .into_iter()
        .map(|kind| field(kind_to_wit(kind), kind))
        .collect();
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("é"), None, Some(""), Some("b")])),
        Arc::new(Int64Array::from(vec![Some(1), None, Some(-3), Some(4)])),
        Arc::new(Float64Array::from(vec![Some(0.5), None, Some(-1.0), Some(2.0)])),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)])),
        Arc::new(Date32Array::from(vec![Some(0), None, Some(19_000), Some(-1)])),
        Arc::new(StringArray::from(vec![
            Some("2024-01-01T00:00:00Z"),
            None,
            Some("1969-12-31T23:59:59Z"),
            Some("2024-06-01T10:00:00.5Z"),
        ])),
        Arc::new(StringArray::from(vec![Some("{}"), None, Some("[1]"), Some("null")])),
    ];
    (RecordBatch::try_new(schema(&fields), arrays).unwrap(), fields)
}

#[test]
fn every_kind_survives_the_crossing_sliced_or_whole() {
    let (rows, fields) = every_kind();
    for (start, length) in [(0, 4), (1, 3), (2, 1), (0, 0)] {
        let slice = rows.slice(start, length);
        let crossed = from_wit(to_wit(&slice, &fields).unwrap(), &fields, Some(length)).unwrap();
        assert_eq!(crossed, slice, "from {start}, {length} rows");
    }
}

#[test]
fn offsets_of_a_source_do_not_change_the_instant() {
    let fields = [field("t", ColumnKind::DateTime)];
    let texts = StringArray::from(vec![Some("2024-01-01T01:00:00+01:00"), Some("yesterday")]);
    let rows = RecordBatch::try_new(schema(&fields), vec![Arc::new(texts)]).unwrap();
    let crossed = from_wit(to_wit(&rows, &fields).unwrap(), &fields, None).unwrap();
    let texts = crossed.column(0).as_string::<i32>().iter().collect::<Vec<_>>();
    assert_eq!(texts, [Some("2024-01-01T00:00:00Z"), None]);
}

fn refused(kind: ColumnKind, rows: u32, valid: Vec<u8>, data: ColumnData) -> String {
    let batch = Batch { rows, columns: vec![Column { valid, data }] };
    from_wit(batch, &[field("c", kind)], None).unwrap_err()
}

fn texts(offsets: &[u32], data: &[u8]) -> ColumnData {
    ColumnData::Texts(Texts { offsets: offsets.to_vec(), data: data.to_vec() })
}

#[test]
fn evil_batches_are_refused_with_a_reason() {
    use ColumnKind::{Boolean, Date, DateTime, Integer, Number, Object, Text};
    let none = Vec::new;
    assert!(refused(Integer, 2, none(), ColumnData::Ints(vec![1])).contains("1 values for 2 rows"));
    assert!(refused(Integer, 1, none(), ColumnData::Floats(vec![1.0])).contains("kind `integer`"));
    assert!(
        refused(Integer, 9, vec![255], ColumnData::Ints(vec![0; 9])).contains("validity bitmap of 1 bytes")
    );
    assert!(refused(Boolean, 9, none(), ColumnData::Bools(vec![0])).contains("bitmap of 1 bytes"));
    assert!(refused(Number, 1, none(), ColumnData::Floats(vec![f64::NAN])).contains("missing"));
    assert!(refused(Date, 1, none(), ColumnData::Days(vec![i32::MAX])).contains("years"));
    assert!(refused(DateTime, 1, none(), ColumnData::Instants(vec![i64::MIN])).contains("years"));
    assert!(refused(Text, 1, none(), texts(&[0], b"")).contains("1 offsets for 1 rows"));
    assert!(refused(Text, 1, none(), texts(&[1, 1], b"a")).contains("begin at 0"));
    assert!(refused(Text, 1, none(), texts(&[0, 9], b"a")).contains("end where"));
    assert!(refused(Text, 2, none(), texts(&[0, 2, 1], b"a")).contains("offsets go back at row 1"));
    assert!(refused(Text, 1, none(), texts(&[0, 1], b"\xff")).contains("UTF-8"));
    assert!(refused(Text, 2, none(), texts(&[0, 1, 2], "é".as_bytes())).contains("UTF-8"));
    assert!(refused(Object, 1, none(), texts(&[0, 1], b"{")).contains("no JSON"));
    assert!(refused(Text, 5_000, none(), texts(&[0; 5_001], b"")).contains("more than 4096"));
    let two = Batch { rows: 0, columns: Vec::new() };
    assert!(from_wit(two, &[field("c", Text)], None).unwrap_err().contains("0 columns"));
}

#[test]
fn large_batches_cross_in_parts() {
    let fields = [field("c", ColumnKind::Integer)];
    let rows =
        RecordBatch::try_new(schema(&fields), vec![Arc::new(Int64Array::from(vec![0; 10_000]))]).unwrap();
    assert_eq!(parts(&rows), [(0, 4_096), (4_096, 4_096), (8_192, 1_808)]);
    let long = StringArray::from(vec!["x".repeat(1 << 20); 8]);
    let fields = [field("c", ColumnKind::Text)];
    let rows = RecordBatch::try_new(schema(&fields), vec![Arc::new(long)]).unwrap();
    assert!(parts(&rows).iter().all(|(_, count)| *count <= 4));
}

/// A batch that is nearly right: lengths, offsets and bitmaps that fit most of the time.
fn random_batch(dice: &SeededDice, fields: &[Field]) -> Batch {
    let below = |end: u64| dice.roll() % end;
    let near = |count: usize| (count + below(3) as usize).saturating_sub(usize::from(below(3) == 0));
    let maybe = |count: usize| if below(4) == 0 { near(count) } else { count };
    let rows = below(20) as usize;
    let column = |field: &Field| {
        let valid = if below(2) == 0 { Vec::new() } else { vec![below(256) as u8; maybe(rows.div_ceil(8))] };
        let count = maybe(rows);
        let texts = || {
            let data: Vec<u8> = (0..below(60)).map(|_| b"{}[]1a\xc3\xa9\xff"[below(9) as usize]).collect();
            let mut offsets: Vec<u32> =
                (0..=count).map(|at| (at * data.len() / count.max(1)) as u32).collect();
            if below(3) == 0 {
                let at = below(offsets.len() as u64) as usize;
                offsets[at] = below(1 << 32) as u32;
            }
            ColumnData::Texts(Texts { offsets, data })
        };
        let data = match (field.kind, below(12)) {
            (ColumnKind::Integer, 1..) | (_, 0) => {
                ColumnData::Ints((0..count).map(|_| dice.roll() as i64).collect())
            }
            (ColumnKind::Number, _) => {
                ColumnData::Floats((0..count).map(|_| f64::from_bits(dice.roll())).collect())
            }
            (ColumnKind::Date, _) => {
                ColumnData::Days((0..count).map(|_| dice.roll() as i32 >> below(16)).collect())
            }
            (ColumnKind::DateTime, _) => {
                ColumnData::Instants((0..count).map(|_| dice.roll() as i64 >> below(40)).collect())
            }
            (ColumnKind::Boolean, _) => ColumnData::Bools(vec![below(256) as u8; maybe(rows.div_ceil(8))]),
            (ColumnKind::Text | ColumnKind::Object, _) => texts(),
        };
        Column { valid, data }
    };
    Batch { rows: rows as u32, columns: fields.iter().map(column).collect() }
}

#[test]
fn what_is_accepted_is_sound_whatever_came() {
    let (_, every) = every_kind();
    let dice = SeededDice::new(10);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let from = (dice.roll() % every.len() as u64) as usize;
        let fields = &every[from..=from];
        let batch = random_batch(&dice, fields);
        let rows = batch.rows as usize;
        let Ok(read) = from_wit(batch, fields, None) else {
            refused += 1;
            continue;
        };
        accepted += 1;
        assert_eq!(read.num_rows(), rows);
        for column in read.columns() {
            column.to_data().validate_full().unwrap();
        }
        assert_eq!(from_wit(to_wit(&read, fields).unwrap(), fields, Some(rows)).unwrap(), read);
    }
    assert!(accepted > 2_000 && refused > 2_000, "{accepted} accepted, {refused} refused: no test of either");
}

/// Each text would be as long as one may be, and all end where the data do: only their order tells.
#[test]
fn offsets_that_go_once_around_are_refused() {
    let longest = CELL_BYTES_MAX as u32;
    let rows = (u32::MAX / longest) as usize + 1;
    let offsets: Vec<u32> = (0..=rows as u32).map(|row| row.wrapping_mul(longest)).collect();
    assert_eq!((rows <= BATCH_ROWS_MAX, offsets[rows]), (true, 0));
    let data = ColumnData::Texts(Texts { offsets, data: Vec::new() });
    let batch = Batch { rows: rows as u32, columns: vec![Column { valid: Vec::new(), data }] };
    let refusal = from_wit(batch, &[field("name", ColumnKind::Text)], None).unwrap_err();
    assert!(refusal.contains(&format!("go back at row {}", rows - 1)), "{refusal}");
}

#[test]
fn a_column_is_what_it_holds_whatever_was_declared() {
    let (rows, fields) = every_kind();
    for (column, own) in rows.columns().iter().zip(&fields) {
        assert_eq!(kind_held(column.data_type(), own.kind), own.kind);
    }
    // Postcodes and SIRETs are read as numbers where none begins with a zero.
    let codes =
        RecordBatch::try_from_iter([("cp", Arc::new(Int64Array::from(vec![29_200])) as ArrayRef)]).unwrap();
    let held = kind_held(codes.column(0).data_type(), ColumnKind::Text);
    assert!(matches!(
        &to_wit(&codes, &[field("cp", held)]).unwrap().columns[0].data,
        ColumnData::Ints(values) if values == &[29_200]
    ));
}
