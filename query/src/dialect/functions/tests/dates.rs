//! The examples of the documentation and what they leave open, for dates.

use super::{prints, refuses};

#[tokio::test]
async fn date_part_reads_one_part() {
    prints(&[
        ("DATE_PART(minute, timestamp '2023-01-04 04:05:06.789')", "5"),
        ("DATE_PART(week, '20220502 04:05:06.789')", "18"),
        ("DATE_PART(day, '20220502 04:05:06.789')", "2"),
        ("DATE_PART(dayofweek, '20220502 04:05:06.789')", "1"),
        ("DATE_PART(century, '20220502 04:05:06.789')", "21"),
        ("DATE_PART(millennium, '20220502 04:05:06.789')", "3"),
        ("DATE_PART(microsecond, '20220502 04:05:06.789')", "789000"),
        ("DATE_PART(month, date '2022-05-02')", "5"),
        ("date_part(w, '2008-06-17 09:44:54')", "25"),
        ("date_part(dow, '2008-01-05 14:00:00')", "6"),
        ("date_part(sec, '2009-09-21 11:10:03.189717')", "3.189717"),
        ("date_part(epoch, '2008-01-01 20:00:00')", "1199217600"),
        ("pgdate_part('yr', '2008-01-01')", "2008"),
        ("date_part(epoch, timestamp '2026-01-02 00:00:01.5' - timestamp '2026-01-01')", "86401.5"),
        ("date_part(hour, timestamp '2026-01-03 02:00:00' - timestamp '2026-01-01')", "2"),
        ("date_part(day, timestamp '2026-01-03 02:00:00' - timestamp '2026-01-01')", "2"),
        ("date_part(hour, NULL)", "NULL"),
    ])
    .await;
    refuses(&[
        ("date_part(ms, '2009-09-21')", "two meanings"),
        ("date_part(fortnight, '2009-09-21')", "'fortnight' is not a date part in date_part()"),
        ("date_part(hour, 5)", "the form is date_part(part, time)"),
        ("date_part(hour, 'yesterday')", "'yesterday' in date_part() is not a time"),
        ("date_part(week, timestamp '2026-01-03' - timestamp '2026-01-01')", "not a part of a length of time"),
    ])
    .await;
}

#[tokio::test]
async fn extract_reads_nothing_but_the_part() {
    prints(&[
        ("extract(sec from timestamp '2009-09-21 11:10:03.189717')", "3"),
        ("extract(century from timestamp '2000-12-16 12:21:13')", "20"),
        ("extract(century from timestamp '2001-12-16 12:21:13')", "21"),
        ("extract(decade from timestamp '1999-02-16 20:38:40')", "200"),
        ("extract(decade from timestamp '2000-02-16 20:38:40')", "201"),
        ("extract(decade from timestamp '2010-02-16 20:38:40')", "202"),
        ("extract(mil from timestamp '2000-12-16 12:21:13')", "2"),
        ("extract(mil from timestamp '2001-12-16 12:21:13')", "3"),
        ("extract(minute from timestamp '2009-09-09 12:08:43')", "8"),
        ("extract(ms from timestamp '2009-09-09 12:08:43.101')", "101"),
        ("extract('epoch' from timestamp '1970-01-01 00:01:00.9')", "60"),
        ("extract(epoch from timestamp '2026-01-01 00:02:00' - timestamp '2026-01-01')", "120"),
        ("extract(doy from date '2024-12-31')", "366"),
        ("extract(qtr from date '2024-12-31')", "4"),
    ])
    .await;
    refuses(&[("extract(fortnight from date '2024-12-31')", "'fortnight' is not a date part in extract()")]).await;
}

#[tokio::test]
async fn date_trunc_goes_back_to_the_start_of_a_part() {
    prints(&[
        ("DATE_TRUNC('second', '20200430 04:05:06.789')", "2020-04-30 04:05:06"),
        ("DATE_TRUNC('minute', '20200430 04:05:06.789')", "2020-04-30 04:05:00"),
        ("DATE_TRUNC('hour', '20200430 04:05:06.789')", "2020-04-30 04:00:00"),
        ("DATE_TRUNC('day', '20200430 04:05:06.789')", "2020-04-30 00:00:00"),
        ("DATE_TRUNC('month', '20200430 04:05:06.789')", "2020-04-01 00:00:00"),
        ("DATE_TRUNC('quarter', '20200430 04:05:06.789')", "2020-04-01 00:00:00"),
        ("DATE_TRUNC('year', '20200430 04:05:06.789')", "2020-01-01 00:00:00"),
        ("DATE_TRUNC('millennium', '20200430 04:05:06.789')", "2001-01-01 00:00:00"),
        ("date_trunc('week', '20220430 04:05:06.789')", "2022-04-25 00:00:00"),
        ("date_trunc('week', date '2008-09-07')", "2008-09-01 00:00:00"),
        ("date_trunc('decade', '2019-12-31')", "2010-01-01 00:00:00"),
        ("date_trunc('ms', '2019-12-31 00:00:00.123456')", "2019-12-31 00:00:00.123"),
        ("date_trunc('day', '1969-12-31 23:00')", "1969-12-31 00:00:00"),
    ])
    .await;
    refuses(&[("date_trunc('dow', '2019-12-31')", "cannot cut at 'dow'")]).await;
}

