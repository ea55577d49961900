//! Values of parameters as clients send them, text or binary.

use arrow::datatypes::DataType;
use arrow::datatypes::TimeUnit::Microsecond;
use bytes::{Buf, Bytes};
use chrono::{NaiveDate, NaiveDateTime};
use lookback_query::session::Parameter;
use pgwire::api::Type;

use super::failure::{Failure, code};
use super::wire::Bind;

const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// The type of a parameter for the planner; `None` if the client leaves it open, or it has none that helps.
pub(super) fn arrow_type(oid: u32) -> Option<DataType> {
    Some(match Type::from_oid(oid)? {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 | Type::OID => DataType::Int32,
        Type::INT8 => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::NUMERIC => DataType::Decimal128(38, 9),
        Type::DATE => DataType::Date32,
        Type::TIMESTAMP => DataType::Timestamp(Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(Microsecond, Some("UTC".into())),
        Type::VARCHAR | Type::TEXT | Type::BPCHAR | Type::NAME | Type::CHAR => DataType::Utf8,
        _ => return None,
    })
}

/// Parameters whose type is open and whose value may have a zone that counts for nothing, which only the statement can say.
pub(super) fn open_times(bind: &Bind, types: &[u32]) -> Vec<usize> {
    let is_text = |at: usize| bind.formats.get(at).or(bind.formats.first()).is_none_or(|format| *format == 0);
    let open = |at: usize| matches!(types.get(at), None | Some(0)) && is_text(at);
    let values = bind.values.iter().enumerate();
    values.filter(|(at, value)| open(*at) && value.as_deref().is_some_and(has_zone)).map(|(at, _)| at).collect()
}

/// The values of a message, each as the type that the client or the description says.
pub(super) fn values(bind: &Bind, types: &[u32]) -> Result<Vec<Parameter>, Failure> {
    let formats = &bind.formats;
    if formats.len() > 1 && formats.len() != bind.values.len() {
        let message = format!("{} formats for {} parameters", formats.len(), bind.values.len());
        return Err(Failure::new(code::PROTOCOL_VIOLATION, message));
    }
    let value = |(at, value): (usize, &Option<Bytes>)| {
        let Some(bytes) = value else { return Ok(Parameter::Null) };
        let kind = types.get(at).copied().and_then(Type::from_oid).unwrap_or(Type::UNKNOWN);
        let format = formats.get(at).or_else(|| formats.first().filter(|_| formats.len() == 1)).copied().unwrap_or(0);
        match format {
            0 => text(bytes, &kind),
            1 => binary(bytes.clone(), &kind),
            other => Err(Failure::new(code::PROTOCOL_VIOLATION, format!("there is no format {other}"))),
        }
        .map_err(|failure| Failure { message: format!("parameter ${}: {}", at + 1, failure.message), ..failure })
    };
    bind.values.iter().enumerate().map(value).collect()
}

fn text(bytes: &Bytes, kind: &Type) -> Result<Parameter, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| Failure::new("22021", "the text is not UTF-8"))?;
    let trimmed = text.trim();
    let wrong = || Failure::new(code::INVALID_TEXT, format!("'{trimmed}' is not a value of type {}", kind.name()));
    Ok(match *kind {
        Type::BOOL => match trimmed.to_lowercase().as_str() {
            "t" | "true" | "1" | "on" | "yes" | "y" => Parameter::Bool(true),
            "f" | "false" | "0" | "off" | "no" | "n" => Parameter::Bool(false),
            _ => return Err(wrong()),
        },
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => Parameter::Int(trimmed.parse().map_err(|_| wrong())?),
        Type::FLOAT4 | Type::FLOAT8 => Parameter::Float(trimmed.parse().map_err(|_| wrong())?),
        Type::NUMERIC if trimmed.contains(['e', 'E']) => Parameter::Float(trimmed.parse().map_err(|_| wrong())?),
        Type::NUMERIC => Parameter::Number(trimmed.to_owned()),
        Type::DATE => {
            let day = trimmed.get(..10).unwrap_or(trimmed).parse::<NaiveDate>().map_err(|_| wrong())?;
            Parameter::Date(day.to_epoch_days())
        }
        // As in PostgreSQL, a zone does not move what has none.
        Type::TIMESTAMP => Parameter::Timestamp(moment(zone_of(trimmed).0).ok_or_else(wrong)?),
        Type::TIMESTAMPTZ => {
            let (local, zone) = zone_of(trimmed);
            let (local, offset) = (moment(local).ok_or_else(wrong)?, offset(zone).ok_or_else(wrong)?);
            Parameter::TimestampTz(local.checked_sub(offset).ok_or_else(wrong)?)
        }
        // A text compares with whatever it can be read as.
        _ => Parameter::Text(text.to_owned()),
    })
}

