//! The examples of the documentation and what they leave open, for masks.

use super::{prints, refuses};

#[tokio::test]
async fn times_as_texts() {
    prints(&[
        ("to_char(timestamp '2009-12-31 23:15:59', 'MONTH-DY-DD-YYYY HH12:MIPM')", "DECEMBER -THU-31-2009 11:15PM"),
        ("to_char(timestamp '2009-12-31 23:15:59', 'DDD')", "365"),
        ("to_char(timestamp '2022-05-16 23:15:59', 'ID')", "1"),
        ("to_char(date '2009-12-31', 'MONTH')", "DECEMBER "),
        ("to_char(timestamp '2008-01-25 14:30:00', 'MON-DD-YYYY HH12:MIPM')", "JAN-25-2008 02:30PM"),
        ("to_char(timestamp '2009-12-31 23:15:59','HH24:MI:SS')", "23:15:59"),
        ("to_char(timestamp '2008-02-18 02:36:48', 'cc')", "21"),
        ("to_char(timestamp '2008-02-18 02:30:00', 'HH12:MI:SS TZ')", "02:30:00 UTC"),
        ("to_char(timestamp '2015-04-10 18:45:09.325143', 'HH24:MI:SS.MS')", "18:45:09.325"),
        ("to_char(timestamp '2015-04-10 18:45:09.325143', 'HH24:MI:SS:US')", "18:45:09:325143"),
        ("to_char(timestamp '2026-02-03', 'FMMonth FMDDth, \"day\" FMDDD, Y,YYY')", "February 3rd, day 34, 2,026"),
        ("to_char(timestamp '2026-01-01', 'YYYYMMDD_HH24MISSMS')", "20260101_000000000"),
        (
            "to_char(timestamp '2026-11-11', 'DDth DY dy Dy rm RM Q W WW J')",
            "11th WED wed Wed xi   XI   4 2 45 2461356",
        ),
        ("to_char(timestamp '2027-01-01', 'IYYY-IW IDDD')", "2026-53 369"),
        ("to_char(timestamp '2026-01-01 00:05:00', 'HH:MI a.m. SSSS BC OF')", "12:05 a.m. 300 AD +00"),
        ("to_char(timestamp '2026-01-01', '')", ""),
        ("to_char(NULL, 'YYYY')", "NULL"),
    ])
    .await;
    refuses(&[
        ("to_char(timestamp '2026-01-01', 'FXYYYY')", "FX in the mask"),
        ("to_char('2026-01-01', 'YYYY')", "to_char() of a value of type"),
        ("to_char(true, 'YYYY')", "to_char() of a value of type"),
        ("to_char(1)", "the form is to_char("),
    ])
    .await;
}

#[tokio::test]
async fn numbers_as_texts() {
    prints(&[
        ("to_char(-125.8, '999D99S')", "125.80-"),
        ("to_char(-125.88, '$S999D99')", "$-125.88"),
        ("to_char(-125.88, '$999D99PR')", "$<125.88>"),
        ("to_char(125, 'RN')", "           CXXV"),
        ("to_char(cast('618.80' as decimal(8,2)), 'rn')", "          dcxix"),
        ("to_char(cast('618.80' as decimal(8,2)), 'l99999D99')", "$   618.80"),
        ("to_char(cast('9.75' as decimal(8,2)), 'l99999D99')", "$     9.75"),
        ("to_char(485, '9 9 9')", " 4 8 5"),
        ("to_char(1485, '9,999')", " 1,485"),
        ("to_char(148.5, 'FM999.990')", "148.500"),
        ("to_char(-0.1, 'FM9.99')", "-.1"),
        ("to_char(12, '9990999.9')", "    0012.0"),
        ("to_char(485, '999MI')", "485 "),
        ("to_char(482, '999th')", " 482nd"),
        ("to_char(cast('12.45' as decimal(4,2)), '99V9')", " 125"),
        ("to_char(12345, '999')", " ###"),
        ("to_char(0.5, '0.00')", " 0.50"),
        ("to_char(1, '\"n:\"9')", "n: 1"),
    ])
    .await;
    refuses(&[
        ("to_char(1, '9.9.9')", "more than one decimal point"),
        ("to_char(1, 'S9S')", "more than one S"),
        ("to_char(1, '9EEEE')", "not supported"),
    ])
    .await;
}

