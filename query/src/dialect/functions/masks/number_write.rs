//! A number in the form of a mask.
//!
//! The digits are known first; then the mask is walked through once, place by place. `filled` places before the digits show
//! blanks or zeros, and the sign is written as late as possible before the first digit. A number that has more digits than
//! the mask is shown as `#`.

use datafusion::common::Result;

use super::number_mask::{Node, NumberMask, SignAt};
use super::time_write::ending;
use crate::dialect::functions::frame::wrong;

/// What `L` shows. Source: the examples of "TO_CHAR".
const CURRENCY: char = '$';
/// Width of a Roman numeral.
const ROMAN_WIDTH: usize = 15;

/// A number, rounded for a mask.
pub(super) struct Digits {
    negative: bool,
    /// With a decimal point, if there are decimal places.
    text: String,
    /// Decimal places.
    behind: usize,
}

/// The digits of `value / 10^scale`; a half is rounded away from zero.
pub(super) fn decimal_digits(value: i128, scale: i8, mask: &NumberMask) -> Result<Digits> {
    let behind = if mask.roman { 0 } else { mask.behind };
    let shifted = if mask.roman { 0 } else { mask.shifted };
    let dropped = i64::from(scale) - i64::try_from(behind + shifted).unwrap_or(i64::MAX);
    let unit = |n: i64| u32::try_from(n).ok().and_then(|n| 10_i128.checked_pow(n));
    let rounded = if dropped > 0 {
        unit(dropped).map_or(Some(0), |unit| {
            let (quotient, rest) = (value / unit, (value % unit).abs());
            Some(if rest >= unit - rest { quotient + value.signum() } else { quotient })
        })
    } else {
        unit(-dropped).and_then(|unit| value.checked_mul(unit))
    };
    let Some(rounded) = rounded else { return wrong("to_char(): the number has too many digits for the mask") };
    let digits = format!("{:0width$}", rounded.unsigned_abs(), width = behind + 1);
    let (whole, fraction) = digits.split_at(digits.len() - behind);
    let text = if behind > 0 { format!("{whole}.{fraction}") } else { whole.to_owned() };
    Ok(Digits { negative: rounded < 0, text, behind })
}

/// The digits of a floating-point number, of which so many are known.
pub(super) fn float_digits(value: f64, known: usize, mask: &NumberMask) -> Result<Digits> {
    let shifted = if mask.roman { 0 } else { i32::try_from(mask.shifted).unwrap_or(0) };
    let value = value * 10_f64.powi(shifted);
    if !value.is_finite() {
        return wrong(format!("to_char(): {value} has no digits"));
    }
    let whole = format!("{:.0}", value.abs()).len();
    let wanted = if mask.roman { 0 } else { mask.behind };
    let behind = wanted.min(known.saturating_sub(whole));
    let text = format!("{value:.behind$}");
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.to_owned()),
        None => (false, text),
    };
    Ok(Digits { negative, text, behind })
}

pub(super) fn write(digits: Digits, mask: &NumberMask) -> Result<String> {
    let mut writer = Writer::new(digits, mask);
    for node in &mask.nodes {
        writer.node(*node);
    }
    Ok(writer.text)
}

struct Writer<'a> {
    mask: &'a NumberMask,
    text: String,
    negative: bool,
    number: Vec<u8>,
    /// The digit that is written next.
    next: usize,
    /// The last digit of a bare number that is not a zero behind the point.
    last: Option<usize>,
    /// Places before the first digit.
    filled: usize,
    behind: usize,
    /// Places of the number, and the one that is written now.
    places: usize,
    place: usize,
    sign_written: bool,
    digit_written: bool,
    brackets: bool,
}

impl<'a> Writer<'a> {
    fn new(digits: Digits, mask: &'a NumberMask) -> Self {
        let before = mask.before + mask.shifted;
        let whole = digits.text.split('.').next().map_or(0, str::len);
        let mut number = digits.text.into_bytes();
        if mask.roman {
            let text = String::from_utf8_lossy(&number).into_owned();
            number = roman(&text, digits.negative).into_bytes();
        } else if whole > before {
            number = vec![b'#'; before];
            number.push(b'.');
            number.extend(vec![b'#'; digits.behind]);
        }
        let filled = if mask.roman { 0 } else { before.saturating_sub(whole) };
        let brackets = mask.brackets && (digits.negative || !mask.bare);
        let own_sign = mask.minus || mask.plus;
        let needs_sign = if own_sign {
            mask.plus && !mask.minus
        } else {
            digits.negative || !mask.bare || mask.sign != SignAt::Nowhere
        };
        let last = if mask.bare && mask.point { last_relevant(&number, mask.zero_to, filled) } else { None };
        Self {
            mask,
            text: String::new(),
            negative: digits.negative,
            number,
            next: 0,
            last,
            filled,
            behind: digits.behind,
            places: (digits.behind + before + usize::from(needs_sign && filled == 0)).saturating_sub(1),
            place: 0,
            sign_written: !needs_sign,
            digit_written: false,
            brackets,
        }
    }

