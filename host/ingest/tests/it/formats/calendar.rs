//! Calendars.

use super::refused;
use crate::Sample;

pub(super) const ICS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
BEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=Europe/Paris:20240325T100000\r\nDTEND;TZID=Europe/Paris:20240325T113000\r\nSUMMARY:Conseil\\, séance\r\n  publique\r\n\
RRULE:FREQ=WEEKLY;COUNT=4\r\nEXDATE;TZID=Europe/Paris:20240408T100000\r\nX-OUTIL:non\r\nBEGIN:VALARM\r\nDESCRIPTION:alarme\r\nEND:VALARM\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;TZID=Europe/Paris:20240401T100000\r\nDTSTART;TZID=Europe/Paris:20240402T090000\r\nDURATION:PT1H\r\nSUMMARY:Déplacé\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20240714\r\nSUMMARY:Fête\r\nRRULE:FREQ=YEARLY;BYEASTER=1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn events_are_rows_and_repetitions_are_expanded() {
    let (columns, rows) = Sample::new("a.ics", ICS).table();
    assert_eq!(columns, "dtstart:date-time dtend:date-time summary:text uid:text rrule:text");
    assert_eq!(
        rows,
        "2024-03-25T10:00:00+01:00 | 2024-03-25T11:30:00+01:00 | Conseil, séance publique | a | -\n\
         2024-04-15T10:00:00+02:00 | 2024-04-15T11:30:00+02:00 | Conseil, séance publique | a | -\n\
         2024-04-02T09:00:00+02:00 | 2024-04-02T10:00:00+02:00 | Déplacé | a | -\n\
         2024-07-14T00:00:00+02:00 | - | Fête | - | FREQ=YEARLY;BYEASTER=1"
    );
}

#[test]
fn broken_calendars_are_refused_at_their_line() {
    refused("a.ics", "code;nom", &["ligne 1", "BEGIN:VCALENDAR"]);
    let event = |body: &str| format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{body}");
    refused("a.ics", event("DTSTART:demain\nEND:VEVENT"), &["ligne 3", "« demain »", "DTSTART"]);
    refused("a.ics", event("DTSTART:20240229\n"), &["ligne 2", "END:VEVENT"]);
    let endless = event("DTSTART:20240101\nRRULE:FREQ=DAILY\nEND:VEVENT\n");
    let many = endless.clone() + &endless["BEGIN:VCALENDAR\n".len()..].repeat(300);
    refused("a.ics", many, &["plus de 1000000 occurrences"]);
}