/// Whether a value whose type is open is a day or a time with a zone: Java's `setDate` and `setTimestamp` send the time where the client
/// is, with its zone, and leave it to the server whether that counts.
pub(super) fn has_zone(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let (local, zone) = zone_of(text.trim());
    !zone.is_empty() && moment(local).is_some()
}

/// A time, and the zone that it ends with; empty if it has none.
fn zone_of(text: &str) -> (&str, &str) {
    // The `-` of a day is before the eleventh character.
    let zone = text.char_indices().skip(10).find(|(_, letter)| matches!(letter, '+' | '-' | 'Z' | 'z'));
    let (local, zone) = text.split_at(zone.map_or(text.len(), |(at, _)| at));
    (local.trim_end(), zone)
}

/// What a zone adds to UTC, in microseconds: `+02`, `+02:00`, `+0530`, `+05:30:10`, `Z`; nothing is UTC.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1) {
        None => return Some(0),
        Some(("Z" | "z", "")) => return Some(0),
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        Some(_) => return None,
    };
    let digits: String = digits.split(':').collect();
    if !matches!(digits.len(), 2 | 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |two| two.parse::<i64>().ok());
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    (hours < 16 && minutes < 60 && seconds < 60).then_some(sign * ((hours * 60 + minutes) * 60 + seconds) * 1_000_000)
}

/// A time without a zone, in microseconds since 1970-01-01.
fn moment(text: &str) -> Option<i64> {
    let text = text.replacen(' ', "T", 1);
    let form = |form| NaiveDateTime::parse_from_str(&text, form).ok().map(|time| time.and_utc().timestamp_micros());
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp_micros());
    form("%Y-%m-%dT%H:%M:%S%.f").or_else(|| form("%Y-%m-%dT%H:%M")).or_else(day)
}

fn binary(mut bytes: Bytes, kind: &Type) -> Result<Parameter, Failure> {
    let wrong = || Failure::new(code::INVALID_BINARY, format!("the bytes are not a value of type {}", kind.name()));
    let size = bytes.len();
    let sized = |wanted: usize| if size == wanted { Ok(()) } else { Err(wrong()) };
    Ok(match *kind {
        Type::BOOL => {
            sized(1)?;
            Parameter::Bool(bytes.get_u8() != 0)
        }
        Type::INT2 => {
            sized(2)?;
            Parameter::Int(bytes.get_i16().into())
        }
        Type::INT4 => {
            sized(4)?;
            Parameter::Int(bytes.get_i32().into())
        }
        Type::OID => {
            sized(4)?;
            Parameter::Int(bytes.get_u32().into())
        }
        Type::INT8 => {
            sized(8)?;
            Parameter::Int(bytes.get_i64())
        }
        Type::FLOAT4 => {
            sized(4)?;
            Parameter::Float(bytes.get_f32().into())
        }
        Type::FLOAT8 => {
            sized(8)?;
            Parameter::Float(bytes.get_f64())
        }
        Type::NUMERIC => Parameter::Number(numeric(bytes).ok_or_else(wrong)?),
        Type::DATE => {
            sized(4)?;
            Parameter::Date(bytes.get_i32().checked_add(EPOCH_DAYS).ok_or_else(wrong)?)
        }
        Type::TIMESTAMP => {
            sized(8)?;
            Parameter::Timestamp(bytes.get_i64().checked_add(EPOCH_MICROS).ok_or_else(wrong)?)
        }
        Type::TIMESTAMPTZ => {
            sized(8)?;
            Parameter::TimestampTz(bytes.get_i64().checked_add(EPOCH_MICROS).ok_or_else(wrong)?)
        }
        Type::VARCHAR | Type::TEXT | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::CHAR => Parameter::Text(
            String::from_utf8(bytes.into()).map_err(|_| Failure::new("22021", "the text is not UTF-8"))?,
        ),
        _ => {
            let message = format!("a parameter of type {} is not supported in binary", kind.name());
            return Err(Failure::new(code::NOT_SUPPORTED, message));
        }
    })
}

