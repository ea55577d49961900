//! The examples of the documentation and what they leave open, for regular expressions.

use super::{prints, refuses};

#[tokio::test]
async fn a_part_of_a_text() {
    prints(&[
        ("regexp_substr('Etiam.laoreet.libero@sodalesMaurisblandit.edu', '@[^.]*')", "@sodalesMaurisblandit"),
        ("regexp_substr('the fox', 'FOX', 1, 1, 'i')", "fox"),
        ("regexp_substr('THE SECRET CODE IS THE LOWERCASE PART OF 1931abc0EZ.', '[a-z]+', 1, 1, 'c')", "abc"),
        (r"regexp_substr('This is a cat, this is a dog. This is a mouse.', 'this is a (\\w+)', 1, 2, 'ie')", "dog"),
        (r"regexp_substr('This is a cat', 'this is a (\\w+)', 1, 1, 'ie')", "cat"),
        ("regexp_substr('abc', '[0-9]+')", ""),
        ("regexp_substr('abc', 'b', 4)", ""),
        ("regexp_substr('abc', 'b', -4)", "b"),
        ("regexp_substr('abc', 'b', 1, 0)", "NULL"),
        ("regexp_substr('abc', 'b', 1, 4)", "NULL"),
        ("regexp_substr('abc', 'b', 1, 2)", ""),
        ("regexp_substr('éab', '[[:alpha:]]+', 2)", "ab"),
        ("regexp_substr('a\nb', 'a.b')", "a\nb"),
        ("regexp_substr('x[y&&z]', '[[&]+')", "["),
        ("regexp_substr('padb_fetch', '(padb|pad|padb_)')", "padb_"),
        ("regexp_substr('abc', 'a|abc|ab')", "abc"),
        ("regexp_substr('abc', 'a|abc|ab', 1, 1, 'p')", "a"),
        (r"regexp_substr('a|b', 'a\\|b|c')", "a|b"),
        (r"regexp_substr('\\d', '\\\\d')", r"\d"),
        ("regexp_substr(NULL, 'b')", "NULL"),
    ])
    .await;
}

#[tokio::test]
async fn positions_and_counts() {
    prints(&[
        ("regexp_instr('Etiam.laoreet.libero@sodalesMaurisblandit.edu', '@[^.]*')", "21"),
        ("regexp_instr('The Home Depot Center', '[cC]ent(er|re)$')", "16"),
        ("regexp_instr('the fox', 'FOX', 1, 1, 0, 'i')", "5"),
        ("regexp_instr('the fox', 'fox', 1, 1, 1)", "8"),
        ("regexp_instr('a1b2', '[0-9]', 1, 2)", "4"),
        ("regexp_instr('a1b2', '[a-z]([0-9])', 2, 1, 0, 'e')", "4"),
        ("regexp_instr('abc', 'x')", "0"),
        ("regexp_instr('abc', 'b', 9)", "0"),
        ("regexp_count('abcdefghijklmnopqrstuvwxyz', '[a-z]{3}')", "8"),
        (r"regexp_count('Etiam.laoreet.libero@sodalesMaurisblandit.edu', '@[^.]*\\.(org|edu)')", "1"),
        (r"regexp_count('sed@lacusUtnec.ca', '@[^.]*\\.(org|edu)')", "0"),
        ("regexp_count('the fox', 'FOX', 1, 'i')", "1"),
        ("regexp_count('a1a1', 'a1', 2)", "1"),
    ])
    .await;
}

#[tokio::test]
async fn every_occurrence_is_replaced() {
    prints(&[
        (r"regexp_replace('Etiam@sodales.edu', '@.*\\.(org|gov|com|edu|ca)$')", "Etiam"),
        (
            r"regexp_replace('sed@lacusUtnec.ca', '@.*\\.[[:alpha:]]{2,3}', '@internal.company.com')",
            "sed@internal.company.com",
        ),
        ("regexp_replace('the fox', 'FOX', 'quick brown fox', 1, 'i')", "the quick brown fox"),
        ("regexp_replace('a1b22', '[0-9]', '#')", "a#b##"),
        ("regexp_replace('a1b22', '[0-9]', '#', 3)", "a1b##"),
        ("regexp_replace('a1b22', '[0-9]', '#', 30)", "a1b22"),
        ("regexp_replace('john smith', '([a-z]+) ([a-z]+)', '$2, $1')", "smith, john"),
        ("regexp_replace('abc', 'b', NULL)", "NULL"),
        ("regexp_replace('a1b22', '[0-9]', '#', 'g')", "a#b##"),
        (r"regexp_replace('{a}', '\\{|\\}', '')", "a"),
        ("regexp_replace('select  1\n from t', '[[:space:]]+', ' ')", "select 1 from t"),
    ])
    .await;
}

#[tokio::test]
async fn what_the_engine_cannot_do_is_said() {
    refuses(&[
        ("regexp_count('passwd7 plain', '(?=[^ ]*[a-z])[^ ]+', 1, 'p')", "it looks ahead or behind"),
        (r"regexp_substr('aa', '(a)\\1')", "it refers back to a group"),
        (r"regexp_substr('aa', '\\Qa')", "not an operator of Redshift"),
        ("regexp_substr('aa', '(a')", "the pattern '(a' of regexp_substr() cannot be used"),
        ("regexp_substr('aa', '[a')", "[ without ]"),
        ("regexp_substr('aa', 'a', 1, 1, 'x')", "'x' is not a parameter of regexp_substr()"),
        ("regexp_count('aa', 'a', 1, 'e')", "'e' is not a parameter of regexp_count()"),
        (r"regexp_replace('aa', 'a', '\\1')", "only $1 to $9"),
        ("regexp_replace('aa', 'a', '$&')", "only $1 to $9"),
        ("regexp_substr('aa', '((a{1,1000}){1,1000}){1,1000}')", "cannot be used"),
        ("regexp_replace('aa', 'a', 'b', 'i')", "a number is expected"),
        ("regexp_substr('aa')", "the form is regexp_substr("),
    ])
    .await;
}
