//! Reads the pages of columns.
//!
//! The library's own reader makes what it needs to unpack, and to pack, anew for every column of every file: for a month of a
//! fleet's small files that is a sixth of all that reading costs. Here a thread keeps it. Columns that are not packed as the lake's
//! are read by the library.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use datafusion::parquet::arrow::arrow_reader::RowGroups;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use datafusion::parquet::file::reader::{ChunkReader, Length};
use datafusion::parquet::file::serialized_reader::SerializedPageReader;
use zstd::bulk::Decompressor;

use super::header::{Header, Kind};

thread_local! {
    static UNPACKING: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// One column of all row groups of a file.
pub(super) struct Column {
    footer: Arc<ParquetMetaData>,
    number: usize,
    /// Its bytes in each row group.
    chunks: Vec<Bytes>,
}

impl Column {
    /// The column of this number, whose bytes in the row groups are these.
    pub(super) fn new(footer: Arc<ParquetMetaData>, number: usize, chunks: Vec<Bytes>) -> Self {
        Self { footer, number, chunks }
    }
}

impl RowGroups for Column {
    fn num_rows(&self) -> usize {
        self.row_groups().map(rows).sum()
    }

    fn column_chunks(&self, _: usize) -> Result<Box<dyn PageIterator>> {
        let mut readers: Vec<Result<Box<dyn PageReader>>> = Vec::with_capacity(self.chunks.len());
        for (group, bytes) in self.row_groups().zip(&self.chunks) {
            let column = group.columns().get(self.number);
            let column = column.ok_or_else(|| broken(format!("no column {} in a row group", self.number)))?;
            readers.push(reader(column, bytes, rows(group)));
        }
        Ok(Box::new(Chunks(readers.into_iter())))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.footer.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.footer
    }
}

fn rows(group: &RowGroupMetaData) -> usize {
    usize::try_from(group.num_rows()).unwrap_or(0)
}

fn reader(column: &ColumnChunkMetaData, bytes: &Bytes, rows: usize) -> Result<Box<dyn PageReader>> {
    Ok(match column.compression() {
        Compression::ZSTD(_) => Box::new(Pages { left: bytes.clone(), next: None }),
        _ => {
            let chunk = Chunk { start: column.byte_range().0, bytes: bytes.clone() };
            Box::new(SerializedPageReader::new(Arc::new(chunk), column, rows, None)?)
        }
    })
}

struct Chunks(std::vec::IntoIter<Result<Box<dyn PageReader>>>);

impl Iterator for Chunks {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl PageIterator for Chunks {}

/// The pages of one column of a row group.
struct Pages {
    left: Bytes,
    /// Of a page that was looked at and not yet taken.
    next: Option<Header>,
}

impl Pages {
    /// The next page's header, and what of the page is in the file. Pages that are neither data nor a dictionary are stepped over.
    fn header(&mut self) -> Result<Option<Header>> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        while !self.left.is_empty() {
            let (header, length) = Header::read(&self.left)?;
            self.left.advance(length);
            if header.packed > self.left.len() {
                return Err(broken(format!(
                    "a page of {} bytes, of which {} are there",
                    header.packed,
                    self.left.len()
                )));
            }
            if header.kind != Kind::Index {
                return Ok(Some(header));
            }
            self.left.advance(header.packed);
        }
        Ok(None)
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(Header { packed, unpacked, kind }) = self.header()? else { return Ok(None) };
        let bytes = self.left.split_to(packed);
        let (plain, is_packed) = match kind {
            // Of these, levels come first, and are never packed.
            Kind::DataV2 { definition, repetition, packed, .. } => {
                (u64::from(definition) + u64::from(repetition), packed)
            }
            _ => (0, true),
        };
        let buf = if is_packed { unpack(&bytes, plain, unpacked)? } else { bytes };
        Ok(Some(match kind {
            Kind::Dictionary { values, encoding, sorted } => {
                Page::DictionaryPage { buf, num_values: values, encoding, is_sorted: sorted }
            }
            Kind::Data { values, encoding, definition, repetition } => Page::DataPage {
                buf,
                num_values: values,
                encoding,
                def_level_encoding: definition,
                rep_level_encoding: repetition,
                statistics: None,
            },
            Kind::DataV2 { values, nulls, rows, encoding, definition, repetition, packed } => Page::DataPageV2 {
                buf,
                num_values: values,
                encoding,
                num_nulls: nulls,
                num_rows: rows,
                def_levels_byte_len: definition,
                rep_levels_byte_len: repetition,
                is_compressed: packed,
                statistics: None,
            },
            Kind::Index => return Err(broken("a page of an index")),
        }))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.next = self.header()?;
        Ok(self.next.as_ref().map(|header| match header.kind {
            Kind::Data { values, .. } => {
                PageMetadata { num_rows: None, num_levels: usize::try_from(values).ok(), is_dict: false }
            }
            Kind::DataV2 { values, rows, .. } => PageMetadata {
                num_rows: usize::try_from(rows).ok(),
                num_levels: usize::try_from(values).ok(),
                is_dict: false,
            },
            Kind::Dictionary { .. } | Kind::Index => PageMetadata { num_rows: None, num_levels: None, is_dict: true },
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if let Some(header) = self.header()? {
            self.left.advance(header.packed);
        }
        Ok(())
    }
}

/// A page of which the first `plain` bytes are not packed, and which takes `size` bytes in all.
fn unpack(bytes: &[u8], plain: u64, size: usize) -> Result<Bytes> {
    let plain = usize::try_from(plain).ok().filter(|&plain| plain <= bytes.len() && plain <= size);
    let plain = plain.ok_or_else(|| broken("levels longer than their page"))?;
    let mut unpacked = Vec::new();
    // A damaged header can ask for any size.
    unpacked.try_reserve_exact(size).map_err(|e| broken(format!("a page of {size} bytes: {e}")))?;
    unpacked.extend_from_slice(&bytes[..plain]);
    // A page without values has no packed bytes at all.
    if size > plain {
        UNPACKING.with_borrow_mut(|kept| -> Result<()> {
            let with = match kept {
                Some(with) => with,
                None => kept.insert(Decompressor::new()?),
            };
            let mut rest = std::io::Cursor::new(&mut unpacked);
            rest.set_position(plain as u64);
            with.decompress_to_buffer(&bytes[plain..], &mut rest)?;
            Ok(())
        })?;
    }
    match unpacked.len() == size {
        true => Ok(unpacked.into()),
        false => Err(broken(format!("a page of {} bytes that shall have {size}", unpacked.len()))),
    }
}

fn broken(what: impl std::fmt::Display) -> ParquetError {
    ParquetError::General(format!("a column cannot be read: {what}"))
}

/// The bytes of a column, where the library looks for them.
struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Chunk {
    fn from(&self, start: u64) -> Result<Bytes> {
        let from = start.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        let from = from.filter(|&from| from <= self.bytes.len());
        Ok(self.bytes.slice(from.ok_or_else(|| broken(format!("byte {start} is not of the column")))?..))
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start.saturating_add(self.bytes.len() as u64)
    }
}

impl ChunkReader for Chunk {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = self.from(start)?;
        match length <= bytes.len() {
            true => Ok(bytes.split_to(length)),
            false => Err(broken(format!("{length} bytes from byte {start} on are not of the column"))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use proptest::prelude::*;

    use super::*;

    /// A header of a page of values, packed.
    fn data(packed: u8, unpacked: u8, values: u8) -> Vec<u8> {
        let zigzag = |number: u8| number * 2;
        vec![
            0x15,
            0x00,
            0x15,
            zigzag(unpacked),
            0x15,
            zigzag(packed),
            0x2c, // kind, sizes, the data's
            0x15,
            zigzag(values),
            0x15,
            0x00,
            0x15,
            0x06,
            0x15,
            0x06,
            0x00,
            0x00,
        ]
    }

    fn chunk(pages: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for page in pages {
            let packed = zstd::bulk::compress(page, 1).unwrap();
            bytes.extend(data(u8::try_from(packed.len()).unwrap(), u8::try_from(page.len()).unwrap(), 3));
            bytes.extend(packed);
        }
        bytes
    }

    fn pages(bytes: Vec<u8>) -> Pages {
        Pages { left: bytes.into(), next: None }
    }

    #[test]
    fn pages_come_one_after_the_other() {
        let mut read = pages(chunk(&[b"first", b"", b"third, and last"]));
        assert_eq!(read.peek_next_page().unwrap().unwrap().num_levels, Some(3));
        assert_eq!(read.get_next_page().unwrap().unwrap().buffer().as_ref(), b"first");
        read.skip_next_page().unwrap();
        let last = read.next().unwrap().unwrap();
        assert_eq!(
            (last.buffer().as_ref(), last.num_values(), last.encoding()),
            (b"third, and last".as_slice(), 3, PLAIN)
        );
        assert!(read.next().is_none());
        assert!(read.peek_next_page().unwrap().is_none());
    }

    const PLAIN: datafusion::parquet::basic::Encoding = datafusion::parquet::basic::Encoding::PLAIN;

    #[test]
    fn sizes_that_are_not_so_are_errors() {
        let mut longer = data(40, 5, 3);
        longer.extend(b"short");
        let error = pages(longer).next().unwrap().unwrap_err().to_string();
        assert!(error.contains("a page of 40 bytes, of which 5 are there"), "{error}");
        let packed = zstd::bulk::compress(b"five!", 1).unwrap();
        for size in [4, 6] {
            let mut other = data(u8::try_from(packed.len()).unwrap(), size, 3);
            other.extend(&packed);
            assert!(pages(other).next().unwrap().is_err(), "{size}");
        }
    }

    proptest! {
        /// Whatever a disk makes of a column, its pages are read or refused.
        #[test]
        fn damage_is_an_error_or_other_pages(at in any::<prop::sample::Index>(), byte in any::<u8>(), end in any::<prop::sample::Index>()) {
            let mut bytes = chunk(&[b"first page", b"second", b"a third one that repeats, repeats, repeats"]);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(end.index(bytes.len()) + 1);
            let most = bytes.len();
            prop_assert!(pages(bytes).take_while(Result::is_ok).count() <= most);
        }
    }
}