/// Groups of four digits as a decimal.
fn numeric(mut bytes: Bytes) -> Option<String> {
    if bytes.len() < 8 {
        return None;
    }
    let (count, weight, sign, scale) = (bytes.get_u16(), bytes.get_i16(), bytes.get_u16(), bytes.get_u16());
    if bytes.len() != usize::from(count) * 2
        || !matches!(sign, 0 | 0x4000)
        || scale > 1_000
        || !(-250..=250).contains(&weight)
    {
        return None;
    }
    let groups: Vec<u16> = (0..count).map(|_| bytes.get_u16()).collect();
    let group = |at: i32| {
        let index = i32::from(weight) - at;
        usize::try_from(index).ok().and_then(|index| groups.get(index)).copied().unwrap_or(0)
    };
    if groups.iter().any(|group| *group > 9_999) {
        return None;
    }
    let whole: String = (0..=i32::from(weight).max(0)).rev().map(|at| format!("{:04}", group(at))).collect();
    let whole = whole.trim_start_matches('0');
    let fraction: String = (1..=(i32::from(scale) + 3) / 4).map(|at| format!("{:04}", group(-at))).collect();
    let sign = if sign == 0 { "" } else { "-" };
    let whole = if whole.is_empty() { "0" } else { whole };
    match fraction.get(..usize::from(scale)) {
        Some(fraction) if !fraction.is_empty() => Some(format!("{sign}{whole}.{fraction}")),
        _ => Some(format!("{sign}{whole}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(groups: &[u16], weight: i16, sign: u16, scale: u16) -> Bytes {
        let words = [u16::try_from(groups.len()).unwrap(), weight.cast_unsigned(), sign, scale];
        words.iter().chain(groups).flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn values_are_read_in_both_formats() {
        assert_eq!(numeric(bytes(&[1, 2345, 6780], 1, 0, 3)).as_deref(), Some("12345.678"));
        assert_eq!(numeric(bytes(&[1], -1, 0x4000, 4)).as_deref(), Some("-0.0001"));
        assert_eq!(numeric(bytes(&[], 0, 0, 2)).as_deref(), Some("0.00"));
        assert_eq!(numeric(bytes(&[1], 1, 0, 0)).as_deref(), Some("10000"));
        assert_eq!(numeric(bytes(&[1], 1, 0xC000, 0)), None);
        let text = |value: &'static str, kind| text(&Bytes::from_static(value.as_bytes()), &kind);
        assert_eq!(text("5", Type::INT8), Ok(Parameter::Int(5)));
        assert_eq!(text("2000-01-01", Type::DATE), Ok(Parameter::Date(EPOCH_DAYS)));
        assert_eq!(text("x", Type::UNKNOWN), Ok(Parameter::Text("x".to_owned())));
        let noon = 1_767_268_800_000_000;
        for value in
            ["2026-01-01 12:00:00", "2026-01-01T12:00:00Z", "2026-01-01 13:00:00.000+01", "2026-01-01 06:30-0530"]
        {
            assert_eq!(text(value, Type::TIMESTAMPTZ), Ok(Parameter::TimestampTz(noon)), "{value}");
        }
        // What has no zone is not moved by one; a day is its beginning.
        for value in ["2026-01-01 12:00:00.000+01", "2026-01-01 12:00:00 -08:00", "2026-01-01 12:00"] {
            assert_eq!(text(value, Type::TIMESTAMP), Ok(Parameter::Timestamp(noon)), "{value}");
            assert_eq!(has_zone(value.as_bytes()), value.len() > 16, "{value}");
        }
        assert_eq!(text("2026-01-01 +01", Type::TIMESTAMP), Ok(Parameter::Timestamp(noon - 43_200_000_000)));
        assert_eq!(text("2026-01-01 +01", Type::DATE), text("2026-01-01", Type::DATE));
        assert_eq!(text("2026-01-01 12:00+1", Type::TIMESTAMPTZ).unwrap_err().code, "22P02");
        for plain in ["2026-01-01", "a text - with a sign", "SELECT 1 + 2 + 3", ""] {
            assert!(!has_zone(plain.as_bytes()), "{plain}");
        }
        assert_eq!(text("five", Type::INT4).unwrap_err().code, "22P02");
        assert_eq!(binary(Bytes::from_static(&[0, 5]), &Type::INT8).unwrap_err().code, "22P03");
        assert_eq!(binary(Bytes::from_static(&[0; 8]), &Type::TIMESTAMP), Ok(Parameter::Timestamp(EPOCH_MICROS)));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(raw in proptest::collection::vec(any::<u8>(), 0..40), oid in prop::sample::select(vec![16u32, 20, 21, 23, 25, 700, 701, 1082, 1114, 1184, 1700])) {
            let kind = Type::from_oid(oid).unwrap();
            let _ = binary(Bytes::from(raw.clone()), &kind);
            let _ = has_zone(&raw);
            let _ = text(&Bytes::from(raw), &kind);
        }
    }
}
