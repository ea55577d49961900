//! Hashes of texts: `MD5`, `SHA1`, `SHA2`, `CRC32` and `FNV_HASH`. They find rows again and prove nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::crypto;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};

use crate::dialect::functions::frame::{Arguments, Function, Kind, is_text, wrong};

/// CRC-32C, reflected.
const CASTAGNOLI: u32 = 0x82f6_3b78;

const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
const FNV_SEED: u64 = 0xcbf2_9ce4_8422_2325;

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Any, Int, Text};
    let text = DataType::Utf8;
    vec![
        Function::new("md5", "md5(text)", &[Text], text.clone(), |a| {
            let texts = a.texts(0)?;
            a.strings(|row| library(&crypto::md5(), texts.get(row)).map(Some))
        }),
        Function::new("sha1", "sha1(text)", &[Text], text.clone(), |a| {
            let texts = a.texts(0)?;
            a.strings(|row| Ok(Some(hexadecimal(&sha1(texts.get(row).as_bytes())))))
        })
        .aliases(&["sha", "func_sha1"]),
        Function::new("sha2", "sha2(text, bits)", &[Text, Int], text.clone(), sha2),
        Function::new("crc32", "crc32(text)", &[Text], text, |a| {
            let texts = a.texts(0)?;
            a.strings(|row| Ok(Some(format!("{:08x}", crc32(texts.get(row).as_bytes())))))
        }),
        Function::new("fnv_hash", "fnv_hash(text [, seed])", &[Any, Int], DataType::Int64, fnv_hash).optional(1),
    ]
}

/// A number of bits that there is not is answered with an empty text.
fn sha2(a: &Arguments) -> Result<ArrayRef> {
    let (texts, bits) = (a.texts(0)?, a.ints(1)?);
    a.strings(|row| {
        let function = match bits.get(row) {
            224 => crypto::sha224(),
            0 | 256 => crypto::sha256(),
            384 => crypto::sha384(),
            512 => crypto::sha512(),
            _ => return Ok(Some(String::new())),
        };
        library(&function, texts.get(row)).map(Some)
    })
}

/// One of DataFusion's digests, in hexadecimal digits.
fn library(function: &ScalarUDF, text: &str) -> Result<String> {
    let argument = ScalarValue::Utf8(Some(text.to_owned()));
    let answer = function.return_type(&[DataType::Utf8])?;
    let digest = function.invoke_with_args(ScalarFunctionArgs {
        args: vec![ColumnarValue::Scalar(argument)],
        arg_fields: vec![Arc::new(Field::new("text", DataType::Utf8, true))],
        number_rows: 1,
        return_field: Arc::new(Field::new("digest", answer, true)),
        config_options: Arc::new(ConfigOptions::default()),
    })?;
    let digest = digest.to_array(1)?;
    if is_text(digest.data_type()) {
        let text = arrow::compute::cast(&digest, &DataType::Utf8)?;
        return Ok(text.as_string::<i32>().value(0).to_owned());
    }
    let bytes = arrow::compute::cast(&digest, &DataType::Binary)?;
    Ok(hexadecimal(bytes.as_binary::<i32>().value(0)))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// FIPS 180-4, section 6.1.
fn sha1(text: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut message = text.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend((text.len() as u64 * 8).to_be_bytes());
    for block in message.chunks_exact(64) {
        let mut words = [0_u32; 80];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        for n in 16..80 {
            words[n] = (words[n - 3] ^ words[n - 8] ^ words[n - 14] ^ words[n - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (n, word) in words.iter().enumerate() {
            let (mix, key) = match n {
                0..20 => (b & c | !b & d, 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(key).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn crc32(text: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in text {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ CASTAGNOLI } else { sum >> 1 };
        }
    }
    !sum
}

/// FNV-1a. The hash of a number depends on how many bytes the cluster keeps it in, so only texts are hashed here.
fn fnv_hash(a: &Arguments) -> Result<ArrayRef> {
    if !is_text(a.data_type(0)) {
        return wrong("fnv_hash() is answered for texts: the hash of a number depends on its type in the cluster");
    }
    let texts = a.texts(0)?;
    let seeds = if a.len() == 2 { Some(a.ints(1)?) } else { None };
    a.numbers::<Int64Type>(|row| {
        let seed = seeds.as_ref().map_or(FNV_SEED, |seeds| seeds.get(row).cast_unsigned());
        let mix = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        Ok(Some(texts.get(row).bytes().fold(seed, mix).cast_signed()))
    })
}
