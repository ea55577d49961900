//! Functions of columns answer what functions of constants answer.

use super::{printed, rows};

const TEXTS: [&str; 5] = ["'a,b'", "''", "NULL", "'éa Xa'", "'{\"a\": [1]}'"];
const TIMES: [&str; 4] = [
    "timestamp '2026-01-31 23:59:59.5'",
    "CAST(NULL AS timestamp)",
    "timestamp '1969-12-31 00:00:00'",
    "timestamp '2024-02-29 12:30:00'",
];
const DECIMALS: [&str; 4] = [
    "CAST('12.345' AS decimal(9,3))",
    "CAST(NULL AS decimal(9,3))",
    "CAST('-0.5' AS decimal(9,3))",
    "CAST('1999.995' AS decimal(9,3))",
];
const INTEGERS: [&str; 4] = ["7", "NULL", "0", "65"];

#[tokio::test]
async fn row_by_row() {
    for (values, functions) in [
        (
            TEXTS.as_slice(),
            [
                "len(x)",
                "strpos(x, 'a')",
                "charindex('a', x)",
                "octetindex('a', x)",
                "substring(x, 2, 2)",
                "left(x, 2)",
                "right(x, 2)",
                "split_part(x, ',', 2)",
                "btrim(x, 'a')",
                "lpad(x, 7, x)",
                "repeat(x, 2)",
                "concat(x, 'z')",
                "upper(x)",
                "initcap(x)",
                "reverse(x)",
                "replace(x, 'a', x)",
                "translate(x, 'a', 'b')",
                "quote_ident(x)",
                "quote_literal(x)",
                "ascii(x)",
                "md5(x)",
                "sha1(x)",
                "sha2(x, 256)",
                "crc32(x)",
                "fnv_hash(x)",
                "soundex(x)",
                "difference(x, 'ab')",
                "bpcharcmp(x, 'a')",
                "regexp_substr(x, '[a-z]+')",
                "regexp_instr(x, 'a', 2)",
                "regexp_count(x, 'a')",
                "regexp_replace(x, 'a', 'z', 1, 'i')",
                "is_valid_json(x)",
                "json_extract_path_text(x, 'a', true)",
                "json_array_length(x, true)",
                "octet_length(x)",
                "strtol('7' || len(x), 10)",
            ]
            .as_slice(),
        ),
        (
            TIMES.as_slice(),
            &[
                "date_part(second, x)",
                "extract(epoch from x)",
                "date_trunc('week', x)",
                "trunc(x)",
                "last_day(x)",
                "add_months(x, 1)",
                "months_between(x, '2026-01-15')",
                "next_day(x, 'Mon')",
                "date_cmp(x, '2026-01-31')",
                "timestamp_cmp(x, '2026-01-31')",
                "date_part_year(x)",
                "convert_timezone('US/Eastern', x)",
                "convert_timezone('PST', 'Asia/Kolkata', x)",
                "x at time zone 'PST'",
                "to_char(x, 'Day DD Month YYYY HH24')",
                "to_date(x, 'YYYY-MM-DD')",
                "to_timestamp(x, 'YYYY-MM-DD HH24')",
                "dateadd(month, 1, x)",
                "datediff(day, x, '2026-01-15')",
                "substring(x, 6, 2)",
            ],
        ),
        (
            DECIMALS.as_slice(),
            &[
                "round(x, 1)",
                "trunc(x, 1)",
                "ceil(x)",
                "floor(x)",
                "sign(x)",
                "mod(x, 7)",
                "to_char(x, 'FM9990.099')",
                "power(x, 2)",
                "exp(x / 1000)",
                "to_number(x, 'S9999D999')",
                "len(x)",
            ],
        ),
        (
            INTEGERS.as_slice(),
            &[
                "round(x, -1)",
                "chr(x)",
                "to_hex(x)",
                "to_char(x, '009th')",
                "mod(x, 4)",
                "sign(x)",
                "sqrt(x)",
                "repeat('a', x)",
            ],
        ),
    ] {
        let list: Vec<String> = values.iter().map(|value| format!("({value})")).collect();
        for function in functions {
            let select = format!("SELECT {function} FROM (VALUES {}) t(x)", list.join(", "));
            let column = rows(&select).await.unwrap_or_else(|e| panic!("{select}: {e}"));
            for (value, from_column) in values.iter().zip(&column) {
                // The name of the column stands in the function as a word of its own.
                let call = function.replace("(x", &format!("({value}")).replace(", x", &format!(", {value}"));
                let call = call.replace("from x", &format!("from {value}")).replace("x at", &format!("{value} at"));
                let constant = printed(&call).await.unwrap_or_else(|e| panic!("{call}: {e}"));
                assert_eq!(&constant, from_column, "{call}");
            }
        }
    }
}

#[tokio::test]
async fn columns_of_every_text_type_are_read() {
    for kind in ["Utf8", "LargeUtf8", "Utf8View", "Dictionary(Int32, Utf8)"] {
        let table =
            format!("FROM (SELECT arrow_cast(column1, '{kind}') AS x FROM (VALUES ('ab c'), (NULL), ('é'))) t -- ");
        for (expression, want) in [
            ("sum(len(x))", "5"),
            ("max(upper(x))", "É"),
            ("sum(charindex('c', x))", "4"),
            ("max(regexp_replace(x, '[a-z]', '-'))", "é"),
            ("min(to_char(len(x), '9'))", " 1"),
        ] {
            let answer =
                printed(&format!("{expression} {table}")).await.unwrap_or_else(|e| panic!("{kind}: {expression}: {e}"));
            assert_eq!(answer, want, "{kind}: {expression}");
        }
    }
}