#[tokio::test]
async fn months_and_days() {
    prints(&[
        ("add_months('2008-03-31', 1)", "2008-04-30 00:00:00"),
        ("add_months('2008-04-30', 1)", "2008-05-31 00:00:00"),
        ("add_months('2008-04-29 12:30', -2)", "2008-02-29 12:30:00"),
        ("trunc(add_months('2008-01-03', 12))", "2009-01-03"),
        ("months_between('1969-01-18', '1969-03-18')", "-2"),
        ("round(months_between('2008-12-25 15:00:00', '2008-01-21 19:30:00'), 2)", "11.12"),
        ("round(months_between('2008-12-01 19:30:00', '2008-01-03 15:00:00'), 2)", "10.94"),
        ("round(months_between('2008-12-07 14:00:00', '2008-01-16 19:30:00'), 2)", "10.7"),
        ("months_between('2014-08-31', '2014-09-30')", "-1"),
        ("last_day('2014-01-05 10:00')", "2014-01-31"),
        ("last_day(date '2024-02-01')", "2024-02-29"),
        ("next_day('2014-08-20', 'Tuesday')", "2014-08-26"),
        ("next_day('2008-07-06', 'monday')", "2008-07-07"),
        ("next_day(date '2014-08-20', 'We')", "2014-08-27"),
        ("date_part_year(date '2022-05-02')", "2022"),
        ("trunc(timestamp '2011-07-21 10:32:38.248109')", "2011-07-21"),
        ("trunc(sysdate)", "2026-01-01"),
        ("timeofday()", "Thu Jan 01 00:00:00.000000 2026 UTC"),
    ])
    .await;
    refuses(&[
        ("next_day('2014-08-20', 'Someday')", "'Someday' in next_day()"),
        ("add_months('2014-08-20', 99999999)", "leaves the range"),
        ("last_day()", "the form is last_day(time)"),
    ])
    .await;
}

#[tokio::test]
async fn comparisons_answer_minus_one_to_one() {
    prints(&[
        ("date_cmp('2008-01-01', '2008-01-04')", "-1"),
        ("date_cmp('2008-01-04', '2008-01-04 12:00')", "0"),
        ("date_cmp('2008-01-05', '2008-01-04')", "1"),
        ("date_cmp_timestamp('2008-06-18', '2008-01-24 06:43:29')", "1"),
        ("date_cmp_timestamp('2008-06-18', '2008-11-01 07:35:33')", "-1"),
        ("timestamp_cmp('2008-01-24 06:43:29', '2008-02-18 02:36:48')", "-1"),
        ("timestamp_cmp('2008-01-24 06:43:29', '2008-01-24 06:43:29')", "0"),
        ("timestamp_cmp_date('2008-01-24 06:43:29', '2008-01-24')", "1"),
        ("interval_cmp('3 days', '1 year')", "-1"),
        ("interval_cmp('7 days', '1 week')", "0"),
        ("interval_cmp(interval '1 month', interval '29 days')", "1"),
    ])
    .await;
}

#[tokio::test]
async fn zones_are_names_abbreviations_and_offsets() {
    prints(&[
        ("convert_timezone('PST', '2008-08-24 09:36:12')", "2008-08-24 01:36:12"),
        ("convert_timezone('US/Pacific', '2008-08-24 09:36:12')", "2008-08-24 02:36:12"),
        ("convert_timezone('EST', 'PST', '20080305 12:25:29')", "2008-03-05 09:25:29"),
        ("convert_timezone('America/New_York', '2013-02-01 08:00:00')", "2013-02-01 03:00:00"),
        ("convert_timezone('america/new_york', '2013-06-01 08:00:00')", "2013-06-01 04:00:00"),
        ("CONVERT_TIMEZONE('GMT','NEWZONE +2','2014-05-17 12:00:00')", "2014-05-17 10:00:00"),
        ("CONVERT_TIMEZONE('GMT','NEWZONE-2:15','2014-05-17 12:00:00')", "2014-05-17 14:15:00"),
        ("CONVERT_TIMEZONE('GMT','America/Los_Angeles+2','2014-05-17 12:00:00')", "2014-05-17 10:00:00"),
        ("CONVERT_TIMEZONE('GMT','GMT+2','2014-05-17 12:00:00')", "2014-05-17 10:00:00"),
        ("TIMESTAMP '2001-02-16 20:38:40' AT TIME ZONE 'MST'", "2001-02-17 03:38:40+00"),
        ("timezone('MST', timezone('EST', timestamp '2001-02-16 20:38:40'))", "2001-02-16 18:38:40"),
        ("convert_timezone('EST5EDT', '2024-07-01 12:00:00')", "2024-07-01 08:00:00"),
        ("convert_timezone('PST8', '2024-07-01 12:00:00')", "2024-07-01 04:00:00"),
        // Skipped and repeated hours are standard time.
        ("convert_timezone('US/Eastern', 'UTC', '2024-03-10 02:30:00')", "2024-03-10 07:30:00"),
        ("convert_timezone('US/Eastern', 'UTC', '2024-11-03 01:30:00')", "2024-11-03 06:30:00"),
        ("convert_timezone('UTC', getdate())", "2026-01-01 00:00:00"),
        ("convert_timezone('UTC', NULL)", "NULL"),
    ])
    .await;
    refuses(&[
        ("convert_timezone('Mars/Olympus', '2024-03-10')", "'Mars/Olympus' in convert_timezone() is not a time zone"),
        ("convert_timezone('UTC')", "the form is convert_timezone("),
    ])
    .await;
}
