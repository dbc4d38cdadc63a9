//! What the command line asks for.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use crate::contender::{self, Contender};
use crate::load::Generator;

/// How much is measured, against whom, and where it is written.
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) length: Duration,
    pub(crate) contenders: Vec<&'static Contender>,
    pub(crate) generator: Generator,
    /// The folder of the pages.
    pub(crate) pages: PathBuf,
}

impl Plan {
    /// Options in pairs of name and value.
    ///
    /// `None` when there is an option that nobody knows.
    pub(crate) fn read(mut options: &[&str]) -> Result<Option<Self>, Box<dyn Error>> {
        let mut plan = Self {
            rounds: 5,
            length: Duration::from_secs(2),
            contenders: contender::ALL.iter().filter(|contender| (contender.is_there)()).collect(),
            generator: Generator::Ours,
            pages: concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks").into(),
        };
        while let [option, rest @ ..] = options {
            let [value, rest @ ..] = rest else { return Ok(None) };
            match (*option, *value) {
                ("--rounds", value) => plan.rounds = value.parse::<usize>()?.max(1),
                ("--seconds", value) => plan.length = Duration::try_from_secs_f64(value.parse()?)?,
                ("--only", value) => {
                    plan.contenders = value.split(',').map(contender::find).collect::<Result<_, _>>()?;
                }
                ("--load", "ours") => plan.generator = Generator::Ours,
                ("--load", "h2load") => plan.generator = Generator::H2load,
                ("--pages", value) => plan.pages = value.into(),
                _ => return Ok(None),
            }
            options = rest;
        }
        Ok(Some(plan))
    }

    /// Those of the contenders that serve streams and large messages, and have clients for them.
    pub(crate) fn with_clients(&self) -> impl Iterator<Item = &'static Contender> + Clone {
        self.contenders.iter().copied().filter(|contender| contender.drive.is_some())
    }
}
