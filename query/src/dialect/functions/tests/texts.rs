//! The examples of the documentation and what they leave open, for texts.

use super::{prints, refuses};

#[tokio::test]
async fn lengths_count_characters_and_trailing_blanks() {
    prints(&[
        ("len('français')", "8"),
        ("octet_length('français')", "9"),
        ("len('cat')", "3"),
        ("LEN('cat   ')", "6"),
        ("textlen(12345)", "5"),
        ("char_length(date '2026-01-01')", "10"),
        ("length(NULL)", "NULL"),
    ])
    .await;
}

#[tokio::test]
async fn positions_count_from_one() {
    prints(&[
        ("charindex('dog', 'fish')", "0"),
        ("charindex('fish', 'dogfish')", "4"),
        ("strpos('dogfish', 'fist')", "0"),
        ("strpos('dogfish', 'fish')", "4"),
        ("position('fish' in 'dogfish')", "4"),
        ("strpos('Άμαζον AWS', 'AWS')", "8"),
        ("octetindex('AWS', 'Amazon AWS')", "8"),
        ("octetindex('AWS', 'Άμαζον AWS')", "14"),
        ("strpos(1234.5, '.')", "5"),
        ("strpos('abc', '')", "1"),
        ("bpcharcmp('Rafael', 'Taylor')", "-1"),
        ("bpcharcmp('Vladimir', 'Humphrey')", "1"),
        ("bttext_pattern_cmp('Chase', 'Chase  ')", "0"),
    ])
    .await;
}

#[tokio::test]
async fn parts_of_a_text() {
    prints(&[
        ("substring('caterpillar',6,4)", "pill"),
        ("substring('caterpillar',6,8)", "pillar"),
        ("substring('caterpillar',-2,6)", "cat"),
        ("substring('caterpillar',-5,4)", ""),
        ("substring('caterpillar' from 6 for 4)", "pill"),
        ("substr('caterpillar', 6)", "pillar"),
        ("substring('caterpillar', -3)", "caterpillar"),
        ("substring('caterpillar', 20, 2)", ""),
        ("substring(timestamp '2008-01-24 06:43:29', 6, 2)", "01"),
        ("left('Chicago', 5)", "Chica"),
        ("right('Chicago', 5)", "icago"),
        ("right('Pal Joey', 5)", " Joey"),
        ("right('é', 5)", "é"),
        ("left('Chicago', 0)", ""),
        ("right('Chicago', 0)", ""),
        ("split_part(timestamp '2008-03-05 12:25:29', '-', 2)", "03"),
        ("split_part(split_part(timestamp '2008-03-05 12:25:29','-',3),' ',1)", "05"),
        ("split_part('abc', ',', 1)", "abc"),
        ("split_part('abc', ',', 2)", ""),
        ("trim('\"' FROM '\"dog\"')", "dog"),
        ("trim('  dog ')", "dog"),
        ("trim(both 'x' from 'xxdogx')", "dog"),
        ("trim(leading ' ' from '  dog ')", "dog "),
        ("btrim('     abc    ')", "abc"),
        ("btrim('xyzaxyzbxyzcxyz', 'xyz')", "axyzbxyzc"),
        ("ltrim('2008-01-24 06:43:29', '2008-')", "1-24 06:43:29"),
        ("ltrim('2008-08-15 02:08:13', '2008-')", "15 02:08:13"),
        ("rtrim('Toyota Park', 'Park')", "Toyota "),
        ("rtrim('The Home Depot Center', 'Park')", "The Home Depot Cente"),
    ])
    .await;
    refuses(&[
        ("substring('caterpillar', 1, -1)", "must not be negative"),
        ("left('caterpillar', -1)", "must not be negative"),
        ("right('caterpillar', -1)", "must not be negative"),
        ("split_part('a,b', ',', 0)", "counted from 1"),
        ("split_part('a,b', ',')", "the form is split_part(text, delimiter, part)"),
    ])
    .await;
}

#[tokio::test]
async fn texts_grow_to_the_length_of_a_varchar() {
    prints(&[
        ("lpad('Salome', 20)", "              Salome"),
        ("lpad('La Cenerentola (Cinderella)', 20)", "La Cenerentola (Cind"),
        ("rpad('Boris Godunov', 20, '0123456789')", "Boris Godunov0123456"),
        ("rpad('Salome', 20, '0123456789')", "Salome01234567890123"),
        ("lpad('a', -1)", ""),
        ("rpad('ab', 5, '')", "ab"),
        ("repeat(10, 3)", "101010"),
        ("replicate('ab', 0)", ""),
        ("concat('December 25, ', '2008')", "December 25, 2008"),
        ("concat('a', NULL)", "NULL"),
        ("len(repeat('a', 65535))", "65535"),
    ])
    .await;
    refuses(&[
        ("repeat('a', 65536)", "no VARCHAR holds"),
        ("repeat('aaaa', 9223372036854775807)", "no VARCHAR holds"),
        ("lpad('a', 9223372036854775807)", "no VARCHAR holds"),
        ("rpad('a', 40000, 'é')", "no VARCHAR holds"),
        ("concat('a', 'b', 'c')", "concat takes two values in Redshift, not 3"),
        ("replace(repeat('a', 65535), 'a', repeat('b', 65535))", "more than 16 MB"),
    ])
    .await;
}

