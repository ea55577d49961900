//! Masks of numbers.

use datafusion::common::Result;

use crate::dialect::functions::frame::wrong;

/// Longest mask, in bytes.
const LONGEST_MASK: usize = 256;

/// A part of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Nine,
    Zero,
    /// `.` or `D`.
    Point,
    /// `,` or `G`.
    Group,
    /// `L`.
    Currency,
    /// `S`.
    Sign,
    /// `MI`.
    Minus,
    /// `PL`.
    Plus,
    /// `SG`.
    Both,
    /// `PR`.
    Brackets,
    /// `RN`, or `rn` if false.
    Roman(bool),
    /// `TH`, or `th` if false.
    Ordinal(bool),
    /// `V`.
    Shift,
    Text(char),
}

/// Where `S` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignAt {
    Nowhere,
    Front,
    Back,
}

/// A parsed mask.
#[derive(Debug)]
pub(super) struct NumberMask {
    pub(super) nodes: Vec<Node>,
    /// Digits before and behind the point.
    pub(super) before: usize,
    pub(super) behind: usize,
    /// Digits behind `V`.
    pub(super) shifted: usize,
    /// `FM`.
    pub(super) bare: bool,
    pub(super) point: bool,
    pub(super) roman: bool,
    pub(super) brackets: bool,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sign: SignAt,
    /// The first place that shows zeros, and the one behind the last; counted over all places.
    pub(super) zero_from: Option<usize>,
    pub(super) zero_to: usize,
}

const NAMES: [(&str, Node); 17] = [
    ("MI", Node::Minus),
    ("PL", Node::Plus),
    ("PR", Node::Brackets),
    ("RN", Node::Roman(true)),
    ("SG", Node::Both),
    ("SP", Node::Text('\0')),
    ("TH", Node::Ordinal(true)),
    (",", Node::Group),
    (".", Node::Point),
    ("0", Node::Zero),
    ("9", Node::Nine),
    ("B", Node::Text('\0')),
    ("D", Node::Point),
    ("G", Node::Group),
    ("L", Node::Currency),
    ("S", Node::Sign),
    ("V", Node::Shift),
];

impl NumberMask {
    /// # Errors
    /// If the mask is too long, or its parts exclude each other.
    pub(super) fn parse(mask: &str) -> Result<Self> {
        if mask.len() > LONGEST_MASK {
            return wrong(format!("a mask of a number has at most {LONGEST_MASK} bytes"));
        }
        let mut parsed = Self {
            nodes: Vec::new(),
            before: 0,
            behind: 0,
            shifted: 0,
            bare: false,
            point: false,
            roman: false,
            brackets: false,
            minus: false,
            plus: false,
            sign: SignAt::Nowhere,
            zero_from: None,
            zero_to: 0,
        };
        let (mut rest, mut shift, mut front) = (mask, false, 0);
        while let Some(first) = rest.chars().next() {
            let starts = |name: &str| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            if starts("FM") {
                parsed.bare = true;
                rest = &rest[2..];
                continue;
            }
            if starts("EEEE") || starts("CC") {
                return wrong(format!("'{}' in the mask '{mask}' of a number is not supported", &rest[..2]));
            }
            if first == '"' {
                let (text, behind) = rest[1..].split_once('"').unwrap_or((&rest[1..], ""));
                parsed.nodes.extend(text.chars().map(Node::Text));
                rest = behind;
                continue;
            }
            let Some((name, node)) = NAMES.iter().find(|(name, _)| starts(name)) else {
                parsed.nodes.push(Node::Text(first));
                rest = &rest[first.len_utf8()..];
                continue;
            };
            let is_upper = first.is_ascii_uppercase();
            rest = &rest[name.len()..];
            let node = match node {
                Node::Text(_) => return wrong(format!("'{name}' in the mask '{mask}' of a number is not supported")),
                Node::Roman(_) => Node::Roman(is_upper),
                Node::Ordinal(_) => Node::Ordinal(is_upper),
                node => *node,
            };
            if let Err(why) = parsed.add(node, &mut shift, &mut front) {
                return wrong(format!("the mask '{mask}' of a number: {why}"));
            }
        }
        if parsed.sign == SignAt::Front && parsed.before == front {
            // An S behind all digits of the whole part.
            parsed.sign = SignAt::Back;
        }
        Ok(parsed)
    }

    fn add(&mut self, node: Node, shift: &mut bool, front: &mut usize) -> std::result::Result<(), &'static str> {
        match node {
            Node::Nine | Node::Zero if self.brackets => return Err("digits cannot follow PR"),
            Node::Nine | Node::Zero => {
                if node == Node::Zero && self.zero_from.is_none() && !self.point {
                    self.zero_from = Some(self.before);
                }
                match (*shift, self.point) {
                    (true, _) => self.shifted += 1,
                    (_, true) => self.behind += 1,
                    _ => self.before += 1,
                }
                if node == Node::Zero {
                    self.zero_to = self.before + self.behind;
                }
            }
            Node::Point if self.point => return Err("there is more than one decimal point"),
            Node::Point if *shift => return Err("V and a decimal point exclude each other"),
            Node::Point => self.point = true,
            Node::Shift if self.point => return Err("V and a decimal point exclude each other"),
            Node::Shift => *shift = true,
            Node::Sign if self.sign != SignAt::Nowhere => return Err("there is more than one S"),
            Node::Sign if self.plus || self.minus || self.brackets => return Err("S excludes PL, MI, SG and PR"),
            Node::Sign if self.point => self.sign = SignAt::Back,
            Node::Sign => {
                self.sign = SignAt::Front;
                *front = self.before;
            }
            Node::Minus | Node::Plus | Node::Both if self.sign != SignAt::Nowhere => {
                return Err("S excludes PL, MI, SG and PR");
            }
            Node::Minus => self.minus = true,
            Node::Plus => self.plus = true,
            Node::Both => (self.minus, self.plus) = (true, true),
            Node::Brackets if self.sign != SignAt::Nowhere || self.plus || self.minus => {
                return Err("PR excludes S, PL, MI and SG");
            }
            Node::Brackets => self.brackets = true,
            Node::Roman(_) => self.roman = true,
            _ => {}
        }
        self.nodes.push(node);
        Ok(())
    }
}
