//! Hashes of texts: `MD5`, `SHA1`, `SHA2`, `CRC32` and `FNV_HASH`. They find rows again and prove nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::functions::crypto;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

use crate::dialect::functions::frame::{Arguments, Function, Kind, is_text, wrong};
use crate::dialect::functions::plain;

/// CRC-32C, reflected.
const CASTAGNOLI: u32 = 0x82f6_3b78;

const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
const FNV_SEED: u64 = 0xcbf2_9ce4_8422_2325;

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Any, Int, Text};
    let text = DataType::Utf8;
    vec![
        Function::new("md5", "md5(text)", &[Text], text.clone(), |a| library(a, &crypto::md5())),
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

/// A number of bits that there is not is answered with an empty text. It is the same for all rows.
fn sha2(a: &Arguments) -> Result<ArrayRef> {
    let bits = a.ints(1)?;
    let Some(bits) = bits.constant() else { return wrong("the number of bits of sha2() must be a constant") };
    match bits {
        224 => library(a, &crypto::sha224()),
        0 | 256 => library(a, &crypto::sha256()),
        384 => library(a, &crypto::sha384()),
        512 => library(a, &crypto::sha512()),
        _ => a.strings(|_| Ok(Some(""))),
    }
}

/// One of DataFusion's digests of the first argument, in hexadecimal digits.
fn library(a: &Arguments, function: &ScalarUDF) -> Result<ArrayRef> {
    let texts = a.array(0)?;
    let texts: ArrayRef = Arc::new(plain::texts(&texts)?);
    let rows = texts.len();
    let arg_fields: Vec<FieldRef> = vec![Arc::new(Field::new("text", DataType::Utf8, true))];
    let arguments = ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &[None] };
    let return_field = function.return_field_from_args(arguments)?;
    let digests = function.invoke_with_args(ScalarFunctionArgs {
        args: vec![ColumnarValue::Array(texts)],
        arg_fields,
        number_rows: rows,
        return_field,
        config_options: Arc::new(ConfigOptions::default()),
    })?;
    let digests = digests.to_array(rows)?;
    if is_text(digests.data_type()) {
        return Ok(cast(&digests, &DataType::Utf8)?);
    }
    let bytes = cast(&digests, &DataType::Binary)?;
    let bytes = bytes.as_binary::<i32>();
    a.strings(|row| Ok(Some(hexadecimal(bytes.value(row)))))
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
            *word = bytes.iter().fold(0, |word, byte| (word << 8) | u32::from(*byte));
        }
        for n in 16..80 {
            words[n] = (words[n - 3] ^ words[n - 8] ^ words[n - 14] ^ words[n - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (n, word) in words.iter().enumerate() {
            let (mix, key) = match n {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
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
            sum = if sum & 1 == 1 { (sum >> 1) ^ CASTAGNOLI } else { sum >> 1 };
        }
    }
    !sum
}

/// FNV-1a. The hash of a number depends on how many bytes the cluster keeps it in, so only texts are hashed here.
fn fnv_hash(a: &Arguments) -> Result<ArrayRef> {
    if !is_text(a.data_type(0)) && !a.data_type(0).is_null() {
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
