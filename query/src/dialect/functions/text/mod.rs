//! Functions of texts. Positions and lengths count characters, not bytes, unless a name says `OCTET`.
//!
//! Source: Amazon Redshift Database Developer Guide, "String functions", one page per function.

mod codes;
mod digest;
mod length;
mod letters;
mod pad;
mod quote;
mod search;
mod slice;
mod soundex;

use super::frame::Function;

pub(super) fn functions() -> Vec<Function> {
    let families = [
        length::functions(),
        search::functions(),
        slice::functions(),
        pad::functions(),
        letters::functions(),
        quote::functions(),
        codes::functions(),
        digest::functions(),
        soundex::functions(),
    ];
    families.into_iter().flatten().collect()
}
