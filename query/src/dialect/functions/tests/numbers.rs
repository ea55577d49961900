//! The examples of the documentation and what they leave open, for numbers.

use super::{prints, refuses};

#[tokio::test]
async fn rounding_keeps_the_type_and_the_places_asked_for() {
    prints(&[
        ("round(cast('28.05' as decimal(8,2)))", "28"),
        ("round(cast('28.05' as decimal(8,2)), 1)", "28.1"),
        ("round(cast('28.05' as decimal(8,2)), -1)", "30"),
        ("round(28.05, 1)", "28.1"),
        ("round(cast('-0.5' as decimal(8,2)))", "-1"),
        ("round(cast('99.95' as decimal(4,2)), 1)", "100.0"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("round(15, -1)", "20"),
        ("round(14, 2)", "14"),
        ("round(NULL, 2)", "NULL"),
        ("trunc(cast('111.15' as decimal(8,2)))", "111"),
        ("trunc(cast('111.15' as decimal(8,2)), 1)", "111.1"),
        ("trunc(cast('111.15' as decimal(8,2)), -1)", "110"),
        ("trunc(-111.15)", "-111"),
        ("ceiling(cast('28.05' as decimal(8,2)))", "29"),
        ("ceil(-28.05)", "-28"),
        ("floor(cast('28.05' as decimal(8,2)))", "28"),
        ("floor(cast('-28.05' as decimal(8,2)))", "-29"),
        ("floor(7)", "7"),
        ("sum(round(x, n)) FROM (VALUES (CAST('1.255' AS decimal(8,3)), 2), (CAST('1.255' AS decimal(8,3)), 0)) t(x, n) -- ", "2.260"),
    ])
    .await;
    refuses(&[
        ("round('a', 'b')", "the form is round(number [, decimal places])"),
        ("ceil(1, 2)", ""),
        ("round(9223372036854775807, -1)", "out of range"),
    ])
    .await;
}

#[tokio::test]
async fn functions_of_one_number() {
    prints(&[
        ("sqrt(16)", "4"),
        ("dsqrt(2)", "1.4142135623731"),
        ("cbrt(28.05)", "3.03839539048843"),
        ("exp(1)", "2.71828182845905"),
        ("dexp(0.7)", "2.01375270747048"),
        ("ln(2.718281828)", "0.999999999831127"),
        ("dlog1(3)", "1.09861228866811"),
        ("log(100)", "2"),
        ("dlog10(100)", "2"),
        ("degrees(pi())", "180"),
        ("radians(180)", "3.14159265358979"),
        ("acos(0)", "1.5707963267949"),
        ("atan2(2, 2) * 4", "3.14159265358979"),
        ("power(2, 3)", "8"),
        ("pow(2, -1)", "0.5"),
        ("sign(-4.25)", "-1"),
        ("sign(cast('28.05' as decimal(8,2)))", "1"),
        ("sign(0)", "0"),
        ("abs(-38)", "38"),
        ("abs(14-76)", "62"),
        ("mod(10, 4)", "2"),
        ("mod(10.5, 4)", "2.5"),
        ("mod(-7, 4)", "-3"),
        ("mod(cast(16.4 as integer), 5)", "1"),
        ("sqrt(NULL)", "NULL"),
    ])
    .await;
    refuses(&[
        ("sqrt(-1)", "no square root"),
        ("ln(0)", "only a positive number"),
        ("log(-1)", "only a positive number"),
        ("asin(2)", "between -1 and 1"),
        ("power(-8, 0.5)", "only whole powers"),
        ("exp(1000)", "out of range"),
        ("mod(1, 0)", "division by zero"),
        ("log(2, 8)", "the form is log(number)"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_null_is_passed_over() {
    prints(&[
        ("greatest('Lars', NULL, 'Ratliff')", "Ratliff"),
        ("least(3, NULL, 2)", "2"),
        ("greatest(NULL, NULL)", "NULL"),
        ("nvl2(NULL, 'a', 'b')", "b"),
        ("nvl(NULL, 'b')", "b"),
        ("nullif('NULL', 'NULL')", "NULL"),
        ("coalesce(NULL, 2)", "2"),
    ])
    .await;
}
