//! `SOUNDEX` and `DIFFERENCE`: how English names sound. Letters from A to Z count, nothing else does.

use arrow::datatypes::{DataType, Int32Type};

use crate::dialect::functions::frame::{Function, Kind};

pub(super) fn functions() -> Vec<Function> {
    use Kind::Text;
    vec![
        Function::new("soundex", "soundex(text)", &[Text], DataType::Utf8, |a| {
            let texts = a.texts(0)?;
            a.strings(|row| Ok(Some(soundex(texts.get(row)))))
        }),
        Function::new("difference", "difference(text, text)", &[Text, Text], DataType::Int32, |a| {
            let (first, second) = (a.texts(0)?, a.texts(1)?);
            a.numbers::<Int32Type>(|row| Ok(Some(alike(&soundex(first.get(row)), &soundex(second.get(row))))))
        }),
    ]
}

/// How many of the four places are equal; 1 if neither text has a letter.
fn alike(first: &str, second: &str) -> i32 {
    match (first, second) {
        ("", "") => 1,
        _ => first.bytes().zip(second.bytes()).map(|(a, b)| i32::from(a == b)).sum(),
    }
}

/// The first letter and three digits; neighbours that sound alike are one, also with H or W between them.
fn soundex(text: &str) -> String {
    let letters: Vec<u8> =
        text.bytes().filter(u8::is_ascii_alphabetic).map(|letter| letter.to_ascii_uppercase()).collect();
    let Some(first) = letters.first() else { return String::new() };
    let mut code = String::from(char::from(*first));
    let mut last = digit(*first);
    for letter in &letters[1..] {
        match digit(*letter) {
            Some(digit) if Some(digit) != last => {
                code.push(digit);
                last = Some(digit);
            }
            None if !matches!(letter, b'H' | b'W') => last = None,
            _ => {}
        }
    }
    code.truncate(4);
    format!("{code:0<4}")
}

fn digit(letter: u8) -> Option<char> {
    Some(match letter {
        b'B' | b'F' | b'P' | b'V' => '1',
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => '2',
        b'D' | b'T' => '3',
        b'L' => '4',
        b'M' | b'N' => '5',
        b'R' => '6',
        _ => return None,
    })
}
