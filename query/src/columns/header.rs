//! The header before every page of a data file: a Thrift structure in the compact protocol.
//!
//! Fields are those of `PageHeader` in the [format's definition][thrift]; what a reader of whole columns does not need, statistics
//! above all, is stepped over. Whatever the bytes are, the answer is a header or an error.
//!
//! [thrift]: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

use datafusion::parquet::basic::Encoding;
use datafusion::parquet::errors::{ParquetError, Result};

/// Structures within structures: a page header has two.
const DEEPEST: usize = 8;

/// What there is to know of a page before its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the page in the file, after the header.
    pub(super) packed: usize,
    /// Bytes once they are unpacked.
    pub(super) unpacked: usize,
    pub(super) kind: Kind,
}

/// Kinds of pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Index,
    Dictionary { values: u32, encoding: Encoding, sorted: bool },
    Data { values: u32, encoding: Encoding, definition: Encoding, repetition: Encoding },
    DataV2 { values: u32, nulls: u32, rows: u32, encoding: Encoding, definition: u32, repetition: u32, packed: bool },
}

impl Header {
    /// Reads the header at the beginning of `bytes`, and says how long it is.
    ///
    /// # Errors
    /// If it is none, or not all of it is there.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize)> {
        let mut input = Input { bytes, at: 0 };
        let (mut kind, mut unpacked, mut packed) = (None, None, None);
        let (mut data, mut dictionary, mut data_v2) = (None, None, None);
        let mut fields = Fields::default();
        while let Some((id, of)) = fields.next(&mut input)? {
            match (id, of) {
                (1, I32) => kind = Some(input.number()?),
                (2, I32) => unpacked = Some(input.number()?),
                (3, I32) => packed = Some(input.number()?),
                (5, STRUCT) => data = Some(Numbers::read(&mut input)?),
                (7, STRUCT) => dictionary = Some(Numbers::read(&mut input)?),
                (8, STRUCT) => data_v2 = Some(Numbers::read(&mut input)?),
                _ => input.skip(of, DEEPEST)?,
            }
        }
        let kind = match (kind, data, dictionary, data_v2) {
            (Some(0), Some(data), _, _) => Kind::Data {
                values: data.count(1)?,
                encoding: data.encoding(2)?,
                definition: data.encoding(3)?,
                repetition: data.encoding(4)?,
            },
            (Some(1), ..) => Kind::Index,
            (Some(2), _, Some(dictionary), _) => Kind::Dictionary {
                values: dictionary.count(1)?,
                encoding: dictionary.encoding(2)?,
                sorted: dictionary.flag(3).unwrap_or(false),
            },
            (Some(3), _, _, Some(data)) => Kind::DataV2 {
                values: data.count(1)?,
                nulls: data.count(2)?,
                rows: data.count(3)?,
                encoding: data.encoding(4)?,
                definition: data.count(5)?,
                repetition: data.count(6)?,
                packed: data.flag(7).unwrap_or(true),
            },
            (kind, ..) => return Err(broken(format!("page of kind {kind:?}"))),
        };
        Ok((Self { packed: size(packed)?, unpacked: size(unpacked)?, kind }, input.at))
    }
}

/// Types of fields in the compact protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// The numbers and flags of a structure, by the field's id.
#[derive(Default)]
struct Numbers {
    numbers: [Option<i64>; 8],
    flags: [Option<bool>; 8],
}

impl Numbers {
    fn read(input: &mut Input<'_>) -> Result<Self> {
        let mut read = Self::default();
        let mut fields = Fields::default();
        while let Some((id, of)) = fields.next(input)? {
            let place = usize::try_from(id).ok().filter(|&id| id < read.numbers.len());
            match (place, of) {
                (Some(id), I32) => read.numbers[id] = Some(input.number()?),
                (Some(id), TRUE | FALSE) => read.flags[id] = Some(of == TRUE),
                _ => input.skip(of, DEEPEST)?,
            }
        }
        Ok(read)
    }

    fn count(&self, id: usize) -> Result<u32> {
        let number = self.numbers[id].and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| broken(format!("field {id} is {:?}", self.numbers[id])))
    }

    fn flag(&self, id: usize) -> Option<bool> {
        self.flags[id]
    }

    fn encoding(&self, id: usize) -> Result<Encoding> {
        Ok(match self.count(id)? {
            0 => Encoding::PLAIN,
            2 => Encoding::PLAIN_DICTIONARY,
            3 => Encoding::RLE,
            #[expect(deprecated, reason = "headers name it for levels that a flat column does not have")]
            4 => Encoding::BIT_PACKED,
            5 => Encoding::DELTA_BINARY_PACKED,
            6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            7 => Encoding::DELTA_BYTE_ARRAY,
            8 => Encoding::RLE_DICTIONARY,
            9 => Encoding::BYTE_STREAM_SPLIT,
            other => return Err(broken(format!("encoding {other}"))),
        })
    }
}