#[tokio::test]
async fn letters_change() {
    prints(&[
        ("upper('Jazz, ß, é')", "JAZZ, ß, É"),
        ("lower('JAZZ É')", "jazz é"),
        ("initcap('Non-musical theatre MLB')", "Non-Musical Theatre Mlb"),
        ("initcap('urna.Ut@egetdictumplacerat.edu')", "Urna.Ut@Egetdictumplacerat.Edu"),
        ("reverse('Abilene')", "enelibA"),
        ("reverse(172456)", "654271"),
        ("replace('All rock and pop', 'rock', 'classical')", "All classical and pop"),
        ("replace('abc', '', 'x')", "abc"),
        ("replace('abc', 'b', NULL)", "NULL"),
        ("translate('mint tea', 'inea', 'osin')", "most tin"),
        ("translate('St. George', ' .', '_')", "St_George"),
        ("translate('aa', 'aa', 'xy')", "xx"),
    ])
    .await;
}

#[tokio::test]
async fn quoting_and_codes() {
    prints(&[
        ("quote_ident('MLB')", "\"MLB\""),
        ("quote_ident('mlb_1')", "mlb_1"),
        ("quote_ident('select')", "\"select\""),
        ("quote_ident('1a')", "\"1a\""),
        ("quote_ident('a\"b')", "\"a\"\"b\""),
        ("quote_literal(10)", "'10'"),
        ("quote_literal('it''s')", "'it''s'"),
        ("ascii('amazon')", "97"),
        ("ascii('')", "0"),
        ("ascii('é')", "233"),
        ("chr(65)", "A"),
        ("chr(200)", "NULL"),
        ("strtol('0xf', 16)", "15"),
        ("strtol('abcd1234', 16)", "2882343476"),
        ("strtol('1234567', 10)", "1234567"),
        ("strtol('1234567', 8)", "342391"),
        ("strtol('110101', 2)", "53"),
        ("strtol('', 2)", "0"),
        ("strtol('  -7', 10)", "-7"),
        ("to_hex(2147676847)", "8002f2af"),
        ("max(to_hex(x)) FROM (VALUES (CAST(-1 AS bigint))) t(x) -- ", "ffffffffffffffff"),
        ("max(to_hex(x)) FROM (VALUES (CAST(-1 AS int))) t(x) -- ", "ffffffff"),
    ])
    .await;
    refuses(&[
        ("strtol('12', 1)", "between 2 and 36"),
        ("strtol('9z', 10)", "no number of that base"),
        ("strtol('99999999999999999999', 10)", "no number of that base"),
        ("to_hex(-1)", "depends on its type"),
        ("to_hex('abc')", "with an integer"),
    ])
    .await;
}

#[tokio::test]
async fn hashes() {
    prints(&[
        ("md5('Amazon Redshift')", "f7415e33f972c03abd4f3fed36748f7a"),
        // FIPS 180-4: the digests of 'abc'.
        ("sha1('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("func_sha1(repeat('a', 1000))", "291e9a6c66994949b57ba5e650361e98fc36b1ba"),
        ("sha2('abc', 256)", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("sha2('abc', 0)", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("sha2('abc', 224)", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        ("len(sha2('abc', 384))", "96"),
        ("len(sha2('abc', 512))", "128"),
        ("sha2('abc', 1)", ""),
        ("crc32('Amazon Redshift')", "f2726906"),
        ("fnv_hash('Amazon Redshift')", "7783490368944507294"),
        ("fnv_hash('abcd')", "-281581062704388899"),
        ("fnv_hash('cd', fnv_hash('ab'))", "-281581062704388899"),
        ("fnv_hash('Amazon Redshift', -5968735742475085980)", "-2202602717770968555"),
    ])
    .await;
    refuses(&[("fnv_hash(1)", "depends on its type")]).await;
}

#[tokio::test]
async fn sounds_of_names() {
    prints(&[
        ("soundex('Amazon')", "A525"),
        ("soundex('AWS Amazon')", "A252"),
        ("soundex('+-*/%')", ""),
        ("difference('Amazon', '+-*/%')", "0"),
        ("difference('+', '-')", "1"),
        ("difference('AC/DC', 'Ay See Dee See')", "4"),
    ])
    .await;
}
