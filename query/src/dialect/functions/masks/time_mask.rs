//! Masks of times, as a list of fields and texts.

use datafusion::common::Result;

use crate::dialect::functions::frame::wrong;

/// Longest mask, in bytes.
const LONGEST_MASK: usize = 1_024;

/// How a name or half of the day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    First,
    Lower,
}

/// What a field of a mask stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// `YYYY`, `YYY`, `YY`, `Y`: the last so many digits.
    Year(u8),
    /// `Y,YYY`.
    YearWithComma,
    /// `IYYY` and shorter: the year that the ISO week belongs to.
    IsoYear(u8),
    Century,
    Quarter,
    /// `MM`.
    Month,
    /// `MONTH`, blank-padded to nine characters.
    MonthName(Case),
    /// `MON`.
    ShortMonthName(Case),
    /// `RM`, blank-padded to four characters.
    RomanMonth(Case),
    /// `WW`: seven days each, from 1 January.
    Week,
    /// `IW`.
    IsoWeek,
    /// `W`.
    WeekOfMonth,
    /// `DAY`, blank-padded to nine characters.
    DayName(Case),
    /// `DY`.
    ShortDayName(Case),
    /// `DDD`.
    DayOfYear,
    /// `IDDD`: from the first Monday of the ISO year.
    IsoDayOfYear,
    /// `DD`.
    Day,
    /// `D`: Sunday is 1.
    DayOfWeek,
    /// `ID`: Monday is 1.
    IsoDayOfWeek,
    /// `J`: days since 24 November 4714 BC.
    JulianDay,
    Hour12,
    Hour24,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    /// `SSSS`.
    SecondOfDay,
    /// `AM` or `PM`; with dots if true.
    Half(Case, bool),
    /// `AD` or `BC`; with dots if true.
    Era(Case, bool),
    /// `TZ`.
    Zone(Case),
    /// `OF`.
    Offset,
}

impl Field {
    /// Whether the field is read as digits.
    pub(super) fn is_number(self) -> bool {
        use Field as F;
        !matches!(
            self,
            F::MonthName(_)
                | F::ShortMonthName(_)
                | F::RomanMonth(_)
                | F::DayName(_)
                | F::ShortDayName(_)
                | F::Half(..)
                | F::Era(..)
                | F::Zone(_)
                | F::Offset
        )
    }
}

/// A part of a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Field {
        field: Field,
        name: &'static str,
        /// `FM`: without padding.
        bare: bool,
        /// `TH` or `th` behind a number.
        ordinal: Option<Case>,
    },
    Text(char),
}

/// A parsed mask.
#[derive(Debug)]
pub(super) struct TimeMask {
    pub(super) parts: Vec<Part>,
    pub(super) text: String,
}

/// Longer names come before those that they begin with.
const FIELDS: [(&str, Field); 46] = [
    ("A.D.", Field::Era(Case::Upper, true)),
    ("A.M.", Field::Half(Case::Upper, true)),
    ("AD", Field::Era(Case::Upper, false)),
    ("AM", Field::Half(Case::Upper, false)),
    ("B.C.", Field::Era(Case::Upper, true)),
    ("BC", Field::Era(Case::Upper, false)),
    ("CC", Field::Century),
    ("DAY", Field::DayName(Case::Upper)),
    ("DDD", Field::DayOfYear),
    ("DD", Field::Day),
    ("DY", Field::ShortDayName(Case::Upper)),
    ("Day", Field::DayName(Case::First)),
    ("Dy", Field::ShortDayName(Case::First)),
    ("D", Field::DayOfWeek),
    ("HH24", Field::Hour24),
    ("HH12", Field::Hour12),
    ("HH", Field::Hour12),
    ("IDDD", Field::IsoDayOfYear),
    ("ID", Field::IsoDayOfWeek),
    ("IW", Field::IsoWeek),
    ("IYYY", Field::IsoYear(4)),
    ("IYY", Field::IsoYear(3)),
    ("IY", Field::IsoYear(2)),
    ("I", Field::IsoYear(1)),
    ("J", Field::JulianDay),
    ("MI", Field::Minute),
    ("MM", Field::Month),
    ("MONTH", Field::MonthName(Case::Upper)),
    ("MON", Field::ShortMonthName(Case::Upper)),
    ("MS", Field::Millisecond),
    ("Month", Field::MonthName(Case::First)),
    ("Mon", Field::ShortMonthName(Case::First)),
    ("OF", Field::Offset),
    ("P.M.", Field::Half(Case::Upper, true)),
    ("PM", Field::Half(Case::Upper, false)),
    ("Q", Field::Quarter),
    ("RM", Field::RomanMonth(Case::Upper)),
    ("SSSS", Field::SecondOfDay),
    ("SS", Field::Second),
    ("TZ", Field::Zone(Case::Upper)),
    ("US", Field::Microsecond),
    ("WW", Field::Week),
    ("W", Field::WeekOfMonth),
    ("Y,YYY", Field::YearWithComma),
    ("YYYY", Field::Year(4)),
    ("YYY", Field::Year(3)),
];

