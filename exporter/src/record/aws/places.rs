//! Which accounts and regions there are, as whom they are reached, and the files of a trail.

use std::io::Read;
use std::sync::Arc;

use aws_sdk_s3::types::Object;
use flate2::read::MultiGzDecoder;
use lookback_storage::Aws;

use super::{AwsPlane, failure, next};
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::as_role;
use crate::record::plane::{Answer, CallError, ControlPlane, Page, Refusal, TrailFile};
use crate::record::rows::arn;
use crate::settings::RecordSettings;

/// The largest file of a trail that is read, unpacked. CloudTrail closes its files long before.
const LARGEST_FILE: u64 = 512 << 20;

/// One account and region to collect from.
#[derive(Clone)]
pub struct Place {
    /// The account; `None` if nothing says which, which `problem` explains.
    pub account: Option<String>,
    /// The region.
    pub region: String,
    /// What to call it in messages, if the account is not known: the role.
    pub name: String,
    /// How it is asked.
    pub plane: Arc<dyn ControlPlane>,
    /// Why it cannot be asked.
    pub problem: Option<String>,
}

/// Finds the configured accounts and regions, each once. An account that cannot be reached is there with its problem.
///
/// # Errors
/// [`ErrorKind::Config`] if no region is known.
pub async fn identify(aws: &Aws, settings: &RecordSettings) -> Result<Vec<Place>> {
    let own = settings.own_account.then_some((None, None, &settings.regions));
    let others = settings.accounts.iter().map(|account| {
        let regions = if account.regions.is_empty() { &settings.regions } else { &account.regions };
        (Some(account.assume_role.as_str()), account.external_id.as_deref(), regions)
    });
    let mut places: Vec<Place> = Vec::new();
    for (role, external_id, regions) in own.into_iter().chain(others) {
        let regions: Vec<String> = match (regions.is_empty(), aws.region()) {
            (false, _) => regions.clone(),
            (true, Some(region)) => vec![region.to_owned()],
            (true, None) => {
                return Err(Error::new(ErrorKind::Config, "record: no AWS region is known")
                    .advise("set record.regions, aws.region, or the environment variable AWS_REGION"));
            }
        };
        let Some(first) = regions.first() else { continue };
        let connection = as_role(aws, first, role, external_id).await;
        let (account, problem) = match account_of(&connection).await {
            Ok(account) => (Some(account), None),
            Err(e) => (None, Some(e.to_string())),
        };
        for region in regions {
            // Named twice is asked once: LookupEvents has one rate per account and region.
            if account.is_some() && places.iter().any(|p| p.account == account && p.region == region) {
                continue;
            }
            places.push(Place {
                // The role's own account, if nobody could say: what is missing is missing there.
                account: account.clone().or_else(|| role.and_then(arn::account).map(str::to_owned)),
                name: role.unwrap_or("the exporter's own account").to_owned(),
                plane: Arc::new(AwsPlane::new(&connection, &region)),
                problem: problem.clone(),
                region,
            });
        }
    }
    Ok(places)
}

/// The account that a connection is in.
async fn account_of(aws: &Aws) -> Answer<String> {
    let name = "sts:GetCallerIdentity";
    let config = aws_sdk_sts::config::Builder::from(aws.config()).interceptor(aws.counter()).build();
    let call = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send();
    let answer = match aws.run(Box::pin(call)).await {
        Ok(answer) => answer.map_err(|e| failure::explain(name, &e))?,
        Err(abandoned) => return Err(CallError::new(Refusal::Other, name, "abandoned", abandoned.to_string())),
    };
    answer.account.ok_or_else(|| CallError::new(Refusal::Other, name, "an answer without an account", ""))
}

impl AwsPlane {
    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(self.aws.config());
        aws_sdk_s3::Client::from_conf(config.interceptor(self.aws.counter()).build())
    }

    pub(super) async fn ask_trail_files(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<String>,
    ) -> Answer<Page<TrailFile>> {
        let call = self.s3().list_objects_v2().bucket(bucket).prefix(prefix).set_start_after(after).send();
        let answer = self.ask("s3:ListBucket", call).await?;
        let truncated = answer.is_truncated.unwrap_or(false);
        let file = |object: Object| {
            Some(TrailFile { key: object.key?, size: u64::try_from(object.size.unwrap_or(0)).unwrap_or(0) })
        };
        let items: Vec<TrailFile> = answer.contents.unwrap_or_default().into_iter().filter_map(file).collect();
        let last = items.last().map(|file| file.key.clone());
        Ok(Page { next: next(last.filter(|_| truncated)), items })
    }

    pub(super) async fn ask_trail_file(&self, bucket: &str, file: &TrailFile) -> Answer<Vec<u8>> {
        let name = "s3:GetObject";
        let answer = self.ask(name, self.s3().get_object().bucket(bucket).key(&file.key).send()).await?;
        let broken = |e: &dyn std::fmt::Display| CallError::new(Refusal::Unreached, name, "broken off", e.to_string());
        let bytes = match self.aws.run(Box::pin(answer.body.collect())).await {
            Ok(bytes) => bytes.map_err(|e| broken(&e))?.to_vec(),
            Err(abandoned) => return Err(CallError::new(Refusal::Other, name, "abandoned", abandoned.to_string())),
        };
        let unreadable = |e: &dyn std::fmt::Display| {
            CallError::new(Refusal::Unreadable, name, "not a file of a trail", format!("{}: {e}", file.key))
        };
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            return Ok(bytes);
        }
        let mut text = Vec::new();
        let mut packed = MultiGzDecoder::new(bytes.as_slice()).take(LARGEST_FILE);
        packed.read_to_end(&mut text).map_err(|e| unreadable(&e))?;
        if text.len() as u64 >= LARGEST_FILE {
            return Err(unreadable(&"too large"));
        }
        Ok(text)
    }
}