/// Where in a structure's fields one is: ids are written as distances.
#[derive(Default)]
struct Fields {
    last: i16,
}

impl Fields {
    /// The id and type of the next field; none after the last.
    fn next(&mut self, input: &mut Input<'_>) -> Result<Option<(i16, u8)>> {
        let byte = input.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        let id = match byte >> 4 {
            0 => i16::try_from(input.number()?).ok(),
            distance => self.last.checked_add(i16::from(distance)),
        };
        self.last = id.ok_or_else(|| broken("field without an id"))?;
        Ok(Some((self.last, byte & 0x0f)))
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).copied().ok_or_else(|| broken("end of the bytes"))?;
        self.at += 1;
        Ok(byte)
    }

    fn pass(&mut self, bytes: u64) -> Result<()> {
        let until = usize::try_from(bytes).ok().and_then(|bytes| self.at.checked_add(bytes));
        self.at = until.filter(|&at| at <= self.bytes.len()).ok_or_else(|| broken("end of the bytes"))?;
        Ok(())
    }

    /// A number of seven bits a byte, the lowest first.
    fn unsigned(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(broken("number without an end"))
    }

    /// A number whose lowest bit is its sign.
    fn number(&mut self) -> Result<i64> {
        let coded = self.unsigned()?;
        Ok((coded >> 1).cast_signed() ^ -(coded & 1).cast_signed())
    }

    fn skip(&mut self, of: u8, deepest: usize) -> Result<()> {
        let Some(deeper) = deepest.checked_sub(1) else { return Err(broken("structures too deep")) };
        match of {
            TRUE | FALSE => Ok(()),
            BYTE => self.pass(1),
            I16 | I32 | I64 => self.unsigned().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let bytes = self.unsigned()?;
                self.pass(bytes)
            }
            LIST | SET => {
                let byte = self.byte()?;
                let items = if byte >> 4 == 0x0f { self.unsigned()? } else { u64::from(byte >> 4) };
                // Flags take a byte each in a list.
                let item = if matches!(byte & 0x0f, TRUE | FALSE) { BYTE } else { byte & 0x0f };
                (0..items).try_for_each(|_| self.skip(item, deeper))
            }
            STRUCT => {
                let mut fields = Fields::default();
                while let Some((_, of)) = fields.next(self)? {
                    self.skip(of, deeper)?;
                }
                Ok(())
            }
            other => Err(broken(format!("field of type {other}"))),
        }
    }
}

fn size(bytes: Option<i64>) -> Result<usize> {
    bytes.and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(|| broken(format!("page of {bytes:?} bytes")))
}

fn broken(what: impl std::fmt::Display) -> ParquetError {
    ParquetError::General(format!("a page's header cannot be read: {what}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_that_are_not_needed_are_stepped_over() {
        let bytes = [
            0x15, 0x04, // 1: kind, dictionary
            0x15, 0x14, // 2: 10 bytes unpacked
            0x15, 0x0c, // 3: 6 bytes
            0x15, 0x07, // 4: a checksum
            0x3c, // 7: the dictionary's
            0x15, 0x06, // 1: 3 values
            0x15, 0x00, // 2: plain
            0x11, // 3: sorted
            0x1c, // 4: a structure of a later version
            0x18, 0x02, b'a', b'b', 0x19, 0x21, 0x01, 0x02, 0x17, 0, 0, 0, 0, 0, 0, 0, 0,
            0x00, // its text, list, double
            0x00, 0x00, 0xff,
        ];
        let (header, length) = Header::read(&bytes).unwrap();
        assert_eq!(length, bytes.len() - 1);
        let kind = Kind::Dictionary { values: 3, encoding: Encoding::PLAIN, sorted: true };
        assert_eq!(header, Header { packed: 6, unpacked: 10, kind });
        for end in 0..length {
            assert!(Header::read(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn what_is_no_header_is_an_error() {
        let deep = [0x1c; 100];
        assert!(Header::read(&deep).unwrap_err().to_string().contains("too deep"));
        let negative = [0x15, 0x02, 0x15, 0x01, 0x15, 0x02, 0x00];
        assert!(Header::read(&negative).unwrap_err().to_string().contains("page of Some(-1) bytes"));
        let endless = [0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert!(Header::read(&endless).unwrap_err().to_string().contains("without an end"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((_, length)) = Header::read(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
