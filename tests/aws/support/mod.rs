//! What the tests of AWS share: an AWS on loopback, and a proxy in front of it that loses what a network loses.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod binary;
pub(crate) mod identities;
pub(crate) mod judge;
pub(crate) mod moto;
pub(crate) mod proxy;
pub(crate) mod search;
pub(crate) mod site;

pub(crate) use moto::Moto;