/// The rest of the years, which are looked for last.
const SHORT_YEARS: [(&str, Field); 2] = [("YY", Field::Year(2)), ("Y", Field::Year(1))];

impl TimeMask {
    /// # Errors
    /// If the mask is too long, or has a quotation mark without its pair.
    pub(super) fn parse(mask: &str) -> Result<Self> {
        if mask.len() > LONGEST_MASK {
            return wrong(format!("a mask has at most {LONGEST_MASK} bytes"));
        }
        let (mut parts, mut rest) = (Vec::new(), mask);
        while let Some(first) = rest.chars().next() {
            if first == '"' {
                rest = quoted(&rest[1..], &mut parts);
                continue;
            }
            if first == '\\' && rest[1..].starts_with('"') {
                parts.push(Part::Text('"'));
                rest = &rest[2..];
                continue;
            }
            let prefix = ["FM", "fm"].iter().find(|prefix| rest.starts_with(**prefix));
            let behind = if prefix.is_some() { &rest[2..] } else { rest };
            let Some((name, field, length)) = field_at(behind) else {
                let exact = ["FX", "fx"].iter().any(|prefix| rest.starts_with(prefix));
                if exact {
                    return wrong(format!(
                        "FX in the mask '{mask}' is not supported; without it, more blanks are accepted"
                    ));
                }
                if prefix.is_some() {
                    rest = behind;
                    continue;
                }
                parts.push(Part::Text(first));
                rest = &rest[first.len_utf8()..];
                continue;
            };
            rest = &behind[length..];
            let ordinal = [("TH", Case::Upper), ("th", Case::Lower)].into_iter().find(|(th, _)| rest.starts_with(th));
            if ordinal.is_some() {
                rest = &rest[2..];
            }
            let ordinal = ordinal.map(|(_, case)| case).filter(|_| field.is_number());
            parts.push(Part::Field { field, name, bare: prefix.is_some(), ordinal });
        }
        Ok(Self { parts, text: mask.to_owned() })
    }
}

/// Text in quotation marks is text, whatever it looks like.
fn quoted<'a>(text: &'a str, parts: &mut Vec<Part>) -> &'a str {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return &text[at + 1..],
            '\\' => parts.extend(letters.next().map(|(_, letter)| Part::Text(letter))),
            letter => parts.push(Part::Text(letter)),
        }
    }
    ""
}

/// The field at the start of a text. In lower letters it means the same, and names are written in lower letters.
fn field_at(text: &str) -> Option<(&'static str, Field, usize)> {
    let all = || FIELDS.iter().chain(&SHORT_YEARS);
    if let Some((name, field)) = all().find(|(name, _)| text.starts_with(name)) {
        return Some((name, *field, name.len()));
    }
    let lower = |name: &str| {
        let same = |(a, b): (u8, u8)| b == a.to_ascii_lowercase();
        text.len() >= name.len() && name.bytes().zip(text.bytes()).all(same)
    };
    let (name, field) = all().find(|(name, _)| !name.bytes().any(|b| b.is_ascii_lowercase()) && lower(name))?;
    let field = match *field {
        Field::Era(_, dots) => Field::Era(Case::Lower, dots),
        Field::Half(_, dots) => Field::Half(Case::Lower, dots),
        Field::DayName(_) => Field::DayName(Case::Lower),
        Field::ShortDayName(_) => Field::ShortDayName(Case::Lower),
        Field::MonthName(_) => Field::MonthName(Case::Lower),
        Field::ShortMonthName(_) => Field::ShortMonthName(Case::Lower),
        Field::RomanMonth(_) => Field::RomanMonth(Case::Lower),
        Field::Zone(_) => Field::Zone(Case::Lower),
        other => other,
    };
    Some((name, field, name.len()))
}