    fn sign(&self) -> char {
        if self.negative { '-' } else { '+' }
    }

    fn node(&mut self, node: Node) {
        let blank = |text: &mut String, bare: bool| {
            if !bare {
                text.push(' ');
            }
        };
        match node {
            Node::Nine | Node::Zero | Node::Point if !self.mask.roman => self.place(node),
            Node::Group if self.digit_written => self.text.push(','),
            Node::Group => blank(&mut self.text, self.mask.bare),
            Node::Currency => self.text.push(CURRENCY),
            Node::Minus if self.negative => self.text.push('-'),
            Node::Plus if !self.negative => self.text.push('+'),
            Node::Minus | Node::Plus => blank(&mut self.text, self.mask.bare),
            Node::Both => self.text.push(self.sign()),
            Node::Roman(upper) => {
                let numeral = String::from_utf8_lossy(&self.number);
                let numeral = if upper { numeral.into_owned() } else { numeral.to_lowercase() };
                let width = if self.mask.bare { 0 } else { ROMAN_WIDTH };
                self.text.push_str(&format!("{numeral:>width$}"));
            }
            Node::Ordinal(upper) => {
                if self.mask.roman || self.negative || self.mask.point || self.number.first() == Some(&b'#') {
                    return;
                }
                let ending = ending(&String::from_utf8_lossy(&self.number));
                self.text.push_str(&if upper { ending.to_uppercase() } else { ending.to_owned() });
            }
            Node::Text(letter) => self.text.push(letter),
            _ => {}
        }
    }

    /// Whether the number begins with a zero that is not shown: `.5` for 0.5.
    fn hides_zero(&self) -> bool {
        self.mask.zero_from.is_none() && self.next == 0 && self.number.first() == Some(&b'0') && self.behind != 0
    }

    fn ends_with_point(&self) -> bool {
        self.last.is_some_and(|last| self.number.get(last) == Some(&b'.'))
    }

    fn place(&mut self, node: Node) {
        self.write_sign();
        let zero_from = self.mask.zero_from;
        let is_filled = self.place < self.filled;
        if is_filled && zero_from.is_none_or(|from| from > self.place) {
            if !self.mask.bare {
                self.text.push(' ');
            }
        } else if is_filled {
            self.text.push('0');
            self.digit_written = true;
        } else {
            self.write_digit(node);
        }
        let mut end = self.places + usize::from(self.filled > 0) + usize::from(self.mask.point);
        if self.last == Some(self.next) {
            end = self.place;
        }
        if self.place + 1 == end {
            if self.sign_written && self.brackets {
                self.text.push(if self.negative { '>' } else { ' ' });
            } else if self.mask.sign == SignAt::Back {
                self.text.push(self.sign());
            }
        }
        self.place += 1;
    }

    fn write_sign(&mut self) {
        let reached = self.place >= self.filled || self.mask.zero_from == Some(self.place);
        if self.sign_written || !reached || (self.hides_zero() && !self.ends_with_point()) {
            return;
        }
        match self.mask.sign {
            SignAt::Back => return,
            SignAt::Front => self.text.push(self.sign()),
            SignAt::Nowhere if self.brackets => self.text.push(if self.negative { '<' } else { ' ' }),
            SignAt::Nowhere if self.negative => self.text.push('-'),
            SignAt::Nowhere if !self.mask.bare => self.text.push(' '),
            SignAt::Nowhere => {}
        }
        self.sign_written = true;
    }

    fn write_digit(&mut self, node: Node) {
        let digit = self.number.get(self.next).copied();
        match digit {
            Some(b'.') => self.text.push('.'),
            _ if self.last.is_some_and(|last| self.next > last) && node != Node::Zero => {}
            _ if self.hides_zero() => {
                if !self.mask.bare {
                    self.text.push(' ');
                } else if self.ends_with_point() {
                    self.text.push('0');
                }
            }
            Some(digit) => {
                self.text.push(char::from(digit));
                self.digit_written = true;
            }
            None => {}
        }
        if digit.is_some() {
            self.next += 1;
        }
    }
}

/// The last digit behind the point that is not a dropped zero; `zero_to` says which zeros are kept.
fn last_relevant(number: &[u8], zero_to: usize, filled: usize) -> Option<usize> {
    let point = number.iter().position(|byte| *byte == b'.')?;
    let last = number.iter().rposition(|byte| *byte != b'0').map_or(point, |last| last.max(point));
    let kept = if zero_to > filled { (number.len() - 1).min(zero_to - filled) } else { 0 };
    Some(last.max(kept))
}

/// 1 to 3999; another number has no Roman numeral.
fn roman(digits: &str, negative: bool) -> String {
    const VALUES: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let number = digits.parse::<u32>().ok().filter(|number| (1..4000).contains(number) && !negative);
    let Some(mut number) = number else { return "#".repeat(ROMAN_WIDTH) };
    let mut numeral = String::new();
    for (value, letters) in VALUES {
        while number >= value {
            numeral.push_str(letters);
            number -= value;
        }
    }
    numeral
}