#[tokio::test]
async fn texts_as_times() {
    prints(&[
        ("to_date('02 Oct 2001', 'DD Mon YYYY')", "2001-10-02"),
        ("to_date('20010631', 'YYYYMMDD', FALSE)", "2001-07-01"),
        ("to_date('2001-14-01', 'YYYY-MM-DD')", "2002-02-01"),
        ("TO_TIMESTAMP('2017','YYYY')", "2017-01-01 00:00:00+00"),
        ("TO_TIMESTAMP('2011-12-18 24:38:15', 'YYYY-MM-DD HH24:MI:SS')", "2011-12-19 00:38:15+00"),
        ("to_timestamp(timestamp '2021-04-05 19:27:53.281812', 'YYYY-MM-DD HH24:MI:SS')", "2021-04-05 19:27:53+00"),
        ("to_timestamp('', 'YYYY')", "0001-01-01 00:00:00+00"),
        ("to_timestamp('05/16/22 11:05:09.25 pm', 'MM/DD/YY HH12:MI:SS.MS PM')", "2022-05-16 23:05:09.25+00"),
        ("to_date('3rd march 99', 'DDth month YY')", "1999-03-03"),
        ("to_date('2026 53 5', 'IYYY IW ID')", "2027-01-01"),
        ("to_date('2024366', 'YYYYDDD')", "2024-12-31"),
        ("to_date('2461356', 'J')", "2026-11-11"),
        ("to_date(NULL, 'YYYY')", "NULL"),
    ])
    .await;
    refuses(&[
        ("to_date('20010631', 'YYYYMMDD', TRUE)", "date out of range: 2001-6-31"),
        ("TO_TIMESTAMP('2011-12-18 24:38:15', 'YYYY-MM-DD HH24:MI:SS', TRUE)", "time out of range: 24:38:15"),
        ("to_date('20010630', 'YYYY-MM-DD')", "out of range"),
        ("to_date('2001a06', 'YYYY-MM')", "'-' is expected"),
        ("to_date('2001-xx-30', 'YYYY-MM-DD')", "MM, a number, is expected where it says 'xx-30'"),
        ("to_date('01 Foo 2001', 'DD Mon YYYY')", "the short name of a month is expected"),
        ("to_timestamp('2001 UTC', 'YYYY TZ')", "not for reading"),
        ("to_timestamp('13:00', 'HH12:MI')", "hour 13 is none of a clock with 12 hours"),
        ("to_date('999999999999999999', 'FMYYYY')", "out of range"),
    ])
    .await;
}

#[tokio::test]
async fn texts_as_numbers() {
    prints(&[
        ("to_number('12,454.8-', '99G999D9S')", "-12454.8"),
        ("to_number('$ 12,454.88', 'L 99G999D99')", "12454.88"),
        ("to_number('12.345','99D999')", "12.345"),
        ("to_number('-7', '999')", "-7"),
        ("to_number('<7>', '999PR')", "-7"),
        ("to_number('12.5', '999D9')", "12.5"),
        ("to_number(NULL, '999D9')", "NULL"),
    ])
    .await;
    refuses(&[
        ("to_number('abc', '999')", "does not fit the mask '999'"),
        ("to_number('1234', '999')", "does not fit the mask '999'"),
        ("to_number('', '999')", "does not fit the mask '999'"),
        ("to_number(x, y) FROM (VALUES ('1', '9'), ('2', '99')) t(x, y) -- ", "must be a constant"),
    ])
    .await;
}
